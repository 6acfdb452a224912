"""Margins over several classes: the label's score against those of the others."""

from __future__ import annotations

import math
from typing import Any

from xlosses._core.checks import finite
from xlosses._core.formula import formula
from xlosses._core.numerics import at_least, of_class, one_per_row, per_class
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction


def multiclass_hinge_loss(
    scores: ArrayT,
    targets: Array | int,
    *,
    axis: int = -1,
    ignore_index: int | None = None,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""How far the label's score falls short of a margin of 1 over the best of the others.

    .. math::
        \ell = \max\Big(0,\, 1 + \max_{j \ne t} x_j - x_t\Big)

    Parameters
    ----------
    scores : array
        Scores, :math:`x`, real, with the :math:`C` classes along `axis`.
    targets : array or int
        Integer classes :math:`t` in [0, C), in the shape of `scores` without `axis`.
    axis : int
        The axis of the classes.
    ignore_index : int, optional
        Rows with this label are left out.
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
        A label out of range where Python may look at it (elsewhere loss and gradient of its row are NaN),
        shapes that do not fit, an `axis` out of range or of length 0, or an unknown `reduction`.
    TypeError
        Labels that are not integers, arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Crammer and Singer's; `multi_margin_loss` sums over the other classes. The gradient is -1 at the label and
    1 at the largest of the others, of which equal ones share it evenly; it is 0 at the kink and beyond. A
    score of -inf is a class that cannot occur.

    References
    ----------
    K. Crammer, Y. Singer, "On the algorithmic implementation of multiclass kernel-based vector machines",
    *Journal of Machine Learning Research* 2, 2001, pp. 265-292.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x = np.asarray([[2.0, 1.5, -1.0], [0.0, 3.0, 1.0]])
    >>> xlosses.multiclass_hinge_loss(x, np.asarray([0, 1]), reduction="none").tolist()
    [0.5, 0.0]
    """
    arrays = dict(scores=scores, targets=targets)
    return evaluate(
        over_the_best,
        arrays,
        dict(margin=1.0),
        reduction,
        weights,
        where,
        dtype,
        axis=axis,
        ignore_index=ignore_index,
    )


def multiclass_perceptron_loss(
    scores: ArrayT,
    targets: Array | int,
    *,
    axis: int = -1,
    ignore_index: int | None = None,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""How far the label's score is behind the best of all.

    .. math::
        \ell = \max_j x_j - x_t

    Parameters
    ----------
    scores : array
        Scores, :math:`x`, real, with the :math:`C` classes along `axis`.
    targets : array or int
        Integer classes :math:`t` in [0, C), in the shape of `scores` without `axis`.
    axis : int
        The axis of the classes.
    ignore_index : int, optional
        Rows with this label are left out.
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
        A label out of range where Python may look at it (elsewhere loss and gradient of its row are NaN),
        shapes that do not fit, an `axis` out of range or of length 0, or an unknown `reduction`.
    TypeError
        Labels that are not integers, arrays of two frameworks, or of complex dtype.

    Notes
    -----
    The gradient is -1 at the label and 1 at the largest score, of which equal ones share it evenly. It is 0
    where the label's is the largest, also beside others that are equal to it: there the label has won.

    References
    ----------
    M. Collins, "Discriminative training methods for hidden Markov models: Theory and experiments with
    perceptron algorithms", *EMNLP*, 2002, pp. 1-8.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x = np.asarray([[2.0, 1.5, -1.0], [0.0, 3.0, 1.0]])
    >>> xlosses.multiclass_perceptron_loss(x, np.asarray([1, 1]), reduction="none").tolist()
    [0.5, 0.0]
    """
    arrays = dict(scores=scores, targets=targets)
    return evaluate(
        lost_to_the_best,
        arrays,
        {},
        reduction,
        weights,
        where,
        dtype,
        axis=axis,
        ignore_index=ignore_index,
    )


@formula("rows", "labels")
def lost_to_the_best(xp: Any, x: Array, label: Array) -> Any:
    return over_the_best(xp, x, label, 0.0)


@lost_to_the_best.slope
def lost_to_the_best_slope(xp: Any, x: Array, label: Array) -> Any:
    return over_the_best_slope(xp, x, label, 0.0)


@lost_to_the_best.ordinary
def lost_to_the_best_ordinary(xp: Any, x: Array, label: Array) -> Any:
    return xp.relu(xp.max(x, axis=-1) - xp.pick(x, label))  # without a margin the label may be among them


@lost_to_the_best_ordinary.slope
def lost_to_the_best_ordinary_slope(xp: Any, x: Array, label: Array) -> Any:
    return over_the_best_ordinary_slope(xp, x, label, 0.0)


@formula("rows", "labels")
def over_the_best(xp: Any, x: Array, label: Array, margin: Number) -> Any:
    return shortfall(xp, others(xp, x, label), xp.pick(x, label), margin)


@over_the_best.slope
def over_the_best_slope(xp: Any, x: Array, label: Array, margin: Number) -> Any:
    return shortfall_slope(xp, others(xp, x, label), x, label, margin)


@over_the_best.ordinary
def over_the_best_ordinary(xp: Any, x: Array, label: Array, margin: Number) -> Any:
    return shortfall(xp, finite_others(xp, x, label), xp.pick(x, label), margin)


@over_the_best_ordinary.slope
def over_the_best_ordinary_slope(xp: Any, x: Array, label: Array, margin: Number) -> Any:
    return shortfall_slope(xp, finite_others(xp, x, label), x, label, margin)


def shortfall(xp: Any, rivals: Array, own: Array, margin: Number) -> Any:
    # Of equal scores each framework's max has the gradient in even shares.
    return xp.relu(margin + (xp.max(rivals, axis=-1) - own))


def shortfall_slope(xp: Any, rivals: Array, x: Array, label: Array, margin: Number) -> Any:
    best = xp.max(rivals, axis=-1)
    short = xp.step(margin + (best - xp.pick(x, label)))
    equal = xp.astype(rivals == best[..., None], x.dtype)
    share = short / at_least(xp, xp.sum(equal, axis=-1), 1.0)
    return xp.add_at(share[..., None] * equal, label, -short)


def others(xp: Any, x: Array, label: Array) -> Any:
    """The scores, with -inf at the label of each row."""
    return xp.where(is_label(xp, x, label), -math.inf, x)


def finite_others(xp: Any, x: Array, label: Array) -> Any:
    """The same without a mask; NaN where the label's score is infinite."""
    return xp.add_at(x, label, -math.inf * one_per_row(xp, x, label))


def is_label(xp: Any, x: Array, label: Array) -> Any:
    """A mask of the shape of x, true at the label of each row."""
    return label[..., None] == per_class(xp, xp.indices(x.shape[-1], x), x)


def multi_margin_loss(
    scores: ArrayT,
    targets: Array | int,
    *,
    p: int = 1,
    margin: Number = 1.0,
    axis: int = -1,
    class_weights: Array | None = None,
    ignore_index: int | None = None,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""How far the label's score falls short of a margin over each of the others, as a mean over classes.

    .. math::
        \ell = \frac{c_t}{C} \sum_{j \ne t} \max(0,\, m + x_j - x_t)^p

    Parameters
    ----------
    scores : array
        Scores, :math:`x`, real, with the :math:`C` classes along `axis`.
    targets : array or int
        Integer classes :math:`t` in [0, C), in the shape of `scores` without `axis`.
    p : {1, 2}
        The power.
    margin : number
        :math:`m`, in the unit of the scores.
    axis : int
        The axis of the classes.
    class_weights : array, optional
        :math:`c`, of shape (C,). In "weighted_mean" a row counts :math:`c_t` times its entry of `weights`.
    ignore_index : int, optional
        Rows with this label are left out.
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
        A label out of range where Python may look at it (elsewhere loss and gradient of its row are NaN),
        `p` that is neither 1 nor 2, `margin` that is not finite,
        shapes that do not fit, an `axis` out of range or of length 0, or an unknown `reduction`.
    TypeError
        Labels that are not integers, arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Weston and Watkins's; `multiclass_hinge_loss` compares with the best of the others alone. For ``p=1`` the
    gradient is :math:`c_t / C` at each class that the margin is not kept over, and minus their sum at the
    label; it is 0 at a kink. The sum is divided by all :math:`C` classes, as in PyTorch.

    References
    ----------
    J. Weston, C. Watkins, "Support vector machines for multi-class pattern recognition", *ESANN*, 1999,
    pp. 219-224.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x = np.asarray([[2.0, 1.5, -1.0], [0.0, 3.0, 2.5]])
    >>> xlosses.multi_margin_loss(x, np.asarray([0, 1]), p=2, reduction="none").round(6).tolist()
    [0.083333, 0.083333]
    """
    if p not in (1, 2):
        raise ValueError(f"p must be 1 or 2, got {p}")
    parameters = dict(p=int(p), margin=finite(margin=margin))
    arrays = dict(scores=scores, targets=targets, class_weights=class_weights)
    return evaluate(
        over_each,
        arrays,
        parameters,
        reduction,
        weights,
        where,
        dtype,
        axis=axis,
        ignore_index=ignore_index,
    )


@formula("rows", "labels", "classes", static=("p",))
def over_each(xp: Any, x: Array, label: Array, c: Array | None, p: int, margin: Number) -> Any:
    short = shortfalls(xp, others(xp, x, label), x, label, margin)
    part = short / x.shape[-1]  # not of the sum, which may overflow
    loss = xp.sum(part, axis=-1) if p == 1 else xp.dot(part, short)
    return loss if c is None else loss * of_class(xp, c, label)


@over_each.slope
def over_each_slope(xp: Any, x: Array, label: Array, c: Array | None, p: int, margin: Number) -> Any:
    short = shortfalls(xp, others(xp, x, label), x, label, margin)
    return of_shortfalls(xp, short, x, label, c, p)


@over_each.ordinary
def over_each_ordinary(xp: Any, x: Array, label: Array, c: Array | None, p: int, margin: Number) -> Any:
    short = shortfalls(xp, finite_others(xp, x, label), x, label, margin)
    loss = (xp.sum(short, axis=-1) if p == 1 else xp.dot(short, short)) / x.shape[-1]
    return loss if c is None else loss * of_class(xp, c, label)


@over_each_ordinary.slope
def over_each_ordinary_slope(xp: Any, x: Array, label: Array, c: Array | None, p: int, margin: Number) -> Any:
    short = shortfalls(xp, finite_others(xp, x, label), x, label, margin)
    return of_shortfalls(xp, short, x, label, c, p)


@over_each.weight
def weight_of_label(xp: Any, x: Array, label: Array, c: Array | None, p: int, margin: Number) -> Any:
    return None if c is None else of_class(xp, c, label)


def shortfalls(xp: Any, rivals: Array, x: Array, label: Array, margin: Number) -> Any:
    """max(0, margin + x_j - x_t) for each class j, and 0 for the label t."""
    return xp.relu(margin + (rivals - xp.pick(x, label)[..., None]))


def of_shortfalls(xp: Any, short: Array, x: Array, label: Array, c: Array | None, p: int) -> Any:
    """The derivative of their mean, to the power p."""
    slope = (xp.step(short) if p == 1 else short) * (p / x.shape[-1])
    if c is not None:
        slope = slope * of_class(xp, c, label)[..., None]
    return xp.add_at(slope, label, -xp.sum(slope, axis=-1))
