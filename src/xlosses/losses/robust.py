"""Cross entropy bent to a purpose: a polynomial beside it, labels that may be wrong, softened targets."""

from __future__ import annotations

from typing import Any

from xlosses._core.checks import axes_of, finite, fraction, ndim, positive
from xlosses._core.formula import declared
from xlosses._core.numerics import of_class, sum_of_products
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction
from xlosses.losses.classification import has_labels, smoothed, weight_of_label, weight_of_probabilities
from xlosses.losses.focal import log_p_of


def poly_cross_entropy(
    logits: ArrayT,
    targets: Array | int,
    *,
    epsilon: Number = 2.0,
    axis: int = -1,
    reduction: Reduction = "mean",
    class_weights: Array | None = None,
    ignore_index: int | None = None,
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Cross entropy plus a multiple of how much probability the target lacks: poly-1.

    .. math::
        \ell = \sum_k c_k t_k \left( -\log p_k + \epsilon\, (1 - p_k) \right),
        \qquad p = \operatorname{softmax} x

    Parameters
    ----------
    logits : array
        :math:`x`, real, with the :math:`C` classes along `axis`.
    targets : array
        Integer classes in [0, C) in the shape of `logits` without `axis`, or probabilities
        :math:`t` in the shape of `logits`: told apart by the number of axes.
    epsilon : number
        :math:`\epsilon`, the first coefficient of the polynomial; 0 is `cross_entropy`.
    axis : int
        The axis of the classes.
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
        are NaN), shapes that do not fit, an infinite `epsilon`, `ignore_index` with probabilities, an `axis`
        out of range or of length 0, or an unknown `reduction`.
    TypeError
        Labels that are not integers, arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by `logits`; the gradient is smooth everywhere. A logit of -inf is a class that cannot
    occur: it costs nothing where its target is 0, and inf elsewhere.

    References
    ----------
    Z. Leng et al., "PolyLoss: A polynomial expansion perspective of classification loss functions", *ICLR*,
    2022, eq. 5.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> logits = np.asarray([[2.0, -1.0], [-1.0, 2.0]])
    >>> xlosses.poly_cross_entropy(logits, np.asarray([0, 0]), reduction="none").round(6).tolist()
    [0.143439, 4.953736]
    """
    form = poly_of_labels if has_labels(logits, targets, ignore_index) else poly_of_probabilities
    arrays = dict(logits=logits, targets=targets, class_weights=class_weights)
    parameters = dict(epsilon=finite(epsilon=epsilon))
    return evaluate(
        form, arrays, parameters, reduction, weights, where, dtype, axis=axis, ignore_index=ignore_index
    )


@declared("rows", "labels", "classes", shares_softmax=True)
def poly_of_labels(xp: Any, x: Array, label: Array, c: Array | None, epsilon: Number) -> Any:
    log_p = log_p_of(xp, x, label)
    loss = epsilon * (1.0 - xp.exp(log_p)) - log_p
    return loss if c is None else of_class(xp, c, label) * loss


@poly_of_labels.slope
def poly_of_labels_slope(xp: Any, x: Array, label: Array, c: Array | None, epsilon: Number) -> Any:
    steepness = 1.0 + epsilon * xp.exp(log_p_of(xp, x, label))
    if c is not None:
        steepness = of_class(xp, c, label) * steepness
    return xp.softmax_less_one(x, label) * steepness[..., None]


@declared("rows", "rows", "classes", shares_softmax=True)
def poly_of_probabilities(xp: Any, x: Array, t: Array, c: Array | None, epsilon: Number) -> Any:
    log_p = xp.log_softmax(x)
    return sum_of_products(xp, smoothed(xp, t, c, None), epsilon * (1.0 - xp.exp(log_p)) - log_p)


@poly_of_probabilities.slope
def poly_of_probabilities_slope(xp: Any, x: Array, t: Array, c: Array | None, epsilon: Number) -> Any:
    p = xp.softmax(x)
    steep = smoothed(xp, t, c, None) * (1.0 + epsilon * p)
    return p * xp.sum(steep, axis=-1, keepdims=True) - steep


poly_of_labels.weight(weight_of_label)
poly_of_probabilities.weight(weight_of_probabilities)


def generalized_cross_entropy(
    logits: ArrayT,
    targets: Array | int,
    *,
    q: Number = 0.7,
    axis: int = -1,
    reduction: Reduction = "mean",
    class_weights: Array | None = None,
    ignore_index: int | None = None,
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Cross entropy that is bounded, so that wrong labels cannot dominate.

    .. math::
        \ell = c_t\, \frac{1 - p_t^q}{q}, \qquad p = \operatorname{softmax} x

    Parameters
    ----------
    logits : array
        :math:`x`, real, with the :math:`C` classes along `axis`.
    targets : array or int
        Integer classes :math:`t` in [0, C), in the shape of `logits` without `axis`.
    q : number
        :math:`q > 0`: at 1 it is :math:`1 - p_t`, towards 0 it becomes `cross_entropy`.
    axis : int
        The axis of the classes.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per row, become the result.
    class_weights : array, optional
        :math:`c`, of shape (C,). In "weighted_mean" a row counts :math:`c_t` times its entry of `weights`.
    ignore_index : int, optional
        Rows with this label are left out.
    weights, where, dtype : optional
        Weight of each row, rows to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `logits` without `axis`; a term is in [0, :math:`1 / q`].

    Raises
    ------
    ValueError
        A label out of range where Python may look at it (elsewhere loss and gradient of its row
        are NaN), shapes that do not fit, `q` that is not positive, an `axis` out of range or of length 0, or
        an unknown `reduction`.
    TypeError
        Labels that are not integers, arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by `logits`: the gradient is that of `cross_entropy` times :math:`p_t^q`, smooth everywhere
    and 0 where the label's logit is -inf. The power is taken in log space, so that a small `q` is exact.

    References
    ----------
    Z. Zhang, M. Sabuncu, "Generalized cross entropy loss for training deep neural networks with noisy
    labels", *NeurIPS*, 2018, eq. 6.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> logits = np.asarray([[2.0, -1.0], [-1.0, 2.0]])
    >>> xlosses.generalized_cross_entropy(logits, np.asarray([0, 0]), reduction="none").round(6).tolist()
    [0.04777, 1.259483]
    """
    arrays = dict(logits=logits, targets=targets, class_weights=class_weights)
    parameters = dict(q=positive(q=q))
    return evaluate(
        generalized,
        arrays,
        parameters,
        reduction,
        weights,
        where,
        dtype,
        axis=axis,
        ignore_index=ignore_index,
    )


