"""Classes as directions: a margin of angle or cosine that the right one has to win by."""

from __future__ import annotations

from typing import Any

from xlosses._core.checks import nonnegative, positive
from xlosses._core.formula import declared
from xlosses._core.numerics import of_class
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction
from xlosses.losses.classification import weight_of_label


def cosface_loss(
    cosines: ArrayT,
    targets: Array | int,
    *,
    margin: Number = 0.35,
    scale: Number = 64.0,
    axis: int = -1,
    reduction: Reduction = "mean",
    class_weights: Array | None = None,
    ignore_index: int | None = None,
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Cross entropy of scaled cosines, from which the right class has a margin taken off.

    .. math::
        \ell = -c_t \log \frac{e^{s (x_t - m)}}{e^{s (x_t - m)} + \sum_{k \ne t} e^{s x_k}}

    Parameters
    ----------
    cosines : array
        Cosines :math:`x \in [-1, 1]` of the angles between an embedding and the :math:`C` classes, with the
        classes along `axis`.
    targets : array or int
        Integer classes :math:`t` in [0, C), in the shape of `cosines` without `axis`.
    margin : number
        :math:`m \ge 0`, in the unit of a cosine.
    scale : number
        :math:`s > 0`, what turns cosines into logits.
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
        One number, or for "none" the shape of `cosines` without `axis`, in nats.

    Raises
    ------
    ValueError
        A label out of range where Python may look at it (elsewhere loss and gradient of its row
        are NaN), shapes that do not fit, a negative `margin`, a `scale` that is not positive, an `axis` out
        of range or of length 0, or an unknown `reduction`.
    TypeError
        Labels that are not integers, arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by `cosines`; the gradient is smooth everywhere. The largest cosine is subtracted before
    the scale multiplies, which would enlarge its rounding.

    References
    ----------
    H. Wang et al., "CosFace: Large margin cosine loss for deep face recognition", *CVPR*, 2018, eq. 4.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, t = np.asarray([[0.8, 0.3], [0.2, 0.4]]), np.asarray([0, 0])
    >>> xlosses.cosface_loss(x, t, margin=0.25, scale=10.0, reduction="none").round(6).tolist()
    [0.07889, 4.511048]
    """
    arrays = dict(cosines=cosines, targets=targets, class_weights=class_weights)
    parameters = dict(margin=nonnegative(margin=margin), scale=positive(scale=scale))
    return evaluate(
        cosface, arrays, parameters, reduction, weights, where, dtype, axis=axis, ignore_index=ignore_index
    )


@declared("rows", "labels", "classes", shares_softmax=True)
def cosface(xp: Any, x: Array, label: Array, c: Array | None, margin: Number, scale: Number) -> Any:
    logits = logits_of(xp, x, label, -margin * xp.ones_like(xp.pick(x, label)), scale)
    _, rest = xp.log_sum_exp(logits)  # the largest is 0
    loss = rest - xp.pick(logits, label)
    return loss if c is None else of_class(xp, c, label) * loss


@cosface.slope
def cosface_slope(xp: Any, x: Array, label: Array, c: Array | None, margin: Number, scale: Number) -> Any:
    logits = logits_of(xp, x, label, -margin * xp.ones_like(xp.pick(x, label)), scale)
    slope = scale * xp.softmax_less_one(logits, label)
    return slope if c is None else slope * of_class(xp, c, label)[..., None]


cosface.weight(weight_of_label)


def logits_of(xp: Any, x: Array, label: Array, shift: Array, scale: Number) -> Any:
    """The scaled cosines, that of the label shifted, less the largest: before it is scaled, to be exact."""
    x = xp.add_at(x, label, shift)
    return scale * (x - xp.stop_gradient(xp.max(x, axis=-1, keepdims=True)))


def arcface_loss(
    cosines: ArrayT,
    targets: Array | int,
    *,
    margin: Number = 0.5,
    scale: Number = 64.0,
    axis: int = -1,
    reduction: Reduction = "mean",
    class_weights: Array | None = None,
    ignore_index: int | None = None,
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Cross entropy of scaled cosines, where the angle to the right class is widened by a margin.

    .. math::
        \ell = -c_t \log \frac{e^{s z}}{e^{s z} + \sum_{k \ne t} e^{s x_k}},
        \qquad z = \begin{cases}
            \cos(\theta + m) & \theta + m \le \pi \\
            x_t - m \sin m & \text{otherwise}
        \end{cases}, \quad \theta = \arccos x_t

    Parameters
    ----------
    cosines : array
        Cosines :math:`x \in [-1, 1]` of the angles between an embedding and the :math:`C` classes, with the
        classes along `axis`.
    targets : array or int
        Integer classes :math:`t` in [0, C), in the shape of `cosines` without `axis`.
    margin : number
        :math:`0 \le m < \pi`, in radians.
    scale : number
        :math:`s > 0`, what turns cosines into logits.
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
        One number, or for "none" the shape of `cosines` without `axis`, in nats.

    Raises
    ------
    ValueError
        A label out of range where Python may look at it (elsewhere loss and gradient of its row
        are NaN), shapes that do not fit, a negative `margin`, a `scale` that is not positive, an `axis` out
        of range or of length 0, or an unknown `reduction`.
    TypeError
        Labels that are not integers, arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by `cosines`. The gradient by :math:`x_t` has the factor
    :math:`\cos m + x_t \sin m / \sqrt{1 - x_t^2}`, which is infinite at an angle of 0: there, and for a
    cosine that rounding has put beyond 1, the sine counts as 0, with gradient 0. Peers clip cosines instead.

    References
    ----------
    J. Deng, J. Guo, N. Xue, S. Zafeiriou, "ArcFace: Additive angular margin loss for deep face recognition",
    *CVPR*, 2019, eq. 3. Beyond :math:`\pi` as in the authors' code.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, t = np.asarray([[0.8, 0.3], [0.2, 0.4]]), np.asarray([0, 0])
    >>> xlosses.arcface_loss(x, t, margin=0.5, scale=10.0, reduction="none").round(6).tolist()
    [0.276501, 6.943192]
    """
    arrays = dict(cosines=cosines, targets=targets, class_weights=class_weights)
    parameters = dict(margin=nonnegative(margin=margin), scale=positive(scale=scale))
    return evaluate(
        arcface, arrays, parameters, reduction, weights, where, dtype, axis=axis, ignore_index=ignore_index
    )


@declared("rows", "labels", "classes", shares_softmax=True)
def arcface(xp: Any, x: Array, label: Array, c: Array | None, margin: Number, scale: Number) -> Any:
    shift, _ = shift_and_slope(xp, xp.pick(x, label), margin)
    logits = logits_of(xp, x, label, shift, scale)
    _, rest = xp.log_sum_exp(logits)  # the largest is 0
    loss = rest - xp.pick(logits, label)
    return loss if c is None else of_class(xp, c, label) * loss


@arcface.slope
def arcface_slope(xp: Any, x: Array, label: Array, c: Array | None, margin: Number, scale: Number) -> Any:
    shift, steepness = shift_and_slope(xp, xp.pick(x, label), margin)
    slope = scale * xp.softmax_less_one(logits_of(xp, x, label, shift, scale), label)
    slope = xp.add_at(slope, label, xp.pick(slope, label) * steepness)
    return slope if c is None else slope * of_class(xp, c, label)[..., None]


arcface.weight(weight_of_label)


def shift_and_slope(xp: Any, cosine: Array, margin: Number) -> tuple[Any, Any]:
    """What the margin adds to the cosine of an angle, and the derivative of that by the cosine."""
    m = margin * xp.ones_like(cosine)
    sin, less = xp.sin(m), -2.0 * xp.sin(0.5 * m) ** 2  # cos m - 1
    square = (1.0 - cosine) * (1.0 + cosine)
    flat = square <= 0
    sine = xp.where(flat, 0.0, xp.sqrt(xp.where(flat, 1.0, square)))
    within = cosine >= -1.0 - less
    shift = xp.where(within, cosine * less - sine * sin, -m * sin)
    by_sine = xp.where(flat, 0.0, cosine / xp.where(flat, 1.0, sine))
    return shift, xp.where(within, less + by_sine * sin, 0.0)
