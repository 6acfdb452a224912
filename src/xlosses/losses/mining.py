"""Embeddings compared with all others of their batch by label: each has its positives and its negatives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xlosses._core.alignment import Alignment
from xlosses._core.checks import finite, positive, reduction_name
from xlosses._core.formula import formula
from xlosses._core.numerics import products, tiny, transposed
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction
from xlosses.losses.contrastive import places_of, with_columns

COMPARED: tuple[Alignment, ...] = (
    "rows",
    "shared",
    "integers",
    "shared integers",
    "integers",
    "shared integers",
)


def compared(embeddings: ArrayT, labels: Array) -> dict[str, Any]:
    """The arrays of formulas that are `COMPARED`."""
    place = places_of(embeddings=embeddings)
    return {
        "embeddings": embeddings,
        "every embedding": embeddings,
        "labels": labels,
        "every label": labels,
        "place": place,
        "every place": place,
    }


def by_label(xp: Any, y: Array, labels: Array, place: Array, places: Array) -> tuple[Any, Any]:
    """Whether each is a positive, another with the same label, and whether it is a negative."""
    same = y[..., None] == labels[None, ...]
    alike = xp.logical_and(same, place[..., None] != places[None, ...])
    return with_columns(xp, alike), with_columns(xp, xp.logical_not(same))


def only(xp: Any, mask: Array, x: Array) -> Any:
    """x where the mask is, else as good as -inf, of which a row of nothing else would make NaN."""
    return xp.where(mask, x, -0.25 / tiny(xp, x))


def softmax_and_log_sum(xp: Any, x: Array) -> tuple[Any, Any, Any]:
    """The softmax, and the two parts of `log_sum_exp` from it."""
    p = xp.softmax(x)
    # The largest probability is 1 / sum exp(x - max x).
    return p, xp.max(x, axis=-1), -xp.log(xp.max(p, axis=-1))


def nt_xent_loss(
    embeddings: ArrayT,
    labels: Array,
    *,
    temperature: Number = 0.07,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Cross entropy of each positive against the negatives of the batch.

    .. math::
        \ell_i = -\sum_{p \in P_i} \log \frac{e^{s_p}}{e^{s_p} + \sum_{n \in N_i} e^{s_n}},
        \qquad s_j = x_i \cdot x_j / \tau

    Parameters
    ----------
    embeddings : array
        :math:`x`, of shape (N, D).
    labels : array
        Any integers, of shape (N,): :math:`P_i` are the others of the same label, :math:`N_i` those of
        another.
    temperature : number
        :math:`\tau > 0`, in the unit of the products. A 0-d array can be trained.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per embedding, become the result. In "weighted_mean" each positive counts for
        one, so that it is the mean over all pairs of one label.
    weights, where, dtype : optional
        Weight of each embedding, embeddings to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" shape (N,), in nats.

    Raises
    ------
    ValueError
        Embeddings that are not of a shape (N, D), labels of another shape than (N,), `temperature` that
        is not above 0, or an unknown `reduction`.
    TypeError
        Labels that are not integers, arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by `embeddings`, in both of their parts, and by `temperature`. An embedding without
    positives or without negatives costs 0, with gradient 0. There is no kink. Products over `temperature`
    have to be finite.

    Nothing is normalised, as optax does it: for cosines divide by the lengths before, as in
    `info_nce_loss`. "weighted_mean" is the reduction of optax. Other positives are in no denominator; in
    `supervised_contrastive_loss` they are.

    Memory grows with N, not with its square. An embedding that `where` leaves out has no term, but it
    still is among the others of the rest; to leave it out altogether, take it out of both arrays.

    References
    ----------
    T. Chen, S. Kornblith, M. Norouzi, G. Hinton, "A simple framework for contrastive learning of visual
    representations", *ICML*, 2020, eq. 1, for two of each label.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y = np.asarray([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]), np.asarray([7, 7, 3])
    >>> xlosses.nt_xent_loss(x, y, temperature=0.5, reduction="none").round(6).tolist()
    [0.183901, 0.513015, 0.0]
    """
    reduction_name(reduction)
    temperature = positive(temperature=temperature)
    arrays = {**compared(embeddings, labels), "temperature": temperature}
    return evaluate(nt_xent, arrays, {}, reduction, weights, where, dtype)


@formula(*COMPARED, "shared", width=lambda x, others, *_: others[0])
def nt_xent(
    xp: Any, x: Array, others: Array, y: Array, labels: Array, place: Array, places: Array, t: Array
) -> Any:
    s = with_columns(xp, products(xp, x / t, others))
    alike, unlike = by_label(xp, y, labels, place, places)
    largest, rest = xp.log_sum_exp(only(xp, unlike, s))
    behind = (largest[..., None] - s) + rest[..., None]
    return behind_positives(xp, alike, behind, rest)


def behind_positives(xp: Any, alike: Array, behind: Array, rest: Array) -> Any:
    """The sum over the positives; NaN among the others comes out where there is no positive, too."""
    # Not by a product with 0 and 1, which XLA turns into a selection, so that NaN were lost.
    return xp.where(xp.isnan(rest), rest, xp.sum(xp.where(alike, xp.softplus(behind), 0.0), axis=-1))


