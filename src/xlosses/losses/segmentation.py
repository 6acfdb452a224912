"""Sets of pixels: how far a predicted mask overlaps with the true one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xlosses._core import masks
from xlosses._core.checks import nonnegative
from xlosses._core.formula import formula
from xlosses._core.numerics import quotient, ratio, tiny
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction


def dice_loss(
    inputs: ArrayT,
    targets: Array | float,
    *,
    axis: int | tuple[int, ...],
    smooth: Number = 1.0,
    squared: bool = False,
    class_axis: int | None = None,
    ignore_index: int | None = None,
    kept: Array | None = None,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""How far two sets are from overlapping: 1 minus the Dice coefficient.

    .. math::
        \ell = 1 - \frac{2 \sum_i p_i t_i + s}{\sum_i p_i + \sum_i t_i + s}

    Parameters
    ----------
    inputs : array
        Predicted probabilities, :math:`p`, that an entry belongs to the set.
    targets : array or number
        Whether it does, :math:`t`, in the shape of `inputs`: 0 or 1, booleans, or probabilities.
        Or class labels, integers in the shape of `inputs` without `class_axis`.
    axis : int or tuple of int
        The axes of the entries of one set, such as ``(-2, -1)`` for images with the classes before.
    smooth : number
        :math:`s \ge 0`, in entries: the larger, the less small sets matter.
    squared : bool
        Whether the denominator has :math:`\sum_i p_i^2 + \sum_i t_i^2`.
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
        A negative `smooth`, unequal shapes, an `axis` out of range or of length 0, or an unknown
        `reduction`.
        Labels out of range where Python may look at them (elsewhere loss and gradient of their sets are NaN);
        `ignore_index` without labels.
    TypeError
        Arrays of two frameworks, or of complex dtype, `kept` that is not boolean.

    Notes
    -----
    Differentiated by `inputs` and `targets`. An empty prediction of an empty target is 0 with gradient 0,
    also for ``smooth=0``; there squares that vanish count as empty. The loss is computed as a quotient of
    its own, without subtracting from 1, so that small ones are exact.

    References
    ----------
    F. Milletari, N. Navab, S.-A. Ahmadi, "V-Net: Fully convolutional neural networks for volumetric medical
    image segmentation", *3DV*, 2016, pp. 565-571 (squared). C. H. Sudre et al., "Generalised Dice overlap as
    a deep learning loss function for highly unbalanced segmentations", *DLMIA*, 2017, p. 242.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> p, t = np.asarray([[0.5, 0.5, 0.0], [0.0, 0.0, 0.0]]), np.asarray([[1, 0, 0], [0, 0, 0]])
    >>> xlosses.dice_loss(p, t, axis=1, smooth=0.0, reduction="none").tolist()
    [0.5, 0.0]
    """
    targets, kept = masks.of_labels(inputs, targets, kept, where, axis, class_axis, ignore_index)
    arrays = dict(inputs=inputs, targets=targets, kept=kept)
    smooth = nonnegative(smooth=smooth)
    if squared:
        return evaluate(
            squared_dice, arrays, dict(smooth=smooth), reduction, weights, where, dtype, axis=axis
        )
    parameters = dict(alpha=0.5, beta=0.5, smooth=0.5 * smooth)
    return evaluate(tversky, arrays, parameters, reduction, weights, where, dtype, axis=axis)


