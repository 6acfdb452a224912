"""Pairs and triplets: what should come before, or lie closer than, what."""

from __future__ import annotations

from typing import Any

from xlosses._core.checks import finite, nonnegative, order
from xlosses._core.formula import formula
from xlosses._core.numerics import norm, norm_and_slope, ordinary_norm, ordinary_norm_and_slope
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction


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
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""How far the positive fails to be closer to the anchor than the negative by a margin.

    .. math::
        \ell = \max(0, \|a - b\| - \|a - n\| + m),
        \qquad \|d\| = \Big( \sum_k |d_k|^p + \epsilon \Big)^{1/p}

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
        The order of the norm, :math:`p \ge 1`; infinity is the largest :math:`|d_k|`, without eps.
    margin : number
        :math:`m`, in the unit of the distance.
    eps : number
        :math:`\epsilon \ge 0`, which rounds the norm off at 0.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per triplet, become the result.
    weights, where, dtype : optional
        Weight of each triplet, triplets to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the common shape without `axis`, in the unit of the vectors.

    Raises
    ------
    ValueError
        ``p < 1``, a negative `eps`, `margin` that is not finite, shapes that do not fit, an `axis`
        out of range or of length 0, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by all three arrays. The gradient of a zero distance is 0, also with ``eps=0`` or
    ``p=1``; so is that at the kink of the margin. Lengths whose powers would overflow are fine.

    References
    ----------
    F. Schroff, D. Kalenichenko, J. Philbin, "FaceNet: A unified embedding for face recognition and
    clustering", *CVPR*, 2015, eq. 2, pp. 815-823.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> a, b, n = np.asarray([[1, 2, 3]]), np.asarray([[4, 5, 6]]), np.asarray([[7, 8, 9]])
    >>> xlosses.triplet_loss(a, b, n, margin=6.0).round(6).tolist()
    [0.803848]
    """
    parameters = dict(p=order(p=p), margin=finite(margin=margin), eps=nonnegative(eps=eps))
    arrays = dict(anchors=anchors, positives=positives, negatives=negatives)
    return evaluate(triplet, arrays, parameters, reduction, weights, where, dtype, axis=axis)


@formula("vectors", "vectors", "vectors", static=("p",))
def triplet(xp: Any, a: Array, b: Array, n: Array, p: float, margin: Number, eps: Number) -> Any:
    return xp.relu(norm(xp, a - b, p, eps) - norm(xp, a - n, p, eps) + margin)


@triplet.slope(by=("a", "b", "n"))
def triplet_slope(xp: Any, a: Array, b: Array, n: Array, p: float, margin: Number, eps: Number) -> Any:
    near, toward = norm_and_slope(xp, a - b, p, eps)
    far, away = norm_and_slope(xp, a - n, p, eps)
    active = xp.step(near - far + margin)[..., None]
    yield active * (toward - away)
    yield -active * toward
    yield active * away


@triplet.ordinary
def triplet_ordinary(xp: Any, a: Array, b: Array, n: Array, p: float, margin: Number, eps: Number) -> Any:
    return xp.relu(ordinary_norm(xp, a - b, p, eps) - ordinary_norm(xp, a - n, p, eps) + margin)


@triplet_ordinary.slope(by=("a", "b", "n"))
def triplet_ordinary_slope(
    xp: Any, a: Array, b: Array, n: Array, p: float, margin: Number, eps: Number
) -> Any:
    near, toward = ordinary_norm_and_slope(xp, a - b, p, eps)
    far, away = ordinary_norm_and_slope(xp, a - n, p, eps)
    active = xp.step(near - far + margin)[..., None]
    yield active * (toward - away)
    yield -active * toward
    yield active * away
