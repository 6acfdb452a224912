"""Sets of pixels of which some are rare: hard ones raised, small classes weighed up."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from xlosses._core import masks
from xlosses._core.checks import axes_of, ndim, nonnegative, positive
from xlosses._core.formula import formula
from xlosses._core.numerics import quotient
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction
from xlosses.losses.segmentation import only_kept, right_and_wrong, tversky_slopes, wrong_parts


def focal_tversky_loss(
    inputs: ArrayT,
    targets: Array | float,
    *,
    axis: int | tuple[int, ...],
    gamma: Number = 0.75,
    alpha: Number = 0.5,
    beta: Number = 0.5,
    smooth: Number = 1.0,
    class_axis: int | None = None,
    ignore_index: int | None = None,
    kept: Array | None = None,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""A power of `tversky_loss`, by which sets that are hard count more, or less.

    .. math::
        \ell = \left( 1 - \frac{T + s}{T + \alpha F^+ + \beta F^- + s} \right)^\gamma, \qquad
        T = \sum_i p_i t_i, \quad F^+ = \sum_i p_i (1 - t_i), \quad F^- = \sum_i (1 - p_i) t_i

    Parameters
    ----------
    inputs : array
        Predicted probabilities, :math:`p`, that an entry belongs to the set.
    targets : array or number
        Whether it does, :math:`t`, in the shape of `inputs`: 0 or 1, booleans, or probabilities.
        Or class labels, integers in the shape of `inputs` without `class_axis`.
    axis : int or tuple of int
        The axes of the entries of one set, such as ``(-2, -1)`` for images with the classes before.
    gamma : number
        :math:`\gamma > 0`; that of the reference is its reciprocal, 4/3. Above 1 hard sets count more.
    alpha, beta : number
        What a false positive and a false negative weigh, :math:`\alpha, \beta \ge 0`.
    smooth : number
        :math:`s \ge 0`, in entries: the larger, the less small sets matter.
    class_axis : int, optional
        The axis of the classes where targets are class labels, which lack it.
    ignore_index : int, optional
        Entries with this label do not count.
    kept : boolean array, optional
        Which entries count, in the shape of `inputs`; all unless given. What the others hold does not matter.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per set, become the result.
    weights, where, dtype : optional
        Weight of each set, sets to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number in [0, 1], or for "none" the shape of `inputs` without `axis`.

    Raises
    ------
    ValueError
        A `gamma` that is not positive, a negative `alpha`, `beta` or `smooth`, unequal shapes, an `axis` out
        of range or of length 0, or an unknown `reduction`.
        Labels out of range where Python may look at them (elsewhere loss and gradient of their sets are NaN);
        `ignore_index` without labels.
    TypeError
        Arrays of two frameworks, or of complex dtype, `kept` that is not boolean.

    Notes
    -----
    Differentiated by `inputs` and `targets`. Of a set that is right the loss is 0 with gradient 0, where a
    :math:`\gamma` below 1 would make it infinite. Small losses are exact, as those of `tversky_loss` are.

    References
    ----------
    N. Abraham, N. M. Khan, "A novel focal Tversky loss function with improved attention U-Net for lesion
    segmentation", *ISBI*, 2019, eq. 4.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> p, t = np.asarray([[1.0, 1.0, 0.0, 0.0]]), np.asarray([[1, 0, 1, 0]])
    >>> xlosses.focal_tversky_loss(p, t, axis=1, gamma=2.0, smooth=0.0, reduction="none").tolist()
    [0.25]
    """
    parameters = dict(
        alpha=nonnegative(alpha=alpha), beta=nonnegative(beta=beta), smooth=nonnegative(smooth=smooth)
    )
    parameters["gamma"] = positive(gamma=gamma)
    targets, kept = masks.of_labels(inputs, targets, kept, where, axis, class_axis, ignore_index)
    arrays = dict(inputs=inputs, targets=targets, kept=kept)
    return evaluate(focal_tversky, arrays, parameters, reduction, weights, where, dtype, axis=axis)


@formula("rows", "rows", "kept")
def focal_tversky(
    xp: Any,
    p: Array,
    t: Array,
    kept: Array | None,
    gamma: Number,
    alpha: Number,
    beta: Number,
    smooth: Number,
) -> Any:
    right, wrong = right_and_wrong(xp, p, t, kept, alpha, beta)
    loss = quotient(xp, wrong, wrong + right + smooth)
    perfect = loss == 0
    return xp.where(perfect, 0.0, xp.where(perfect, 1.0, loss) ** gamma)


@focal_tversky.slope(by=("p", "t"))
def focal_tversky_slope(
    xp: Any,
    p: Array,
    t: Array,
    kept: Array | None,
    gamma: Number,
    alpha: Number,
    beta: Number,
    smooth: Number,
) -> Iterator[Any]:
    right, wrong = right_and_wrong(xp, p, t, kept, alpha, beta)
    loss = quotient(xp, wrong, wrong + right + smooth)
    perfect = loss == 0
    factor = xp.where(perfect, 0.0, gamma * xp.where(perfect, 1.0, loss) ** (gamma - 1.0))
    yield from tversky_slopes(xp, p, t, right, wrong, alpha, beta, smooth, factor)


