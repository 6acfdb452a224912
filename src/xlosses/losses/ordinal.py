"""Classes in an order: how high a thing stands on a scale."""

from __future__ import annotations

from typing import Any

from xlosses._core.formula import formula
from xlosses._core.numerics import per_class
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Reduction
from xlosses.losses.binary import (
    binary_from_logits,
    binary_from_logits_ordinary,
)


def ordinal_loss(
    logits: ArrayT,
    levels: Array | int,
    *,
    axis: int = -1,
    ignore_index: int | None = None,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Binary cross entropy of every threshold between levels: whether the true one is above it.

    .. math::
        \ell = \sum_{k=0}^{K-2} \log\left(1 + e^{-z_k x_k}\right),
        \qquad z_k = \begin{cases} 1 & y > k \\ -1 & \text{else} \end{cases}

    Parameters
    ----------
    logits : array
        :math:`x`, real, with a logit along `axis` for each of the :math:`K - 1` thresholds between :math:`K`
        levels: that of the level being above it.
    levels : array or int
        Integer levels :math:`y` in [0, K), in the shape of `logits` without `axis`.
    axis : int
        The axis of the thresholds.
    ignore_index : int, optional
        Rows with this level are left out.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per row, become the result.
    weights, where, dtype : optional
        Weight of each row, rows to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `logits` without `axis`, in nats.

    Raises
    ------
    ValueError
        A level out of range where Python may look at it (elsewhere loss and gradient of its row are NaN),
        shapes that do not fit, an `axis` out of range or of length 0, or an unknown `reduction`.
    TypeError
        Levels that are not integers, arrays of two frameworks, or of complex dtype.

    Notes
    -----
    The loss of CORAL, where the logits of a row are one score plus a bias for each threshold; here they may
    be any. The gradient is :math:`\sigma(x_k)`, less 1 below the level. An infinite logit on the right side
    costs nothing. The predicted level is the number of logits above 0.

    References
    ----------
    W. Cao, V. Mirjalili, S. Raschka, "Rank consistent ordinal regression for neural networks with application
    to age estimation", *Pattern Recognition Letters* 140, 2020, pp. 325-331.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> logits = np.asarray([[2.0, 0.0, -1.0], [2.0, 0.0, -1.0]])
    >>> xlosses.ordinal_loss(logits, np.asarray([2, 0]), reduction="none").round(6).tolist()
    [1.133337, 3.133337]
    """
    arrays = dict(logits=logits, levels=levels)
    levels_in_all = thresholds(logits, axis) + 1
    return evaluate(
        coral,
        arrays,
        {},
        reduction,
        weights,
        where,
        dtype,
        axis=axis,
        ignore_index=ignore_index,
        classes=levels_in_all,
    )


def thresholds(logits: Any, axis: int) -> int:
    """How many logits a row has; 0 if there is no such axis, which `evaluate` will refuse with a message."""
    shape = tuple(getattr(logits, "shape", ()))
    return shape[axis] if -len(shape) <= axis < len(shape) else 0


@formula("rows", "labels")
def coral(xp: Any, x: Array, level: Array) -> Any:
    return xp.sum(binary_from_logits(xp, x, is_above(xp, x, level)), axis=-1)


@coral.slope
def coral_slope(xp: Any, x: Array, level: Array) -> Any:
    side = 1.0 - 2.0 * is_above(xp, x, level)
    return side * xp.sigmoid(side * x)


@coral.ordinary
def coral_ordinary(xp: Any, x: Array, level: Array) -> Any:
    return xp.sum(binary_from_logits_ordinary(xp, x, is_above(xp, x, level)), axis=-1)


def is_above(xp: Any, x: Array, level: Array) -> Any:
    """1 for each threshold that the level of the row is above, else 0."""
    return xp.astype(level[..., None] > per_class(xp, xp.indices(x.shape[-1], x), x), x.dtype)
