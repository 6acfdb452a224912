"""Embeddings compared by direction or distance."""

from __future__ import annotations

from typing import Any, NamedTuple

from xlosses._core.checks import finite, nonnegative
from xlosses._core.formula import formula
from xlosses._core.numerics import (
    at_least,
    nan_if_extreme,
    nan_if_nan,
    norm,
    norm_and_slope,
    scale_of,
    tiny,
)
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
    Differentiated by both vectors. With a zero vector the value is 0 and so is the gradient by
    either. Lengths from 1e-30 to 1e30 are fine, though their squares overflow or vanish.

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
    return xp.where(pair.zero, 0.0, xp.dot(pair.u1, pair.u2) / pair.denominator)


@cosine.slope(by=("x1", "x2"))
def cosine_slope(xp: Any, x1: Array, x2: Array, eps: Number) -> Any:
    pair = scaled(xp, x1, x2, eps)
    by_u1 = turn(xp, pair.u1, pair.u2, pair.q1, pair.denominator, pair.clamped)
    yield xp.where(pair.zero[..., None], 0.0, by_u1 / pair.s1[..., None])
    by_u2 = turn(xp, pair.u2, pair.u1, pair.q2, pair.denominator, pair.clamped)
    yield xp.where(pair.zero[..., None], 0.0, by_u2 / pair.s2[..., None])


@cosine.ordinary
def cosine_ordinary(xp: Any, x1: Array, x2: Array, eps: Number) -> Any:
    q1, q2 = nan_if_extreme(xp, xp.dot(x1, x1)), nan_if_extreme(xp, xp.dot(x2, x2))
    return xp.dot(x1, x2) / xp.clip(xp.sqrt(q1 * q2), eps, None)


@cosine_ordinary.slope(by=("x1", "x2"))
def cosine_ordinary_slope(xp: Any, x1: Array, x2: Array, eps: Number) -> Any:
    q1, q2 = nan_if_extreme(xp, xp.dot(x1, x1)), nan_if_extreme(xp, xp.dot(x2, x2))
    length = xp.sqrt(q1 * q2)
    denominator, clamped = at_least(xp, length, eps), length <= eps
    yield turn(xp, x1, x2, q1, denominator, clamped)
    yield turn(xp, x2, x1, q2, denominator, clamped)


