"""A loss together with its gradient by its first array, from the slope, for arrays without autodiff."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from xlosses import _engine
from xlosses._backends import namespace_of
from xlosses._evaluate import Request, current_request


def value_and_grad(
    loss: Callable[..., Any], argnums: int | tuple[int, ...] = 0
) -> Callable[..., tuple[Any, Any]]:
    """The loss together with its gradient by an array, or by several, on any framework.

    The gradient comes from the loss's slope, so it needs no autodiff: NumPy arrays have one too.
    What a function does around a loss has no slope, so that it is refused: there the framework
    differentiates by itself, as in `jax.value_and_grad`. All else that the loss is given counts as a
    constant, targets that a function makes of the array itself included.

    Parameters
    ----------
    loss : callable
        A loss of this library, or your own function that hands the arrays on to a loss as they are, and
        returns what that gave.
    argnums : int or tuple of int
        Which positional arguments are the arrays to differentiate by, out of those that the loss says
        it has a slope by. For a loss of `xlosses.keras`, which takes `y_true` before `y_pred`, it is 1.

    Returns
    -------
    callable
        Takes the arguments of the loss, where "mean" stands for a `reduction` that would be "none" by
        default, and returns the reduced loss and its gradient in the shape of the array; for a tuple
        of `argnums` a tuple of gradients.

    Raises
    ------
    ValueError
        When `reduction` is "none".
    TypeError
        When the formula has no slope by one of the arrays; when the loss was given another array than
        came in, or the function returned something else than the loss: the slope alone would then be
        a wrong gradient.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y = np.asarray([0.5, 4.0]), np.asarray([0.0, 0.0])
    >>> value, gradient = xlosses.value_and_grad(xlosses.huber_loss)(x, y, reduction="sum")
    >>> float(value), gradient.tolist()
    (3.625, [0.5, 1.0])
    """
    return differentiated(loss, argnums, Request, _engine.compiled_value_and_grad)


def differentiated(
    loss: Callable[..., Any],
    argnums: int | tuple[int, ...],
    request_of: Callable[[tuple[Any, ...]], Request],
    compiled: Callable[..., tuple[Any, Any]],
) -> Callable[..., tuple[Any, Any]]:
    """The loss together with the derivatives that a request for these arrays is answered by."""
    signature = inspect.signature(loss)
    parameters = signature.parameters
    names = list(parameters)
    # What a partial or a function's own default says holds, but for "none", which has no gradient.
    own = parameters["reduction"].default if "reduction" in names else "none"
    is_bound = own not in ("none", inspect.Parameter.empty) or "reduction" in getattr(loss, "keywords", ())
    takes_reduction = "reduction" in names or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    takes_reduction = takes_reduction and not is_bound
    place_of_reduction = names.index("reduction") if "reduction" in names else len(names)
    if "reduction" in names and parameters["reduction"].kind is inspect.Parameter.KEYWORD_ONLY:
        place_of_reduction = len(names)
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    @wraps(loss)
    def with_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        if takes_reduction and "reduction" not in kwargs and len(args) <= place_of_reduction:
            kwargs["reduction"] = "mean"
        keys = [i if i < len(args) else names[i] if i < len(names) else i for i in numbers]
        given: dict[Any, Any] = dict(enumerate(args))
        given.update(kwargs)
        arrays = [given.get(key) for key in keys]
        xp = namespace_of(arrays[0]) if arrays else None
        if xp is not None and xp.tracing():
            return compiled(loss, argnums, args, kwargs)
        for key, array in zip(keys, arrays, strict=True):
            if sum(x is array for x in given.values()) > 1 and namespace_of(array) is not None:
                given[key] = _copied(array)  # so that it can be told from the argument that it is, too
        request = request_of(tuple(given.get(key) for key in keys))
        args = tuple(given.pop(i) for i in range(len(args)))
        value = answered(request, numbers, loss, args, given)
        assert request.gradients
        return value, request.gradients[0] if isinstance(argnums, int) else request.gradients

    return with_gradient


def answered(
    request: Request, numbers: tuple[int, ...], loss: Callable[..., Any], args: Any, kwargs: Any
) -> Any:
    """What the loss returns; the request, for arguments of these numbers, is answered or refused."""
    token = current_request.set(request)
    try:
        value = loss(*args, **kwargs)
    finally:
        current_request.reset(token)
    if request.gradients is None or request.calls != 1 or request.elsewhere or value is not request.value:
        raise TypeError(_refusal(request, numbers))
    return value


def _copied(array: Any) -> Any:
    xp = namespace_of(array)
    assert xp
    return xp.where(xp.full(array.shape, True, dtype=xp.dtype_named("bool", array)), array, array)


def _refusal(request: Request, numbers: tuple[int, ...]) -> str:
    if request.gradients is None:
        missing = " and ".join(str(numbers[k]) for k in request.missing or range(len(numbers)))
        what = f"the loss was not given argument {missing} as one of its arrays"
    elif request.calls != 1:
        what = f"it evaluates {request.calls} losses"
    elif request.elsewhere:
        what = "it gives the loss the array as something else, too"
    else:
        what = "it does not return what the loss gave"
    return (
        f"{request.asks} of a loss alone, and not of what a function does around it: {what}; "
        "differentiate by the framework, or give a formula of your own a slope"
    )
