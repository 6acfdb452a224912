"""Embeddings compared by direction."""

from __future__ import annotations

from typing import Any

from xlosses._core.checks import nonnegative
from xlosses._core.evaluate import evaluate
from xlosses._core.formula import formula
from xlosses._core.math import at_least, tiny, unit
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
    (u1, s1), (u2, s2) = unit(xp, x1), unit(xp, x2)
    q1, q2 = xp.sum(u1 * u1, axis=-1), xp.sum(u2 * u2, axis=-1)
    floor, zero = least_length(xp, eps, s1, s2)
    zero = (zero | (q1 == 0) | (q2 == 0)) & ~xp.isnan(q1 * q2)
    lengths = xp.sqrt(xp.where(zero, 1.0, q1 * q2))
    dot = xp.where(zero, 0.0, xp.sum(u1 * u2, axis=-1))
    return dot / at_least(xp, lengths, floor)


@cosine.slope
def cosine_slope(xp: Any, x1: Array, x2: Array, eps: Number) -> Any:
    (u1, s1), (u2, s2) = unit(xp, x1), unit(xp, x2)
    q1, q2 = xp.sum(u1 * u1, axis=-1), xp.sum(u2 * u2, axis=-1)
    floor, zero = least_length(xp, eps, s1, s2)
    zero = (zero | (q1 == 0) | (q2 == 0)) & ~xp.isnan(q1 * q2)
    lengths = xp.sqrt(xp.where(zero, 1.0, q1 * q2))
    clamped = at_least(xp, lengths, floor)
    turn = xp.where(zero | (lengths <= floor), 0.0, xp.sum(u1 * u2, axis=-1) / clamped)
    slope = u2 / clamped[..., None] - u1 * (turn / xp.where(zero, 1.0, q1))[..., None]
    return xp.where(zero[..., None], 0.0, slope / xp.where(zero, 1.0, s1)[..., None])


def least_length(xp: Any, eps: Number, s1: Array, s2: Array) -> tuple[Any, Any]:
    """eps / (s1 s2), and where that overflows: the vectors are then zero for every purpose."""
    least = 4.0 * tiny(xp, s1)
    limit = eps / at_least(xp, s1, least * eps)
    return limit / at_least(xp, s2, least * limit), (s1 < least * eps) | (s2 < least * limit)
