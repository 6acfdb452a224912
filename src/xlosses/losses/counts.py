"""Counts: negative log likelihood of how often something happened."""

from __future__ import annotations

from typing import Any

from xlosses._core.checks import positive
from xlosses._core.formula import formula
from xlosses._core.numerics import product
from xlosses._core.special import digamma_rise, divergence, log_factorial, log_rise
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction


def poisson_nll_loss(
    inputs: ArrayT,
    targets: Array | float,
    *,
    log_input: bool = True,
    full: bool = False,
    eps: Number = 1e-8,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Negative log likelihood of counts under a Poisson distribution with a predicted rate.

    .. math::
        \ell = e^x - t x \qquad \text{or} \qquad \ell = x - t \log(x + \epsilon)

    Parameters
    ----------
    inputs : array
        Predicted logarithms of rates, :math:`x`, real, in any shape; rates with ``log_input=False``.
    targets : array or number
        Counts, :math:`t \ge 0`, in the shape of `inputs`; they need not be whole.
    log_input : bool
        Whether `inputs` are logarithms.
    full : bool
        Whether to add :math:`\log t!`, which depends on the targets alone.
    eps : number
        Keeps the logarithm of a rate finite, :math:`\epsilon > 0`; unused for logarithms.
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
        `eps` that is not positive, unequal shapes, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    The gradient is :math:`e^x - t`, or :math:`1 - t / (x + \epsilon)`. With `full` a negative count gives
    NaN; the factorial is exact for every :math:`t \ge 0`, where PyTorch takes Stirling's formula, and 0 up
    to :math:`t = 1`.

    References
    ----------
    P. McCullagh, J. A. Nelder, *Generalized Linear Models*, 2nd ed., 1989, ch. 6.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, t = np.asarray([0.0, 1.0]), np.asarray([0.0, 3.0])
    >>> xlosses.poisson_nll_loss(x, t, reduction="none").round(6).tolist()
    [1.0, -0.281718]
    """
    arrays, parameters = dict(inputs=inputs, targets=targets), dict(full=bool(full))
    eps = positive(eps=eps)
    if log_input:
        return evaluate(poisson_of_log, arrays, parameters, reduction, weights, where, dtype)
    return evaluate(poisson_of_rate, arrays, {**parameters, "eps": eps}, reduction, weights, where, dtype)


@formula(static=("full",))
def poisson_of_log(xp: Any, x: Array, t: Array, full: bool) -> Any:
    # An impossible event that did not happen adds nothing, and infinity less infinity is NaN.
    loss = xp.exp(x) - product(xp, t, xp.clip(x, None, 1e4))
    return loss + log_factorial(xp, t) if full else loss


@poisson_of_log.ordinary
def poisson_of_log_ordinary(xp: Any, x: Array, t: Array, full: bool) -> Any:
    loss = xp.exp(x) - t * x
    return loss + log_factorial(xp, t) if full else loss


@poisson_of_log.slope
def poisson_of_log_slope(xp: Any, x: Array, t: Array, full: bool) -> Any:
    return xp.exp(x) - t


@formula(static=("full",))
def poisson_of_rate(xp: Any, x: Array, t: Array, full: bool, eps: Number) -> Any:
    loss = x - t * xp.log(x + eps)
    return loss + log_factorial(xp, t) if full else loss


@poisson_of_rate.slope
def poisson_of_rate_slope(xp: Any, x: Array, t: Array, full: bool, eps: Number) -> Any:
    return ((x - t) + eps) / (x + eps)


def negative_binomial_nll_loss(
    inputs: ArrayT,
    targets: Array | float,
    dispersion: Array | float,
    *,
    eps: Number = 1e-8,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Negative log likelihood of counts under a negative binomial distribution with a predicted mean.

    .. math::
        \ell = \log t! + \log \frac{\Gamma(\theta)}{\Gamma(\theta + t)}
            + (\theta + t) \log\frac{\theta + m}{\theta} - t \log\frac{m}{\theta},
        \qquad m = \mu + \epsilon

    Parameters
    ----------
    inputs : array
        Predicted means, :math:`\mu \ge 0`, in any shape.
    targets : array or number
        Counts, :math:`t \ge 0`, in the shape of `inputs`; they need not be whole.
    dispersion : array or number
        Predicted inverse dispersions, :math:`\theta > 0`, in the shape of `inputs`: the variance is
        :math:`\mu + \mu^2 / \theta`, and large ones approach Poisson's distribution.
    eps : number
        Added to the means, :math:`\epsilon > 0`.
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
        `eps` that is not positive, unequal shapes, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by `inputs` and `dispersion`. The gradient by the means is
    :math:`\theta (m - t) / (m (\theta + m))`. Logarithms of gamma functions are not subtracted from each
    other where they are large: for large dispersions the loss is Poisson's to the last digit. A negative
    count or dispersion gives NaN.

    References
    ----------
    J. M. Hilbe, *Negative Binomial Regression*, 2nd ed., 2011, ch. 8. R. Lopez et al., "Deep generative
    modeling for single-cell transcriptomics", *Nature Methods* 15, 2018, pp. 1053-1058.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> mean, count = np.asarray([1.0, 1.0]), np.asarray([0.0, 2.0])
    >>> xlosses.negative_binomial_nll_loss(mean, count, 1.0, reduction="none").round(6).tolist()
    [0.693147, 2.079442]
    """
    arrays = dict(inputs=inputs, targets=targets, dispersion=dispersion)
    parameters = dict(eps=positive(eps=eps))
    return evaluate(negative_binomial, arrays, parameters, reduction, weights, where, dtype)


@formula(width=lambda *_: 4)  # with so many arrays at once, blocks of a quarter of the terms fit the cache
def negative_binomial(xp: Any, x: Array, t: Array, theta: Array, eps: Number) -> Any:
    mean = x + eps
    # Each logarithm is taken less that of the dispersion, which for large ones is most of it.
    loss = (theta + t) * xp.log1p(mean / theta) - t * xp.log(mean)
    return loss + log_factorial(xp, t) - log_rise(xp, theta, t)


@negative_binomial.slope(by=("x", "theta"))
def negative_binomial_slope(xp: Any, x: Array, t: Array, theta: Array, eps: Number) -> Any:
    mean, error = x + eps, (t - x) - eps
    total = theta + mean
    yield -theta / total * (error / mean)
    yield divergence(xp, total, theta + t, error) / total - digamma_rise(xp, theta, t)
