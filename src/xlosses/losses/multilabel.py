"""Several classes at once: whether each is one of the row's."""

from __future__ import annotations

from typing import Any

from xlosses._core import masks
from xlosses._core.formula import formula
from xlosses._core.numerics import only_nan, per_class, sum_of_products
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Reduction
from xlosses.losses.binary import (
    binary_from_logits,
    binary_from_logits_ordinary,
    binary_from_logits_slope,
)


def multilabel_margin_loss(
    scores: ArrayT,
    targets: Array | float,
    *,
    axis: int = -1,
    label_lists: bool = False,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""How far each class of a row falls short of a margin of 1 over each that is none of its.

    .. math::
        \ell = \frac1C \sum_{j:\, y_j > 0} \; \sum_{i:\, y_i \le 0} \max(0,\, 1 + x_i - x_j)

    Parameters
    ----------
    scores : array
        Scores, :math:`x`, real, with the :math:`C` classes along `axis`.
    targets : array or number
        Whether each class is one of the row's, :math:`y`, in the shape of `scores`: 0 or 1, or booleans.
        Or with `label_lists` its classes, integers that end at the first one below 0, in the same shape.
    axis : int
        The axis of the classes.
    label_lists : bool
        Whether targets are lists of labels, as PyTorch has them.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per row, become the result.
    weights, where, dtype : optional
        Weight of each row, rows to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `scores` without `axis`.

    Raises
    ------
    ValueError
        Shapes that do not fit, an `axis` out of range or of length 0, or an unknown `reduction`. A label in a
        list that is no class, where Python may look at it (elsewhere loss and gradient of its row are NaN).
    TypeError
        Arrays of two frameworks, or of complex dtype, lists that are not of integers.

    Notes
    -----
    All pairs of a row are compared, large batches a block at a time. The gradient is :math:`1 / C` for each
    pair short of the margin, and 0 at the kink. A row of which all classes or none are its own costs nothing.
    The sign of a target decides; one of NaN gives NaN. A label that is twice in its list counts once; in
    PyTorch it counts twice.

    References
    ----------
    A. Elisseeff, J. Weston, "A kernel method for multi-labelled classification", *NIPS*, 2001, pp. 681-687.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y = np.asarray([[0.1, 0.2, 0.4, 0.8]]), np.asarray([[1, 0, 0, 1]])
    >>> xlosses.multilabel_margin_loss(x, y, reduction="none").round(6).tolist()
    [0.85]
    """
    arrays = dict(scores=scores, targets=targets)
    if label_lists:
        masks.check_lists(scores, targets, where, axis)
    form = multilabel_margin_of_lists if label_lists else multilabel_margin
    return evaluate(form, arrays, {}, reduction, weights, where, dtype, axis=axis)


@formula("rows", "rows", width=lambda x, y: x[-1] ** 2)
def multilabel_margin(xp: Any, x: Array, y: Array) -> Any:
    short = xp.sum(xp.relu(gaps(xp, x, y)) / x.shape[-1], axis=-1)
    return xp.sum(short + only_nan(xp, x) + only_nan(xp, y), axis=-1)


@multilabel_margin.slope
def multilabel_margin_slope(xp: Any, x: Array, y: Array) -> Any:
    short = xp.step(gaps(xp, x, y))
    return (xp.sum(short, axis=-1) - xp.sum(short, axis=-2)) / x.shape[-1]


def gaps(xp: Any, x: Array, y: Array) -> Any:
    """1 + x_i - x_j, if class i is none of the row's and j is one, else 0."""
    own = y > 0
    compared = xp.logical_and(xp.logical_not(own)[..., None], own[..., None, :])
    # An infinite score less itself would be NaN: of the two, one is made 0.
    apart = xp.where(own, 0.0, x)[..., None] - xp.where(own, x, 0.0)[..., None, :]
    return xp.where(compared, 1.0 + apart, 0.0)


@formula("rows", "rows", width=lambda x, y: x[-1] ** 2)
def multilabel_margin_of_lists(xp: Any, x: Array, labels: Array) -> Any:
    y, known = listed(xp, labels)
    return known * multilabel_margin.terms(xp, x, y)


@multilabel_margin_of_lists.slope
def multilabel_margin_of_lists_slope(xp: Any, x: Array, labels: Array) -> Any:
    y, known = listed(xp, labels)
    return known[..., None] * multilabel_margin_slope(xp, x, y)


def listed(xp: Any, labels: Array) -> tuple[Any, Any]:
    """1 for each class in a list that ends at the first number below 0; and 1, or NaN for a bad label."""
    n, dtype = labels.shape[-1], labels.dtype
    labels = xp.where(xp.cumulative_sum(xp.astype(labels < 0, dtype), axis=-1) > 0, -1.0, labels)
    y = xp.any(labels[..., None] == xp.astype(xp.indices(n, labels), dtype), axis=-2)
    bad = xp.any(labels >= max(n, 2), axis=-1)  # a row that is masked is full of 1
    return xp.astype(y, dtype), xp.where(bad, float("nan"), xp.astype(xp.logical_not(bad), dtype))


def multilabel_soft_margin_loss(
    inputs: ArrayT,
    targets: Array | float,
    *,
    axis: int = -1,
    class_weights: Array | None = None,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Binary cross entropy of each class by itself, as a mean over the classes of a row.

    .. math::
        \ell = \frac1C \sum_k c_k \left( \log(1 + e^{x_k}) - x_k y_k \right)

    Parameters
    ----------
    inputs : array
        Logits, :math:`x`, real, with the :math:`C` classes along `axis`.
    targets : array or number
        Whether each class is one of the row's, :math:`y`, in the shape of `inputs`: 0 or 1, or booleans.
    axis : int
        The axis of the classes.
    class_weights : array, optional
        :math:`c`, of shape (C,).
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per row, become the result.
    weights, where, dtype : optional
        Weight of each row, rows to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `inputs` without `axis`, in nats.

    Raises
    ------
    ValueError
        Shapes that do not fit, an `axis` out of range or of length 0, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    The gradient is :math:`c_k (\sigma(x_k) - y_k) / C`. Targets may be probabilities. Infinite logits are as
    in `binary_cross_entropy`: on the right side they cost nothing. The sum is divided by :math:`C`, not by
    the class weights, in "weighted_mean" as well.

    References
    ----------
    C. M. Bishop, *Pattern Recognition and Machine Learning*, 2006, eq. 4.90, p. 206, of one class.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y = np.asarray([[0.0, 100.0, 100.0]]), np.asarray([[1, 1, 0]])
    >>> xlosses.multilabel_soft_margin_loss(x, y, reduction="none").round(6).tolist()
    [33.564382]
    """
    arrays = dict(inputs=inputs, targets=targets, class_weights=class_weights)
    return evaluate(multilabel_soft_margin, arrays, {}, reduction, weights, where, dtype, axis=axis)


@formula("rows", "rows", "classes")
def multilabel_soft_margin(xp: Any, x: Array, y: Array, c: Array | None) -> Any:
    terms = binary_from_logits(xp, x, y) / x.shape[-1]
    return xp.sum(terms, axis=-1) if c is None else sum_of_products(xp, per_class(xp, c, x), terms)


@multilabel_soft_margin.slope
def multilabel_soft_margin_slope(xp: Any, x: Array, y: Array, c: Array | None) -> Any:
    slope = binary_from_logits_slope(xp, x, y) / x.shape[-1]
    return slope if c is None else slope * per_class(xp, c, x)


@multilabel_soft_margin.ordinary
def multilabel_soft_margin_ordinary(xp: Any, x: Array, y: Array, c: Array | None) -> Any:
    terms = binary_from_logits_ordinary(xp, x, y) / x.shape[-1]
    return xp.sum(terms, axis=-1) if c is None else xp.dot(per_class(xp, c, x), terms)