def cosine_embedding_loss(
    x1: ArrayT,
    x2: Array | float,
    targets: Array | float,
    *,
    margin: Number = 0.0,
    axis: int = -1,
    eps: Number = 1e-8,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""How far alike vectors are from parallel, and how much unlike ones are closer than a margin.

    .. math::
        \ell = \begin{cases}
            1 - c          & y > 0 \\
            \max(0, c - m) & \text{else}
        \end{cases}
        \qquad c = \frac{x_1 \cdot x_2}{\max(\|x_1\| \|x_2\|, \epsilon)}

    Parameters
    ----------
    x1 : array
        Vectors along `axis`.
    x2 : array or number
        Vectors of the same length. Batch axes may be of length 1, with equally many axes.
    targets : array or number
        :math:`y`, one per pair: 1 if the vectors are alike, -1 (or 0) if they are not.
    margin : number
        :math:`m`, the cosine up to which unlike vectors cost nothing.
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
        One number, or for "none" the common shape without `axis`.

    Raises
    ------
    ValueError
        `margin` that is not finite, a negative `eps`, shapes that do not fit, an `axis` out of range
        or of length 0, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by both vectors. The sign of a target decides, so that labels of 0 and 1 do as well as
    -1 and 1; a target of NaN gives NaN. The gradient at the kink is 0. The cosine of a zero vector is 0
    with gradient 0, as in `cosine_similarity_loss`.

    References
    ----------
    R. Hadsell, S. Chopra, Y. LeCun, "Dimensionality reduction by learning an invariant mapping", *CVPR*,
    2006, eq. 4, of distances in place of cosines.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x1, x2 = np.asarray([[1.0, 0.0], [1.0, 0.0]]), np.asarray([[3.0, 4.0], [3.0, 4.0]])
    >>> y = np.asarray([1, -1])
    >>> xlosses.cosine_embedding_loss(x1, x2, y, margin=0.5, reduction="none").round(6).tolist()
    [0.4, 0.1]
    """
    parameters = dict(margin=finite(margin=margin), eps=nonnegative(eps=eps))
    arrays = dict(x1=x1, x2=x2, targets=targets)
    return evaluate(cosine_embedding, arrays, parameters, reduction, weights, where, dtype, axis=axis)


@formula("vectors", "vectors", "scalars")
def cosine_embedding(xp: Any, x1: Array, x2: Array, y: Array, margin: Number, eps: Number) -> Any:
    return of_cosine(xp, cosine(xp, x1, x2, eps), y, margin)


@cosine_embedding.slope(by=("x1", "x2"))
def cosine_embedding_slope(xp: Any, x1: Array, x2: Array, y: Array, margin: Number, eps: Number) -> Any:
    by_cosine = slope_of_cosine(xp, cosine(xp, x1, x2, eps), y, margin)[..., None]
    for slope in cosine_slope(xp, x1, x2, eps):
        yield by_cosine * slope


@cosine_embedding.ordinary
def cosine_embedding_ordinary(xp: Any, x1: Array, x2: Array, y: Array, margin: Number, eps: Number) -> Any:
    return of_cosine(xp, cosine_ordinary(xp, x1, x2, eps), y, margin)


@cosine_embedding_ordinary.slope(by=("x1", "x2"))
def cosine_embedding_ordinary_slope(
    xp: Any, x1: Array, x2: Array, y: Array, margin: Number, eps: Number
) -> Any:
    by_cosine = slope_of_cosine(xp, cosine_ordinary(xp, x1, x2, eps), y, margin)[..., None]
    for slope in cosine_ordinary_slope(xp, x1, x2, eps):
        yield by_cosine * slope


def contrastive_loss(
    x1: ArrayT,
    x2: Array | float,
    targets: Array | float,
    *,
    margin: Number = 1.0,
    axis: int = -1,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Half the squared distance of alike vectors, and of unlike ones that by which they miss a margin.

    .. math::
        \ell = \frac12 \begin{cases}
            d^2              & y > 0 \\
            \max(0, m - d)^2 & \text{else}
        \end{cases}
        \qquad d = \|x_1 - x_2\|

    Parameters
    ----------
    x1 : array
        Vectors along `axis`.
    x2 : array or number
        Vectors of the same length. Batch axes may be of length 1, with equally many axes.
    targets : array or number
        :math:`y`, one per pair: 1 if the vectors are alike, -1 (or 0) if they are not.
    margin : number
        :math:`m \ge 0`, the distance from which unlike vectors cost nothing.
    axis : int
        The axis of the vectors.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per pair, become the result.
    weights, where, dtype : optional
        Weight of each pair, pairs to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the common shape without `axis`, in the squared unit of the vectors.

    Raises
    ------
    ValueError
        A negative `margin`, shapes that do not fit, an `axis` out of range or of length 0, or an unknown
        `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by both vectors. The sign of a target decides, so that labels of 0 and 1 do as well as
    -1 and 1; a target of NaN gives NaN. Unlike vectors that coincide have gradient 0: no direction leads
    apart more than another. (In the paper a label of 0 means alike.)

    References
    ----------
    R. Hadsell, S. Chopra, Y. LeCun, "Dimensionality reduction by learning an invariant mapping", *CVPR*,
    2006, eq. 4.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x1, x2 = np.asarray([[0.0, 0.0], [0.0, 0.0]]), np.asarray([[3.0, 4.0], [3.0, 4.0]])
    >>> xlosses.contrastive_loss(x1, x2, np.asarray([1, -1]), margin=6.0, reduction="none").tolist()
    [12.5, 0.5]
    """
    parameters = dict(margin=nonnegative(margin=margin))
    arrays = dict(x1=x1, x2=x2, targets=targets)
    return evaluate(contrastive, arrays, parameters, reduction, weights, where, dtype, axis=axis)


@formula("vectors", "vectors", "scalars")
def contrastive(xp: Any, x1: Array, x2: Array, y: Array, margin: Number) -> Any:
    d = x1 - x2
    alike = xp.where((y > 0)[..., None], d, 0.0)  # squares of others, which are not needed, may overflow
    return of_distance(xp, xp.dot(0.5 * alike, alike), norm(xp, d, 2.0, 0.0), y, margin)


@contrastive.slope(by=("x1", "x2"))
def contrastive_slope(xp: Any, x1: Array, x2: Array, y: Array, margin: Number) -> Any:
    by_x1 = slope_of_distance(xp, x1 - x2, *norm_and_slope(xp, x1 - x2, 2.0, 0.0), y, margin)
    yield by_x1
    yield -by_x1


@contrastive.ordinary
def contrastive_ordinary(xp: Any, x1: Array, x2: Array, y: Array, margin: Number) -> Any:
    d = x1 - x2
    square = nan_if_extreme(xp, xp.dot(d, d))
    return of_distance(xp, 0.5 * square, xp.sqrt(square), y, margin)


@contrastive_ordinary.slope(by=("x1", "x2"))
def contrastive_ordinary_slope(xp: Any, x1: Array, x2: Array, y: Array, margin: Number) -> Any:
    d = x1 - x2
    length = xp.sqrt(nan_if_extreme(xp, xp.dot(d, d)))
    apart = -(xp.relu(margin - length) / length)
    by_x1 = d * (xp.where(y > 0, 1.0, apart) * nan_if_nan(xp, y))[..., None]
    yield by_x1
    yield -by_x1


def of_distance(xp: Any, half_square: Array, length: Array, y: Array, margin: Number) -> Any:
    # The square is not that of the length: on its way back autodiff would multiply by the length's scale.
    short = xp.relu(margin - length)
    return xp.where(y > 0, half_square, 0.5 * short * short) * nan_if_nan(xp, y)


def slope_of_distance(xp: Any, d: Array, length: Array, unit: Array, y: Array, margin: Number) -> Any:
    apart = unit * xp.relu(margin - length)[..., None]
    return xp.where((y > 0)[..., None], d, -apart) * nan_if_nan(xp, y)[..., None]


def of_cosine(xp: Any, c: Array, y: Array, margin: Number) -> Any:
    return xp.where(y > 0, 1.0 - c, xp.relu(c - margin)) * nan_if_nan(xp, y)


def slope_of_cosine(xp: Any, c: Array, y: Array, margin: Number) -> Any:
    return xp.where(y > 0, -1.0, xp.step(c - margin)) * nan_if_nan(xp, y)


def turn(xp: Any, u1: Array, u2: Array, q1: Array, denominator: Array, clamped: Array) -> Any:
    """The derivative by u1 of u1.u2 / denominator, where q1 is u1.u1."""
    # A clamped denominator is constant and adds nothing to the derivative.
    back = xp.where(clamped, 0.0, xp.dot(u1, u2) / denominator / q1)
    return u2 / denominator[..., None] - u1 * back[..., None]


class Scaled(NamedTuple):
    """Two vectors divided by scales, so that squares stay in range: x1 = s1 u1, x2 = s2 u2."""

    u1: Any
    u2: Any
    s1: Any
    s2: Any
    q1: Any  # the squared length of u1
    q2: Any
    denominator: Any  # the length of u1 times that of u2, clamped
    clamped: Any  # whether the clamp acts
    zero: Any  # whether a vector is zero


def scaled(xp: Any, x1: Array, x2: Array, eps: Number) -> Scaled:
    # No scale is far below the square root of eps, or eps / (s1 s2) could overflow.
    least = 2.0**-27 * eps**0.5 + tiny(xp, x1)
    size1, size2 = scale_of(xp, x1), scale_of(xp, x2)
    s1, s2 = at_least(xp, size1, least), at_least(xp, size2, least)
    u1, u2 = x1 / s1[..., None], x2 / s2[..., None]
    zero = xp.minimum(size1, size2) == 0
    floor = xp.where(zero, 1.0, eps / s1 / s2)
    q1, q2 = xp.dot(u1, u1), xp.dot(u2, u2)
    clamped = q1 * q2 <= floor * floor
    # Their roots have no derivative at 0, so that 1 stands for what is not used.
    q1, q2 = xp.where(clamped, 1.0, q1), xp.where(clamped, 1.0, q2)
    return Scaled(u1, u2, s1, s2, q1, q2, xp.where(clamped, floor, xp.sqrt(q1 * q2)), clamped, zero)
