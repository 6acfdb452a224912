"""Errors that are measured in proportion to what was to be predicted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xlosses._core.checks import positive
from xlosses._core.formula import formula
from xlosses._core.numerics import at_least, nan_if_negative
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction


def mape_loss(
    inputs: ArrayT,
    targets: Array | float,
    *,
    eps: Number = 1e-7,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Absolute error in proportion to the target.

    .. math::
        \ell = \frac{|x - y|}{\max(|y|, \epsilon)}

    Parameters
    ----------
    inputs : array
        What was predicted, :math:`x`, real, in any shape.
    targets : array or number
        What was to be predicted, :math:`y`, in the shape and unit of `inputs`.
    eps : number
        The least size that a target counts with, :math:`\epsilon > 0`, in the unit of the inputs.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms become the result.
    weights, where, dtype : optional
        Weight of each term, terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `inputs`, without a unit: a share, not per cent.

    Raises
    ------
    ValueError
        `eps` that is not positive, unequal shapes, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    The gradient is :math:`\pm 1 / \max(|y|, \epsilon)`, and 0 at the kink :math:`x = y`. Targets near 0
    outweigh all others: `smape_loss` is bounded there. Keras multiplies by 100.

    References
    ----------
    R. J. Hyndman, A. B. Koehler, "Another look at measures of forecast accuracy", *International Journal of
    Forecasting* 22(4), 2006, p. 683.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> xlosses.mape_loss(np.asarray([1.0, 3.0]), np.asarray([2.0, 2.0]), reduction="none").tolist()
    [0.5, 0.5]
    """
    arrays = dict(inputs=inputs, targets=targets)
    return evaluate(percentage, arrays, dict(eps=positive(eps=eps)), reduction, weights, where, dtype)


@formula
def percentage(xp: Any, x: Array, y: Array, eps: Number) -> Any:
    return xp.absolute(x - y) / at_least(xp, xp.absolute(y), eps)


@percentage.slope(by=("x", "y"))
def percentage_slope(xp: Any, x: Array, y: Array, eps: Number) -> Any:
    size = at_least(xp, xp.absolute(y), eps)
    by_x = xp.sign(x - y) / size
    yield by_x
    acts = xp.absolute(y) <= eps
    yield -by_x * xp.where(acts, 1.0, x / xp.where(acts, 1.0, y))


def smape_loss(
    inputs: ArrayT,
    targets: Array | float,
    *,
    eps: Number = 1e-7,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Absolute error in proportion to the mean size of prediction and target.

    .. math::
        \ell = \frac{2 |x - y|}{\max(|x| + |y|, \epsilon)}

    Parameters
    ----------
    inputs : array
        What was predicted, :math:`x`, real, in any shape.
    targets : array or number
        What was to be predicted, :math:`y`, in the shape and unit of `inputs`.
    eps : number
        The least sum of sizes, :math:`\epsilon > 0`, in the unit of the inputs.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms become the result.
    weights, where, dtype : optional
        Weight of each term, terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number in [0, 2], or for "none" the shape of `inputs`, without a unit.

    Raises
    ------
    ValueError
        `eps` that is not positive, unequal shapes, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    The gradient is :math:`\pm 4 |y| / (|x| + |y|)^2` where both have one sign, 0 where they have opposite
    ones, since the loss is 2 there whatever their sizes, and 0 at the kink :math:`x = y`. At :math:`x = 0`
    it is :math:`\mp 2 / |y|`, half of that on the side of the target; within :math:`\epsilon` it is
    :math:`\pm 2 / \epsilon`.

    References
    ----------
    S. Makridakis, "Accuracy measures: theoretical and practical concerns", *International Journal of
    Forecasting* 9(4), 1993, pp. 527-529.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y = np.asarray([1.0, -1.0, 0.0]), np.asarray([3.0, 3.0, 0.0])
    >>> xlosses.smape_loss(x, y, reduction="none").tolist()
    [1.0, 2.0, 0.0]
    """
    arrays = dict(inputs=inputs, targets=targets)
    parameters = dict(least=0.5 * positive(eps=eps))
    return evaluate(symmetric_percentage, arrays, parameters, reduction, weights, where, dtype)


@formula
def symmetric_percentage(xp: Any, x: Array, y: Array, least: Number) -> Any:
    return xp.absolute(x - y) / at_least(xp, mean_size(xp, x, y), least)


@symmetric_percentage.slope(by=("x", "y"))
def symmetric_percentage_slope(xp: Any, x: Array, y: Array, least: Number) -> Any:
    mean = mean_size(xp, x, y)
    size = at_least(xp, mean, least)
    # 1 less the error in proportion, which would cancel: for one sign 2 |y| over the sum, else 0.
    share = 0.5 * xp.absolute(xp.sign(x) + xp.sign(y)) / size
    yield xp.sign(x - y) * xp.where(mean <= least, 1.0, share * xp.absolute(y)) / size
    yield xp.sign(y - x) * xp.where(mean <= least, 1.0, share * xp.absolute(x)) / size


def mean_size(xp: Any, x: Array, y: Array) -> Any:
    return 0.5 * xp.absolute(x) + 0.5 * xp.absolute(y)  # the sum could overflow


def msle_loss(
    inputs: ArrayT,
    targets: Array | float,
    *,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Squared error of logarithms, each of one more than the number.

    .. math::
        \ell = \big(\log(1 + x) - \log(1 + y)\big)^2

    Parameters
    ----------
    inputs : array
        What was predicted, :math:`x > -1`, in any shape.
    targets : array or number
        What was to be predicted, :math:`y > -1`, in the shape of `inputs`.
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
    The gradient is :math:`2 (\log(1 + x) - \log(1 + y)) / (1 + x)`, smooth everywhere. The difference of
    the logarithms is computed as a quotient, which does not cancel where the numbers are close. A number
    below -1 gives NaN; Keras takes negative numbers for 1e-7.

    References
    ----------
    C. Tofallis, "A better measure of relative prediction accuracy for model selection and model estimation",
    *Journal of the Operational Research Society* 66(8), 2015, pp. 1352-1362.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> xlosses.msle_loss(np.asarray([0.0, 1.0]), np.asarray([0.0, 3.0]), reduction="none").round(6).tolist()
    [0.0, 0.480453]
    """
    arrays = dict(inputs=inputs, targets=targets)
    return evaluate(squared_log_error, arrays, {}, reduction, weights, where, dtype)


@formula
def squared_log_error(xp: Any, x: Array, y: Array) -> Any:
    error = log_ratio(xp, x, y)
    return error * error


@squared_log_error.vjp(by=("x", "y"))
def squared_log_error_vjp(xp: Any, g: Array, x: Array, y: Array) -> Iterator[Any]:
    error = log_ratio(xp, x, y)
    yield error * error
    twice = 2.0 * g * xp.sign(x - y) * error
    yield twice / (1.0 + x)
    yield -twice / (1.0 + y)


def log_ratio(xp: Any, x: Array, y: Array) -> Any:
    """|log((1 + x) / (1 + y))|: by the smaller one the argument is accurate, and log1p of it."""
    least = 1.0 + xp.minimum(x, y)
    return xp.log1p(xp.absolute(x - y) / nan_if_negative(xp, least))
