"""Pairs and triplets: what should come before, or lie closer than, what."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Literal, TypeAlias, get_args

from xlosses._core.checks import finite, nonnegative, one_of, order
from xlosses._core.formula import formula
from xlosses._core.numerics import norm, norm_and_slope, ordinary_norm, ordinary_norm_and_slope
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction
from xlosses.losses.distance import (
    cosine_distance,
    cosine_distance_ordinary,
    cosine_distance_ordinary_slope,
    cosine_distance_slope,
)

Distance: TypeAlias = Literal["norm", "squared", "cosine"]


def margin_ranking_loss(
    inputs1: ArrayT,
    inputs2: Array | float,
    targets: Array | float,
    margin: Number = 0.0,
    reduction: Reduction = "none",
    *,
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""How far one score falls short of the other by a margin.

    .. math::
        \ell = \max(0, -y (x_1 - x_2) + m)

    Parameters
    ----------
    inputs1, inputs2 : array
        Scores, :math:`x_1` and :math:`x_2`, real, in equal shapes.
    targets : array or number
        :math:`y`, in the same shape: 1 where `inputs1` should be the larger, -1 where `inputs2`.
    margin : number
        :math:`m`, in the unit of the scores.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms become the result.
    weights, where, dtype : optional
        Weight of each term, terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `inputs1`, in the unit of the scores.

    Raises
    ------
    ValueError
        `margin` that is not finite, unequal shapes, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by `inputs1` and `inputs2`. The gradients are :math:`-y` and :math:`y` where the loss
    is positive, and 0 at the kink and beyond.

    References
    ----------
    R. Herbrich, T. Graepel, K. Obermayer, "Large margin rank boundaries for ordinal regression",
    *Advances in Large Margin Classifiers*, 2000, pp. 115-132.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x1, x2 = np.asarray([1.0, 2.0]), np.asarray([3.0, 1.0])
    >>> xlosses.margin_ranking_loss(x1, x2, np.asarray([1, 1]), margin=0.5).tolist()
    [2.5, 0.0]
    """
    margin = finite(margin=margin)
    arrays = dict(inputs1=inputs1, inputs2=inputs2, targets=targets)
    return evaluate(margin_ranking, arrays, dict(margin=margin), reduction, weights, where, dtype)


@formula
def margin_ranking(xp: Any, x1: Array, x2: Array, y: Array, margin: Number) -> Any:
    return xp.relu(margin - y * (x1 - x2))


@margin_ranking.slope(by=("x1", "x2"))
def margin_ranking_slope(xp: Any, x1: Array, x2: Array, y: Array, margin: Number) -> Any:
    by_x2 = y * xp.step(margin - y * (x1 - x2))
    yield -by_x2
    yield by_x2


