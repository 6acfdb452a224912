"""Logits or log probabilities against classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xlosses._core.checks import fraction, is_number, ndim
from xlosses._core.formula import declared
from xlosses._core.numerics import of_class, one_per_row, per_class, sum_of_products
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction


def cross_entropy(
    logits: ArrayT,
    targets: Array | int,
    weights: Array | float | None = None,
    axis: int = -1,
    label_smoothing: Number = 0.0,
    reduction: Reduction = "none",
    *,
    class_weights: Array | None = None,
    ignore_index: int | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Negative log likelihood of classes under the softmax of logits.

    .. math::
        \ell = -\sum_k c_k t'_k \log \frac{e^{x_k}}{\sum_j e^{x_j}},
        \qquad t'_k = (1 - s) t_k + \frac{s}{C}

    Parameters
    ----------
    logits : array
        :math:`x`, real, with the :math:`C` classes along `axis`.
    targets : array
        Integer classes in [0, C) in the shape of `logits` without `axis`, or probabilities
        :math:`t` in the shape of `logits`: told apart by the number of axes.
    weights : array or number, optional
        Weight of each row.
    axis : int
        The axis of the classes.
    label_smoothing : number
        The share :math:`s \in [0, 1)` of each target that is spread evenly over the classes.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per row, become the result.
    class_weights : array, optional
        :math:`c`, of shape (C,). In "weighted_mean" a row counts :math:`\sum_k c_k t_k` times
        its entry of `weights`.
    ignore_index : int, optional
        Rows with this label are left out. For integer targets only.
    where, dtype : optional
        Rows to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `logits` without `axis`, in nats.

    Raises
    ------
    ValueError
        A label out of range where Python may look at it (elsewhere loss and gradient of its row
        are NaN), shapes that do not fit, `label_smoothing` outside [0, 1), `ignore_index` with
        probabilities, an `axis` out of range or of length 0, or an unknown `reduction`.
    TypeError
        Labels that are not integers, arrays of two frameworks, or of complex dtype.

    Notes
    -----
    The gradient is softmax minus :math:`t'` (for :math:`c = 1` and :math:`t` that sums to 1).
    A logit of -inf is a class that cannot occur: it costs nothing where its target is 0, and inf
    elsewhere. A logit of +inf gives NaN. Probabilities need not sum to 1.

    References
    ----------
    C. M. Bishop, *Pattern Recognition and Machine Learning*, 2006, eq. 4.108, p. 209.

    Smoothing: C. Szegedy et al., "Rethinking the Inception architecture for computer vision",
    *CVPR*, 2016, section 7.

    Shift: P. Blanchard, D. J. Higham, N. J. Higham, "Accurately computing the log-sum-exp and
    softmax functions", *IMA Journal of Numerical Analysis* 41(4), 2021, pp. 2311-2330.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> logits = np.asarray([[2.0, -1.0], [-1.0, 2.0]])
    >>> xlosses.cross_entropy(logits, np.asarray([0, 1])).round(7).tolist()
    [0.0485874, 0.0485874]
    >>> xlosses.cross_entropy(logits, np.asarray([[0.9, 0.1], [0.1, 0.9]])).round(6).tolist()
    [0.348587, 0.348587]
    """
    smoothing = fraction(label_smoothing=label_smoothing)
    by_label = has_labels(logits, targets, ignore_index)
    smooth = not (is_number(smoothing) and smoothing == 0)
    if by_label:
        form = smoothed_cross_entropy_of_labels if smooth else cross_entropy_of_labels
    else:
        form = cross_entropy_of_probabilities
    arrays = dict(logits=logits, targets=targets, class_weights=class_weights)
    parameters = dict(smoothing=smoothing) if smooth else {}
    return evaluate(
        form, arrays, parameters, reduction, weights, where, dtype, axis=axis, ignore_index=ignore_index
    )


