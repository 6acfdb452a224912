"""Lists of scores: whether what matters more comes first."""

from __future__ import annotations

import math
from typing import Any

from xlosses._core.formula import formula
from xlosses._core.numerics import only_nan, sum_of_products
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Reduction
from xlosses.losses.classification import surprise


def ranking_softmax_loss(
    scores: ArrayT,
    relevances: Array | float,
    *,
    axis: int = -1,
    kept: Array | None = None,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Cross entropy of the relevances of a list and the softmax of its scores.

    .. math::
        \ell = -\sum_k y_k \log \frac{e^{s_k}}{\sum_j e^{s_j}}

    Parameters
    ----------
    scores : array
        Predicted scores, :math:`s`, real, with the items of a list along `axis`.
    relevances : array or number
        How much each item matters, :math:`y \ge 0`, in the shape of `scores`.
    axis : int
        The axis of the items.
    kept : boolean array, optional
        Which items are in their list, in the shape of `scores`; all unless given. What the others hold does
        not matter.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per list, become the result.
    weights, where, dtype : optional
        Weight of each list, lists to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `scores` without `axis`, in nats.

    Raises
    ------
    ValueError
        Shapes that do not fit, an `axis` out of range or of length 0, or an unknown `reduction`.
    TypeError
        A `kept` that is not boolean, arrays of two frameworks, or of complex dtype.

    Notes
    -----
    The gradient by the scores is the softmax times the sum of the relevances, minus the relevances. There is
    no kink. Relevances are taken as they are; divided by their sum they are ListNet's, which takes those of
    a softmax.

    A list without any item costs 0 and counts in a "mean"; optax leaves it out, as `where` does.

    References
    ----------
    Z. Cao, T. Qin, T.-Y. Liu, M.-F. Tsai, H. Li, "Learning to rank: from pairwise approach to listwise
    approach", *ICML*, 2007, section 4.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> s, y = np.asarray([[2.0, 1.0, 3.0]]), np.asarray([[1.0, 0.0, 0.0]])
    >>> xlosses.ranking_softmax_loss(s, y, reduction="none").round(6).tolist()
    [1.407606]
    >>> kept = np.asarray([[True, True, False]])
    >>> xlosses.ranking_softmax_loss(s, y, kept=kept, reduction="none").round(6).tolist()
    [0.313262]
    """
    arrays = dict(scores=scores, relevances=relevances, kept=kept)
    return evaluate(ranking_softmax, arrays, {}, reduction, weights, where, dtype, axis=axis)


@formula("rows", "rows", "kept")
def ranking_softmax(xp: Any, s: Array, y: Array, kept: Array | None) -> Any:
    return sum_of_products(xp, relevant(xp, y, kept), surprise(xp, listed(xp, s, kept)))


@ranking_softmax.slope
def ranking_softmax_slope(xp: Any, s: Array, y: Array, kept: Array | None) -> Any:
    y = relevant(xp, y, kept)
    return xp.softmax(listed(xp, s, kept)) * xp.sum(y, axis=-1, keepdims=True) - y


@ranking_softmax.ordinary
def ranking_softmax_ordinary(xp: Any, s: Array, y: Array, kept: Array | None) -> Any:
    if kept is not None:  # what is not in the list is infinitely surprising
        return ranking_softmax(xp, s, y, kept)
    return xp.dot(relevant(xp, y, kept), surprise(xp, s))


def listed(xp: Any, s: Array, kept: Array | None) -> Any:
    """The scores, and -inf of what is not in the list."""
    if kept is None:
        return s
    # A list without items keeps its scores: of -inf alone there is no softmax.
    some = xp.any(kept, axis=-1, keepdims=True)
    return xp.where(xp.logical_or(kept, xp.logical_not(some)), s, -float("inf"))


def relevant(xp: Any, y: Array, kept: Array | None) -> Any:
    """The relevances, and 0 of what is not in the list."""
    return y if kept is None else xp.where(kept, y, 0.0)


def pairwise_logistic_loss(
    scores: ArrayT,
    relevances: Array | float,
    *,
    axis: int = -1,
    kept: Array | None = None,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Logistic loss of every pair of a list of which one item is the more relevant.

    .. math::
        \ell = \sum_{i, j:\; y_i > y_j} \log\left(1 + e^{s_j - s_i}\right)

    Parameters
    ----------
    scores : array
        Predicted scores, :math:`s`, real, with the items of a list along `axis`.
    relevances : array or number
        How much each item matters, :math:`y`, in the shape of `scores`: only their order counts.
    axis : int
        The axis of the items.
    kept : boolean array, optional
        Which items are in their list, in the shape of `scores`; all unless given. What the others hold does
        not matter.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per list, become the result. In "weighted_mean" each pair counts for one, so that
        it is the mean over all pairs.
    weights, where, dtype : optional
        Weight of each list, lists to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `scores` without `axis`, in nats.

    Raises
    ------
    ValueError
        Shapes that do not fit, an `axis` out of range or of length 0, or an unknown `reduction`.
    TypeError
        A `kept` that is not boolean, arrays of two frameworks, or of complex dtype.

    Notes
    -----
    The gradient by a score is the sum of :math:`\mp\sigma(s_j - s_i)` over its pairs, 1/2 each where both
    scores are equal. A list without such a pair, of equal relevances, costs 0 with gradient 0. Two scores
    that are compared may not be the same infinity.

    "sum" and "weighted_mean" are rax's reductions by sum and by mean.

    References
    ----------
    C. Burges et al., "Learning to rank using gradient descent", *ICML*, 2005, eq. 3.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> s, y = np.asarray([[2.0, 1.0, 3.0]]), np.asarray([[1.0, 0.0, 0.0]])
    >>> xlosses.pairwise_logistic_loss(s, y, reduction="none").round(6).tolist()
    [1.626523]
    >>> round(float(xlosses.pairwise_logistic_loss(s, y, reduction="weighted_mean")), 6)
    0.813262
    """
    arrays = dict(scores=scores, relevances=relevances, kept=kept)
    return evaluate(pairwise_logistic, arrays, {}, reduction, weights, where, dtype, axis=axis)


@formula("rows", "rows", "kept", width=lambda s, *_: s[-1] ** 2)
def pairwise_logistic(xp: Any, s: Array, y: Array, kept: Array | None) -> Any:
    lost = xp.sum(xp.softplus(behind(xp, s, y, kept)), axis=-1)
    return xp.sum(lost + only_nan(xp, s) + only_nan(xp, y), axis=-1)


@pairwise_logistic.slope
def pairwise_logistic_slope(xp: Any, s: Array, y: Array, kept: Array | None) -> Any:
    lost = xp.sigmoid(behind(xp, s, y, kept))
    return xp.sum(lost, axis=-2) - xp.sum(lost, axis=-1)


@pairwise_logistic.weight
def number_of_pairs(xp: Any, s: Array, y: Array, kept: Array | None) -> Any:
    return xp.sum(xp.sum(xp.astype(ahead(xp, y, kept), s.dtype), axis=-1), axis=-1)


def behind(xp: Any, s: Array, y: Array, kept: Array | None) -> Any:
    """s_j - s_i where item i is to come before item j; else -inf, whose softplus and sigmoid are 0."""
    # Selected before the difference: that of an infinite score from itself is NaN.
    chosen = ahead(xp, y, kept)
    return xp.where(chosen, s[..., None, :], -math.inf) - xp.where(chosen, s[..., None], 0.0)


def ahead(xp: Any, y: Array, kept: Array | None) -> Any:
    """Whether item i is to come before item j."""
    before = y[..., None] > y[..., None, :]
    if kept is not None:
        before = xp.logical_and(before, xp.logical_and(kept[..., None], kept[..., None, :]))
    return before
