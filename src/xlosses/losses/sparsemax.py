"""Losses of sparse probabilities: projections onto a segment or a simplex in place of sigmoid and softmax."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xlosses._core.formula import formula
from xlosses._core.numerics import product, quotient
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Reduction


def sparsemax_loss(
    inputs: ArrayT,
    targets: Array | float,
    *,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Logistic loss whose probability is a clipped line: 0 from a margin of 1 on, linear on the wrong side.

    With :math:`s = (1 - 2 y)\, x` for targets of 0 and 1:

    .. math::
        \ell = \begin{cases}
            0 & s \le -1 \\
            (s + 1)^2 / 4 & -1 < s < 1 \\
            s & s \ge 1
        \end{cases}

    Parameters
    ----------
    inputs : array
        Scores, :math:`x`, real, in any shape.
    targets : array or number
        0 or 1, or a probability, :math:`y \in [0, 1]`, in the shape of `inputs`.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms become the result.
    weights, where, dtype : optional
        Weight of each term, terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `inputs`.

    Raises
    ------
    ValueError
        Unequal shapes, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by `inputs` and `targets`. The gradient is :math:`p - y` with the probability
    :math:`p = \min(\max((x + 1) / 2, 0), 1)`, and has no jumps. With a target between 0 and 1 the loss
    is :math:`(p - y)^2` where :math:`|x| \le 1`, and goes on along its tangents.

    References
    ----------
    M. Blondel, A. F. T. Martins, V. Niculae, "Learning with Fenchel-Young losses", *Journal of Machine
    Learning Research* 21, 2020, section 4.4.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y = np.asarray([2.0, 0.0, 3.0]), np.asarray([1.0, 1.0, 0.0])
    >>> xlosses.sparsemax_loss(x, y, reduction="none").tolist()
    [0.0, 0.25, 3.0]
    """
    return evaluate(sparsemax, dict(inputs=inputs, targets=targets), {}, reduction, weights, where, dtype)


@formula
def sparsemax(xp: Any, x: Array, y: Array) -> Any:
    d, v = excess(xp, x, y)
    return product(xp, d, v - d)


@sparsemax.ordinary
def sparsemax_ordinary(xp: Any, x: Array, y: Array) -> Any:
    d, v = excess(xp, x, y)
    return d * (v - d)


@sparsemax.slope(by=("x", "y"))
def sparsemax_slope(xp: Any, x: Array, y: Array) -> Iterator[Any]:
    d, v = excess(xp, x, y)
    yield d
    yield -v


def excess(xp: Any, x: Array, y: Array) -> tuple[Any, Any]:
    """(p - y, 2 p' - 2 y), where p' is not clipped; at targets of 0 and 1 without cancellation."""
    v = x + (1.0 - 2.0 * y)
    return xp.clip(0.5 * v, -y, 1.0 - y), v


def multiclass_sparsemax_loss(
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
    r"""Cross entropy's counterpart for probabilities of which many are 0, the projection of the scores.

    .. math::
        \ell = \tfrac12 \| p - e_t \|^2 + \max(0, \tau - x_t),
        \qquad p_j = \max(0, x_j - \tau), \quad \sum_j p_j = 1

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
    The gradient is :math:`p - e_t`, and has no jumps. The loss is 0 where the label's score is above all
    others by 1 or more. A score of -inf is a class that cannot occur; one of +inf gives NaN.

    References
    ----------
    A. F. T. Martins, R. F. Astudillo, "From softmax to sparsemax: A sparse model of attention and multi-label
    classification", *ICML*, 2016, section 3.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x = np.asarray([[2.0, 1.5, -1.0], [0.0, 3.0, 1.0]])
    >>> xlosses.multiclass_sparsemax_loss(x, np.asarray([0, 1]), reduction="none").tolist()
    [0.0625, 0.0]
    """
    arrays = dict(scores=scores, targets=targets)
    return evaluate(
        multiclass_sparsemax,
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
def multiclass_sparsemax(xp: Any, x: Array, label: Array) -> Any:
    x, tau, chosen = support(xp, x)
    others, rest = without(xp, xp.where(chosen, x - tau[..., None], 0.0), label)
    # By the support, not by the sign: on its edge the gap is 0, and has a gradient.
    outside = 1.0 - xp.pick(xp.astype(chosen, x.dtype), label)
    return 0.5 * (rest * rest + xp.dot(others, others)) + outside * (tau - xp.pick(x, label))


@multiclass_sparsemax.slope
def multiclass_sparsemax_slope(xp: Any, x: Array, label: Array) -> Any:
    x, tau, _ = support(xp, x)
    others, rest = without(xp, xp.relu(x - tau[..., None]), label)
    return xp.add_at(others, label, -rest)


def support(xp: Any, x: Array) -> tuple[Any, Any, Any]:
    """(x', tau, chosen): the scores moved so that the largest is 1, their threshold, who is above it."""
    x = x - xp.max(xp.stop_gradient(x), axis=-1)[..., None]
    up = x + 1.0
    ranked = -xp.sort(-xp.relu(xp.stop_gradient(up)), axis=-1)  # those below 0 have no share
    rank = xp.astype(xp.indices(x.shape[-1], x), x.dtype) + 1.0
    inside = 1.0 + rank * ranked > xp.cumulative_sum(ranked, axis=-1)
    chosen = up >= xp.min(xp.where(inside, ranked, 1.0), axis=-1)[..., None]
    # One of the largest is not added, nor 1 subtracted: beside it what the others add would be lost.
    largest = x == 0
    total = xp.sum(xp.where(chosen, xp.where(largest, x, up), 0.0), axis=-1)
    tau = total + (xp.sum(xp.astype(largest, x.dtype), axis=-1) - 1.0)
    return up, quotient(xp, tau, xp.sum(xp.astype(chosen, x.dtype), axis=-1)), chosen  # none beside NaN


def without(xp: Any, p: Array, label: Array) -> tuple[Any, Any]:
    """The probabilities with 0 at the label, and their sum, what the label's lacks of 1."""
    others = xp.add_at(p, label, -xp.pick(p, label))
    return others, xp.sum(others, axis=-1)