@declared("rows", "labels", "classes", shares_softmax=True)
def cross_entropy_of_labels(xp: Any, x: Array, label: Array, c: Array | None) -> Any:
    largest, rest = xp.log_sum_exp(x)
    # The label's logit is picked from x: to pick it from x - largest, XLA would write that matrix out.
    loss = rest - (xp.pick(x, label) - largest)
    return loss if c is None else of_class(xp, c, label) * loss


@cross_entropy_of_labels.slope
def cross_entropy_of_labels_slope(xp: Any, x: Array, label: Array, c: Array | None) -> Any:
    slope = xp.softmax_less_one(x, label)
    return slope if c is None else slope * of_class(xp, c, label)[..., None]


@cross_entropy_of_labels.weight
def weight_of_label(xp: Any, x: Array, label: Array, c: Array | None, *_: Any, **__: Any) -> Any:
    return None if c is None else of_class(xp, c, label)


@declared("rows", "labels", "classes", shares_softmax=True)
def smoothed_cross_entropy_of_labels(
    xp: Any, x: Array, label: Array, c: Array | None, smoothing: Number
) -> Any:
    return smoothed_loss(xp, x, label, c, smoothing, sum_of_products)


@smoothed_cross_entropy_of_labels.ordinary
def smoothed_cross_entropy_of_labels_ordinary(
    xp: Any, x: Array, label: Array, c: Array | None, smoothing: Number
) -> Any:
    return smoothed_loss(xp, x, label, c, smoothing, dot)


@smoothed_cross_entropy_of_labels.slope
def smoothed_cross_entropy_of_labels_slope(
    xp: Any, x: Array, label: Array, c: Array | None, smoothing: Number
) -> Any:
    p, even = xp.softmax(x), evenly(xp, x, c, smoothing)
    to_even = p * xp.sum(even, axis=-1, keepdims=True) - even
    to_label = xp.add_at(p, label, -one_per_row(xp, x, label))
    if c is not None:
        to_label = to_label * of_class(xp, c, label)[..., None]
    return (1.0 - smoothing) * to_label + to_even


smoothed_cross_entropy_of_labels.weight(weight_of_label)


@declared("rows", "rows", "classes", shares_softmax=True)
def cross_entropy_of_probabilities(
    xp: Any, x: Array, t: Array, c: Array | None, smoothing: Number | None = None
) -> Any:
    return sum_of_products(xp, smoothed(xp, t, c, smoothing), surprise(xp, x))


@cross_entropy_of_probabilities.slope
def cross_entropy_of_probabilities_slope(
    xp: Any, x: Array, t: Array, c: Array | None, smoothing: Number | None = None
) -> Any:
    t = smoothed(xp, t, c, smoothing)
    return xp.softmax(x) * xp.sum(t, axis=-1, keepdims=True) - t


@cross_entropy_of_probabilities.ordinary
def cross_entropy_of_probabilities_ordinary(
    xp: Any, x: Array, t: Array, c: Array | None, smoothing: Number | None = None
) -> Any:
    return xp.dot(smoothed(xp, t, c, smoothing), surprise(xp, x))


@cross_entropy_of_probabilities.weight
def weight_of_probabilities(xp: Any, x: Array, t: Array, c: Array | None, *_: Any, **__: Any) -> Any:
    return None if c is None else xp.sum(per_class(xp, c, t) * t, axis=-1)


def has_labels(logits: Any, targets: Any, ignore_index: int | None) -> bool:
    """Whether the targets are classes; of probabilities none can be ignored by its label."""
    by_label = is_number(targets) or ndim(targets) < ndim(logits)
    if ignore_index is not None and not by_label:
        raise ValueError(
            f"ignore_index={ignore_index} needs integer targets, got probabilities of shape "
            f"{tuple(targets.shape)}; leave rows out by `where`"
        )
    return by_label


def smoothed(xp: Any, t: Array, c: Array | None, smoothing: Number | None) -> Any:
    """The probabilities t after label smoothing, times the class weights c."""
    if smoothing is not None:
        t = (1.0 - smoothing) * t + smoothing / t.shape[-1]
    return t if c is None else per_class(xp, c, t) * t


