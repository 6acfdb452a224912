"""Real predictions against real targets.

Every loss here is three things beside each other: the public function, its formula with one term
per element, and its slope, the derivative of the term by the first array.
"""

from __future__ import annotations

from typing import Any

from xlosses._core.checks import is_number, nonnegative, positive
from xlosses._core.formula import formula
from xlosses._core.numerics import at_least, tiny
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction


def mse_loss(
    predictions: ArrayT,
    targets: Array | float,
    reduction: Reduction = "mean",
    *,
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Squared error.

    .. math::
        \ell = (x - y)^2

    Parameters
    ----------
    predictions : array
        What was predicted, :math:`x`, real, in any shape.
    targets : array or number
        What was to be predicted, :math:`y`, in the shape and unit of `predictions`.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms become the result.
    weights, where, dtype : optional
        Weight of each term, terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `predictions`, in the squared unit of the inputs.

    Raises
    ------
    ValueError
        Unequal shapes, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    The gradient is :math:`2 (x - y)`, smooth everywhere. Its minimiser is the mean of the targets.
    uint8 arrays do not wrap: integers are computed in floating point.

    References
    ----------
    T. Hastie, R. Tibshirani, J. Friedman, *The Elements of Statistical Learning*, 2nd ed., 2009, p. 18.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> float(xlosses.mse_loss(np.asarray([1.0, 2.0]), np.asarray([1.0, 4.0])))
    2.0
    """
    arrays = dict(predictions=predictions, targets=targets)
    return evaluate(squared_error, arrays, {}, reduction, weights, where, dtype)


@formula
def squared_error(xp: Any, x: Array, y: Array) -> Any:
    error = x - y
    return error * error


@squared_error.slope
def squared_error_slope(xp: Any, x: Array, y: Array) -> Any:
    return 2.0 * (x - y)


def l1_loss(
    predictions: ArrayT,
    targets: Array | float,
    reduction: Reduction = "mean",
    *,
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Absolute error.

    .. math::
        \ell = |x - y|

    Parameters
    ----------
    predictions : array
        What was predicted, :math:`x`, real, in any shape.
    targets : array or number
        What was to be predicted, :math:`y`, in the shape and unit of `predictions`.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms become the result.
    weights, where, dtype : optional
        Weight of each term, terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `predictions`, in the unit of the inputs.

    Raises
    ------
    ValueError
        Unequal shapes, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    The gradient is -1 or 1, and 0 at the kink :math:`x = y`. Its minimiser is the median of the
    targets.

    References
    ----------
    T. Hastie, R. Tibshirani, J. Friedman, *The Elements of Statistical Learning*, 2nd ed., 2009,
    eq. 2.18, p. 20.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> float(xlosses.l1_loss(np.asarray([1.0, 2.0]), np.asarray([1.0, 4.0])))
    1.0
    """
    arrays = dict(predictions=predictions, targets=targets)
    return evaluate(absolute_error, arrays, {}, reduction, weights, where, dtype)


@formula
def absolute_error(xp: Any, x: Array, y: Array) -> Any:
    return xp.absolute(x - y)


@absolute_error.slope
def absolute_error_slope(xp: Any, x: Array, y: Array) -> Any:
    return xp.sign(x - y)


def huber_loss(
    inputs: ArrayT,
    targets: Array | float,
    delta: Number = 1.0,
    reduction: Reduction = "none",
    *,
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Squared error near the target, absolute error in the tails.

    .. math::
        \ell = \begin{cases}
            \tfrac12 (x - y)^2                & |x - y| \le \delta \\
            \delta (|x - y| - \tfrac12\delta) & \text{else}
        \end{cases}

    Parameters
    ----------
    inputs : array
        What was predicted, :math:`x`, real, in any shape.
    targets : array or number
        What was to be predicted, :math:`y`, in the shape and unit of `inputs`.
    delta : number
        Where the tails begin, :math:`\delta > 0`, in the unit of the inputs.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms become the result.
    weights, where, dtype : optional
        Weight of each term, terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `inputs`, in the squared unit of the inputs.

    Raises
    ------
    ValueError
        `delta` that is not positive, unequal shapes, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    The gradient is :math:`x - y` clipped to :math:`[-\delta, \delta]`, continuous everywhere.

    References
    ----------
    P. J. Huber, "Robust estimation of a location parameter", *Annals of Mathematical Statistics*
    35(1), 1964, pp. 73-101.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> xlosses.huber_loss(np.asarray([0.5, 4.0]), np.asarray([0.0, 0.0])).tolist()
    [0.125, 3.5]
    """
    delta = positive(delta=delta)
    arrays = dict(inputs=inputs, targets=targets)
    return evaluate(huber, arrays, dict(delta=delta), reduction, weights, where, dtype)


@formula
def huber(xp: Any, x: Array, y: Array, delta: Number) -> Any:
    error = x - y
    near = xp.clip(error, -delta, delta)
    return near * (error - 0.5 * near)  # both branches at once


@huber.slope
def huber_slope(xp: Any, x: Array, y: Array, delta: Number) -> Any:
    return xp.clip(x - y, -delta, delta)


def smooth_l1_loss(
    predictions: ArrayT,
    targets: Array | float,
    beta: Number = 1.0,
    reduction: Reduction = "mean",
    *,
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Absolute error with a rounded tip.

    .. math::
        \ell = \begin{cases}
            (x - y)^2 / (2 \beta)   & |x - y| < \beta \\
            |x - y| - \tfrac12\beta & \text{else}
        \end{cases}

    Parameters
    ----------
    predictions : array
        What was predicted, :math:`x`, real, in any shape.
    targets : array or number
        What was to be predicted, :math:`y`, in the shape and unit of `predictions`.
    beta : number
        Half the width of the rounded tip, :math:`\beta \ge 0`, in the unit of the inputs; 0 is
        `l1_loss`.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms become the result.
    weights, where, dtype : optional
        Weight of each term, terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `predictions`, in the unit of the inputs.

    Raises
    ------
    ValueError
        A negative `beta`, unequal shapes, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    It is `huber_loss` divided by `beta`. The gradient is :math:`(x - y) / \beta` clipped to
    [-1, 1]; with `beta` 0 it is 0 at the kink.

    References
    ----------
    R. Girshick, "Fast R-CNN", *ICCV*, 2015, eq. 3.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y = np.asarray([0.5, 4.0]), np.asarray([0.0, 0.0])
    >>> xlosses.smooth_l1_loss(x, y, reduction="none").tolist()
    [0.125, 3.5]
    """
    beta = nonnegative(beta=beta)
    arrays = dict(predictions=predictions, targets=targets)
    if is_number(beta) and beta == 0:
        return evaluate(absolute_error, arrays, {}, reduction, weights, where, dtype)
    form = smooth_l1 if is_number(beta) else smooth_l1_of_array
    return evaluate(form, arrays, dict(beta=beta), reduction, weights, where, dtype)


@formula
def smooth_l1(xp: Any, x: Array, y: Array, beta: Number) -> Any:
    error = x - y
    near = xp.clip(error, -beta, beta)
    return near / beta * (error - 0.5 * near)  # near / beta does not overflow, error / beta could


@smooth_l1.slope
def smooth_l1_slope(xp: Any, x: Array, y: Array, beta: Number) -> Any:
    return xp.clip(x - y, -beta, beta) / beta


@formula
def smooth_l1_of_array(xp: Any, x: Array, y: Array, beta: Array) -> Any:
    return smooth_l1(xp, x, y, not_zero(xp, beta, xp.absolute(x - y)))


@smooth_l1_of_array.slope
def smooth_l1_of_array_slope(xp: Any, x: Array, y: Array, beta: Array) -> Any:
    return smooth_l1_slope(xp, x, y, not_zero(xp, beta, xp.absolute(x - y)))


def not_zero(xp: Any, beta: Array, error: Array) -> Any:
    """beta, or where it is too small to divide the error by, enough for that: smooth_l1 is l1 there."""
    return at_least(xp, at_least(xp, beta, tiny(xp, error)), 2.0**-60 * xp.clip(error, None, 1e37))


def log_cosh_loss(
    inputs: ArrayT,
    targets: Array | float,
    reduction: Reduction = "none",
    *,
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Logarithm of the hyperbolic cosine of the error.

    .. math::
        \ell = \log \cosh (x - y)

    Parameters
    ----------
    inputs : array
        What was predicted, :math:`x`, real, in any shape.
    targets : array or number
        What was to be predicted, :math:`y`, in the shape of `inputs`.
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
    About :math:`(x - y)^2 / 2` for small errors and :math:`|x - y| - \log 2` for large ones, with
    full relative accuracy in both. Smooth everywhere; the gradient is :math:`\tanh(x - y)`.

    References
    ----------
    P. J. Green, "Bayesian reconstructions from emission tomography data using a modified EM
    algorithm", *IEEE Transactions on Medical Imaging* 9(1), 1990, pp. 84-93.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> xlosses.log_cosh_loss(np.asarray([1e-4, 1e4]), np.asarray([0.0, 0.0])).round(12).tolist()
    [5e-09, 9999.30685281944]
    """
    arrays = dict(inputs=inputs, targets=targets)
    return evaluate(log_cosh, arrays, {}, reduction, weights, where, dtype)


@formula
def log_cosh(xp: Any, x: Array, y: Array) -> Any:
    # cosh d = 1 + 2 sinh(d/2)^2 is accurate for small d. From 40 on, log cosh is linear to the last
    # digit; from 88 on, the square would overflow.
    error = x - y
    half_sinh = xp.sinh(0.5 * xp.clip(error, -40.0, 40.0))
    return xp.log1p(2.0 * half_sinh * half_sinh) + xp.relu(xp.absolute(error) - 40.0)


@log_cosh.slope
def log_cosh_slope(xp: Any, x: Array, y: Array) -> Any:
    return xp.tanh(x - y)


@log_cosh.ordinary
def log_cosh_ordinary(xp: Any, x: Array, y: Array) -> Any:
    half_sinh = xp.sinh(0.5 * (x - y))
    return xp.log1p(2.0 * half_sinh * half_sinh)
