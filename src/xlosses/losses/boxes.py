"""Boxes: how far two of them are from being the same."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from xlosses._core.checks import ndim, nonnegative, reduction_name
from xlosses._core.formula import formula
from xlosses._core.numerics import quotient
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction
from xlosses.losses.overlap import (
    angle,
    area,
    areas,
    beside,
    by_edges,
    distance_of,
    distance_slopes,
    iou_of,
    iou_slopes,
    one_less,
    turn,
)


def box_iou_loss(
    boxes1: ArrayT,
    boxes2: Array,
    *,
    eps: Number = 1e-7,
    axis: int = -1,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""How far two boxes are from being the same: 1 minus intersection over union.

    .. math::
        \ell = 1 - \frac{I}{U + \epsilon}

    Parameters
    ----------
    boxes1, boxes2 : array
        Boxes as :math:`x_1, y_1, x_2, y_2` along `axis`, with :math:`x_1 \le x_2` and :math:`y_1 \le y_2`, of
        equal shapes. :math:`I` is the area that they have in common, :math:`U` what they cover together.
    eps : number
        :math:`\epsilon \ge 0`, in the unit of an area.
    axis : int
        The axis of the four numbers.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per pair of boxes, become the result.
    weights, where, dtype : optional
        Weight of each pair, pairs to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `boxes1` without `axis`; a term is in [0, 1].

    Raises
    ------
    ValueError
        A negative `eps`, unequal shapes, an `axis` out of range or of another length than 4, or an unknown
        `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by both. The gradient is 0 for boxes that do not overlap, and where two edges coincide the
    mean of both sides: 0 for equal boxes, but for `eps`. What the boxes do not have in common is summed up,
    not subtracted from 1, so that small losses are exact. Two empty boxes at one place have the loss 1, and 0
    without `eps`.

    References
    ----------
    H. Rezatofighi et al., "Generalized intersection over union: A metric and a loss for bounding box
    regression", *CVPR*, 2019, section 3.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> a, b = np.asarray([[0.0, 0.0, 2.0, 2.0]]), np.asarray([[1.0, 0.0, 3.0, 2.0]])
    >>> xlosses.box_iou_loss(a, b, reduction="none").round(6).tolist()
    [0.666667]
    """
    return loss_of_boxes(iou, boxes1, boxes2, eps, axis, reduction, weights, where, dtype)


