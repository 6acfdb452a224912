"""After the formula: weights, mask, and the triple that every reduction is made of."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from xlosses._backends import FLOATING
from xlosses._core import dtypes
from xlosses._core.alignment import OF_ENTRIES
from xlosses._core.checks import SUMS, is_number
from xlosses._core.operands import Operands, per_term, ready, with_rows_back
from xlosses._core.plan import Plan
from xlosses._core.triple import Triple, divided

Compute: TypeAlias = Callable[[Operands], Any]
"""From operands to terms, to a `Triple`, or to `Gradients`."""


class Gradients(NamedTuple):
    """Derivatives in the layout of the formula. Of blocks, those by a shared array add up to that of all."""

    sums: Triple | None  # what was computed with them, or None
    by: tuple[Any, ...]  # for each array that was asked for
    are_new: bool = False  # whether nobody else holds these arrays, so that they may be written into


DIVISORS: dict[str, Callable[[Triple], Any]] = {
    SUMS: lambda _: 1,
    "sum": lambda _: 1,
    "mean": lambda sums: sums.count,
    "weighted_mean": lambda sums: sums.weight,
}
"""What each reduction divides the total by."""


def unreduced(operands: Operands) -> Any:
    """The terms, weighted, exactly 0 where masked, in the dtype of the result."""
    return rounded(operands.plan, weighted_terms(ready(operands)))


def sums(operands: Operands) -> Triple:
    """The sums over all kept terms."""
    operands = ready(operands)
    return _summed(operands, weighted_terms(operands))


def _summed(operands: Operands, terms: Any) -> Triple:
    n = _count(operands, terms)
    return Triple(operands.xp.total(terms), n, _weights(operands, n))


def gradients(operands: Operands, needed: Sequence[int], divisor: Any = None) -> Gradients:
    """The derivatives of the weighted terms by the arrays at the needed places, from the slope, divided."""
    operands = ready(operands)
    formula, arrays = operands.formula, operands.arrays
    found = formula.slopes(operands.xp, arrays, operands.parameters, needed)
    return Gradients(
        None, tuple(_by_slope(operands, x, i, divisor) for i, x in zip(needed, found, strict=True))
    )


def _by_slope(operands: Operands, slope: Any, place: int, divisor: Any) -> Any:
    """The gradient by one array: its slope times the weights, 0 where masked."""
    xp, array, kind = operands.xp, operands.arrays[place], operands.plan.kinds[place]
    one_per_term = operands.formula.reads_one_entry
    expected = operands.shape if one_per_term else array.shape
    _check_shape(operands.formula.slope_function, "slopes", slope, expected)
    if operands.weights is not None:
        slope = slope * per_term(operands.weights, slope, operands.shape)
    slope = slope if divisor is None else divided(xp, slope, divisor)
    if operands.mask is not None:
        slope = xp.where(per_term(operands.mask, slope, operands.shape), slope, 0.0)
    if kind in OF_ENTRIES and not one_per_term and operands.plan.kept >= 0:
        slope = xp.where(operands.arrays[operands.plan.kept], slope, 0.0)
    if one_per_term:
        slope = xp.put_at(array, operands.arrays[operands.plan.labels], slope)
    if operands.nan_factor is None:
        return slope
    return slope * per_term(operands.nan_factor, slope, operands.shape)


def sums_and_gradients(operands: Operands, needed: Sequence[int]) -> Gradients:
    """The sums over all kept terms with the gradients of their total, from the vjp."""
    operands = ready(operands)
    yields = _yielded(operands)
    triple = _summed(operands, _weighted(operands, next(yields)))
    return Gradients(triple, _by_vjp(operands, yields, needed))


def pulled_back(operands: Operands, needed: Sequence[int]) -> Gradients:
    """The gradients of the sum of weight times term by the arrays whose places are needed, from the vjp."""
    operands = ready(operands)
    yields = _yielded(operands)
    next(yields)
    return Gradients(None, _by_vjp(operands, yields, needed))


def _yielded(operands: Operands) -> Iterator[Any]:
    """The terms, and then the gradient by each array, that the formula's vjp gives for these weights."""
    xp, factor, vjp = operands.xp, operands.weights, operands.formula.vjp_function
    assert vjp
    ones = dtypes.Cast(xp, operands.plan.compute, operands.arrays[0]).full(1.0, operands.shape)
    factor = ones if factor is None else ones * factor
    if operands.mask is not None:
        factor = xp.where(operands.mask, factor, 0.0)
    if operands.nan_factor is not None:
        factor = factor * operands.nan_factor
    return iter(vjp(xp, factor, *operands.arrays, **operands.parameters))


