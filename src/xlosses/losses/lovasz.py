"""Sets of pixels: surrogates of 1 - IoU that are exact for hard predictions, by sorting the errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xlosses._core import masks
from xlosses._core.checks import axes_of, ndim
from xlosses._core.formula import formula
from xlosses._core.numerics import quotient, sum_of_products
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Reduction
from xlosses.losses.segmentation import only_kept


def lovasz_hinge_loss(
    inputs: ArrayT,
    targets: Array | float,
    *,
    axis: int | tuple[int, ...],
    kept: Array | None = None,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Hinge errors of a set of scores, each weighed by what it adds to 1 - IoU, the Jaccard loss.

    .. math::
        \ell = \sum_k g_k \max(0, m_{\pi_k}), \qquad m_i = 1 - (2 t_i - 1) x_i, \qquad
        g_k = \Delta_k - \Delta_{k-1}, \quad
        \Delta_k = 1 - \frac{T - \sum_{j \le k} t_{\pi_j}}{T + \sum_{j \le k} (1 - t_{\pi_j})}

    where :math:`\pi` sorts the errors, the largest first, and :math:`T = \sum_i t_i`.

    Parameters
    ----------
    inputs : array
        Scores, :math:`x`, real: those above 0 predict that an entry belongs to the set.
    targets : array or number
        Whether it does, :math:`t`, in the shape of `inputs`: 0 or 1, or booleans.
    axis : int or tuple of int
        The axes of the entries of one set, such as ``(-2, -1)`` for images.
    kept : boolean array, optional
        Which entries count, in the shape of `inputs`; all unless given. What the others hold does not matter.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per set, become the result.
    weights, where, dtype : optional
        Weight of each set, sets to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `inputs` without `axis`.

    Raises
    ------
    ValueError
        Unequal shapes, an `axis` out of range or of length 0, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype, `kept` that is not boolean.

    Notes
    -----
    Differentiated by `inputs`; order and :math:`g` are constants. At the kink of an error the gradient is 0.
    Of errors that are equal the one that comes first counts as the larger, on every framework: any order
    has the same value, and gives a subgradient.

    A set without targets costs its largest error alone, which is 0 where all scores are -1 or below.
    Dask cannot sort one array by another.

    References
    ----------
    M. Berman, A. R. Triki, M. B. Blaschko, "The Lovász-Softmax loss: A tractable surrogate for the
    optimization of the intersection-over-union measure in neural networks", *CVPR*, 2018, section 2.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, t = np.asarray([[3.0, -1.0, 0.5, -3.0]]), np.asarray([[1, 1, 0, 0]])
    >>> xlosses.lovasz_hinge_loss(x, t, axis=1, reduction="none").round(6).tolist()
    [1.25]
    """
    arrays = dict(inputs=inputs, targets=targets, kept=kept)
    return evaluate(lovasz_hinge, arrays, {}, reduction, weights, where, dtype, axis=axis)


def sorted_entries(x: tuple[int, ...], *_: Any) -> int:
    """What entries take beside the places they are sorted by, which have twice as many bits."""
    return 3 * x[-1]


@formula("rows", "rows", "kept", width=sorted_entries)
def lovasz_hinge(xp: Any, x: Array, t: Array, kept: Array | None) -> Any:
    wrong = x * (1.0 - 2.0 * t)
    order, weight = ranked(xp, wrong, only_kept(xp, t, kept))  # 1 + wrong would have ties of its own
    return sum_of_products(xp, weight, xp.relu(1.0 + xp.take_along_axis(wrong, order, axis=-1)))


@lovasz_hinge.vjp(by=("x",))  # a slope would sort once more
def lovasz_hinge_vjp(xp: Any, g: Array, x: Array, t: Array, kept: Array | None) -> Iterator[Any]:
    side = 1.0 - 2.0 * t
    wrong = x * side
    order, weight = ranked(xp, wrong, only_kept(xp, t, kept))
    error = 1.0 + xp.take_along_axis(wrong, order, axis=-1)
    yield sum_of_products(xp, weight, xp.relu(error))
    yield g[..., None] * side * unsorted(xp, weight * xp.step(error), order)


def ranked(xp: Any, error: Array, t: Array) -> tuple[Any, Any]:
    """Where the errors are, the largest first, and what each adds to 1 - IoU.

    What is not kept is right, because of the 1 in its place in x and t: it comes after all that count.
    """
    t = xp.stop_gradient(t)
    order = xp.argsort(-xp.stop_gradient(error), axis=-1)
    yes, rank = xp.take_along_axis(t, order, axis=-1), xp.astype(xp.indices(t.shape[-1], t), t.dtype)
    common = xp.sum(t, axis=-1, keepdims=True) - xp.cumulative_sum(yes, axis=-1)
    # From (I + t) / (U - 1 + t) to I / U, over one denominator: the difference would cancel.
    before, union = common + yes + rank, common + (rank + 1.0)
    empty = before == 0  # and the first error takes the IoU from 1 to 0
    added = (common + yes * (rank + 1.0)) / (xp.where(empty, 1.0, before) * union)
    return order, xp.where(empty, 1.0, added)


