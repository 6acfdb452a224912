"""Embeddings compared with all others of their batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xlosses._core.checks import finite, positive, reduction_name
from xlosses._core.formula import formula
from xlosses._core.numerics import products, tiny, transposed
from xlosses._core.plan import one_framework
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction


def siglip_loss(
    queries: ArrayT,
    keys: Array,
    *,
    scale: Number = 10.0,
    bias: Number = -10.0,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Binary cross entropy of every pair of the batch: yes for a query and its own key, no for all others.

    .. math::
        \ell_i = \sum_j \log\left(1 + e^{-z_{ij} (s\, q_i \cdot k_j + b)}\right),
        \qquad z_{ij} = \begin{cases} 1 & i = j \\ -1 & i \ne j \end{cases}

    Parameters
    ----------
    queries : array
        :math:`q`, of shape (N, D).
    keys : array
        :math:`k`, of the same shape: that of each query in the same place.
    scale : number
        :math:`s`, in the inverse unit of the products. A 0-d array can be trained.
    bias : number
        :math:`b`, a logit: about minus log N while nothing is learned yet. A 0-d array can be trained.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per query, become the result.
    weights, where, dtype : optional
        Weight of each query, queries to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" shape (N,), in nats.

    Raises
    ------
    ValueError
        Arrays that are not of one shape (N, D), `scale` or `bias` that is not finite, or an unknown
        `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype; a number in place of `keys`.

    Notes
    -----
    Differentiated by `queries`, `keys`, `scale` and `bias`. The gradient by the logits is
    :math:`-z \sigma(-z x)` everywhere, also at 0. Logits have to be finite.

    Nothing is normalised: for cosines divide by the lengths before, as in `info_nce_loss`. Memory grows
    with N, not with its square. A query that `where` leaves out has no term, but its key still is one of
    the others' negatives; to leave it out altogether, take it out of both arrays.

    References
    ----------
    X. Zhai, B. Mustafa, A. Kolesnikov, L. Beyer, "Sigmoid loss for language image pre-training",
    *ICCV*, 2023, section 3.2, algorithm 1.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> q, k = np.asarray([[0.6, 0.8], [0.0, 1.0]]), np.asarray([[1.0, 0.0], [0.0, 1.0]])
    >>> xlosses.siglip_loss(q, k, scale=10.0, bias=-5.0, reduction="none").round(6).tolist()
    [3.361849, 0.013431]
    """
    reduction_name(reduction)
    scale, bias = finite(scale=scale), finite(bias=bias)
    place = places_of(queries=queries, keys=keys)
    arrays = dict(queries=queries, keys=keys, place=place, scale=scale, bias=bias)
    return evaluate(siglip, arrays, {}, reduction, weights, where, dtype)


@formula("rows", "shared", "integers", "shared", "shared", width=lambda q, k, *_: k[0])
def siglip(xp: Any, q: Array, k: Array, place: Array, s: Array, b: Array) -> Any:
    x = with_columns(xp, products(xp, s * q, k) + b)
    return xp.sum(xp.softplus(turned(xp, x, place)), axis=-1)


@siglip.vjp(by=("q", "s", "b", "k"))
def siglip_vjp(xp: Any, g: Array, q: Array, k: Array, place: Array, s: Array, b: Array) -> Iterator[Any]:
    x = products(xp, s * q, k) + b
    turned_x = turned(xp, with_columns(xp, x), place)
    yield xp.sum(xp.softplus(turned_x), axis=-1)
    slope = xp.reshape(turned(xp, xp.sigmoid(turned_x) * g[..., None], place), x.shape)
    by_product = xp.matmul(slope, k)
    yield s * by_product
    yield xp.total(q * by_product)
    yield xp.total(slope)
    yield xp.matmul(transposed(xp, slope), s * q)


def turned(xp: Any, x: Array, place: Array) -> Any:
    """x with the sign of the entry at each place changed; x - 2 x is exact."""
    return xp.add_at(x, place, -2.0 * xp.pick(x, place))


