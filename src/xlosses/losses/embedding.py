"""Embeddings compared by direction."""

from __future__ import annotations

from typing import Any, NamedTuple

from xlosses._core.checks import nonnegative
from xlosses._core.formula import formula
from xlosses._core.numerics import at_least, nan_if_extreme, scale_of, tiny
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction


def cosine_similarity_loss(
    x1: ArrayT,
    x2: Array | float,
    axis: int = 1,
    eps: Number = 1e-8,
    reduction: Reduction = "none",
    *,
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Cosine of the angle between two vectors: a larger value means more similar.

    To make vectors similar, minimise its negative, or 1 minus it.

    .. math::
        \ell = \frac{x_1 \cdot x_2}{\max(\|x_1\| \|x_2\|, \epsilon)}

    Parameters
    ----------
    x1 : array
        Vectors along `axis`.
    x2 : array or number
        Vectors of the same length. Batch axes may be of length 1, with equally many axes.
    axis : int
        The axis of the vectors.
    eps : number
        The least product of lengths, :math:`\epsilon \ge 0`.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per pair, become the result.
    weights, where, dtype : optional
        Weight of each pair, pairs to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number in [-1, 1], or for "none" the common shape without `axis`.

    Raises
    ------
    ValueError
        A negative `eps`, shapes that do not fit, an `axis` out of range or of length 0, or an
        unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    With a zero vector the value is 0 and so is the gradient by either vector. Lengths whose squares
    would overflow or vanish are fine.

    References
    ----------
    G. Salton, A. Wong, C. S. Yang, "A vector space model for automatic indexing", *Communications
    of the ACM* 18(11), 1975, pp. 613-620.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x1, x2 = np.asarray([[1e30, 0.0], [0.0, 0.0]]), np.asarray([[3e30, 4e30], [1.0, 1.0]])
    >>> xlosses.cosine_similarity_loss(x1, x2).round(6).tolist()
    [0.6, 0.0]
    """
    eps = nonnegative(eps=eps)
    return evaluate(cosine, dict(x1=x1, x2=x2), dict(eps=eps), reduction, weights, where, dtype, axis=axis)


@formula("vectors", "vectors")
def cosine(xp: Any, x1: Array, x2: Array, eps: Number) -> Any:
    pair = scaled(xp, x1, x2, eps)
    return xp.where(pair.zero, 0.0, xp.dot(pair.u1, pair.u2) / at_least(xp, pair.length, pair.floor))


@cosine.slope
def cosine_slope(xp: Any, x1: Array, x2: Array, eps: Number) -> Any:
    pair = scaled(xp, x1, x2, eps)
    slope = turn(xp, pair.u1, pair.u2, pair.q1, pair.length, pair.floor)
    return xp.where(pair.zero[..., None], 0.0, slope / pair.s1[..., None])


@cosine.ordinary
def cosine_ordinary(xp: Any, x1: Array, x2: Array, eps: Number) -> Any:
    q1, q2 = nan_if_extreme(xp, xp.dot(x1, x1)), nan_if_extreme(xp, xp.dot(x2, x2))
    return xp.dot(x1, x2) / xp.clip(xp.sqrt(q1 * q2), eps, None)


@cosine_ordinary.slope
def cosine_ordinary_slope(xp: Any, x1: Array, x2: Array, eps: Number) -> Any:
    q1, q2 = nan_if_extreme(xp, xp.dot(x1, x1)), nan_if_extreme(xp, xp.dot(x2, x2))
    return turn(xp, x1, x2, q1, xp.sqrt(q1 * q2), eps)


def turn(xp: Any, u1: Array, u2: Array, q1: Array, length: Array, floor: Any) -> Any:
    """The derivative by u1 of u1.u2 / max(length, floor), where q1 is u1.u1."""
    most = at_least(xp, length, floor)
    # Where the floor acts, the denominator is constant and adds nothing to the derivative.
    back = xp.where(length <= floor, 0.0, xp.dot(u1, u2) / most / q1)
    return u2 / most[..., None] - u1 * back[..., None]


class Scaled(NamedTuple):
    """Two vectors divided by scales, so that squares stay in range: x1 = s1 u1, x2 = s2 u2."""

    u1: Any
    u2: Any
    s1: Any
    q1: Any  # the squared length of u1
    length: Any  # of u1 times that of u2
    floor: Any  # the least that this product may be
    zero: Any  # whether a vector is zero


def scaled(xp: Any, x1: Array, x2: Array, eps: Number) -> Scaled:
    s1, s2 = scale_of(xp, x1), scale_of(xp, x2)
    zero = xp.logical_or(s1 == 0, s2 == 0)
    s1, s2, floor, acts = with_floor(xp, s1, s2, eps)
    u1, u2 = x1 / s1[..., None], x2 / s2[..., None]
    q1, q2 = xp.dot(u1, u1), xp.dot(u2, u2)
    zero = xp.logical_and(zero, xp.logical_not(xp.isnan(q1 * q2)))
    given_up = xp.logical_or(zero, acts)
    q1, q2 = xp.where(given_up, 1.0, q1), xp.where(given_up, 1.0, q2)
    return Scaled(u1, u2, s1, q1, xp.sqrt(q1 * q2), floor, zero)


def with_floor(xp: Any, s1: Array, s2: Array, eps: Number) -> tuple[Any, Any, Any, Any]:
    """Scales to divide by, eps over their product, and whether that exceeds any length by far.

    There eps is split between the scales, so that neither it nor the vectors leave the range.
    """
    swap = s1 < s2
    large, small = xp.where(swap, s2, s1), xp.where(swap, s1, s2)
    least = 4.0 * tiny(xp, s1)
    limit = eps / at_least(xp, large, least + least * eps)
    acts = small < 2.0**-40 * limit
    half = eps**0.5
    large = at_least(xp, xp.where(xp.logical_and(acts, large < half), half, large), least)
    limit = eps / large
    small = at_least(xp, xp.where(acts, limit, small), least)
    return xp.where(swap, small, large), xp.where(swap, large, small), limit / small, acts
