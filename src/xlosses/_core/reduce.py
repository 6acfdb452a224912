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
"""From operands to terms, to slopes (one for each entry of the first array), or to a `Triple`."""


class Triple(NamedTuple):
    """Sums over the kept terms, in the dtype of the computation. Those of blocks add up to that of all."""

    total: Any  # the sum of weight times term
    count: Any  # how many terms
    weights: Any  # the sum of their weights


DIVISORS: dict[str, Callable[[Triple], Any]] = {
    "sum": lambda _: 1,
    "mean": lambda sums: sums.count,
    "weighted_mean": lambda sums: sums.weights,
}
"""What each reduction divides the total by."""


def unreduced(operands: Operands) -> Any:
    """The terms, weighted, exactly 0 where masked, in the dtype of the result."""
    return rounded(operands.plan, weighted_terms(ready(operands)))


def sums(operands: Operands) -> Triple:
    """The sums over all kept terms."""
    operands = ready(operands)
    terms = weighted_terms(operands)
    n = _count(operands, terms)
    return Triple(operands.xp.total(terms), n, _weights(operands, n))


def slopes(operands: Operands, divisor: Any = None) -> Any:
    """The derivative of each weighted term by the first array, divided; in the layout of the formula."""
    operands = ready(operands)
    xp, formula, arrays = operands.xp, operands.formula, operands.arrays
    assert formula.slope_function
    slope = formula.slope_function(xp, *arrays, **operands.parameters)
    one_per_term = formula.reads_one_entry
    _check_shape(formula.slope_function, "slopes", slope, operands.shape if one_per_term else arrays[0].shape)
    if operands.weights is not None:
        slope = slope * _per_term(operands, operands.weights)
    slope = slope if divisor is None else divided(xp, slope, divisor)
    if operands.mask is not None:
        slope = xp.where(_per_term(operands, operands.mask), slope, 0.0)
    if one_per_term:
        slope = xp.put_at(arrays[0], arrays[operands.plan.labels], slope)
    return slope if operands.nan_factor is None else slope * operands.nan_factor[..., None]


def result(plan: Plan, triple: Triple, reduction: str) -> Any:
    """What a reduction makes of the sums, rounded once."""
    return rounded(plan, divided(plan.xp, triple.total, DIVISORS[reduction](triple)))


def divided(xp: Namespace, total: Any, by: Any) -> Any:
    """total / by, and 0 with gradient 0 where by is 0 (no terms, or no weight); NaN stays NaN."""
    # A plain number is tested in Python. isinstance would take in NumPy's sums, which are floats; the
    # symbols of torch.compile have one of these types while it traces, or no dtype.
    if type(by) in (int, float) or not hasattr(by, "dtype"):
        return total / by if by else total
    by_zero = by == 0
    to_zero = xp.logical_and(by_zero, xp.logical_not(xp.isnan(total)))
    return xp.where(to_zero, 0.0, total) / xp.where(by_zero, 1.0, by)


def rounded(plan: Plan, x: Any) -> Any:
    """x cast to the dtype of the result: the only rounding, as all before is in the wider dtype."""
    return x if x.dtype == plan.dtype else plan.xp.astype(x, plan.dtype)


def as_first(slope: Any, operands: Operands) -> Any:
    """Slopes as the gradient by the first array: rows moved back, summed along axes that were broadcast."""
    xp, first = operands.plan.xp, operands.first
    if operands.formula.by_rows:
        slope = xp.moveaxis(slope, -1, operands.plan.axis)
    for axis, (n, m) in enumerate(zip(slope.shape, first.shape, strict=True)):
        if n != m:
            slope = xp.sum(slope, axis=axis, keepdims=True)
    needs_no_cast = xp.dtype_name(first.dtype) not in FLOATING or slope.dtype == first.dtype
    return slope if needs_no_cast else xp.astype(slope, first.dtype)


def weighted_terms(operands: Operands) -> Any:
    """Weight times term, 0 where masked, of operands that `ready` returned."""
    terms = operands.formula.terms(operands.xp, *operands.arrays, **operands.parameters)
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


def _per_term(operands: Operands, x: Any) -> Any:
    """x, one number per term, in a shape that broadcasts to the slopes."""
    fits = is_number(x) or operands.formula.reads_one_entry or not operands.formula.by_rows
    return x if fits else x[..., None]
