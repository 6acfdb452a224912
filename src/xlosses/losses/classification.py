"""Logits or probabilities against classes."""

from __future__ import annotations

import math
from typing import Any

from xlosses._core.checks import fraction, is_number, ndim
from xlosses._core.evaluate import evaluate
from xlosses._core.formula import formula
from xlosses._core.math import clamped_log, clamped_log1m, of_class, product, sum_of_products
from xlosses._typing import Array, ArrayT, Number, Reduction

LEAST_LOG = -100.0  # what the logarithm of a probability is clamped at, as in PyTorch and MLX


def binary_cross_entropy(
    inputs: ArrayT,
    targets: Array | float,
    weights: Array | float | None = None,
    with_logits: bool = True,
    reduction: Reduction = "mean",
    *,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Negative log likelihood of yes-or-no targets.

    From logits :math:`x`, or with ``with_logits=False`` from probabilities :math:`p`:

    .. math::
        \ell = \log(1 + e^x) - x y
        \qquad
        \ell = -\left( y \log p + (1 - y) \log (1 - p) \right)

    Parameters
    ----------
    inputs : array
        Logits, or probabilities in [0, 1], in any shape.
    targets : array or number
        Probabilities of "yes", :math:`y \in [0, 1]`, in the shape of `inputs`.
    weights : array or number, optional
        Weight of each term.
    with_logits : bool
        Whether `inputs` are logits.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms become the result.
    where, dtype : optional
        Terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `inputs`, in nats.

    Raises
    ------
    ValueError
        Unequal shapes, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    From logits the gradient is :math:`\sigma(x) - y` everywhere, infinite logits included: an
    infinite logit on the right side costs 0, on the wrong side inf. From probabilities each
    logarithm is clamped at -100, with gradient 0 where that acts; a probability outside [0, 1]
    gives NaN.

    References
    ----------
    C. M. Bishop, *Pattern Recognition and Machine Learning*, 2006, eq. 4.90, p. 206.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y = np.asarray([0.0, np.inf, -60.0]), np.asarray([1.0, 1.0, 0.0])
    >>> xlosses.binary_cross_entropy(x, y, reduction="none").tolist()
    [0.6931471805599453, 0.0, 8.75651076269652e-27]
    """
    form = binary_from_logits if with_logits else binary_from_probabilities
    return evaluate(form, dict(inputs=inputs, targets=targets), {}, reduction, weights, where, dtype)


@formula
def binary_from_logits(xp: Any, x: Array, y: Array) -> Any:
    # By the side of x: max(x, 0) and |x| would lose the gradient at 0, or the second one.
    side = xp.step(x)
    wrong = side - y
    return product(xp, wrong, x) + xp.log1p(xp.exp((1.0 - 2.0 * side) * x))


@binary_from_logits.slope
def binary_from_logits_slope(xp: Any, x: Array, y: Array) -> Any:
    side = xp.step(x)
    sign = 1.0 - 2.0 * side
    small = xp.exp(sign * x)
    return side - y + sign * (small / (1.0 + small))  # sigmoid(x) - y, uncancelled


@formula
def binary_from_probabilities(xp: Any, p: Array, y: Array) -> Any:
    return -(y * clamped_log(xp, p, LEAST_LOG) + (1.0 - y) * clamped_log1m(xp, p, LEAST_LOG))


@binary_from_probabilities.slope
def binary_from_probabilities_slope(xp: Any, p: Array, y: Array) -> Any:
    never, certain = p <= math.exp(LEAST_LOG), p == 1  # where a clamp acts
    by_q = xp.where(certain, 0.0, (1.0 - y) / xp.where(certain, 1.0, 1.0 - p))
    return by_q - xp.where(never, 0.0, y / xp.where(never, 1.0, p))


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
    by_label = is_number(targets) or ndim(targets) < ndim(logits)
    if ignore_index is not None and not by_label:
        raise ValueError(
            f"ignore_index={ignore_index} needs integer targets, got probabilities of shape "
            f"{tuple(targets.shape)}; leave rows out by `where`"  # type: ignore[union-attr]
        )
    form = cross_entropy_of_labels if by_label else cross_entropy_of_probabilities
    arrays = dict(logits=logits, targets=targets, class_weights=class_weights)
    parameters = dict(smoothing=smoothing)
    return evaluate(
        form, arrays, parameters, reduction, weights, where, dtype, axis=axis, ignore_index=ignore_index
    )


@formula("rows", "labels", "classes", together=True, any_axis=True)
def cross_entropy_of_labels(xp: Any, x: Array, label: Array, c: Array | None, smoothing: Number) -> Any:
    largest, rest = xp.log_sum_exp(x)
    # Picked from x, not from x - largest, which a compiler would then have to write out.
    loss = rest - (xp.pick(x, label) - largest)
    share = None if c is None else of_class(xp, c, label)
    if is_number(smoothing) and smoothing == 0:
        return loss if share is None else share * loss
    kept = 1.0 - smoothing if share is None else (1.0 - smoothing) * share
    return kept * loss + surprise(xp, x, evenly(xp, x, c, smoothing))


@cross_entropy_of_labels.slope
def cross_entropy_of_labels_slope(xp: Any, x: Array, label: Array, c: Array | None, smoothing: Number) -> Any:
    p, to_even = xp.softmax(x), None
    if not (is_number(smoothing) and smoothing == 0):
        even = evenly(xp, x, c, smoothing)
        to_even = p * xp.sum(even, axis=-1, keepdims=True) - even
    slope = xp.add_at(p, label, xp.full_like(x[..., 0], -1.0))
    if c is not None:
        slope = slope * of_class(xp, c, label)[..., None]
    return slope if to_even is None else (1.0 - smoothing) * slope + to_even


@cross_entropy_of_labels.weight
def weight_of_label(xp: Any, x: Array, label: Array, c: Array | None, smoothing: Number) -> Any:
    return None if c is None else of_class(xp, c, label)


@formula("rows", "rows", "classes", together=True, any_axis=True)
def cross_entropy_of_probabilities(xp: Any, x: Array, t: Array, c: Array | None, smoothing: Number) -> Any:
    return surprise(xp, x, smoothed(t, c, smoothing))


@cross_entropy_of_probabilities.slope
def cross_entropy_of_probabilities_slope(
    xp: Any, x: Array, t: Array, c: Array | None, smoothing: Number
) -> Any:
    t = smoothed(t, c, smoothing)
    return xp.softmax(x) * xp.sum(t, axis=-1, keepdims=True) - t


@cross_entropy_of_probabilities.weight
def weight_of_probabilities(xp: Any, x: Array, t: Array, c: Array | None, smoothing: Number) -> Any:
    return None if c is None else xp.dot(c, t)


def smoothed(t: Array, c: Array | None, smoothing: Number) -> Any:
    """c times the probabilities t, a share of which is spread evenly over the classes."""
    if not (is_number(smoothing) and smoothing == 0):
        t = (1.0 - smoothing) * t + smoothing / t.shape[-1]
    return t if c is None else c * t


def evenly(xp: Any, x: Array, c: Array | None, smoothing: Number) -> Any:
    """What smoothing takes from the labels, spread over all classes and weighted by them."""
    even = xp.ones_like(x) * (smoothing / x.shape[-1])
    return even if c is None else c * even


def surprise(xp: Any, x: Array, t: Array) -> Any:
    """-sum t log softmax(x) over the last axis; what cannot occur and need not costs nothing."""
    largest, rest = xp.log_sum_exp(x)
    return sum_of_products(xp, t, rest[..., None] - (x - largest[..., None]))


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


@formula("rows", "labels", "classes", sparse=True, any_axis=True)
def nll(xp: Any, x: Array, label: Array, c: Array | None) -> Any:
    loss = -xp.pick(x, label)
    return loss if c is None else loss * of_class(xp, c, label)


@nll.slope
def nll_slope(xp: Any, x: Array, label: Array, c: Array | None) -> Any:
    slope = xp.full_like(x[..., 0], -1.0)  # by the entry that the label names
    return slope if c is None else slope * of_class(xp, c, label)


@nll.weight
def weight_of_nll(xp: Any, x: Array, label: Array, c: Array | None) -> Any:
    return None if c is None else of_class(xp, c, label)