def giou_loss(
    boxes1: ArrayT,
    boxes2: Array,
    *,
    eps: Number = 1e-7,
    axis: int = -1,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""`box_iou_loss` plus the share of the smallest box around both that neither covers.

    .. math::
        \ell = 1 - \frac{I}{U + \epsilon} + \frac{C - U}{C + \epsilon}

    Parameters
    ----------
    boxes1, boxes2 : array
        Boxes as :math:`x_1, y_1, x_2, y_2` along `axis`, with :math:`x_1 \le x_2` and :math:`y_1 \le y_2`, of
        equal shapes. :math:`I` is the area that they have in common, :math:`U` what they cover together,
        :math:`C` that of the smallest box around both.
    eps : number
        :math:`\epsilon \ge 0`, in the unit of an area.
    axis : int
        The axis of the four numbers.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per pair of boxes, become the result.
    weights, where, dtype : optional
        Weight of each pair, pairs to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `boxes1` without `axis`; a term is in [0, 2].

    Raises
    ------
    ValueError
        A negative `eps`, unequal shapes, an `axis` out of range or of another length than 4, or an unknown
        `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by both. Where two edges coincide the gradient is the mean of both sides: 0 for equal
    boxes, but for `eps`. Neither difference is taken of areas, so that small losses are exact.

    References
    ----------
    H. Rezatofighi et al., "Generalized intersection over union: A metric and a loss for bounding box
    regression", *CVPR*, 2019, algorithm 2.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> a, b = np.asarray([[0.0, 0.0, 1.0, 1.0]]), np.asarray([[2.0, 0.0, 3.0, 1.0]])
    >>> xlosses.giou_loss(a, b, reduction="none").round(6).tolist()
    [1.333333]
    """
    return loss_of_boxes(giou, boxes1, boxes2, eps, axis, reduction, weights, where, dtype)


def diou_loss(
    boxes1: ArrayT,
    boxes2: Array,
    *,
    eps: Number = 1e-7,
    axis: int = -1,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""`box_iou_loss` plus the squared distance of the centers, as a share of the diagonal around both.

    .. math::
        \ell = 1 - \frac{I}{U + \epsilon} + \frac{\rho^2}{d^2 + \epsilon}

    Parameters
    ----------
    boxes1, boxes2 : array
        Boxes as :math:`x_1, y_1, x_2, y_2` along `axis`, with :math:`x_1 \le x_2` and :math:`y_1 \le y_2`, of
        equal shapes. :math:`I` is the area that they have in common, :math:`U` what they cover together,
        :math:`\rho` the distance of their centers, :math:`d` the diagonal of the smallest box around both.
    eps : number
        :math:`\epsilon \ge 0`, in the unit of an area.
    axis : int
        The axis of the four numbers.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per pair of boxes, become the result.
    weights, where, dtype : optional
        Weight of each pair, pairs to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `boxes1` without `axis`; a term is in [0, 2].

    Raises
    ------
    ValueError
        A negative `eps`, unequal shapes, an `axis` out of range or of another length than 4, or an unknown
        `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by both. Where two edges coincide the gradient is the mean of both sides: 0 for equal
    boxes, but for `eps`.

    References
    ----------
    Z. Zheng et al., "Distance-IoU loss: Faster and better learning for bounding box regression", *AAAI*,
    2020, eq. 7.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> a, b = np.asarray([[0.0, 0.0, 1.0, 1.0]]), np.asarray([[2.0, 0.0, 3.0, 1.0]])
    >>> xlosses.diou_loss(a, b, reduction="none").round(6).tolist()
    [1.4]
    """
    return loss_of_boxes(diou, boxes1, boxes2, eps, axis, reduction, weights, where, dtype)


def ciou_loss(
    boxes1: ArrayT,
    boxes2: Array,
    *,
    eps: Number = 1e-7,
    axis: int = -1,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""`diou_loss` plus how much the proportions of the boxes differ.

    .. math::
        \ell = 1 - \frac{I}{U + \epsilon} + \frac{\rho^2}{d^2 + \epsilon}
            + \frac{v^2}{1 - I / (U + \epsilon) + v + \epsilon},
        \qquad v = \frac{4}{\pi^2} \left( \arctan \frac{w_2}{h_2} - \arctan \frac{w_1}{h_1} \right)^2

    Parameters
    ----------
    boxes1, boxes2 : array
        Boxes as :math:`x_1, y_1, x_2, y_2` along `axis`, with :math:`x_1 \le x_2` and :math:`y_1 \le y_2`, of
        equal shapes. :math:`w, h` are their widths and heights, the other letters those of `diou_loss`.
    eps : number
        :math:`\epsilon \ge 0`, in the unit of an area, and added to a share as well.
    axis : int
        The axis of the four numbers.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per pair of boxes, become the result.
    weights, where, dtype : optional
        Weight of each pair, pairs to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `boxes1` without `axis`.

    Raises
    ------
    ValueError
        A negative `eps`, unequal shapes, an `axis` out of range or of another length than 4, or an unknown
        `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by both. As the authors have it, in the last quotient all but one :math:`v` is a constant
    to the gradient, which therefore is not the derivative of the value. Where two edges coincide it is the
    mean of both sides. A box without width and height has the proportion 0, with gradient 0.

    References
    ----------
    Z. Zheng et al., "Distance-IoU loss: Faster and better learning for bounding box regression", *AAAI*,
    2020, eqs. 8-12.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> a, b = np.asarray([[0.0, 0.0, 2.0, 1.0]]), np.asarray([[0.0, 0.0, 1.0, 2.0]])
    >>> xlosses.ciou_loss(a, b, reduction="none").round(6).tolist()
    [0.762918]
    """
    return loss_of_boxes(ciou, boxes1, boxes2, eps, axis, reduction, weights, where, dtype)


def loss_of_boxes(
    form: Any,
    boxes1: ArrayT,
    boxes2: Array,
    eps: Number,
    axis: int,
    reduction: Reduction,
    weights: Array | float | None,
    where: Array | bool | None,
    dtype: Any,
) -> ArrayT:
    """One of these losses, of rows that have to be four numbers."""
    n, reduction = ndim(boxes1), reduction_name(reduction)  # type: ignore[assignment]
    if -n <= axis < n and boxes1.shape[axis] != 4:
        shape = tuple(boxes1.shape)
        raise ValueError(f"boxes1 must have 4 entries along axis={axis}, got an array of shape {shape}")
    arrays, parameters = dict(boxes1=boxes1, boxes2=boxes2), dict(eps=nonnegative(eps=eps))
    return evaluate(form, arrays, parameters, reduction, weights, where, dtype, axis=axis)


@formula("rows", "rows", width=lambda *_: 8)  # many arrays of one number per box
def iou(xp: Any, a: Array, b: Array, eps: Number) -> Any:
    return iou_of(xp, beside(xp, a, b), eps)


@iou.slope(by=("a", "b"))
def iou_slope(xp: Any, a: Array, b: Array, eps: Number) -> Iterator[Any]:
    pair = beside(xp, a, b)
    return by_edges(xp, pair, *iou_slopes(xp, pair, eps))


@formula("rows", "rows", width=lambda *_: 8)  # many arrays of one number per box
def giou(xp: Any, a: Array, b: Array, eps: Number) -> Any:
    pair = beside(xp, a, b)
    common, apart = areas(xp, pair)
    crossed = pair.out1[..., 0] * pair.out2[..., 1] + pair.out2[..., 0] * pair.out1[..., 1]
    neither = crossed + (common - area(pair.overlap))
    return iou_of(xp, pair, eps) + one_less(xp, common + apart + eps, neither, area(pair.hull) + eps)


@giou.slope(by=("a", "b"))
def giou_slope(xp: Any, a: Array, b: Array, eps: Number) -> Iterator[Any]:
    pair = beside(xp, a, b)
    by_area, by_common = iou_slopes(xp, pair, eps)
    share = quotient(xp, 1.0, area(pair.hull) + eps)
    common, apart = areas(xp, pair)
    by_hull = quotient(xp, common + apart + eps, area(pair.hull) + eps) * share
    return by_edges(
        xp, pair, by_area - share, by_common + share, by_hull[..., None] * xp.flip(pair.hull, axis=-1)
    )


@formula("rows", "rows", width=lambda *_: 8)  # many arrays of one number per box
def diou(xp: Any, a: Array, b: Array, eps: Number) -> Any:
    pair = beside(xp, a, b)
    return iou_of(xp, pair, eps) + distance_of(xp, pair, eps)


@diou.slope(by=("a", "b"))
def diou_slope(xp: Any, a: Array, b: Array, eps: Number) -> Iterator[Any]:
    pair = beside(xp, a, b)
    return by_edges(xp, pair, *iou_slopes(xp, pair, eps), *distance_slopes(xp, pair, eps))


@formula("rows", "rows", width=lambda *_: 8)  # many arrays of one number per box
def ciou(xp: Any, a: Array, b: Array, eps: Number) -> Any:
    pair = beside(xp, a, b)
    loss = iou_of(xp, pair, eps)
    unlike = 4.0 / math.pi**2 * (angle(xp, pair.size2) - angle(xp, pair.size1)) ** 2
    factor = xp.stop_gradient(quotient(xp, unlike, loss + unlike + eps))
    return loss + distance_of(xp, pair, eps) + factor * unlike


@ciou.slope(by=("a", "b"))
def ciou_slope(xp: Any, a: Array, b: Array, eps: Number) -> Iterator[Any]:
    pair = beside(xp, a, b)
    difference = angle(xp, pair.size2) - angle(xp, pair.size1)
    unlike = 4.0 / math.pi**2 * difference**2
    factor = quotient(xp, unlike, iou_of(xp, pair, eps) + unlike + eps)
    by_angle = (8.0 / math.pi**2 * factor * difference)[..., None]
    by_sizes = (-by_angle * turn(xp, pair.size1), by_angle * turn(xp, pair.size2))
    return by_edges(xp, pair, *iou_slopes(xp, pair, eps), *distance_slopes(xp, pair, eps), by_sizes)
