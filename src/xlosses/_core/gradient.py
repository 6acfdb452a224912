"""The gradient of a reduced loss by its first array, from the slope: for arrays without autodiff."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from xlosses._backends import FLOATING, Namespace
from xlosses._core import terms
from xlosses._core.checks import is_number
from xlosses._core.operands import Operands, ready


class WithGradient(str):
    """A reduction whose result is to come with its gradient: how `value_and_grad` asks `evaluate`."""

    __slots__ = ()


def value_and_grad(loss: Callable[..., Any]) -> Callable[..., tuple[Any, Any]]:
    """The loss together with its gradient by the first array, on any framework.

    The gradient comes from the loss's slope, so it needs no autodiff: NumPy arrays have one too.
    Where a framework differentiates by itself, its own way serves as well and goes on through
    whatever produced the array.

    Parameters
    ----------
    loss : callable
        A loss of this library, or your own function that returns what `evaluate` gave it.

    Returns
    -------
    callable
        Takes the arguments of the loss, `reduction` by keyword and "mean" unless given, and
        returns the reduced loss and its gradient in the shape of the first array.

    Raises
    ------
    ValueError
        When `reduction` is "none".
    TypeError
        When the formula has no slope.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y = np.asarray([0.5, 4.0]), np.asarray([0.0, 0.0])
    >>> value, gradient = xlosses.value_and_grad(xlosses.huber_loss)(x, y, reduction="sum")
    >>> float(value), gradient.tolist()
    (3.625, [0.5, 1.0])
    """

    @wraps(loss)
    def with_gradient(*args: Any, reduction: str = "mean", **kwargs: Any) -> tuple[Any, Any]:
        if reduction == "none":
            raise ValueError("a gradient needs a reduction to one number, got reduction='none'")
        value, slope = loss(*args, reduction=WithGradient(reduction), **kwargs)
        return value, slope

    return with_gradient


def by_first(operands: Operands, reduction: str) -> tuple[Any, Any]:
    """The reduced loss and its gradient in the shape and dtype of the first array."""
    xp, formula = operands.plan.xp, operands.formula
    if formula.derivative is None:
        raise TypeError(f"{formula!r} has no slope: give it one, or differentiate by the framework")
    sums = terms.Triple(*xp.run(terms.triple, operands, pulled))
    divisor = terms.divisor(sums, reduction)
    slope = xp.run(lambda block: pulled(block, lambda x: terms.divided(xp, x, divisor)), operands)
    value = terms.rounded(operands, terms.reduced(xp, sums, reduction))
    return value, _as_given(xp, slope, operands)


def pulled(operands: Operands, scaled: Callable[[Any], Any] | None = None) -> Any:
    """The derivative of each weighted term by the first array in the formula's layout, scaled."""
    operands = ready(operands)
    xp, formula, arrays = operands.plan.xp, operands.formula, operands.arrays
    assert formula.derivative
    slope = formula.derivative(xp, *arrays, **operands.parameters)
    if operands.weights is not None:
        slope = slope * _per_term(operands, operands.weights)
    slope = scaled(slope) if scaled else slope
    if operands.mask is not None:
        slope = xp.where(_per_term(operands, operands.mask), slope, 0.0)
    if formula.sparse:
        slope = xp.add_at(xp.zeros_like(arrays[0]), arrays[operands.plan.labels], slope)
    return slope if operands.poison is None else slope * operands.poison[..., None]


def _per_term(operands: Operands, x: Any) -> Any:
    whole = is_number(x) or operands.formula.sparse or not operands.formula.by_rows
    return x if whole else x[..., None]


def _as_given(xp: Namespace, slope: Any, operands: Operands) -> Any:
    """Axes back in place, sums over what was broadcast, the dtype of the array."""
    first = operands.first
    if operands.formula.by_rows:
        slope = xp.moveaxis(slope, -1, operands.plan.axis)
    for axis, (n, m) in enumerate(zip(slope.shape, first.shape, strict=True)):
        if n != m:
            slope = xp.sum(slope, axis=axis, keepdims=True)
    same = xp.dtype_name(first.dtype) not in FLOATING or slope.dtype == first.dtype
    return slope if same else xp.astype(slope, first.dtype)
