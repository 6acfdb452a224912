"""Forecasts of more than one number, scored so that the true distribution scores best."""

from __future__ import annotations

from typing import Any

from xlosses._core.checks import is_number, ndim, proportion
from xlosses._core.formula import formula
from xlosses._core.numerics import per_class
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction
from xlosses.losses.regression import squared_error


def quantile_loss(
    inputs: ArrayT,
    targets: Array | float,
    *,
    quantile: Number = 0.5,
    axis: int = -1,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Absolute error, weighted by the side of the target: the pinball loss.

    .. math::
        \ell = \max\big(q (y - x),\, (q - 1) (y - x)\big), \qquad \text{or} \qquad
        \ell = \frac1K \sum_k \max\big(q_k (y - x_k),\, (q_k - 1) (y - x_k)\big)

    Parameters
    ----------
    inputs : array
        Predicted quantiles, :math:`x`, real, in any shape; for several levels with these along `axis`.
    targets : array or number
        What was to be predicted, :math:`y`, in the unit of `inputs`; in their shape, for several levels
        without `axis`.
    quantile : number or array
        The level, :math:`0 < q < 1`: of so large a share of the targets the prediction is to be an upper
        bound. Or a vector of the levels :math:`q_k`, whose values are not checked.
    axis : int
        The axis of the levels, where there are several.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per target, become the result.
    weights, where, dtype : optional
        Weight of each term, terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `targets`, in the unit of the inputs.

    Raises
    ------
    ValueError
        `quantile` outside (0, 1), shapes that do not fit, an `axis` out of range or of length 0, or an
        unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by `inputs`. The gradient is :math:`-q` below the target, :math:`1 - q` above it and 0 at
    the kink; with several levels a K-th of that. Level 0.5 is half of `l1_loss`. Nothing keeps the
    quantiles of several levels from crossing.

    References
    ----------
    R. Koenker, G. Bassett, "Regression quantiles", *Econometrica* 46(1), 1978, p. 38.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y = np.asarray([0.0, 3.0]), np.asarray([2.0, 2.0])
    >>> xlosses.quantile_loss(x, y, quantile=0.75, reduction="none").tolist()
    [1.5, 0.25]
    >>> levels = np.asarray([0.25, 0.75])
    >>> xlosses.quantile_loss(x[None, :], y[:1], quantile=levels, reduction="none").tolist()
    [0.375]
    """
    if ndim(quantile) > 0:
        arrays = dict(inputs=inputs, targets=targets, quantile=quantile)
        return evaluate(quantile_errors, arrays, {}, reduction, weights, where, dtype, axis=axis)
    parameters = dict(q=proportion(quantile=quantile))
    arrays = dict(inputs=inputs, targets=targets)
    return evaluate(quantile_error, arrays, parameters, reduction, weights, where, dtype)


@formula
def quantile_error(xp: Any, x: Array, y: Array, q: Number) -> Any:
    # Two sides, of which one is 0: neither cancels, nor has a gradient at the kink.
    error = y - x
    return q * xp.relu(error) + (1.0 - q) * xp.relu(-error)


@quantile_error.slope
def quantile_error_slope(xp: Any, x: Array, y: Array, q: Number) -> Any:
    error = y - x
    return (1.0 - q) * xp.step(-error) - q * xp.step(error)


@formula("rows", "scalars", "classes")
def quantile_errors(xp: Any, x: Array, y: Array, q: Array) -> Any:
    errors = quantile_error(xp, x, y[..., None], per_class(xp, q, x))
    return xp.sum(errors, axis=-1) / x.shape[-1]


@quantile_errors.slope
def quantile_errors_slope(xp: Any, x: Array, y: Array, q: Array) -> Any:
    return quantile_error_slope(xp, x, y[..., None], per_class(xp, q, x)) / x.shape[-1]


def brier_loss(
    probabilities: ArrayT,
    targets: Array | float,
    *,
    axis: int | None = None,
    ignore_index: int | None = None,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Squared error of probabilities: of yes, or with `axis` of all classes together.

    .. math::
        \ell = (p - y)^2, \qquad \text{or} \qquad \ell = \sum_k (p_k - y_k)^2

    Parameters
    ----------
    probabilities : array
        Predicted probabilities, :math:`p`: of "yes", in any shape; or of the :math:`C` classes, along `axis`.
    targets : array or number
        Whether it was so, :math:`y`, in the shape of `probabilities`: 0 or 1, booleans, or probabilities.
        With `axis` also integer classes in [0, C), in that shape without `axis`: told apart by the number of
        axes.
    axis : int, optional
        The axis of the classes. Without one every entry is a term of its own.
    ignore_index : int, optional
        Rows with this label are left out. For integer classes only.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms, one per entry or per row, become the result.
    weights, where, dtype : optional
        Weight of each term, terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `probabilities`, with `axis` without it.

    Raises
    ------
    ValueError
        A label out of range where Python may look at it (elsewhere loss and gradient of its row are NaN),
        shapes that do not fit, `ignore_index` without labels, an `axis` out of range or of length 0, or an
        unknown `reduction`.
    TypeError
        Labels that are not integers, arrays of two frameworks, or of complex dtype.

    Notes
    -----
    The gradient is :math:`2 (p - y)`. Over two classes the loss is twice that of "yes" alone, as in Brier's
    paper. A proper score: its mean is least where the probabilities are the true ones.

    References
    ----------
    G. W. Brier, "Verification of forecasts expressed in terms of probability", *Monthly Weather Review*
    78(1), 1950, eq. 2, p. 1.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> xlosses.brier_loss(np.asarray([0.75, 0.5]), np.asarray([1, 0]), reduction="none").tolist()
    [0.0625, 0.25]
    >>> p = np.asarray([[0.75, 0.25], [0.5, 0.5]])
    >>> xlosses.brier_loss(p, np.asarray([0, 1]), axis=-1, reduction="none").tolist()
    [0.125, 0.5]
    """
    by_label = axis is not None and (is_number(targets) or ndim(targets) < ndim(probabilities))
    if ignore_index is not None and not by_label:
        raise ValueError(f"ignore_index={ignore_index} needs integer targets beside an axis of classes")
    arrays = dict(probabilities=probabilities, targets=targets)
    if axis is None:
        return evaluate(squared_error, arrays, {}, reduction, weights, where, dtype)
    form = brier_of_labels if by_label else brier_of_rows
    return evaluate(form, arrays, {}, reduction, weights, where, dtype, axis=axis, ignore_index=ignore_index)


@formula("rows", "labels")
def brier_of_labels(xp: Any, p: Array, label: Array) -> Any:
    error = less_one(xp, p, label)
    return xp.dot(error, error)


@brier_of_labels.slope
def brier_of_labels_slope(xp: Any, p: Array, label: Array) -> Any:
    return 2.0 * less_one(xp, p, label)


def less_one(xp: Any, p: Array, label: Array) -> Any:
    """p, less 1 at the label of each row."""
    return xp.add_at(p, label, -xp.ones_like(xp.pick(p, label)))


@formula("rows", "rows")
def brier_of_rows(xp: Any, p: Array, y: Array) -> Any:
    error = p - y
    return xp.dot(error, error)


@brier_of_rows.slope(by=("p", "y"))
def brier_of_rows_slope(xp: Any, p: Array, y: Array) -> Any:
    yield 2.0 * (p - y)
    yield 2.0 * (y - p)