def evenly(xp: Any, x: Array, c: Array | None, smoothing: Number) -> Any:
    """What label smoothing adds to each class, the same for all, times the class weights c."""
    even = xp.ones_like(x) * (smoothing / x.shape[-1])
    return even if c is None else per_class(xp, c, x) * even


def surprise(xp: Any, x: Array) -> Any:
    """-log softmax(x)."""
    largest, rest = xp.log_sum_exp(x)
    return rest[..., None] - (x - largest[..., None])


def smoothed_loss(
    xp: Any, x: Array, label: Array, c: Array | None, smoothing: Number, summed: Callable[..., Any]
) -> Any:
    """The loss of the label plus that of all classes, in shares; `summed` sums with a guard or without."""
    largest, rest = xp.log_sum_exp(x)
    loss = rest - (xp.pick(x, label) - largest)
    kept = 1.0 - smoothing if c is None else (1.0 - smoothing) * of_class(xp, c, label)
    every = rest[..., None] - (x - largest[..., None])
    return kept * loss + summed(xp, evenly(xp, x, c, smoothing), every)


def dot(xp: Any, x: Array, y: Array) -> Any:
    """`sum_of_products` without its guard for 0 times infinity."""
    return xp.dot(x, y)


def nll_loss(
    inputs: ArrayT,
    targets: Array | int,
    axis: int = -1,
    reduction: Reduction = "none",
    *,
    class_weights: Array | None = None,
    ignore_index: int | None = None,
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Negative log likelihood of classes, from log probabilities.

    .. math::
        \ell = -c_t x_t

    Parameters
    ----------
    inputs : array
        Log probabilities :math:`x`, with the :math:`C` classes along `axis`.
    targets : array or int
        Integer classes :math:`t` in [0, C), in the shape of `inputs` without `axis`.
    axis : int
        The axis of the classes.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per row, become the result.
    class_weights : array, optional
        :math:`c`, of shape (C,). In "weighted_mean" a row counts :math:`c_t` times its entry of
        `weights`.
    ignore_index : int, optional
        Rows with this label are left out.
    weights, where, dtype : optional
        Weight of each row, rows to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `inputs` without `axis`, in nats.

    Raises
    ------
    ValueError
        A label out of range where Python may look at it (elsewhere loss and gradient of its row
        are NaN), shapes that do not fit, an `axis` out of range or of length 0, or an unknown
        `reduction`.
    TypeError
        Labels that are not integers, arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Linear in `inputs`: the gradient is :math:`-c_t` at the label and 0 elsewhere. That `inputs`
    are normalised is not checked.

    References
    ----------
    C. M. Bishop, *Pattern Recognition and Machine Learning*, 2006, eq. 4.108, p. 209.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x = np.log(np.asarray([[0.5, 0.5], [0.25, 0.75]]))
    >>> xlosses.nll_loss(x, np.asarray([0, 1])).round(6).tolist()
    [0.693147, 0.287682]
    """
    arrays = dict(inputs=inputs, targets=targets, class_weights=class_weights)
    return evaluate(nll, arrays, {}, reduction, weights, where, dtype, axis=axis, ignore_index=ignore_index)


@declared("rows", "labels", "classes", reads_one_entry=True)
def nll(xp: Any, x: Array, label: Array, c: Array | None) -> Any:
    loss = -xp.pick(x, label)
    return loss if c is None else loss * of_class(xp, c, label)


@nll.slope
def nll_slope(xp: Any, x: Array, label: Array, c: Array | None) -> Any:
    slope = -one_per_row(xp, x, label)  # the derivative by the one entry that the label names
    return slope if c is None else slope * of_class(xp, c, label)


@nll.weight
def weight_of_nll(xp: Any, x: Array, label: Array, c: Array | None) -> Any:
    return None if c is None else of_class(xp, c, label)
