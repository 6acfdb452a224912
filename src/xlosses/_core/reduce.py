"""After the formula: weights, mask, and the triple that every reduction is made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from xlosses._backends import FLOATING, Namespace
from xlosses._core.checks import is_number
from xlosses._core.operands import Operands, ready
from xlosses._core.plan import Plan

Compute: TypeAlias = Callable[[Operands], Any]
"""From operands to an array with an entry per term, or per entry of the first array, or to a `Triple`."""


class Triple(NamedTuple):
    """Sums over the terms kept, unrounded. Triples of parts of a batch add up to that of the whole."""

    total: Any  # of weight times term
    count: Any  # of terms
    weights: Any  # sum of the weights


DIVISORS: dict[str, Callable[[Triple], Any]] = {
    "sum": lambda _: 1,
    "mean": lambda sums: sums.count,
    "weighted_mean": lambda sums: sums.weights,
}
"""What the total is divided by."""


def unreduced(operands: Operands) -> Any:
    """The terms, weighted, exactly 0 where masked, in the dtype of the result."""
    return rounded(operands.plan, weighted_terms(ready(operands)))


def sums(operands: Operands) -> Triple:
    """The sums over all terms."""
    operands = ready(operands)
    terms = weighted_terms(operands)
    n = _count(operands, terms)
    return Triple(operands.xp.total(terms), n, _weights(operands, n))


def slopes(operands: Operands, divisor: Any = None) -> Any:
    """The derivative of each weighted term by the first array in the formula's layout, divided."""
    operands = ready(operands)
    xp, formula, arrays = operands.xp, operands.formula, operands.arrays
    assert formula.slope_function
    slope = formula.slope_function(xp, *arrays, **operands.parameters)
    by_term = formula.reads_one_entry
    _check_shape(formula.slope_function, "slopes", slope, operands.shape if by_term else arrays[0].shape)
    if operands.weights is not None:
        slope = slope * _per_term(operands, operands.weights)
    slope = slope if divisor is None else divided(xp, slope, divisor)
    if operands.mask is not None:
        slope = xp.where(_per_term(operands, operands.mask), slope, 0.0)
    if by_term:
        slope = xp.put_at(arrays[0], arrays[operands.plan.labels], slope)
    return slope if operands.nan_factor is None else slope * operands.nan_factor[..., None]


def result(plan: Plan, found: Triple, reduction: str) -> Any:
    """What a reduction makes of the sums, rounded once."""
    return rounded(plan, divided(plan.xp, found.total, DIVISORS[reduction](found)))


def divided(xp: Namespace, total: Any, by: Any) -> Any:
    """total / by, and 0 with gradient 0 where by is 0 (no terms, or no weight); NaN stays NaN."""
    # A sum in NumPy is a float as well; a number of torch.compile has no dtype, or the type of one.
    if type(by) in (int, float) or not hasattr(by, "dtype"):
        return total / by if by else total
    none = by == 0
    kept_nan = xp.logical_and(none, xp.logical_not(xp.isnan(total)))
    return xp.where(kept_nan, 0.0, total) / xp.where(none, 1.0, by)


def rounded(plan: Plan, x: Any) -> Any:
    """The result in the dtype that was asked for: the one rounding of a number."""
    return x if x.dtype == plan.dtype else plan.xp.astype(x, plan.dtype)


def as_first(slope: Any, operands: Operands) -> Any:
    """Slopes as the gradient by the first array: axes back in place, sums over what was broadcast."""
    xp, first = operands.plan.xp, operands.first
    if operands.formula.by_rows:
        slope = xp.moveaxis(slope, -1, operands.plan.axis)
    for axis, (n, m) in enumerate(zip(slope.shape, first.shape, strict=True)):
        if n != m:
            slope = xp.sum(slope, axis=axis, keepdims=True)
    same = xp.dtype_name(first.dtype) not in FLOATING or slope.dtype == first.dtype
    return slope if same else xp.astype(slope, first.dtype)


def weighted_terms(operands: Operands) -> Any:
    """Weight times term of operands that are ready, 0 where masked."""
    terms = operands.formula.terms(operands.xp, *operands.arrays, **operands.parameters)
    _check_shape(operands.formula, "terms", terms, operands.shape)
    if operands.weights is not None:
        terms = terms * operands.weights
    if operands.nan_factor is not None:
        terms = terms * operands.nan_factor  # which reaches the gradient as well: selecting NaN would not
    return terms if operands.mask is None else operands.xp.where(operands.mask, terms, 0.0)


def _check_shape(made_by: Any, what: str, found: Any, wanted: Any) -> None:
    """A formula that forgets to sum its rows, or sums elements, would be averaged over a wrong count."""
    shape = getattr(found, "shape", None)
    if shape is None or tuple(shape) != tuple(wanted):
        got = type(found).__name__ if shape is None else f"shape {tuple(shape)}"
        name = getattr(made_by, "__name__", made_by)
        raise ValueError(f"the {what} of formula {name} must have the shape {tuple(wanted)}, got {got}")


def _count(operands: Operands, terms: Any) -> Any:
    """How many terms are kept: a Python number unless there is a mask, or a length is not known."""
    if operands.mask is not None:
        return _total(operands, operands.xp.astype(operands.mask, operands.plan.compute))
    xp = operands.xp
    if xp.lengths_vary or None in operands.shape:  # None: an array of ndonnx while it is traced
        nan = xp.isnan(terms)
        return xp.total(xp.astype(xp.logical_or(nan, xp.logical_not(nan)), operands.plan.compute))
    return math.prod(operands.shape)


def _weights(operands: Operands, n: Any) -> Any:
    """The sum of the weights of the n terms kept, the formula's own weights included."""
    xp, weights, formula = operands.xp, operands.weights, operands.formula
    own = formula.weight_function and formula.weight_function(xp, *operands.arrays, **operands.parameters)
    if own is not None:
        own = own if weights is None else own * weights
        return _total(operands, own if operands.mask is None else xp.where(operands.mask, own, 0.0))
    if weights is None:
        return n
    return weights * n if is_number(weights) else _total(operands, weights)


def _total(operands: Operands, x: Any) -> Any:
    return operands.xp.total(operands.xp.broadcast_to(x, operands.shape))


def _per_term(operands: Operands, x: Any) -> Any:
    whole = is_number(x) or operands.formula.reads_one_entry or not operands.formula.by_rows
    return x if whole else x[..., None]
