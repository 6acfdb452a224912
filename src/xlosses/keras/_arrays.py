"""What Keras does to the arguments of a loss before its formula."""

from __future__ import annotations

import sys
from typing import Any

from xlosses._backends import FLOATING, Namespace, load, namespace_of
from xlosses._core.checks import is_number
from xlosses._core.plan import one_framework
from xlosses._core.shapes import check_broadcasts


def arrays(**values: Any) -> tuple[Any, ...]:
    """The namespace of the arrays among the values, and the values, with lists converted to arrays."""
    given = [v for v in values.values() if namespace_of(v) is not None and not is_number(v)]
    like = given[0] if given else None
    xp = one_framework({"y": like})[0] if given else load("numpy")
    dtype_names = [name for name in (xp.dtype_name(v.dtype) for v in given) if name in FLOATING]
    dtype = xp.dtype_named(dtype_names[0] if dtype_names else "float32", like)
    for name, value in values.items():
        if isinstance(value, (list, tuple)) or (is_number(value) and name != "sample_weight"):
            values[name] = xp.array(value, like, dtype)
    xp = one_framework({name: value for name, value in values.items() if value is not None})[0]
    return xp, *values.values()


def mask_of(y_pred: Any) -> Any:
    """The mask that Keras's layers have left on their output, or None."""
    backend = sys.modules.get("keras.src.backend")
    of_keras = getattr(backend, "get_keras_mask", None)  # JAX's arrays take no attribute: it keeps a table
    return getattr(y_pred, "_keras_mask", None) if of_keras is None else of_keras(y_pred)


def same_rank(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Squeeze or expand a trailing axis of length one, as Keras does."""
    n, m = len(y_true.shape), len(y_pred.shape)
    if n == m + 1 and y_true.shape[-1] == 1:
        return (y_true, y_pred[..., None]) if m == 1 else (y_true[..., 0], y_pred)
    if m == n + 1 and y_pred.shape[-1] == 1:
        return (y_true[..., None], y_pred) if n == 1 else (y_true, y_pred[..., 0])
    return y_true, y_pred


def per_sample(xp: Namespace, name: str, x: Any, shape: tuple[int, ...]) -> Any:
    """Weights or a mask laid along the first axis of a loss of this shape, or element by element."""
    if x is None or is_number(x):
        return x
    n, m = len(x.shape), len(shape)
    if n == m + 1 and x.shape[-1] == 1:
        x = x[..., 0]
    elif n == 1 and m > 1:
        x = xp.reshape(x, (-1, *(1,) * (m - 1)))
    check_broadcasts(name, x, shape)
    return x


def real(xp: Namespace, y: Any, like: Any) -> Any:
    """Integers as real numbers, in the dtype of `like` if that is one."""
    if xp.dtype_name(y.dtype) in FLOATING:
        return y
    floating = xp.dtype_name(like.dtype) in FLOATING
    return xp.astype(y, like.dtype if floating else xp.dtype_named(xp.default_float(), y))


def labels(xp: Namespace, y_true: Any, y_pred: Any, axis: int) -> Any:
    """Integer labels, one for each row along the axis: Keras hands integers over as real numbers."""
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[axis] == 1:
        y_true = xp.sum(y_true, axis=axis)
    floating = xp.dtype_name(y_true.dtype) in FLOATING
    return xp.astype(y_true, xp.widest_integer()) if floating else y_true
