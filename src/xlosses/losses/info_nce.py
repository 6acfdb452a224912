"""Queries that are to find their keys, among those of the batch or among given negatives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xlosses._core.checks import ndim, positive, reduction_name, shape_is
from xlosses._core.formula import formula
from xlosses._core.numerics import products, transposed
from xlosses._core.plan import one_framework
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction
from xlosses.losses.classification import cross_entropy_of_labels
from xlosses.losses.contrastive import places_of, with_columns
from xlosses.losses.mining import softmax_and_log_sum


def info_nce_loss(
    queries: ArrayT,
    keys: Array,
    *,
    temperature: Number = 0.1,
    symmetric: bool = False,
    negatives: Array | None = None,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Cross entropy of each query's own key among the keys of the batch.

    .. math::
        \ell_i = -\log \frac{e^{q_i \cdot k_i / \tau}}{\sum_j e^{q_i \cdot k_j / \tau}}

    With ``symmetric=True`` it is the mean of this and of the same with queries and keys exchanged, the
    loss of CLIP. With `negatives` these stand in place of the keys of the other queries:

    .. math::
        \ell_i = -\log \frac{e^{q_i \cdot k_i / \tau}}
        {e^{q_i \cdot k_i / \tau} + \sum_j e^{q_i \cdot n_j / \tau}}

    Parameters
    ----------
    queries : array
        :math:`q`, of shape (N, D).
    keys : array
        :math:`k`, of the same shape: that of each query in the same place.
    temperature : number
        :math:`\tau > 0`, in the unit of the products. A 0-d array can be trained.
    symmetric : bool
        Whether each key has to find its query as well.
    negatives : array, optional
        :math:`n`, of shape (M, D) for all queries, or (N, M, D) with those of each query; M > 0. Queries and
        keys then may have any batch axes, (..., D), and so may the negatives of each query.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per pair, become the result.
    weights, where, dtype : optional
        Weight of each pair, pairs to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" shape (N,), in nats.

    Raises
    ------
    ValueError
        Arrays that are not of one shape (N, D), `negatives` of another shape, or beside
        ``symmetric=True``; `temperature` that is not above 0, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype; a number in place of `keys`.

    Notes
    -----
    Differentiated by `queries`, `keys`, `negatives` and `temperature`. The gradient by the products is
    softmax minus 1 at the own key, divided by :math:`\tau`; there is no kink. Products over `temperature`
    have to be finite.

    Nothing is normalised: for cosines divide by the lengths before, as in the example. Memory grows with N,
    not with its square: large batches are computed chunk by chunk.

    A pair that `where` leaves out has no term, but its key is still one of the others' negatives, so that
    NaN there is not hidden. To leave it out altogether, take it out of both arrays. With `negatives` nothing
    is left of it, nor of its own negatives.

    References
    ----------
    A. van den Oord, Y. Li, O. Vinyals, "Representation learning with contrastive predictive coding",
    arXiv:1807.03748, 2018, eq. 4.

    Symmetric: A. Radford et al., "Learning transferable visual models from natural language
    supervision", *ICML*, 2021, figure 3.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> q, k = np.asarray([[3.0, 4.0], [0.0, 2.0]]), np.asarray([[1.0, 0.0], [0.0, 1.0]])
    >>> q /= np.linalg.norm(q, axis=1, keepdims=True)
    >>> float(xlosses.info_nce_loss(q, k, temperature=0.5).round(6))
    0.519972
    >>> float(xlosses.info_nce_loss(q, k, temperature=0.5, negatives=-k).round(6))
    0.142011
    """
    reduction_name(reduction)
    temperature = positive(temperature=temperature)
    if negatives is not None:
        form = among_shared if ndim(negatives) == 2 else among_own
        arrays = dict(queries=queries, keys=keys, negatives=negatives, temperature=temperature)
        one_framework(arrays)
        check_negatives(queries, negatives, symmetric)
        return evaluate(form, arrays, {}, reduction, weights, where, dtype)
    place = places_of(queries=queries, keys=keys)
    if symmetric:
        form, shared = symmetric_info_nce, {"every query": queries, "every key": keys}
    else:
        form, shared = info_nce, {}
    arrays = {"queries": queries, "keys": keys, **shared, "place": place, "temperature": temperature}
    return evaluate(form, arrays, {}, reduction, weights, where, dtype)


# Places are integers and no labels: they are in range, and need no check.
@formula("rows", "shared", "integers", "shared", width=lambda q, k, *_: k[0])
def info_nce(xp: Any, q: Array, k: Array, place: Array, t: Array) -> Any:
    return cross_entropy(xp, products(xp, q / t, k), place)


@info_nce.vjp(by=("q", "t", "k"))
def info_nce_vjp(xp: Any, g: Array, q: Array, k: Array, place: Array, t: Array) -> Iterator[Any]:
    terms, slope = cross_entropy_and_slope(xp, products(xp, q / t, k), place, g)
    yield terms
    by_q = xp.matmul(slope, k) / t
    yield by_q
    yield -xp.total(q * by_q) / t
    yield xp.matmul(transposed(xp, slope), q / t)