def supervised_contrastive_loss(
    embeddings: ArrayT,
    labels: Array,
    *,
    temperature: Number = 0.1,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Mean cross entropy of the others with the same label among all others of the batch.

    .. math::
        \ell_i = -\frac{1}{|P_i|} \sum_{p \in P_i} \log
        \frac{e^{x_i \cdot x_p / \tau}}{\sum_{a \ne i} e^{x_i \cdot x_a / \tau}},
        \qquad P_i = \{p \ne i : y_p = y_i\}

    Parameters
    ----------
    embeddings : array
        :math:`x`, of shape (N, D).
    labels : array
        :math:`y`, any integers, of shape (N,).
    temperature : number
        :math:`\tau > 0`, in the unit of the products. A 0-d array can be trained.
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
        Embeddings that are not of a shape (N, D), labels of another shape than (N,), `temperature` that
        is not above 0, or an unknown `reduction`.
    TypeError
        Labels that are not integers, arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by `embeddings`, in both of their parts, and by `temperature`. Where no other has the
    same label the loss is 0, and so is its gradient. There is no kink. Products over `temperature` have to
    be finite.

    Nothing is normalised: for cosines divide by the lengths before, as in `info_nce_loss`. Memory grows
    with N, not with its square. An embedding that `where` leaves out has no term, but it still is among
    the others of the rest; to leave it out altogether, take it out of both arrays.

    References
    ----------
    P. Khosla et al., "Supervised contrastive learning", *NeurIPS*, 2020, eq. 2.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y = np.asarray([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]), np.asarray([7, 7, 3])
    >>> xlosses.supervised_contrastive_loss(x, y, temperature=0.5, reduction="none").round(6).tolist()
    [0.183901, 0.513015, 0.0]
    """
    reduction_name(reduction)
    temperature = positive(temperature=temperature)
    place = places_of(embeddings=embeddings)
    arrays = {
        "embeddings": embeddings,
        "every embedding": embeddings,
        "labels": labels,
        "every label": labels,
        "place": place,
        "every place": place,
        "temperature": temperature,
    }
    return evaluate(supervised_contrastive, arrays, {}, reduction, weights, where, dtype)


@formula(
    *("rows", "shared", "integers", "shared integers", "integers", "shared integers", "shared"),
    width=lambda x, others, *_: others[0],
)
def supervised_contrastive(
    xp: Any, x: Array, others: Array, y: Array, labels: Array, place: Array, places: Array, t: Array
) -> Any:
    scores, share, some = among_others(xp, products(xp, x / t, others), y, labels, place, places)
    largest, rest = xp.log_sum_exp(scores)
    return some * rest - xp.sum(share * (scores - largest[..., None]), axis=-1)


@supervised_contrastive.vjp(by=("x", "t", "others"))
def supervised_contrastive_vjp(
    xp: Any, g: Array, x: Array, others: Array, y: Array, labels: Array, place: Array, places: Array, t: Array
) -> Iterator[Any]:
    scores, share, some = among_others(xp, products(xp, x / t, others), y, labels, place, places)
    p = xp.softmax(scores)
    largest, rest = xp.max(scores, axis=-1), -xp.log(xp.max(p, axis=-1))
    yield some * rest - xp.sum(share * (scores - largest[..., None]), axis=-1)
    slope = (some[..., None] * p - share) * g[..., None]
    slope = xp.reshape(slope, (*g.shape, others.shape[0]))
    by_x = xp.matmul(slope, others) / t
    yield by_x
    yield -xp.total(x * by_x) / t
    yield xp.matmul(transposed(xp, slope), x / t)


def among_others(
    xp: Any, scores: Array, y: Array, labels: Array, place: Array, places: Array
) -> tuple[Any, Any, Any]:
    """The scores, that with itself as good as -inf; the share of each positive; 1 where there is any."""
    itself = place[..., None] == places[None, ...]
    positive = xp.logical_and(y[..., None] == labels[None, ...], xp.logical_not(itself))
    share = xp.astype(positive, scores.dtype)
    count = xp.sum(share, axis=-1)
    share = share / xp.where(count == 0, 1.0, count)[..., None]
    # Not -inf, of which a row alone in its batch would make NaN.
    scores = xp.where(itself, -0.25 / tiny(xp, scores), scores)
    return with_columns(xp, scores), with_columns(xp, share), xp.step(count)


def with_columns(xp: Any, x: Array) -> Any:
    """x, or of an empty batch one column: of rows without entries there is no maximum."""
    return x if x.shape[1] else xp.reshape(x, (x.shape[0], 1))


def places_of(**arrays: Any) -> Any:
    """0, 1, ..., N - 1 for one array of shape (N, D), or for several of the same shape."""
    xp, _ = one_framework(arrays)
    (first, x), *others = arrays.items()
    if len(x.shape) != 2:
        raise ValueError(f"{first} must have a shape (N, D), got {tuple(x.shape)}")
    for name, other in others:
        if not hasattr(other, "shape"):
            raise TypeError(f"{name} must be an array, got the number {other}")
        if tuple(other.shape) != tuple(x.shape):
            raise ValueError(
                f"{name} must have the shape {tuple(x.shape)} to match {first} of shape {tuple(x.shape)}, "
                f"got {tuple(other.shape)}"
            )
    return xp.indices(x.shape[0], x)
