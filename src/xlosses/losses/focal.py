"""Classification in which what is certain already counts less, or what is hopeless."""

from __future__ import annotations

from typing import Any

from xlosses._core.checks import fraction, is_number, nonnegative, positive, proportion
from xlosses._core.formula import declared, formula
from xlosses._core.numerics import of_class, one_per_row, product, quotient, sum_of_products
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction
from xlosses.losses.classification import has_labels, smoothed, weight_of_label, weight_of_probabilities

FAR = -1e3  # exp of it is 0 in every dtype: beyond, an infinity beside it would make the gradient NaN


def sigmoid_focal_loss(
    inputs: ArrayT,
    targets: Array | float,
    *,
    alpha: Number | None = None,
    gamma: Number = 2.0,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Binary cross entropy, in which what is right already counts less.

    .. math::
        \ell = \alpha_t\, (1 - p_t)^\gamma\, \left( \log(1 + e^x) - x y \right),
        \qquad 1 - p_t = y\, (1 - p) + (1 - y)\, p, \quad p = \frac{1}{1 + e^{-x}}

    Parameters
    ----------
    inputs : array
        Logits, :math:`x`, in any shape.
    targets : array or number
        Probabilities of "yes", :math:`y \in [0, 1]`, in the shape of `inputs`.
    alpha : number, optional
        What a "yes" weighs, and :math:`1 - \alpha` a "no": :math:`\alpha_t = \alpha y + (1 - \alpha)(1 - y)`
        with :math:`0 < \alpha < 1`. Without it both weigh 1.
    gamma : number
        :math:`\gamma \ge 0`: the larger, the less counts what is right already. 0 is
        `binary_cross_entropy`.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms become the result.
    weights, where, dtype : optional
        Weight of each term, terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `inputs`, in nats.

    Raises
    ------
    ValueError
        `alpha` outside (0, 1), a negative `gamma`, unequal shapes, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by `inputs`; the gradient is smooth everywhere, and 0 at an infinite logit on the right
    side. :math:`1 - p_t` is computed without subtracting from 1, so that loss and gradient keep their
    relative accuracy however certain the logits are.

    References
    ----------
    T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollár, "Focal loss for dense object detection", *ICCV*,
    2017, eq. 5.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y = np.asarray([0.0, 4.0, 4.0]), np.asarray([1.0, 1.0, 0.0])
    >>> xlosses.sigmoid_focal_loss(x, y, reduction="none").round(6).tolist()
    [0.173287, 6e-06, 3.874907]
    """
    parameters = dict(gamma=nonnegative(gamma=gamma))
    if alpha is not None:
        parameters["alpha"] = proportion(alpha=alpha)
    arrays = dict(inputs=inputs, targets=targets)
    return evaluate(sigmoid_focal, arrays, parameters, reduction, weights, where, dtype)


@formula(width=lambda *_: 2)
def sigmoid_focal(xp: Any, x: Array, y: Array, gamma: Number, alpha: Number | None = None) -> Any:
    side = xp.step(x)
    wrong, small, doubt = doubts(xp, x, y, side)
    entropy = product(xp, wrong, (2.0 * side - 1.0) * x) + xp.log1p(small)
    loss = power(xp, doubt, gamma) * entropy
    return loss if alpha is None else balance(y, alpha) * loss


@sigmoid_focal.slope
def sigmoid_focal_slope(xp: Any, x: Array, y: Array, gamma: Number, alpha: Number | None = None) -> Any:
    side = xp.step(x)
    sign = 1.0 - 2.0 * side
    wrong, small, doubt = doubts(xp, x, y, side)
    least = small / (1.0 + small)
    entropy = product(xp, wrong, -sign * x) + xp.log1p(small)
    by_doubt = quotient(xp, (1.0 - 2.0 * y) * least / (1.0 + small), doubt)
    # The infinite loss of an infinite logit has the doubt 1, whose derivative is 0.
    slope = side - y + sign * least + gamma * product(xp, by_doubt, entropy)
    slope = power(xp, doubt, gamma) * slope
    return slope if alpha is None else balance(y, alpha) * slope


@sigmoid_focal.ordinary
def sigmoid_focal_ordinary(xp: Any, x: Array, y: Array, gamma: Number, alpha: Number | None = None) -> Any:
    side = xp.step(x)
    wrong, small, doubt = doubts(xp, x, y, side)
    loss = doubt**gamma * (wrong * ((2.0 * side - 1.0) * x) + xp.log1p(small))
    return loss if alpha is None else balance(y, alpha) * loss


@sigmoid_focal_ordinary.slope
def sigmoid_focal_ordinary_slope(
    xp: Any, x: Array, y: Array, gamma: Number, alpha: Number | None = None
) -> Any:
    side = xp.step(x)
    sign = 1.0 - 2.0 * side
    wrong, small, doubt = doubts(xp, x, y, side)
    least = small / (1.0 + small)
    entropy = wrong * (-sign * x) + xp.log1p(small)
    by_doubt = (1.0 - 2.0 * y) * least / (1.0 + small) / doubt
    slope = doubt**gamma * (side - y + sign * least + gamma * (by_doubt * entropy))
    return slope if alpha is None else balance(y, alpha) * slope


def doubts(xp: Any, x: Array, y: Array, side: Array) -> tuple[Any, Any, Any]:
    """How far the target is from the side of x, exp(-|x|), and 1 - p_t: a sum of what is not negative."""
    sign = 1.0 - 2.0 * side
    wrong = side + sign * y
    small = xp.exp(xp.clip(sign * x, FAR, None))
    return wrong, small, (wrong + (1.0 - wrong) * small) / (1.0 + small)


def power(xp: Any, doubt: Array, gamma: Any) -> Any:
    """doubt^gamma, with gradient 0 at 0, where that of a small power is infinite."""
    none = doubt == 0
    return xp.where(none, 0.0**gamma, xp.where(none, 1.0, doubt) ** gamma)


def balance(y: Array, alpha: Number) -> Any:
    """What a target weighs."""
    return alpha * y + (1.0 - alpha) * (1.0 - y)


def softmax_focal_loss(
    logits: ArrayT,
    targets: Array | int,
    *,
    axis: int = -1,
    alpha: Number | None = None,
    gamma: Number = 2.0,
    label_smoothing: Number = 0.0,
    reduction: Reduction = "mean",
    class_weights: Array | None = None,
    ignore_index: int | None = None,
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Cross entropy, in which what is right already counts less.

    .. math::
        \ell = -\alpha \sum_k c_k t'_k\, (1 - p_k)^\gamma \log p_k,
        \qquad p = \operatorname{softmax} x, \quad t'_k = (1 - s) t_k + \frac{s}{C}

    Parameters
    ----------
    logits : array
        :math:`x`, real, with the :math:`C` classes along `axis`.
    targets : array
        Integer classes in [0, C) in the shape of `logits` without `axis`, or probabilities
        :math:`t` in the shape of `logits`: told apart by the number of axes.
    axis : int
        The axis of the classes.
    alpha : number, optional
        A factor of the loss, :math:`\alpha > 0`; 1 unless given. What differs by class is `class_weights`.
    gamma : number
        :math:`\gamma \ge 0`: the larger, the less counts what is right already. 0 is `cross_entropy`.
    label_smoothing : number
        The share :math:`s \in [0, 1)` of each target that is spread evenly over the classes.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per row, become the result.
    class_weights : array, optional
        :math:`c`, of shape (C,). In "weighted_mean" a row counts :math:`\sum_k c_k t_k` times its entry of
        `weights`.
    ignore_index : int, optional
        Rows with this label are left out. For integer targets only.
    weights, where, dtype : optional
        Weight of each row, rows to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `logits` without `axis`, in nats.

    Raises
    ------
    ValueError
        A label out of range where Python may look at it (elsewhere loss and gradient of its row
        are NaN), shapes that do not fit, a parameter out of its range, `ignore_index` with
        probabilities, an `axis` out of range or of length 0, or an unknown `reduction`.
    TypeError
        Labels that are not integers, arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by `logits`; the gradient is smooth everywhere. A logit of -inf is a class that cannot
    occur: it costs nothing where its target is 0, and inf elsewhere.

    References
    ----------
    T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollár, "Focal loss for dense object detection", *ICCV*,
    2017, eq. 5.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> logits = np.asarray([[2.0, -1.0], [-1.0, 2.0]])
    >>> xlosses.softmax_focal_loss(logits, np.asarray([0, 0]), reduction="none").round(6).tolist()
    [0.000109, 2.76628]
    """
    parameters = dict(gamma=nonnegative(gamma=gamma))
    smoothing = fraction(label_smoothing=label_smoothing)
    if not (is_number(smoothing) and smoothing == 0):
        parameters["smoothing"] = smoothing
    if alpha is not None:
        parameters["alpha"] = positive(alpha=alpha)
    by_label = has_labels(logits, targets, ignore_index)
    form = focal_of_labels if by_label else focal_of_probabilities
    arrays = dict(logits=logits, targets=targets, class_weights=class_weights)
    return evaluate(
        form, arrays, parameters, reduction, weights, where, dtype, axis=axis, ignore_index=ignore_index
    )


@declared("rows", "labels", "classes", shares_softmax=True)
def focal_of_labels(
    xp: Any,
    x: Array,
    label: Array,
    c: Array | None,
    gamma: Number,
    smoothing: Number | None = None,
    alpha: Number = 1.0,
) -> Any:
    if smoothing is not None:
        t = smoothed_label(xp, x, label, smoothing)
        return focal_of_probabilities(xp, x, t, c, gamma=gamma, alpha=alpha)
    log_p = log_p_of(xp, x, label)
    loss = -alpha * power(xp, doubt_of(xp, log_p), gamma) * log_p
    return loss if c is None else of_class(xp, c, label) * loss


@focal_of_labels.slope
def focal_of_labels_slope(
    xp: Any,
    x: Array,
    label: Array,
    c: Array | None,
    gamma: Number,
    smoothing: Number | None = None,
    alpha: Number = 1.0,
) -> Any:
    if smoothing is not None:
        t = smoothed_label(xp, x, label, smoothing)
        return focal_of_probabilities_slope(xp, x, t, c, gamma=gamma, alpha=alpha)
    steepness = alpha * focal_steepness(xp, log_p_of(xp, x, label), gamma)
    if c is not None:
        steepness = of_class(xp, c, label) * steepness
    return xp.softmax_less_one(x, label) * steepness[..., None]


@declared("rows", "rows", "classes", width=lambda x, *_: 2 * x[-1], shares_softmax=True)
def focal_of_probabilities(
    xp: Any,
    x: Array,
    t: Array,
    c: Array | None,
    gamma: Number,
    smoothing: Number | None = None,
    alpha: Number = 1.0,
) -> Any:
    log_p = xp.log_softmax(x)
    losses = -power(xp, doubt_of(xp, log_p), gamma) * log_p
    return sum_of_products(xp, alpha * smoothed(xp, t, c, smoothing), losses)


@focal_of_probabilities.slope
def focal_of_probabilities_slope(
    xp: Any,
    x: Array,
    t: Array,
    c: Array | None,
    gamma: Number,
    smoothing: Number | None = None,
    alpha: Number = 1.0,
) -> Any:
    log_p = xp.log_softmax(x)
    steep = alpha * smoothed(xp, t, c, smoothing) * focal_steepness(xp, log_p, gamma)
    return xp.softmax(x) * xp.sum(steep, axis=-1, keepdims=True) - steep


def doubt_of(xp: Any, log_p: Array) -> Any:
    """1 - p. Not by expm1: log p is known no better, and PyTorch takes its derivative from the result."""
    return 1.0 - xp.exp(xp.clip(log_p, FAR, None))


def focal_steepness(xp: Any, log_p: Array, gamma: Number) -> Any:
    """How fast (1 - p)^gamma (-log p) falls with log p."""
    p = xp.exp(log_p)
    doubt = 1.0 - p
    return doubt**gamma * (1.0 - gamma * product(xp, quotient(xp, p, doubt), log_p))


def log_p_of(xp: Any, x: Array, label: Array) -> Any:
    """The logarithm of the softmax at the label."""
    largest, rest = xp.log_sum_exp(x)
    return (xp.pick(x, label) - largest) - rest


def smoothed_label(xp: Any, x: Array, label: Array, smoothing: Number) -> Any:
    """The label as probabilities, of which a share is spread evenly over the classes."""
    even = xp.ones_like(x) * (smoothing / x.shape[-1])
    return xp.add_at(even, label, (1.0 - smoothing) * one_per_row(xp, x, label))


focal_of_labels.weight(weight_of_label)
focal_of_probabilities.weight(weight_of_probabilities)
