"""Negative log likelihood of real targets under a predicted distribution."""

from __future__ import annotations

import math
from typing import Any

from xlosses._core.checks import is_number, nonnegative, positive
from xlosses._core.formula import formula
from xlosses._core.numerics import at_least, hypotenuse, log_hypotenuse, nan_if_negative, ratio
from xlosses._core.special import HALF_LOG_TWO_PI, half_step
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction


def gaussian_nll_loss(
    inputs: ArrayT,
    targets: Array | float,
    vars: Array | float,
    full: bool = False,
    eps: Number = 1e-6,
    reduction: Reduction = "mean",
    *,
    beta: Number = 0.0,
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Negative log likelihood of a normal distribution with a predicted mean and variance.

    .. math::
        \ell = \tfrac12 \left( \log v + \frac{(y - x)^2}{v} \right), \quad v = \max(\sigma^2, \epsilon)

    Parameters
    ----------
    inputs : array
        Predicted means, :math:`x`, real, in any shape.
    targets : array or number
        What was to be predicted, :math:`y`, in the shape and unit of `inputs`.
    vars : array or number
        Predicted variances, :math:`\sigma^2 \ge 0`, in the shape of `inputs` and its squared unit.
    full : bool
        Whether to add the constant :math:`\tfrac12 \log 2\pi`.
    eps : number
        The least variance, :math:`\epsilon > 0`, in the unit of `vars`.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms become the result.
    beta : number
        Terms are weighed by :math:`v^\beta`, held constant, :math:`\beta \ge 0`: 0 is the likelihood, 1
        gives the means the gradient of squared errors.
    weights, where, dtype : optional
        Weight of each term, terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `inputs`, in nats.

    Raises
    ------
    ValueError
        `eps` that is not positive, a negative `beta`, unequal shapes, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by `inputs` and `vars`. The gradient by `vars` is 0 where `vars <= eps`. A negative
    variance gives NaN.

    Under the plain likelihood inputs that are far off get large variances and hardly any gradient; Seitzer
    et al. recommend :math:`\beta = 0.5`.

    References
    ----------
    D. A. Nix, A. S. Weigend, "Estimating the mean and variance of the target probability
    distribution", *ICNN*, vol. 1, 1994, pp. 55-60. M. Seitzer, A. Tavakoli, D. Antic, G. Martius, "On the
    pitfalls of heteroscedastic uncertainty estimation with probabilistic neural networks", *ICLR*, 2022.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y, v = np.asarray([0.0, 2.0]), np.asarray([0.0, 0.0]), np.asarray([1.0, 4.0])
    >>> xlosses.gaussian_nll_loss(x, y, v, reduction="none").round(6).tolist()
    [0.0, 1.193147]
    """
    eps = positive(eps=eps)
    arrays = dict(inputs=inputs, targets=targets, vars=vars)
    parameters = dict(eps=eps, constant=HALF_LOG_TWO_PI if full else 0.0)
    beta = nonnegative(beta=beta)
    if not is_number(beta) or beta != 0:
        parameters["beta"] = beta
        return evaluate(weighted_gaussian_nll, arrays, parameters, reduction, weights, where, dtype)
    return evaluate(gaussian_nll, arrays, parameters, reduction, weights, where, dtype)


@formula
def gaussian_nll(xp: Any, x: Array, y: Array, var: Array, eps: Number, constant: float) -> Any:
    v = variance(xp, var, eps)
    error = x - y
    return 0.5 * xp.log(v) + 0.5 * error * (error / v) + constant  # error * error could overflow


@gaussian_nll.slope(by=("x", "var"))
def gaussian_nll_slope(xp: Any, x: Array, y: Array, var: Array, eps: Number, constant: float) -> Any:
    v = variance(xp, var, eps)
    share = (x - y) / v
    yield share
    yield xp.where(v <= eps, 0.0, 0.5 * (1.0 / v - share * share))


@gaussian_nll.ordinary
def gaussian_nll_ordinary(xp: Any, x: Array, y: Array, var: Array, eps: Number, constant: float) -> Any:
    error = x - y
    # Clamped after the logarithm, which shows a negative variance as NaN.
    log_v = xp.clip(xp.log(var), math.log(eps) if isinstance(eps, float) else xp.log(eps), None)
    return 0.5 * log_v + 0.5 * error * (error / xp.clip(var, eps, None)) + constant


@gaussian_nll_ordinary.slope(by=("x", "var"))
def gaussian_nll_ordinary_slope(xp: Any, x: Array, y: Array, var: Array, eps: Number, constant: float) -> Any:
    nan_if_negative = 0.0 * xp.sqrt(xp.min(var))  # NaN if any variance is negative, else 0
    v = xp.clip(var, eps, None)
    share = (x - y + nan_if_negative) / v
    yield share
    yield xp.where(v <= eps, 0.0, 0.5 * (1.0 / v - share * share))


def variance(xp: Any, var: Array, eps: Number) -> Any:
    """max(var, eps), and NaN for a negative variance."""
    return at_least(xp, nan_if_negative(xp, var), eps)


@formula
def weighted_gaussian_nll(
    xp: Any, x: Array, y: Array, var: Array, eps: Number, constant: float, beta: Number
) -> Any:
    v = variance(xp, var, eps)
    weight = xp.stop_gradient(v) ** beta
    share = (x - y) / xp.sqrt(v) * xp.sqrt(weight)  # weighed before it is squared, which could overflow
    return weight * (0.5 * xp.log(v) + constant) + 0.5 * share * share


@weighted_gaussian_nll.slope(by=("x", "var"))
def weighted_gaussian_nll_slope(
    xp: Any, x: Array, y: Array, var: Array, eps: Number, constant: float, beta: Number
) -> Any:
    v = variance(xp, var, eps)
    share = v**beta / v
    by_x = (x - y) * share
    yield by_x
    yield xp.where(v <= eps, 0.0, 0.5 * (share - by_x * ((x - y) / v)))


@weighted_gaussian_nll.ordinary
def weighted_gaussian_nll_ordinary(
    xp: Any, x: Array, y: Array, var: Array, eps: Number, constant: float, beta: Number
) -> Any:
    weight = xp.stop_gradient(xp.clip(var, eps, None)) ** beta
    return weight * gaussian_nll_ordinary(xp, x, y, var, eps, constant)


def laplace_nll_loss(
    inputs: ArrayT,
    targets: Array | float,
    scale: Array | float,
    *,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Negative log likelihood of a Laplace distribution with a predicted median and scale.

    .. math::
        \ell = \log 2 s + \frac{|x - y|}{s}

    Parameters
    ----------
    inputs : array
        Predicted medians, :math:`x`, real, in any shape.
    targets : array or number
        What was to be predicted, :math:`y`, in the shape and unit of `inputs`.
    scale : array or number
        Predicted scales, :math:`s > 0`, in the shape and unit of `inputs`: mean absolute errors.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms become the result.
    weights, where, dtype : optional
        Weight of each term, terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `inputs`, in nats.

    Raises
    ------
    ValueError
        Unequal shapes, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by `inputs` and `scale`. The gradient is :math:`\pm 1 / s` by the inputs, 0 at the kink
    :math:`x = y`, and :math:`(1 - |x - y| / s) / s` by the scale. A negative scale gives NaN; what predicts
    the scale has to keep it away from 0, by a softplus for instance.

    References
    ----------
    S. Kotz, T. J. Kozubowski, K. Podgorski, *The Laplace Distribution and Generalizations*, 2001, ch. 2.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y, s = np.asarray([0.0, 2.0]), np.asarray([0.0, 0.0]), np.asarray([0.5, 4.0])
    >>> xlosses.laplace_nll_loss(x, y, s, reduction="none").round(6).tolist()
    [0.0, 2.579442]
    """
    arrays = dict(inputs=inputs, targets=targets, scale=scale)
    return evaluate(laplace_nll, arrays, {}, reduction, weights, where, dtype)


@formula
def laplace_nll(xp: Any, x: Array, y: Array, scale: Array) -> Any:
    scale = nan_if_negative(xp, scale)
    return xp.log(scale) + math.log(2.0) + ratio(xp, xp.absolute(x - y), scale)


@laplace_nll.ordinary
def laplace_nll_ordinary(xp: Any, x: Array, y: Array, scale: Array) -> Any:
    return xp.log(scale) + math.log(2.0) + xp.absolute(x - y) / scale


@laplace_nll.slope(by=("x", "scale"))
def laplace_nll_slope(xp: Any, x: Array, y: Array, scale: Array) -> Any:
    scale = nan_if_negative(xp, scale)
    yield xp.sign(x - y) / scale
    yield (1.0 - xp.absolute(x - y) / scale) / scale


def student_t_nll_loss(
    inputs: ArrayT,
    targets: Array | float,
    scale: Array | float,
    df: Number,
    *,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Negative log likelihood of Student's t distribution with a predicted location and scale.

    .. math::
        \ell = \log s + \frac{\nu + 1}{2} \log\left(1 + \frac{(x - y)^2}{\nu s^2}\right)
            + \log \frac{\Gamma(\nu / 2) \sqrt{\nu \pi}}{\Gamma((\nu + 1) / 2)}

    Parameters
    ----------
    inputs : array
        Predicted locations, :math:`x`, real, in any shape.
    targets : array or number
        What was to be predicted, :math:`y`, in the shape and unit of `inputs`.
    scale : array or number
        Predicted scales, :math:`s > 0`, in the shape and unit of `inputs`.
    df : number
        Degrees of freedom, :math:`\nu > 0`: 1 is Cauchy's distribution, large ones approach the normal one.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms become the result.
    weights, where, dtype : optional
        Weight of each term, terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `inputs`, in nats.

    Raises
    ------
    ValueError
        `df` that is not positive, unequal shapes, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Where the error in units of the scale leaves the dtype of the computation, the loss is infinite and the
    gradient NaN. Differentiated by `inputs` and `scale`; by `df`, as a 0-d array, where the framework
    differentiates. The gradient by the inputs is bounded by :math:`(\nu + 1) / (2 s \sqrt\nu)` and vanishes
    for outliers. The constant does not cancel for large :math:`\nu`. A negative scale gives NaN.

    References
    ----------
    K. L. Lange, R. J. A. Little, J. M. G. Taylor, "Robust statistical modeling using the t distribution",
    *Journal of the American Statistical Association* 84(408), 1989, pp. 881-896.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y, s = np.asarray([0.0, 2.0]), np.asarray([0.0, 0.0]), np.asarray([1.0, 2.0])
    >>> xlosses.student_t_nll_loss(x, y, s, df=1.0, reduction="none").round(6).tolist()
    [1.14473, 2.531024]
    """
    df = positive(df=df)
    arrays = dict(inputs=inputs, targets=targets, scale=scale)
    if not is_number(df):
        return evaluate(student_t_nll_of_array, arrays, dict(df=df), reduction, weights, where, dtype)
    parameters = dict(df=df, constant=HALF_LOG_TWO_PI - half_step(math.log1p, 0.5 * df))
    return evaluate(student_t_nll, arrays, parameters, reduction, weights, where, dtype)


@formula(width=lambda *_: 2)  # with so many arrays at once, blocks of half the terms fit the cache
def student_t_nll(xp: Any, x: Array, y: Array, scale: Array, df: Any, constant: Any) -> Any:
    scale = nan_if_negative(xp, scale)
    r = ratio(xp, xp.absolute(x - y), scale) / df**0.5
    return xp.log(scale) + constant + (df + 1.0) * log_hypotenuse(xp, r)


@student_t_nll.slope(by=("x", "scale"))
def student_t_nll_slope(xp: Any, x: Array, y: Array, scale: Array, df: Any, constant: Any) -> Any:
    scale = nan_if_negative(xp, scale)
    z = (x - y) / scale
    h = hypotenuse(xp, xp.absolute(z) / df**0.5)
    # Not z / h / h, which XLA would turn into z / (h h): that square overflows.
    yield z / h * ((df + 1.0) / df / h) / scale
    yield (1.0 - (df + 1.0) / df * (z / h) ** 2) / scale


@student_t_nll.ordinary
def student_t_nll_ordinary(xp: Any, x: Array, y: Array, scale: Array, df: Any, constant: Any) -> Any:
    z = (x - y) / scale
    return xp.log(scale) + constant + 0.5 * (df + 1.0) * xp.log1p(z * z / df)


@student_t_nll_ordinary.slope(by=("x", "scale"))
def student_t_nll_ordinary_slope(xp: Any, x: Array, y: Array, scale: Array, df: Any, constant: Any) -> Any:
    z = (x - y + 0.0 * xp.sqrt(xp.min(scale))) / scale  # NaN if any scale is negative
    square = z * z
    factor = (df + 1.0) / (df + square)
    yield (z * factor + 0.0 * square) / scale  # NaN where the square overflows
    yield (1.0 - square * factor) / scale


@formula(width=lambda *_: 2)
def student_t_nll_of_array(xp: Any, x: Array, y: Array, scale: Array, df: Any) -> Any:
    return student_t_nll(xp, x, y, scale, df=df, constant=HALF_LOG_TWO_PI - half_step(xp.log1p, 0.5 * df))


@student_t_nll_of_array.slope(by=("x", "scale"))
def student_t_nll_of_array_slope(xp: Any, x: Array, y: Array, scale: Array, df: Any) -> Any:
    return student_t_nll_slope(xp, x, y, scale, df, 0.0)
