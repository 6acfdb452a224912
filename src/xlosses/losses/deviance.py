"""Deviances: twice the log likelihood that a predicted mean loses against the target itself."""

from __future__ import annotations

import math
from typing import Any

from xlosses._core.checks import plain
from xlosses._core.formula import formula
from xlosses._core.special import divergence, less_expm1, less_log1p
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Reduction
from xlosses.losses.regression import squared_error


def poisson_deviance_loss(
    inputs: ArrayT,
    targets: Array | float,
    *,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Deviance of counts from predicted means, under a Poisson distribution.

    .. math::
        \ell = 2 \left( t \log \frac{t}{\mu} + \mu - t \right)

    Parameters
    ----------
    inputs : array
        Predicted means, :math:`\mu > 0`, in any shape.
    targets : array or number
        Counts, :math:`t \ge 0`, in the shape and unit of `inputs`; they need not be whole.
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
    The gradient is :math:`2 (\mu - t) / \mu`. The loss is 0 where the mean is the target, and keeps its
    relative accuracy beside it. It is twice `poisson_nll_loss` of the rate, less what depends on the targets
    alone.

    References
    ----------
    P. McCullagh, J. A. Nelder, *Generalized Linear Models*, 2nd ed., 1989, p. 34.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> mean, count = np.asarray([1.0, 2.0]), np.asarray([0.0, 2.0])
    >>> xlosses.poisson_deviance_loss(mean, count, reduction="none").tolist()
    [2.0, 0.0]
    """
    arrays = dict(inputs=inputs, targets=targets)
    return evaluate(poisson_deviance, arrays, {}, reduction, weights, where, dtype)


@formula(width=lambda *_: 2)  # with so many arrays at once, half the terms fit the cache
def poisson_deviance(xp: Any, mean: Array, t: Array) -> Any:
    return 2.0 * divergence(xp, t, mean, mean - t)


@poisson_deviance.slope
def poisson_deviance_slope(xp: Any, mean: Array, t: Array) -> Any:
    return 2.0 * (mean - t) / mean


def gamma_deviance_loss(
    inputs: ArrayT,
    targets: Array | float,
    *,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Deviance of positive amounts from predicted means, under a gamma distribution.

    .. math::
        \ell = 2 \left( \log \frac{\mu}{t} + \frac{t}{\mu} - 1 \right)

    Parameters
    ----------
    inputs : array
        Predicted means, :math:`\mu > 0`, in any shape.
    targets : array or number
        Amounts, :math:`t > 0`, in the shape and unit of `inputs`.
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
    The gradient is :math:`2 (\mu - t) / \mu^2`. The loss depends on the quotient :math:`t / \mu` alone; it is
    0 where the mean is the target, and keeps its relative accuracy beside it.

    References
    ----------
    P. McCullagh, J. A. Nelder, *Generalized Linear Models*, 2nd ed., 1989, p. 34.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> mean, amount = np.asarray([1.0, 2.0]), np.asarray([2.0, 2.0])
    >>> xlosses.gamma_deviance_loss(mean, amount, reduction="none").round(6).tolist()
    [0.613706, 0.0]
    """
    arrays = dict(inputs=inputs, targets=targets)
    return evaluate(gamma_deviance, arrays, {}, reduction, weights, where, dtype)


@formula(width=lambda *_: 2)
def gamma_deviance(xp: Any, mean: Array, t: Array) -> Any:
    return 2.0 * divergence(xp, mean, t, t - mean) / mean


@gamma_deviance.slope
def gamma_deviance_slope(xp: Any, mean: Array, t: Array) -> Any:
    # Not over mean twice, which XLA would turn into one quotient by a square.
    return 2.0 * ((mean - t) / mean * (1.0 / mean))


def tweedie_deviance_loss(
    inputs: ArrayT,
    targets: Array | float,
    *,
    power: float = 1.5,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Deviance from predicted means, under a distribution whose variance is a power of the mean.

    .. math::
        \ell = 2 \left( \frac{\max(t, 0)^{2 - p}}{(1 - p) (2 - p)} - \frac{t \mu^{1 - p}}{1 - p}
            + \frac{\mu^{2 - p}}{2 - p} \right)

    Parameters
    ----------
    inputs : array
        Predicted means, :math:`\mu > 0` (of any sign for `power` 0), in any shape.
    targets : array or number
        What was to be predicted, :math:`t`, in the shape and unit of `inputs`: real for :math:`p \le 0`,
        :math:`t \ge 0` for :math:`1 \le p < 2`, :math:`t > 0` for :math:`p \ge 2`.
    power : float
        :math:`p`, a plain number outside of (0, 1): 0 is the squared error, 1 `poisson_deviance_loss`, 2
        `gamma_deviance_loss`, 3 the inverse Gaussian's. Between 1 and 2 targets are 0 with a probability of
        their own, and positive otherwise, like claims of insurance.
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
        `power` in (0, 1) or not finite, unequal shapes, or an unknown `reduction`.
    TypeError
        `power` that is an array, arrays of two frameworks, or of complex dtype.

    Notes
    -----
    The gradient is :math:`2 (\mu - t) \mu^{-p}`. The loss is 0 where the mean is the target, and keeps its
    relative accuracy beside it; further away the three terms are added.

    References
    ----------
    B. Jorgensen, "Exponential dispersion models", *Journal of the Royal Statistical Society B* 49(2), 1987,
    pp. 127-162.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> mean, target = np.asarray([1.0, 4.0]), np.asarray([0.0, 1.0])
    >>> xlosses.tweedie_deviance_loss(mean, target, reduction="none").tolist()
    [4.0, 2.0]
    """
    outside = "a number outside of (0, 1)"
    power = plain(outside, lambda p: -math.inf < p <= 0.0 or 1.0 <= p < math.inf, power=power)
    arrays = dict(inputs=inputs, targets=targets)
    form = {0.0: squared_error, 1.0: poisson_deviance, 2.0: gamma_deviance}.get(power)
    if form is not None:
        return evaluate(form, arrays, {}, reduction, weights, where, dtype)
    return evaluate(tweedie_deviance, arrays, dict(power=power), reduction, weights, where, dtype)


@formula(static=("power",), width=lambda *_: 2)
def tweedie_deviance(xp: Any, mean: Array, t: Array, power: float) -> Any:
    a, b, share = 1.0 - power, 2.0 - power, t / mean
    reach = 100.0 if 1.0 < power < 2.5 else 2.5  # beside 1 and 2 the terms are large and nearly cancel
    near = xp.logical_and(share > 1.0 / reach, share < reach)
    positive = xp.relu(t) if power < 0.0 else t
    by_terms = positive**b / (a * b) - t * mean**a / a + mean**b / b
    return 2.0 * xp.where(near, close_deviance(xp, mean, xp.where(near, t, mean), power), by_terms)


@tweedie_deviance.slope
def tweedie_deviance_slope(xp: Any, mean: Array, t: Array, power: float) -> Any:
    by_variance = 1.0 / xp.sqrt(mean) if power == 1.5 else mean ** (1.0 - power)
    return 2.0 * ((mean - t) / mean) * by_variance


@tweedie_deviance.ordinary
def tweedie_deviance_ordinary(xp: Any, mean: Array, t: Array, power: float) -> Any:
    if power == 1.5:  # a square, so that nothing cancels: 4 (sqrt t - sqrt mean)^2 / sqrt mean
        root = xp.sqrt(mean)
        apart = (t - mean) / (xp.sqrt(t) + root)
        return 4.0 * (apart * (apart / root))
    if power == 3.0:
        apart = (t - mean) / mean
        return apart * (apart / t)
    return tweedie_deviance(xp, mean, t, power)


def close_deviance(xp: Any, mean: Array, t: Array, power: float) -> Any:
    """The difference of (1 + e)^k from its tangent 1 + k e, of which nothing cancels for small e.

    e is the error in proportion to the mean, or, where k would be near 1, to the target.
    """
    by_target = 1.0 < power < 1.5
    k = power - 1.0 if by_target else 2.0 - power
    e = (mean - t) / t if by_target else (t - mean) / mean
    excess = less_expm1(xp, k * xp.log1p(e)) - k * less_log1p(xp, e)
    factor = t * mean ** (1.0 - power) if by_target else mean ** (2.0 - power)
    return factor * (excess / (k * (k - 1.0)))