def triplet_loss(
    anchors: ArrayT,
    positives: Array | float,
    negatives: Array | float,
    axis: int = -1,
    p: float = 2,
    margin: Number = 1.0,
    eps: Number = 1e-6,
    reduction: Reduction = "none",
    *,
    swap: bool = False,
    distance: Distance = "norm",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""How far the positive fails to be closer to the anchor than the negative by a margin.

    .. math::
        \ell = \max(0, d(a, b) - d(a, n) + m),
        \qquad d(x, y) = \Big( \sum_k |x_k - y_k|^p + \epsilon \Big)^{1/p}

    With ``swap=True`` the smaller of :math:`d(a, n)` and :math:`d(b, n)` stands in place of :math:`d(a, n)`.

    Parameters
    ----------
    anchors : array
        Vectors :math:`a` along `axis`.
    positives, negatives : array
        Vectors :math:`b` and :math:`n` of the same length. Batch axes may be of length 1, with
        equally many axes.
    axis : int
        The axis of the vectors.
    p : float
        The order of the norm, :math:`p \ge 1`; infinity is the largest :math:`|x_k - y_k|`, without eps.
        Other distances take 2.
    margin : number
        :math:`m`, in the unit of the distance.
    eps : number
        :math:`\epsilon \ge 0`, which rounds the norm off at 0. For cosines the least product of lengths;
        squares take none.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per triplet, become the result.
    swap : bool
        Whether the negative is also to be far from the positive, if it is closer to that than to the
        anchor.
    distance : {"norm", "squared", "cosine"}
        :math:`d`: the norm above, the square :math:`\sum_k (x_k - y_k)^2`, or 1 minus the cosine, as in
        `cosine_distance_loss`.
    weights, where, dtype : optional
        Weight of each triplet, triplets to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the common shape without `axis`, in the unit of the distance.

    Raises
    ------
    ValueError
        ``p < 1``, or not 2 with a distance that is no norm; a negative `eps`, `margin` that is not finite,
        shapes that do not fit, an `axis` out of range or of length 0, or an unknown `distance` or
        `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by all three arrays. The gradient of a zero distance is 0, also with ``eps=0`` or
    ``p=1``; so is that at the kink of the margin. Two distances to the negative that are equal share the
    gradient evenly. Lengths whose powers would overflow are fine, but with ``distance="squared"`` squares
    have to be finite.

    PyTorch adds its eps to every :math:`x_k - y_k`, not to the sum of powers.

    References
    ----------
    F. Schroff, D. Kalenichenko, J. Philbin, "FaceNet: A unified embedding for face recognition and
    clustering", *CVPR*, 2015, eq. 2, pp. 815-823, of squares.

    The swap: V. Balntas, E. Riba, D. Ponsa, K. Mikolajczyk, "Learning local feature descriptors with
    triplets and shallow convolutional neural networks", *BMVC*, 2016.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> a, b, n = np.asarray([[1, 2, 3]]), np.asarray([[4, 5, 6]]), np.asarray([[7, 8, 9]])
    >>> xlosses.triplet_loss(a, b, n, margin=6.0).round(6).tolist()
    [0.803848]
    >>> xlosses.triplet_loss(a, b, n, margin=6.0, swap=True).round(6).tolist()
    [6.0]
    """
    arrays = dict(anchors=anchors, positives=positives, negatives=negatives)
    parameters: dict[str, Any] = dict(margin=finite(margin=margin), eps=nonnegative(eps=eps), swap=bool(swap))
    if one_of(get_args(Distance), distance=distance) != "norm" and order(p=p) != 2:
        raise ValueError(f"p must be 2 with distance={distance!r}, got {p}")
    form = cosine_triplet if distance == "cosine" else triplet
    if distance != "cosine":
        parameters.update(p=order(p=p), distance=distance)
    return evaluate(form, arrays, parameters, reduction, weights, where, dtype, axis=axis)


@formula("vectors", "vectors", "vectors", static=("p", "swap", "distance"))
def triplet(
    xp: Any, a: Array, b: Array, n: Array, p: float, margin: Number, eps: Number, swap: bool, distance: str
) -> Any:
    apart = partial(length, xp, norm, distance, p, eps)
    return beyond(xp, apart(a - b), apart(a - n), apart(b - n) if swap else None, margin)


@triplet.slope(by=("a", "b", "n"))
def triplet_slope(
    xp: Any, a: Array, b: Array, n: Array, p: float, margin: Number, eps: Number, swap: bool, distance: str
) -> Any:
    apart = partial(length_and_slope, xp, norm_and_slope, distance, p, eps)
    return of_differences(xp, apart(a - b), apart(a - n), apart(b - n) if swap else None, margin)


@triplet.ordinary
def triplet_ordinary(
    xp: Any, a: Array, b: Array, n: Array, p: float, margin: Number, eps: Number, swap: bool, distance: str
) -> Any:
    apart = partial(length, xp, ordinary_norm, distance, p, eps)
    return beyond(xp, apart(a - b), apart(a - n), apart(b - n) if swap else None, margin)


@triplet_ordinary.slope(by=("a", "b", "n"))
def triplet_ordinary_slope(
    xp: Any, a: Array, b: Array, n: Array, p: float, margin: Number, eps: Number, swap: bool, distance: str
) -> Any:
    apart = partial(length_and_slope, xp, ordinary_norm_and_slope, distance, p, eps)
    return of_differences(xp, apart(a - b), apart(a - n), apart(b - n) if swap else None, margin)


@formula("vectors", "vectors", "vectors", static=("swap",), width=lambda a, *_: 2 * a[-1])
def cosine_triplet(xp: Any, a: Array, b: Array, n: Array, margin: Number, eps: Number, swap: bool) -> Any:
    apart = partial(cosine_distance, xp, eps=eps)
    return beyond(xp, apart(a, b), apart(a, n), apart(b, n) if swap else None, margin)


@cosine_triplet.slope(by=("a", "b", "n"))
def cosine_triplet_slope(
    xp: Any, a: Array, b: Array, n: Array, margin: Number, eps: Number, swap: bool
) -> Any:
    apart, slopes = partial(cosine_distance, xp, eps=eps), partial(cosine_distance_slope, xp, eps=eps)
    return of_cosines(xp, apart, slopes, a, b, n, margin, swap)


@cosine_triplet.ordinary
def cosine_triplet_ordinary(
    xp: Any, a: Array, b: Array, n: Array, margin: Number, eps: Number, swap: bool
) -> Any:
    apart = partial(cosine_distance_ordinary, xp, eps=eps)
    return beyond(xp, apart(a, b), apart(a, n), apart(b, n) if swap else None, margin)


@cosine_triplet_ordinary.slope(by=("a", "b", "n"))
def cosine_triplet_ordinary_slope(
    xp: Any, a: Array, b: Array, n: Array, margin: Number, eps: Number, swap: bool
) -> Any:
    apart = partial(cosine_distance_ordinary, xp, eps=eps)
    slopes = partial(cosine_distance_ordinary_slope, xp, eps=eps)
    return of_cosines(xp, apart, slopes, a, b, n, margin, swap)


def beyond(xp: Any, near: Array, far: Array, other: Array | None, margin: Number) -> Any:
    """The loss of a distance to the positive, and of the smaller of one or two to the negative."""
    if other is not None:
        tie = 0.5 * far + 0.5 * other  # by either half, which minimum does not have on every framework
        far = xp.where(far < other, far, xp.where(other < far, other, tie))
    return xp.relu(near - far + margin)


def shares(xp: Any, far: Array, other: Array) -> tuple[Any, Any]:
    """What the smaller of two distances changes by with each: half of it at a tie."""
    of_other = 0.5 * (1.0 + xp.astype(other < far, far.dtype) - xp.astype(far < other, far.dtype))
    return 1.0 - of_other, of_other


def length(xp: Any, norm: Any, distance: str, p: float, eps: Number, d: Array) -> Any:
    return norm(xp, d, p, eps) if distance == "norm" else xp.dot(d, d)


def length_and_slope(xp: Any, norm: Any, distance: str, p: float, eps: Number, d: Array) -> Any:
    return norm(xp, d, p, eps) if distance == "norm" else (xp.dot(d, d), 2.0 * d)


def of_differences(xp: Any, positive: Any, negative: Any, swapped: Any, margin: Number) -> Iterator[Any]:
    """The slopes of a loss of distances that depend on differences: each comes with its slope by them."""
    (near, toward), (far, away), (other, aside) = positive, negative, swapped or (None, None)
    active = xp.step(beyond(xp, near, far, other, margin))[..., None]
    if other is not None:
        by_far, by_other = shares(xp, far, other)
        away, aside = away * by_far[..., None], aside * by_other[..., None]
    yield active * (toward - away)
    yield -active * (toward + aside if swapped else toward)
    yield active * (away + aside if swapped else away)


def of_cosines(
    xp: Any, apart: Any, slopes: Any, a: Array, b: Array, n: Array, margin: Number, swap: bool
) -> Iterator[Any]:
    """The slopes of a loss of distances that have a slope by each of their vectors."""
    far, other = apart(a, n), apart(b, n) if swap else None
    active = xp.step(beyond(xp, apart(a, b), far, other, margin))[..., None]
    by_far, by_other = (1.0, 0.0) if other is None else (s[..., None] for s in shares(xp, far, other))
    (a_near, b_near), (a_far, n_far) = slopes(a, b), slopes(a, n)
    yield active * (a_near - by_far * a_far)
    b_other, n_other = slopes(b, n) if swap else (0.0, 0.0)
    yield active * (b_near - by_other * b_other)
    yield -active * (by_far * n_far + by_other * n_other)
