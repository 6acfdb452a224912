"""After the formula: weights, mask, and the triple that every reduction is made of."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from xlosses._backends import Namespace
from xlosses._core.checks import is_number
from xlosses._core.operands import Operands


class Triple(NamedTuple):
    """Sums over the terms kept, unrounded. Triples of parts of a batch add up to that of the whole."""

    total: Any  # of weight times term
    count: Any  # of terms
    weight: Any  # of weights


def unreduced(operands: Operands) -> Any:
    """The terms, weighted, and exactly 0 where masked."""
    xp, weights = operands.xp, operands.weights
    terms = operands.formula(xp, *operands.arrays, **operands.parameters)
    if weights is not None:
        terms = terms * weights
    return terms if operands.mask is None else xp.where(operands.mask, terms, 0.0)


def triple(operands: Operands) -> Triple:
    """The sums over all terms."""
    return Triple(operands.xp.total(unreduced(operands)), count(operands), weight(operands))


def count(operands: Operands) -> Any:
    """How many terms are kept: a Python number unless there is a mask."""
    if operands.mask is None:
        return math.prod(operands.shape)
    return _total(operands, operands.xp.astype(operands.mask, operands.compute))


def weight(operands: Operands) -> Any:
    """The sum of the weights of the terms kept, the formula's own weights included."""
    xp, weights, formula = operands.xp, operands.weights, operands.formula
    own = formula.own_weight and formula.own_weight(xp, *operands.arrays, **operands.parameters)
    if own is not None:
        own = own if weights is None else own * weights
        return _total(operands, own if operands.mask is None else xp.where(operands.mask, own, 0.0))
    if weights is None:
        return count(operands)
    return weights * count(operands) if is_number(weights) else _total(operands, weights)


def divisor(sums: Triple, reduction: str) -> Any:
    """What the total is divided by."""
    return {"sum": 1, "mean": sums.count, "weighted_mean": sums.weight}[reduction]


def reduced(xp: Namespace, sums: Triple, reduction: str) -> Any:
    """The result of a reduction, before it is rounded."""
    return divided(xp, sums.total, divisor(sums, reduction))


def divided(xp: Namespace, total: Any, by: Any) -> Any:
    """total / by, and 0 with gradient 0 where by is 0 (no terms, or no weight); NaN stays NaN."""
    if not hasattr(by, "dtype"):  # a sum in NumPy is an array here, though it is a number too
        return total / by if by else total
    none = by == 0
    return xp.where(none & ~xp.isnan(total), 0.0, total) / xp.where(none, 1.0, by)


def rounded(operands: Operands, x: Any) -> Any:
    """The result in the dtype that was asked for: the one rounding of a call."""
    return x if x.dtype == operands.dtype else operands.xp.astype(x, operands.dtype)


def _total(operands: Operands, x: Any) -> Any:
    return operands.xp.total(operands.xp.broadcast_to(x, operands.shape))