@formula("rows", "rows", "shared", "shared", "integers", "shared", width=lambda q, *_: 2 * q[0])
def symmetric_info_nce(
    xp: Any, q: Array, k: Array, queries: Array, keys: Array, place: Array, t: Array
) -> Any:
    of_key = cross_entropy(xp, products(xp, q / t, keys), place)
    of_query = cross_entropy(xp, products(xp, k / t, queries), place)
    return 0.5 * (of_key + of_query)


@symmetric_info_nce.vjp(by=("q", "k", "t", "queries", "keys"))
def symmetric_info_nce_vjp(
    xp: Any, g: Array, q: Array, k: Array, queries: Array, keys: Array, place: Array, t: Array
) -> Iterator[Any]:
    of_key, by_keys = cross_entropy_and_slope(xp, products(xp, q / t, keys), place, 0.5 * g)
    of_query, by_queries = cross_entropy_and_slope(xp, products(xp, k / t, queries), place, 0.5 * g)
    yield 0.5 * (of_key + of_query)
    by_q, by_k = xp.matmul(by_keys, keys) / t, xp.matmul(by_queries, queries) / t
    yield by_q
    yield by_k
    yield -xp.total(q * by_q + k * by_k) / t
    yield xp.matmul(transposed(xp, by_queries), k / t)
    yield xp.matmul(transposed(xp, by_keys), q / t)


def cross_entropy(xp: Any, scores: Array, place: Array) -> Any:
    return cross_entropy_of_labels(xp, with_columns(xp, scores), place, None)


def cross_entropy_and_slope(xp: Any, scores: Array, place: Array, g: Array) -> tuple[Any, Any]:
    """The cross entropy, and g times its derivative by the scores, from one softmax."""
    x = with_columns(xp, scores)
    p = xp.softmax(x)
    # The largest probability is 1 / sum exp(x - max x).
    largest, rest = xp.max(x, axis=-1), -xp.log(xp.max(p, axis=-1))
    slope = xp.add_at(p * g[..., None], place, -g)
    return rest - (xp.pick(x, place) - largest), xp.reshape(slope, scores.shape)


@formula("rows", "rows", "shared", "shared", width=lambda q, k, n, t: max(n))
def among_shared(xp: Any, q: Array, k: Array, n: Array, t: Array) -> Any:
    return against(xp, xp.dot(q / t, k), products(xp, q / t, n))


@among_shared.vjp(by=("q", "k", "t", "n"))
def among_shared_vjp(xp: Any, g: Array, q: Array, k: Array, n: Array, t: Array) -> Iterator[Any]:
    terms, lost, slope = against_and_slope(xp, xp.dot(q / t, k), products(xp, q / t, n), g)
    yield terms
    by_q = (xp.matmul(slope, n) - lost * k) / t
    yield by_q
    yield -lost * (q / t)
    yield -xp.total(q * by_q) / t
    slope = xp.reshape(slope, (-1, n.shape[0]))
    yield xp.matmul(transposed(xp, slope), xp.reshape(q / t, (-1, n.shape[1])))


@formula("rows", "rows", "arrays", "shared", width=lambda q, k, n, t: 2 * n[-2] * n[-1])
def among_own(xp: Any, q: Array, k: Array, n: Array, t: Array) -> Any:
    return against(xp, xp.dot(q / t, k), xp.dot(n, (q / t)[..., None, :]))


@among_own.vjp(by=("q", "k", "n", "t"))
def among_own_vjp(xp: Any, g: Array, q: Array, k: Array, n: Array, t: Array) -> Iterator[Any]:
    scaled = q / t
    terms, lost, slope = against_and_slope(xp, xp.dot(scaled, k), xp.dot(n, scaled[..., None, :]), g)
    yield terms
    by_q = (xp.sum(slope[..., None] * n, axis=-2) - lost * k) / t
    yield by_q
    yield -lost * scaled
    yield slope[..., None] * scaled[..., None, :]
    yield -xp.total(q * by_q) / t


def against(xp: Any, own: Array, scores: Array) -> Any:
    """Minus the log of the softmax at the own score, which keeps its digits where nothing comes near it."""
    largest, rest = xp.log_sum_exp(scores)
    return xp.softplus((largest - own) + rest)


def against_and_slope(xp: Any, own: Array, scores: Array, g: Array) -> tuple[Any, Any, Any]:
    """The same, and g times its derivative by the own score, less its sign, and by the others."""
    p, largest, rest = softmax_and_log_sum(xp, scores)
    behind = (largest - own) + rest
    lost = (g * xp.sigmoid(behind))[..., None]
    return xp.softplus(behind), lost, p * lost


def check_negatives(queries: Array, negatives: Array, symmetric: bool) -> None:
    if symmetric:
        raise ValueError("symmetric=True compares with the batch: it takes no negatives")
    *batch, d = queries.shape or (1,)
    shape_is(("M", d) if ndim(negatives) == 2 else (*batch, "M", d), negatives=negatives)
    if negatives.shape[-2] == 0:
        raise ValueError(f"negatives must be one or more, got the shape {tuple(negatives.shape)}")
