"""After the formula: weights, mask, and the triple that every reduction is made of."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from xlosses._backends import Namespace
from xlosses._core.checks import is_number
from xlosses._core.operands import Operands, ready


class Triple(NamedTuple):
    """Sums over the terms kept, unrounded. Triples of parts of a batch add up to that of the whole."""

    total: Any  # of weight times term
    count: Any  # of terms
    weight: Any  # of weights


def unreduced(operands: Operands) -> Any:
    """The terms, weighted, exactly 0 where masked, in the dtype of the result."""
    return rounded(operands, _weighted(ready(operands)))


def triple(operands: Operands) -> Triple:
    """The sums over all terms."""
    operands = ready(operands)
    n = _count(operands)
    return Triple(operands.plan.xp.total(_weighted(operands)), n, _weight(operands, n))


def _weighted(operands: Operands) -> Any:
    terms = operands.formula.terms(operands.plan.xp, *operands.arrays, **operands.parameters)
    if operands.weights is not None:
        terms = terms * operands.weights
    if operands.poison is not None:
        terms = terms * operands.poison  # which reaches the gradient as well: selecting NaN would not
    return terms if operands.mask is None else operands.plan.xp.where(operands.mask, terms, 0.0)


def _count(operands: Operands) -> Any:
    """How many terms are kept: a Python number unless there is a mask."""
    if operands.mask is None:
        return math.prod(operands.shape)
    return _total(operands, operands.plan.xp.astype(operands.mask, operands.plan.compute))


def _weight(operands: Operands, n: Any) -> Any:
    """The sum of the weights of the n terms kept, the formula's own weights included."""
    xp, weights, formula = operands.plan.xp, operands.weights, operands.formula
    own = formula.own_weight and formula.own_weight(xp, *operands.arrays, **operands.parameters)
    if own is not None:
        own = own if weights is None else own * weights
        return _total(operands, own if operands.mask is None else xp.where(operands.mask, own, 0.0))
    if weights is None:
        return n
    return weights * n if is_number(weights) else _total(operands, weights)


def divisor(sums: Triple, reduction: str) -> Any:
    """What the total is divided by."""
    return 1 if reduction == "sum" else sums.count if reduction == "mean" else sums.weight


def reduced(xp: Namespace, sums: Triple, reduction: str) -> Any:
    """The result of a reduction, before it is rounded."""
    return divided(xp, sums.total, divisor(sums, reduction))


def divided(xp: Namespace, total: Any, by: Any) -> Any:
    """total / by, and 0 with gradient 0 where by is 0 (no terms, or no weight); NaN stays NaN."""
    # A sum in NumPy is a float as well; a number of torch.compile has no dtype, or the type of one.
    if type(by) in (int, float) or not hasattr(by, "dtype"):
        return total / by if by else total
    none = by == 0
    return xp.where(none & ~xp.isnan(total), 0.0, total) / xp.where(none, 1.0, by)


def rounded(operands: Operands, x: Any) -> Any:
    """The result in the dtype that was asked for: the one rounding of a number."""
    dtype = operands.plan.dtype
    return x if x.dtype == dtype else operands.plan.xp.astype(x, dtype)


def _total(operands: Operands, x: Any) -> Any:
    xp = operands.plan.xp
    return xp.total(xp.broadcast_to(x, operands.shape))