@nt_xent.vjp(by=("x", "t", "others"))
def nt_xent_vjp(
    xp: Any, g: Array, x: Array, others: Array, y: Array, labels: Array, place: Array, places: Array, t: Array
) -> Iterator[Any]:
    s = with_columns(xp, products(xp, x / t, others))
    alike, unlike = by_label(xp, y, labels, place, places)
    p, largest, rest = softmax_and_log_sum(xp, only(xp, unlike, s))
    behind = (largest[..., None] - s) + rest[..., None]
    yield behind_positives(xp, alike, behind, rest)
    lost = xp.where(alike, xp.sigmoid(behind), 0.0)
    slope = g[..., None] * (p * xp.sum(lost, axis=-1, keepdims=True) - lost)
    by_x = xp.matmul(xp.reshape(slope, (*g.shape, others.shape[0])), others) / t
    yield by_x
    yield -xp.total(x * by_x) / t
    yield xp.matmul(transposed(xp, xp.reshape(slope, (*g.shape, others.shape[0]))), x / t)


@nt_xent.weight
def number_of_positives(
    xp: Any, x: Array, others: Array, y: Array, labels: Array, place: Array, places: Array, t: Array
) -> Any:
    return xp.sum(xp.astype(by_label(xp, y, labels, place, places)[0], x.dtype), axis=-1)


