"""How far two directions are apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xlosses._core.checks import nonnegative
from xlosses._core.formula import formula
from xlosses._core.numerics import at_least, nan_if_extreme
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction
from xlosses.losses.embedding import cosine_ordinary_slope, cosine_slope, scaled


def cosine_distance_loss(
    x1: ArrayT,
    x2: Array | float,
    *,
    axis: int = -1,
    eps: Number = 1e-8,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Cosine distance of two vectors: 1 minus the cosine of the angle between them.

    .. math::
        \ell = 1 - \frac{x_1 \cdot x_2}{\max(\|x_1\| \|x_2\|, \epsilon)}

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
        One number in [0, 2], or for "none" the common shape without `axis`.

    Raises
    ------
    ValueError
        A negative `eps`, shapes that do not fit, an `axis` out of range or of length 0, or an unknown
        `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by both vectors. With a zero vector the value is 1 and the gradient by either is 0, as in
    `cosine_similarity_loss`.

    Of nearly parallel vectors 1 minus a cosine has lost its digits. It is computed as half the squared
    distance of the unit vectors, which is exactly 0 for equal ones and at an angle of 1e-3 is right to four
    digits in float32, where 1 minus the cosine has none.

    References
    ----------
    G. Salton, A. Wong, C. S. Yang, "A vector space model for automatic indexing", *Communications
    of the ACM* 18(11), 1975, pp. 613-620, of cosines.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x1, x2 = np.asarray([[1.0, 0.0], [0.0, 0.0]]), np.asarray([[3.0, 4.0], [1.0, 1.0]])
    >>> xlosses.cosine_distance_loss(x1, x2, reduction="none").round(6).tolist()
    [0.4, 1.0]
    """
    parameters = dict(eps=nonnegative(eps=eps))
    return evaluate(
        cosine_distance, dict(x1=x1, x2=x2), parameters, reduction, weights, where, dtype, axis=axis
    )


@formula("vectors", "vectors")
def cosine_distance(xp: Any, x1: Array, x2: Array, eps: Number) -> Any:
    pair = scaled(xp, x1, x2, eps)
    close = half_square_apart(xp, pair.u1, pair.u2, pair.q1, pair.q2)
    clamped = 1.0 - xp.dot(pair.u1, pair.u2) / pair.denominator
    return xp.where(pair.zero, 1.0, xp.where(pair.clamped, clamped, close))


@cosine_distance.slope(by=("x1", "x2"))
def cosine_distance_slope(xp: Any, x1: Array, x2: Array, eps: Number) -> Iterator[Any]:
    for slope in cosine_slope(xp, x1, x2, eps):
        yield -slope


@cosine_distance.ordinary
def cosine_distance_ordinary(xp: Any, x1: Array, x2: Array, eps: Number) -> Any:
    q1, q2 = nan_if_extreme(xp, xp.dot(x1, x1)), nan_if_extreme(xp, xp.dot(x2, x2))
    length = xp.sqrt(q1 * q2)
    clamped = 1.0 - xp.dot(x1, x2) / at_least(xp, length, eps)
    return xp.where(length <= eps, clamped, half_square_apart(xp, x1, x2, q1, q2))


@cosine_distance_ordinary.slope(by=("x1", "x2"))
def cosine_distance_ordinary_slope(xp: Any, x1: Array, x2: Array, eps: Number) -> Iterator[Any]:
    for slope in cosine_ordinary_slope(xp, x1, x2, eps):
        yield -slope


def half_square_apart(xp: Any, x1: Array, x2: Array, q1: Array, q2: Array) -> Any:
    """Half the squared distance of the unit vectors, where q are the squared lengths."""
    apart = x1 / xp.sqrt(q1)[..., None] - x2 / xp.sqrt(q2)[..., None]
    return 0.5 * xp.dot(apart, apart)