def unsorted(xp: Any, x: Array, order: Array) -> Any:
    """What was sorted in this order, where it came from."""
    return xp.take_along_axis(x, xp.argsort(order, axis=-1), axis=-1)


def lovasz_softmax_loss(
    inputs: ArrayT,
    targets: Array | float,
    *,
    axis: int | tuple[int, ...],
    class_axis: int | None = None,
    absent: bool = False,
    ignore_index: int | None = None,
    kept: Array | None = None,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Errors of class probabilities, each weighed by what it adds to 1 - IoU, as a mean over the classes.

    .. math::
        \ell = \frac{1}{|C|} \sum_{c \in C} \sum_k g_{ck} m_{c \pi_k}, \qquad m_{ci} = |t_{ci} - p_{ci}|

    where :math:`\pi` and :math:`g` of each class are those of `lovasz_hinge_loss`, and :math:`C` are the
    classes that have targets.

    Parameters
    ----------
    inputs : array
        Predicted probabilities, :math:`p`, that an entry :math:`i` belongs to the class :math:`c`, such as a
        softmax of logits.
    targets : array or number
        Whether it does, :math:`t`, in the shape of `inputs`: 0 or 1, or booleans. Or class
        labels, integers in the shape of `inputs` without `class_axis`.
    axis : int or tuple of int
        The axes of the entries, such as ``(-2, -1)`` for images with the classes before.
    class_axis : int, optional
        The axis of the classes. Without one each set is a class by itself, and has a term of its own.
    absent : bool
        Whether classes without any target are in the mean, too. These cost their largest probability.
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
        Unequal shapes, an axis out of range or of length 0 or named twice, or an unknown `reduction`.
        Labels out of range where Python may look at them (elsewhere loss and gradient of their sets are NaN);
        `ignore_index` without labels.
    TypeError
        Arrays of two frameworks, or of complex dtype, `kept` that is not boolean.

    Notes
    -----
    Differentiated by `inputs`; order and :math:`g` are constants. Where an error is 0 its gradient is 0.
    Of errors that are equal the one that comes first counts as the larger, on every framework: any order
    has the same value, and gives a subgradient. Without any target the loss is 0 with gradient 0, unless
    `absent` classes count. Dask cannot sort one array by another.

    References
    ----------
    M. Berman, A. R. Triki, M. B. Blaschko, "The Lovász-Softmax loss: A tractable surrogate for the
    optimization of the intersection-over-union measure in neural networks", *CVPR*, 2018, section 3.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> p = np.asarray([[[0.75, 0.5, 0.25], [0.25, 0.5, 0.75]]])  # an image, classes, pixels
    >>> t = np.asarray([[[1, 1, 0], [0, 0, 1]]])
    >>> xlosses.lovasz_softmax_loss(p, t, axis=2, class_axis=1, reduction="none").tolist()
    [0.375]
    """
    n = ndim(inputs)
    axes = axis if isinstance(axis, tuple) else (axis,)
    if class_axis is not None and n:
        axes = axes_of(n, (class_axis, *axes))
    classes = 1 if class_axis is None or not n else inputs.shape[axes[0]]
    targets, kept = masks.of_labels(inputs, targets, kept, where, axes, class_axis, ignore_index)
    arrays = dict(inputs=inputs, targets=targets, kept=kept)
    parameters = dict(classes=classes, absent=absent)
    return evaluate(lovasz_softmax, arrays, parameters, reduction, weights, where, dtype, axis=axes)


@formula("rows", "rows", "kept", static=("classes", "absent"), width=sorted_entries)
def lovasz_softmax(xp: Any, p: Array, t: Array, kept: Array | None, classes: int, absent: bool) -> Any:
    error, t = by_class(xp, xp.absolute(t - p), classes), by_class(xp, only_kept(xp, t, kept), classes)
    order, weight = ranked(xp, error, t)
    losses = sum_of_products(xp, weight, xp.take_along_axis(error, order, axis=-1))
    return sum_of_products(xp, share(xp, t, absent), losses)


@lovasz_softmax.vjp(by=("p",))
def lovasz_softmax_vjp(
    xp: Any, g: Array, p: Array, t: Array, kept: Array | None, classes: int, absent: bool
) -> Iterator[Any]:
    error, counted = by_class(xp, xp.absolute(t - p), classes), by_class(xp, only_kept(xp, t, kept), classes)
    order, weight = ranked(xp, error, counted)
    of_classes = share(xp, counted, absent)
    losses = sum_of_products(xp, weight, xp.take_along_axis(error, order, axis=-1))
    yield sum_of_products(xp, of_classes, losses)
    weight = unsorted(xp, weight, order) * (of_classes * g[..., None])[..., None]
    yield xp.sign(p - t) * xp.reshape(weight, p.shape)


def by_class(xp: Any, x: Array, classes: int) -> Any:
    """The entries of each class in a row of its own."""
    return xp.reshape(x, (*x.shape[:-1], classes, x.shape[-1] // classes))


def share(xp: Any, t: Array, absent: bool) -> Any:
    """What the loss of each class counts for in their mean."""
    size = xp.sum(xp.stop_gradient(t), axis=-1)
    counted = xp.ones_like(size) if absent else xp.step(size)
    return quotient(xp, counted, xp.sum(counted, axis=-1, keepdims=True))