def circle_loss(
    embeddings: ArrayT,
    labels: Array,
    *,
    gamma: Number = 80.0,
    margin: Number = 0.4,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Every positive against every negative of the batch, each weighed by how far it is from its optimum.

    .. math::
        \ell_i = \log\left(1 + \sum_{n \in N_i} e^{\gamma [s_n + m]_+ (s_n - m)}
        \sum_{p \in P_i} e^{-\gamma [1 + m - s_p]_+ (s_p - 1 + m)}\right), \qquad s_j = x_i \cdot x_j

    Parameters
    ----------
    embeddings : array
        :math:`x`, of shape (N, D), unit vectors.
    labels : array
        Any integers, of shape (N,): :math:`P_i` are the others of the same label, :math:`N_i` those of
        another.
    gamma : number
        :math:`\gamma > 0`, the scale of the logits.
    margin : number
        :math:`m`: products with positives are to be above :math:`1 - m`, those with negatives below
        :math:`m`.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per embedding, become the result.
    weights, where, dtype : optional
        Weight of each embedding, embeddings to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" shape (N,), in nats.

    Raises
    ------
    ValueError
        Embeddings that are not of a shape (N, D), labels of another shape than (N,), `gamma` that is not
        above 0, `margin` that is not finite, or an unknown `reduction`.
    TypeError
        Labels that are not integers, arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by `embeddings`, in both of their parts. The weights :math:`[s_n + m]_+` and
    :math:`[1 + m - s_p]_+` are constants of the gradient, as in the paper; Keras differentiates them, too.
    The gradient is continuous. An embedding without positives or without negatives costs 0, with
    gradient 0.

    Nothing is normalised: divide by the lengths before, as in `info_nce_loss`. Squares of products times
    `gamma` have to be finite. Memory grows with N, not with its square. An embedding that `where` leaves
    out has no term, but it still is among the others of the rest.

    References
    ----------
    Y. Sun et al., "Circle loss: a unified perspective of pair similarity optimization", *CVPR*, 2020,
    section 3.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y = np.asarray([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]), np.asarray([7, 7, 3])
    >>> xlosses.circle_loss(x, y, gamma=4.0, reduction="none").round(6).tolist()
    [0.282378, 0.865893, 0.0]
    """
    reduction_name(reduction)
    parameters = dict(gamma=positive(gamma=gamma), margin=finite(margin=margin))
    return evaluate(circle, compared(embeddings, labels), parameters, reduction, weights, where, dtype)


@formula(*COMPARED, width=lambda x, others, *_: others[0])
def circle(xp: Any, *arrays: Array, gamma: Number, margin: Number) -> Any:
    _, _, positives, negatives = circles(xp, *arrays, gamma=gamma, margin=margin)
    (largest, rest), (largest_too, rest_too) = xp.log_sum_exp(positives), xp.log_sum_exp(negatives)
    return xp.softplus((largest + largest_too) + (rest + rest_too))


@circle.vjp(by=("x", "others"))
def circle_vjp(
    xp: Any, g: Array, x: Array, others: Array, *identities: Array, gamma: Number, margin: Number
) -> Iterator[Any]:
    far, near, positives, negatives = circles(xp, x, others, *identities, gamma=gamma, margin=margin)
    p, largest, rest = softmax_and_log_sum(xp, positives)
    n, largest_too, rest_too = softmax_and_log_sum(xp, negatives)
    total = (largest + largest_too) + (rest + rest_too)
    yield xp.softplus(total)
    slope = (g * xp.sigmoid(total))[..., None] * (n * near - p * far)
    slope = xp.reshape(slope, (*g.shape, others.shape[0]))
    yield xp.matmul(slope, others)
    yield xp.matmul(transposed(xp, slope), x)


def circles(
    xp: Any, x: Array, others: Array, *identities: Array, gamma: Number, margin: Number
) -> tuple[Any, Any, Any, Any]:
    """The weights of positives and of negatives, and the logits that they make."""
    s = with_columns(xp, products(xp, x, others))
    alike, unlike = by_label(xp, *identities)
    held = xp.stop_gradient(s)
    far, near = gamma * xp.relu((1.0 + margin) - held), gamma * xp.relu(held + margin)
    return far, near, only(xp, alike, far * ((1.0 - margin) - s)), only(xp, unlike, near * (s - margin))


def multi_similarity_loss(
    embeddings: ArrayT,
    labels: Array,
    *,
    alpha: Number = 2.0,
    beta: Number = 50.0,
    base: Number = 0.5,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Positives that are unlike and negatives that are alike, the worst of each counting the most.

    .. math::
        \ell_i = \frac{1}{\alpha} \log\left(1 + \sum_{p \in P_i} e^{-\alpha (s_p - \lambda)}\right)
        + \frac{1}{\beta} \log\left(1 + \sum_{n \in N_i} e^{\beta (s_n - \lambda)}\right),
        \qquad s_j = x_i \cdot x_j

    Parameters
    ----------
    embeddings : array
        :math:`x`, of shape (N, D), unit vectors.
    labels : array
        Any integers, of shape (N,): :math:`P_i` are the others of the same label, :math:`N_i` those of
        another.
    alpha, beta : number
        :math:`\alpha > 0` and :math:`\beta > 0`, in the inverse unit of the products.
    base : number
        :math:`\lambda`, the product that positives are to be above and negatives below.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per embedding, become the result.
    weights, where, dtype : optional
        Weight of each embedding, embeddings to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" shape (N,), in the unit of the products.

    Raises
    ------
    ValueError
        Embeddings that are not of a shape (N, D), labels of another shape than (N,), `alpha` or `beta`
        that is not above 0, `base` that is not finite, or an unknown `reduction`.
    TypeError
        Labels that are not integers, arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by `embeddings`, in both of their parts. There is no kink. Without positives or without
    negatives that part is 0, and so is its gradient. Products times `alpha` and `beta` have to be finite.

    All pairs count: the paper leaves easy ones out before. Nothing is normalised: divide by the lengths
    before, as in `info_nce_loss`. Memory grows with N, not with its square. An embedding that `where`
    leaves out has no term, but it still is among the others of the rest.

    References
    ----------
    X. Wang, X. Han, W. Huang, D. Dong, M. R. Scott, "Multi-similarity loss with general pair weighting for
    deep metric learning", *CVPR*, 2019, eq. 15.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y = np.asarray([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]), np.asarray([7, 7, 3])
    >>> xlosses.multi_similarity_loss(x, y, reduction="none").round(6).tolist()
    [0.218744, 0.318878, 0.100134]
    """
    reduction_name(reduction)
    parameters = dict(alpha=positive(alpha=alpha), beta=positive(beta=beta), base=finite(base=base))
    arrays = compared(embeddings, labels)
    return evaluate(multi_similarity, arrays, parameters, reduction, weights, where, dtype)


@formula(*COMPARED, width=lambda x, others, *_: others[0])
def multi_similarity(xp: Any, *arrays: Array, alpha: Number, beta: Number, base: Number) -> Any:
    positives, negatives = similarities(xp, *arrays, alpha=alpha, beta=beta, base=base)
    (largest, rest), (largest_too, rest_too) = xp.log_sum_exp(positives), xp.log_sum_exp(negatives)
    return xp.softplus(largest + rest) / alpha + xp.softplus(largest_too + rest_too) / beta


@multi_similarity.vjp(by=("x", "others"))
def multi_similarity_vjp(
    xp: Any, g: Array, x: Array, others: Array, *identities: Array, alpha: Number, beta: Number, base: Number
) -> Iterator[Any]:
    positives, negatives = similarities(xp, x, others, *identities, alpha=alpha, beta=beta, base=base)
    p, largest, rest = softmax_and_log_sum(xp, positives)
    n, largest_too, rest_too = softmax_and_log_sum(xp, negatives)
    yield xp.softplus(largest + rest) / alpha + xp.softplus(largest_too + rest_too) / beta
    chance, chance_too = xp.sigmoid(largest + rest), xp.sigmoid(largest_too + rest_too)
    slope = (g * chance_too)[..., None] * n - (g * chance)[..., None] * p
    slope = xp.reshape(slope, (*g.shape, others.shape[0]))
    yield xp.matmul(slope, others)
    yield xp.matmul(transposed(xp, slope), x)


def similarities(
    xp: Any, x: Array, others: Array, *identities: Array, alpha: Number, beta: Number, base: Number
) -> tuple[Any, Any]:
    """The logits of positives and of negatives."""
    s = with_columns(xp, products(xp, x, others)) - base
    alike, unlike = by_label(xp, *identities)
    return only(xp, alike, -alpha * s), only(xp, unlike, beta * s)