def tversky_loss(
    inputs: ArrayT,
    targets: Array | float,
    *,
    axis: int | tuple[int, ...],
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
    r"""How far two sets are from overlapping, false positives and false negatives weighed apart.

    .. math::
        \ell = 1 - \frac{T + s}{T + \alpha F^+ + \beta F^- + s}, \qquad
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
        A negative `alpha`, `beta` or `smooth`, unequal shapes, an `axis` out of range or of length 0, or an
        unknown `reduction`.
        Labels out of range where Python may look at them (elsewhere loss and gradient of their sets are NaN);
        `ignore_index` without labels.
    TypeError
        Arrays of two frameworks, or of complex dtype, `kept` that is not boolean.

    Notes
    -----
    Differentiated by `inputs` and `targets`. With :math:`\alpha = \beta = 1/2` it is `dice_loss` with twice
    the `smooth`, with :math:`\alpha = \beta = 1` one minus the Jaccard index. An empty prediction of an
    empty target is 0 with gradient 0, also for ``smooth=0``. The loss is computed as a quotient of its own,
    without subtracting from 1, so that small ones are exact.

    References
    ----------
    S. S. M. Salehi, D. Erdogmus, A. Gholipour, "Tversky loss function for image segmentation using 3D fully
    convolutional deep networks", *MLMI*, 2017, eq. 3, pp. 379-387.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> p, t = np.asarray([[1.0, 1.0, 0.0, 0.0]]), np.asarray([[1, 0, 1, 0]])
    >>> xlosses.tversky_loss(p, t, axis=1, alpha=0.25, beta=0.75, smooth=0.0, reduction="none").tolist()
    [0.5]
    """
    parameters = dict(
        alpha=nonnegative(alpha=alpha), beta=nonnegative(beta=beta), smooth=nonnegative(smooth=smooth)
    )
    targets, kept = masks.of_labels(inputs, targets, kept, where, axis, class_axis, ignore_index)
    arrays = dict(inputs=inputs, targets=targets, kept=kept)
    return evaluate(tversky, arrays, parameters, reduction, weights, where, dtype, axis=axis)


def jaccard_loss(
    inputs: ArrayT,
    targets: Array | float,
    *,
    axis: int | tuple[int, ...],
    smooth: Number = 1.0,
    class_axis: int | None = None,
    ignore_index: int | None = None,
    kept: Array | None = None,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""How far two sets are from being the same: 1 minus intersection over union, the Jaccard index.

    .. math::
        \ell = 1 - \frac{\sum_i p_i t_i + s}{\sum_i p_i + \sum_i t_i - \sum_i p_i t_i + s}

    Parameters
    ----------
    inputs : array
        Predicted probabilities, :math:`p`, that an entry belongs to the set.
    targets : array or number
        Whether it does, :math:`t`, in the shape of `inputs`: 0 or 1, booleans, or probabilities.
        Or class labels, integers in the shape of `inputs` without `class_axis`.
    axis : int or tuple of int
        The axes of the entries of one set, such as ``(-2, -1)`` for images with the classes before.
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
        A negative `smooth`, unequal shapes, an `axis` out of range or of length 0, or an unknown
        `reduction`.
        Labels out of range where Python may look at them (elsewhere loss and gradient of their sets are NaN);
        `ignore_index` without labels.
    TypeError
        Arrays of two frameworks, or of complex dtype, `kept` that is not boolean.

    Notes
    -----
    Differentiated by `inputs` and `targets`. It is `tversky_loss` with :math:`\alpha = \beta = 1`: an empty
    prediction of an empty target is 0 with gradient 0, also for ``smooth=0``, and small losses are exact.

    References
    ----------
    M. A. Rahman, Y. Wang, "Optimizing intersection-over-union in deep neural networks for image
    segmentation", *ISVC*, 2016, pp. 234-244.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> p, t = np.asarray([[1.0, 1.0, 0.0, 0.0]]), np.asarray([[1, 0, 1, 1]])
    >>> xlosses.jaccard_loss(p, t, axis=1, smooth=0.0, reduction="none").tolist()
    [0.75]
    """
    parameters = dict(alpha=1.0, beta=1.0, smooth=nonnegative(smooth=smooth))
    targets, kept = masks.of_labels(inputs, targets, kept, where, axis, class_axis, ignore_index)
    arrays = dict(inputs=inputs, targets=targets, kept=kept)
    return evaluate(tversky, arrays, parameters, reduction, weights, where, dtype, axis=axis)


@formula("rows", "rows", "kept")
def tversky(
    xp: Any, p: Array, t: Array, kept: Array | None, alpha: Number, beta: Number, smooth: Number
) -> Any:
    right, wrong = right_and_wrong(xp, p, t, kept, alpha, beta)
    return quotient(xp, wrong, wrong + right + smooth)


@tversky.slope(by=("p", "t"))
def tversky_slope(
    xp: Any, p: Array, t: Array, kept: Array | None, alpha: Number, beta: Number, smooth: Number
) -> Iterator[Any]:
    right, wrong = right_and_wrong(xp, p, t, kept, alpha, beta)
    yield from tversky_slopes(xp, p, t, right, wrong, alpha, beta, smooth)


def tversky_slopes(
    xp: Any,
    p: Array,
    t: Array,
    right: Array,
    wrong: Array,
    alpha: Number,
    beta: Number,
    smooth: Number,
    factor: Any = 1.0,
) -> Iterator[Any]:
    """The derivatives by p and by t of a quotient, times a factor."""
    total = wrong + right + smooth
    of_wrong = quotient(xp, factor * quotient(xp, right + smooth, total), total)[..., None]
    of_right = quotient(xp, factor * quotient(xp, wrong, total), total)[..., None]
    both = (alpha + beta) * of_wrong + of_right
    yield alpha * of_wrong - both * t
    yield beta * of_wrong - both * p


def right_and_wrong(
    xp: Any, p: Array, t: Array, kept: Array | None, alpha: Number, beta: Number
) -> tuple[Any, Any]:
    """T and alpha F+ + beta F-: sums of products, because differences of sums cancel where p is near t."""
    p, t = only_kept(xp, p, kept), only_kept(xp, t, kept)
    positives, negatives = wrong_parts(xp, p, t)
    return xp.dot(p, t), alpha * positives + beta * negatives


def wrong_parts(xp: Any, p: Array, t: Array) -> tuple[Any, Any]:
    """F+ and F-."""
    # Not 1 - p: XLA would write an array of the 1 that two sums share.
    return xp.dot(p, 1.0 - t), -xp.dot(p - 1.0, t)


@formula("rows", "rows", "kept")
def squared_dice(xp: Any, p: Array, t: Array, kept: Array | None, smooth: Number) -> Any:
    p, t = only_kept(xp, p, kept), only_kept(xp, t, kept)
    error = p - t  # (p - t)^2 is p^2 + t^2 - 2 p t
    total = normal(xp, xp.dot(p, p) + xp.dot(t, t)) + smooth
    empty = total == 0
    return xp.where(empty, 0.0, ratio(xp, xp.dot(error, error), xp.where(empty, 1.0, total)))


@squared_dice.slope(by=("p", "t"))
def squared_dice_slope(xp: Any, p: Array, t: Array, kept: Array | None, smooth: Number) -> Any:
    p, t = only_kept(xp, p, kept), only_kept(xp, t, kept)
    total = normal(xp, xp.sum(p * p + t * t, axis=-1)) + smooth
    overlap = quotient(xp, 2.0 * xp.sum(p * t, axis=-1) + smooth, total)[..., None]
    share = quotient(xp, 2.0, total)[..., None]
    yield share * (overlap * p - t)
    yield share * (overlap * t - p)


def normal(xp: Any, squares: Array) -> Any:
    """Sums of squares, and 0 in place of those so small that some frameworks have no reciprocal of them."""
    return xp.where(squares < tiny(xp, squares), 0.0, squares)


def only_kept(xp: Any, x: Array, kept: Array | None) -> Any:
    """x with 0, which adds nothing to any of the sums, in place of entries that do not count."""
    return x if kept is None else xp.where(kept, x, 0.0)
