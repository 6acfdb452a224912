"""The sums that a reduction is made of, for batches that are computed in parts."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from xlosses._core.checks import SUMS
from xlosses._core.triple import Triple


def sums(loss: Callable[..., Any]) -> Callable[..., Triple]:
    """The sums that the reductions of a loss are made of: of micro-batches, processes or devices.

    A mean of means is wrong as soon as the parts of a batch keep different numbers of terms. Their sums
    add up.

    Parameters
    ----------
    loss : callable
        A loss of this library, or your own function that hands its `reduction` on to a loss and returns
        what that gave.

    Returns
    -------
    callable
        Takes the arguments of the loss but `reduction`, and returns a tuple of three 0-d arrays:
        `total`, the sum of weight times term; `count`, how many terms were kept; `weight`, the sum of
        their weights. They are in the dtype of the computation (at least float32) and not rounded to
        that of the loss. Two such tuples add up by ``+``; ``.mean()`` and ``.weighted_mean()`` divide.

    Raises
    ------
    TypeError
        When the function takes no `reduction`, or is given one.

    Notes
    -----
    The gradient of `total` is that of the loss with `reduction="sum"`; `value_and_grad` takes
    ``sums(loss)`` as it takes a loss.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> logits = np.asarray([[2.0, 0.0], [0.0, 1.0], [3.0, 1.0]])
    >>> labels = np.asarray([0, 1, -1])
    >>> of_part = xlosses.sums(xlosses.cross_entropy)
    >>> parts = [of_part(logits[k : k + 2], labels[k : k + 2], ignore_index=-1) for k in (0, 2)]
    >>> [float(part.count) for part in parts]
    [2.0, 0.0]
    >>> print(f"{sum(parts).mean():.4f}")
    0.2201
    >>> print(f"{xlosses.cross_entropy(logits, labels, ignore_index=-1, reduction='mean'):.4f}")
    0.2201
    """
    signature = inspect.signature(loss)
    parameters = dict(signature.parameters)
    options = [name for name, p in parameters.items() if p.kind is p.VAR_KEYWORD]
    if "reduction" not in parameters and not options:
        raise TypeError(f"sums needs a function that takes reduction, got {loss!r}")

    @wraps(loss)
    def with_sums(*args: Any, **kwargs: Any) -> Triple:
        if kwargs.pop("reduction", SUMS) != SUMS:
            raise TypeError("sums takes no reduction: it returns what all reductions are made of")
        return loss(*args, **kwargs, reduction=SUMS)  # type: ignore[no-any-return]

    # value_and_grad leaves a reduction alone that a function has set by itself.
    own = inspect.Parameter("reduction", inspect.Parameter.KEYWORD_ONLY, default=SUMS)
    others = [p for name, p in parameters.items() if name not in ("reduction", *options)]
    with_sums.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*others, own, *(parameters[name] for name in options)], return_annotation=Triple
    )
    return with_sums
