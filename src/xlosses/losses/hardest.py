"""Embeddings compared with the farthest of the same label and the nearest of another in their batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xlosses._core.checks import finite, reduction_name
from xlosses._core.formula import formula
from xlosses._core.numerics import norm, norm_and_slope, ordinary_norm, tiny, transposed
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction
from xlosses.losses.contrastive import with_columns
from xlosses.losses.mining import COMPARED, by_label, compared


def hard_triplet_loss(
    embeddings: ArrayT,
    labels: Array,
    *,
    margin: Number = 1.0,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Hinge of the distance from the farthest of the same label beyond that from the nearest of another.

    .. math::
        \ell_i = \max\left(0,\; m + \max_{p \in P_i} \|x_i - x_p\| - \min_{n \in N_i} \|x_i - x_n\|\right)

    Parameters
    ----------
    embeddings : array
        :math:`x`, of shape (N, D).
    labels : array
        Any integers, of shape (N,): :math:`P_i` are the others of the same label, :math:`N_i` those of
        another.
    margin : number
        :math:`m`, in the unit of the distances.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per embedding, become the result.
    weights, where, dtype : optional
        Weight of each embedding, embeddings to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" shape (N,), in the unit of the distances.

    Raises
    ------
    ValueError
        Embeddings that are not of a shape (N, D), labels of another shape than (N,), `margin` that is not
        finite, or an unknown `reduction`.
    TypeError
        Labels that are not integers, arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by `embeddings`, in both of their parts. The gradient is 0 at the kink of the hinge; the
    gradient of a distance of 0 is 0; those that are equally far, or equally near, share the gradient evenly.
    An embedding without positives or without negatives costs 0, with gradient 0.

    Distances are those of differences, and keep their digits where embeddings are close. Memory grows with
    N, not with its square. An embedding that `where` leaves out has no term, but it still is among the
    others of the rest; to leave it out altogether, take it out of both arrays.

    References
    ----------
    A. Hermans, L. Beyer, B. Leibe, "In defense of the triplet loss for person re-identification",
    arXiv:1703.07737, 2017, eq. 5.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y = np.asarray([[0.0, 0.0], [3.0, 4.0], [0.0, 2.0]]), np.asarray([7, 7, 3])
    >>> xlosses.hard_triplet_loss(x, y, margin=0.5, reduction="none").round(6).tolist()
    [3.5, 1.894449, 0.0]
    """
    reduction_name(reduction)
    parameters = dict(margin=finite(margin=margin))
    return evaluate(hard_triplet, compared(embeddings, labels), parameters, reduction, weights, where, dtype)


@formula(*COMPARED, width=lambda x, others, *_: others[0] * others[1])
def hard_triplet(xp: Any, x: Array, others: Array, *identities: Array, margin: Number) -> Any:
    distance = with_columns(xp, norm(xp, x[..., None, :] - others[None, ...], 2, 0.0))
    farthest, nearest = hardest(xp, distance, *by_label(xp, *identities))
    return xp.relu((farthest - nearest) + margin)


@hard_triplet.ordinary
def hard_triplet_ordinary(xp: Any, x: Array, others: Array, *identities: Array, margin: Number) -> Any:
    # The distance of an embedding from itself is NaN here, but no positive's or negative's.
    distance = with_columns(xp, ordinary_norm(xp, x[..., None, :] - others[None, ...], 2, 0.0))
    farthest, nearest = hardest(xp, distance, *by_label(xp, *identities))
    return xp.relu((farthest - nearest) + margin)


@hard_triplet_ordinary.vjp(by=("x", "others"))
def hard_triplet_ordinary_vjp(
    xp: Any, g: Array, x: Array, others: Array, *identities: Array, margin: Number
) -> Iterator[Any]:
    distance = with_columns(xp, ordinary_norm(xp, x[..., None, :] - others[None, ...], 2, 0.0))
    alike, unlike = by_label(xp, *identities)
    farthest, nearest = hardest(xp, distance, alike, unlike)
    loss = xp.relu((farthest - nearest) + margin)
    yield loss
    factor = g * (xp.step(loss) + 0.0 * loss)  # NaN where the loss is
    positive, by_positive = toward(
        xp, factor, x, others, xp.logical_and(alike, distance == farthest[..., None])
    )
    negative, by_negative = toward(
        xp, factor, x, others, xp.logical_and(unlike, distance == nearest[..., None])
    )
    yield by_positive - by_negative
    yield xp.matmul(transposed(xp, negative), by_negative) - xp.matmul(transposed(xp, positive), by_positive)


@hard_triplet.vjp(by=("x", "others"))
def hard_triplet_vjp(
    xp: Any, g: Array, x: Array, others: Array, *identities: Array, margin: Number
) -> Iterator[Any]:
    distance, unit = norm_and_slope(xp, x[..., None, :] - others[None, ...], 2, 0.0)
    of_columns, (alike, unlike) = with_columns(xp, distance), by_label(xp, *identities)
    farthest, nearest = hardest(xp, of_columns, alike, unlike)
    loss = xp.relu((farthest - nearest) + margin)
    yield loss
    chosen = shares(xp, alike, of_columns == farthest[..., None], of_columns)
    chosen = chosen - shares(xp, unlike, of_columns == nearest[..., None], of_columns)
    slope = xp.reshape((g * xp.step(loss))[..., None] * chosen, distance.shape)[..., None] * unit
    yield xp.sum(slope, axis=1)
    yield -xp.sum(slope, axis=0)


def hardest(xp: Any, distance: Array, alike: Array, unlike: Array) -> tuple[Any, Any]:
    """The distance of the farthest positive, as good as -inf without any, and of the nearest negative."""
    # Not infinite, of which a row alone in its batch would make NaN.
    far = 0.25 / tiny(xp, distance)
    return xp.max(xp.where(alike, distance, -far), axis=-1), xp.min(xp.where(unlike, distance, far), axis=-1)


def toward(xp: Any, factor: Array, x: Array, others: Array, hit: Array) -> tuple[Any, Any]:
    """The hit as numbers, and a factor times the unit vector from it; NaN where several are hit."""
    hit = xp.astype(hit, x.dtype)
    number = xp.sum(hit, axis=-1)
    d = x - xp.take(others, xp.argmax(hit, axis=-1), axis=0)
    length = xp.sqrt(xp.dot(d, d))
    length = xp.where(number == 1, length, xp.where(number == 0, float("inf"), float("nan")))
    return hit, (factor / length)[..., None] * d


def shares(xp: Any, mask: Array, hit: Array, like: Array) -> Any:
    """One over their number for those that the mask has and that are hit."""
    chosen = xp.astype(xp.logical_and(mask, hit), like.dtype)
    count = xp.sum(chosen, axis=-1, keepdims=True)
    return chosen / xp.where(count == 0, 1.0, count)