def generalized_dice_loss(
    inputs: ArrayT,
    targets: Array | float,
    *,
    axis: int | tuple[int, ...],
    class_axis: int,
    smooth: Number = 0.0,
    ignore_index: int | None = None,
    kept: Array | None = None,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""How far the sets of all classes are from overlapping, small classes weighed up.

    .. math::
        \ell = 1 - \frac{2 \sum_k w_k \sum_i p_{ki} t_{ki} + s}{\sum_k w_k \sum_i (p_{ki} + t_{ki}) + s},
        \qquad w_k = \frac{1}{(\sum_i t_{ki})^2}

    Parameters
    ----------
    inputs : array
        Predicted probabilities, :math:`p`, that an entry :math:`i` belongs to the class :math:`k`.
    targets : array or number
        Whether it does, :math:`t`, in the shape of `inputs`: 0 or 1, booleans, or probabilities.
        Or class labels, integers in the shape of `inputs` without `class_axis`.
    axis : int or tuple of int
        The axes of the entries, such as ``(-2, -1)`` for images with the classes before.
    class_axis : int
        The axis of the classes.
    smooth : number
        :math:`s \ge 0`, in the unit of :math:`w_k` times entries.
    ignore_index : int, optional
        Entries with this label do not count.
    kept : boolean array, optional
        Which entries count, in the shape of `inputs`; all unless given. What the others hold does not matter.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per set of classes, become the result.
    weights, where, dtype : optional
        Weight of each term, terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number in [0, 1], or for "none" the shape of `inputs` without `axis` and `class_axis`.

    Raises
    ------
    ValueError
        A negative `smooth`, unequal shapes, an axis out of range or of length 0 or named twice, or an unknown
        `reduction`.
        Labels out of range where Python may look at them (elsewhere loss and gradient of their sets are NaN);
        `ignore_index` without labels.
    TypeError
        Arrays of two frameworks, or of complex dtype, `kept` that is not boolean.

    Notes
    -----
    Differentiated by `inputs`. A class without any target has the weight 0; where no class has one, the loss
    is 0 with gradient 0 unless there is `smooth`. The weights are constants to the gradient by `targets`. The
    loss is computed as a quotient of its own, without subtracting from 1, so that small ones are exact.

    References
    ----------
    C. H. Sudre et al., "Generalised Dice overlap as a deep learning loss function for highly unbalanced
    segmentations", *DLMIA*, 2017, p. 242.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> p = np.asarray([[[0.5, 0.5, 1.0, 1.0], [0.5, 0.5, 0.0, 0.0]]])  # an image, classes, pixels
    >>> t = np.asarray([[[0, 1, 1, 1], [1, 0, 0, 0]]])
    >>> xlosses.generalized_dice_loss(p, t, axis=2, class_axis=1, reduction="none").round(6).tolist()
    [0.416667]
    """
    n = ndim(inputs)
    axes = axis if isinstance(axis, tuple) else (axis,)
    if n:
        axes = axes_of(n, (class_axis, *axes))
    classes = inputs.shape[axes[0]] if n else 1
    targets, kept = masks.of_labels(inputs, targets, kept, where, axes, class_axis, ignore_index)
    arrays = dict(inputs=inputs, targets=targets, kept=kept)
    parameters = dict(smooth=nonnegative(smooth=smooth), classes=classes)
    return evaluate(generalized_dice, arrays, parameters, reduction, weights, where, dtype, axis=axes)


@formula("rows", "rows", "kept", static=("classes",))
def generalized_dice(xp: Any, p: Array, t: Array, kept: Array | None, smooth: Number, classes: int) -> Any:
    p, t, weight, smooth = by_class(xp, p, t, kept, smooth, classes)
    positives, negatives = wrong_parts(xp, p, t)
    apart = xp.dot(weight, positives + negatives)
    return quotient(xp, apart, total_of(xp, p, t, weight) + smooth)


@generalized_dice.slope
def generalized_dice_slope(
    xp: Any, p: Array, t: Array, kept: Array | None, smooth: Number, classes: int
) -> Any:
    shape = p.shape
    p, t, weight, smooth = by_class(xp, p, t, kept, smooth, classes)
    total = total_of(xp, p, t, weight) + smooth
    overlap = quotient(xp, 2.0 * xp.dot(weight, xp.dot(p, t)) + smooth, total)
    share = quotient(xp, weight, total[..., None])[..., None]
    return xp.reshape(share * (overlap[..., None, None] - 2.0 * t), shape)


def by_class(
    xp: Any, p: Array, t: Array, kept: Array | None, smooth: Number, classes: int
) -> tuple[Any, Any, Any, Any]:
    """The arrays by class, with 0 for what does not count, the weight of each class, and `smooth`.

    The last two in proportion to the weight of the smallest class, which may be beyond all numbers.
    """
    shape = (*t.shape[:-1], classes, t.shape[-1] // classes)
    p, t = (xp.reshape(only_kept(xp, x, kept), shape) for x in (p, t))
    size = xp.sum(xp.stop_gradient(t), axis=-1)
    smallest = -xp.max(xp.where(size == 0, -math.inf, -size), axis=-1, keepdims=True)
    smallest = xp.where(smallest == math.inf, 1.0, smallest)
    weight = quotient(xp, smallest, size)
    return p, t, weight * weight, smooth * (smallest * smallest)[..., 0]


def total_of(xp: Any, p: Array, t: Array, weight: Array) -> Any:
    return xp.dot(weight, xp.sum(p, axis=-1) + xp.sum(t, axis=-1))