@declared("rows", "labels", "classes", shares_softmax=True)
def generalized(xp: Any, x: Array, label: Array, c: Array | None, q: Number) -> Any:
    loss = -xp.expm1(q * log_p_of(xp, x, label)) / q
    return loss if c is None else of_class(xp, c, label) * loss


@generalized.slope
def generalized_slope(xp: Any, x: Array, label: Array, c: Array | None, q: Number) -> Any:
    steepness = xp.exp(q * log_p_of(xp, x, label))
    if c is not None:
        steepness = of_class(xp, c, label) * steepness
    return xp.softmax_less_one(x, label) * steepness[..., None]


generalized.weight(weight_of_label)


def smooth_labels(targets: ArrayT, alpha: Number, *, axis: int = -1) -> ArrayT:
    r"""Probabilities of which a share is spread evenly over the classes.

    .. math::
        t'_k = (1 - \alpha)\, t_k + \frac{\alpha}{C}

    Parameters
    ----------
    targets : array
        Probabilities, :math:`t`, real, with the :math:`C` classes along `axis`.
    alpha : number
        The share, :math:`\alpha \in [0, 1)`.
    axis : int
        The axis of the classes.

    Returns
    -------
    array
        In the shape and dtype of `targets`.

    Raises
    ------
    ValueError
        `alpha` outside [0, 1), or an `axis` out of range.

    Notes
    -----
    The losses that have `label_smoothing` need no such targets, and smooth in the dtype of the computation.
    The gradient by `targets` is :math:`1 - \alpha`.

    References
    ----------
    C. Szegedy et al., "Rethinking the Inception architecture for computer vision", *CVPR*, 2016, section 7.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> xlosses.smooth_labels(np.asarray([[1.0, 0.0, 0.0, 0.0]]), 0.2).tolist()
    [[0.8500000000000001, 0.05, 0.05, 0.05]]
    """
    share = fraction(alpha=alpha)
    (axis,) = axes_of(ndim(targets), axis)
    return (1.0 - share) * targets + share / targets.shape[axis]