def _by_vjp(operands: Operands, yields: Iterator[Any], needed: Sequence[int]) -> tuple[Any, ...]:
    formula, arrays = operands.formula, operands.arrays
    found = list(formula.in_order(yields, formula.vjp_by, needed))
    for k, place in enumerate(needed):
        _check_shape(formula.vjp_function, "gradients", found[k], arrays[place].shape)
        if operands.plan.kept >= 0 and operands.plan.kinds[place] in OF_ENTRIES:
            found[k] = operands.xp.where(arrays[operands.plan.kept], found[k], 0.0)
    return tuple(found)


def result(plan: Plan, triple: Triple, reduction: str) -> Any:
    """What a reduction makes of the sums, rounded once; for `xlosses.sums` the sums, all of them arrays."""
    if reduction == SUMS:
        cast = dtypes.Cast(plan.xp, plan.compute, triple.total)
        return Triple(*(x if hasattr(x, "dtype") else cast.constant(x) for x in triple))
    return rounded(plan, divided(plan.xp, triple.total, DIVISORS[reduction](triple)))


def rounded(plan: Plan, x: Any) -> Any:
    """x cast to the dtype of the result: the only rounding, as all before is in the wider dtype."""
    return x if x.dtype == plan.dtype else plan.xp.astype(x, plan.dtype)


def as_given(gradient: Any, operands: Operands, place: int) -> Any:
    """A gradient in the layout of the array as given: rows moved back, summed along broadcast axes."""
    xp, given, kind = operands.plan.xp, operands.given[place], operands.plan.kinds[place]
    if kind in OF_ENTRIES:
        axes = operands.plan.axes
        gradient = with_rows_back(xp, gradient, axes, tuple(given.shape[axis] for axis in axes))
    for axis, (n, m) in enumerate(zip(gradient.shape, given.shape, strict=True)):
        if n != m:
            gradient = xp.sum(gradient, axis=axis, keepdims=True)
    needs_no_cast = xp.dtype_name(given.dtype) not in FLOATING or gradient.dtype == given.dtype
    return gradient if needs_no_cast else xp.astype(gradient, given.dtype)


def weighted_terms(operands: Operands) -> Any:
    """Weight times term, 0 where masked, of operands that `ready` returned."""
    return _weighted(operands, operands.formula.terms(operands.xp, *operands.arrays, **operands.parameters))


def _weighted(operands: Operands, terms: Any) -> Any:
    _check_shape(operands.formula, "terms", terms, operands.shape)
    if operands.weights is not None:
        terms = terms * operands.weights
    if operands.nan_factor is not None:
        terms = terms * operands.nan_factor  # selecting NaN would leave the gradient finite
    return terms if operands.mask is None else operands.xp.where(operands.mask, terms, 0.0)


def _check_shape(function: Any, what: str, value: Any, expected: Any) -> None:
    """Refuse a result of another shape, such as rows left unsummed: their mean would have a wrong count."""
    shape = getattr(value, "shape", None)
    if shape is None or tuple(shape) != tuple(expected):
        got = type(value).__name__ if shape is None else f"shape {tuple(shape)}"
        name = getattr(function, "__name__", function)
        raise ValueError(f"the {what} of formula {name} must have the shape {tuple(expected)}, got {got}")


def _count(operands: Operands, terms: Any) -> Any:
    """How many terms are kept: a Python number unless there is a mask or a length is unknown."""
    if operands.mask is not None:
        return _total(operands, operands.xp.astype(operands.mask, operands.plan.compute))
    xp = operands.xp
    if xp.lengths_vary or None in operands.shape:  # None: a length that ndonnx does not know while tracing
        # Without a length to read, the graph has to count: a one for each term, NaN or not.
        nan = xp.isnan(terms)
        return xp.total(xp.astype(xp.logical_or(nan, xp.logical_not(nan)), operands.plan.compute))
    return math.prod(operands.shape)


def _weights(operands: Operands, n: Any) -> Any:
    """The sum of the weights of the n terms kept, the formula's own weights included."""
    xp, weights, formula = operands.xp, operands.weights, operands.formula
    own_weights = formula.weight_function and formula.weight_function(
        xp, *operands.arrays, **operands.parameters
    )
    if own_weights is not None:
        own_weights = own_weights if weights is None else own_weights * weights
        return _total(
            operands, own_weights if operands.mask is None else xp.where(operands.mask, own_weights, 0.0)
        )
    if weights is None:
        return n
    return weights * n if is_number(weights) else _total(operands, weights)


def _total(operands: Operands, x: Any) -> Any:
    return operands.xp.total(operands.xp.broadcast_to(x, operands.shape))
