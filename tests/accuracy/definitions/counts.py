"""Counts and deviances."""

from __future__ import annotations

from functools import partial

from mpmath import mp

from definitions.common import Number, Term, largest


def poisson_nll(x: Number, t: Number, log_input: bool = True, full: bool = False, eps: float = 1e-8) -> Term:
    constant = mp.loggamma(1 + t) if full else mp.mpf(0)
    if log_input:
        parts, by_x = [mp.exp(x), -t * x if t else mp.mpf(0), constant], [mp.exp(x), -t]
        return Term(mp.fsum(parts), (mp.fsum(by_x),), largest(parts), (largest(by_x),))
    rate = x + mp.mpf(eps)
    parts, by_x = [x, -t * mp.log(rate), constant], [mp.mpf(1), -t / rate]
    # The sum of rate and eps is rounded, which the logarithm takes on, and t multiplies.
    return Term(mp.fsum(parts), (mp.fsum(by_x),), largest([*parts, t]), (largest(by_x),))


def negative_binomial_nll(x: Number, t: Number, theta: Number, eps: float = 1e-8) -> Term:
    m = x + mp.mpf(eps)
    rise = mp.loggamma(theta + t) - mp.loggamma(theta) - t * mp.log(theta)
    parts = [mp.loggamma(1 + t), -rise, (theta + t) * mp.log1p(m / theta), -t * mp.log(m)]
    by_x = [(theta + t) / (theta + m), -t / m]
    by_theta = [mp.log1p(m / theta), -(theta + t) * m / (theta * (theta + m)), t / theta]
    by_theta.append(mp.digamma(theta) - mp.digamma(theta + t))
    return Term(
        mp.fsum(parts),
        (mp.fsum(by_x), mp.nan, mp.fsum(by_theta)),
        largest([*parts, t]),
        (largest(by_x), None, largest(by_theta)),
    )


def tweedie_deviance(mean: Number, t: Number, power: float = 1.5) -> Term:
    p = mp.mpf(power)
    if p == 1:
        parts = [t * mp.log(t / mean) if t else mp.mpf(0), mean - t]
    elif p == 2:
        parts = [mp.log(mean / t), (t - mean) / mean]
    else:
        parts = [max(t, 0) ** (2 - p) / ((1 - p) * (2 - p)), -t * mean ** (1 - p) / (1 - p)]
        parts.append(mean ** (2 - p) / (2 - p))
    value = 2 * mp.fsum(parts) if t != mean else mp.mpf(0)
    reach = 99 if 1 < p < mp.mpf(5) / 2 else mp.mpf(12) / 5
    close = (mean < reach * t and t < reach * mean) or p in (1, 2)  # no difference of large terms is taken
    by_mean = [2 * mean ** (1 - p), -2 * t * mean**-p]
    return Term(value, (mp.fsum(by_mean),), None if close else 2 * largest(parts), (largest(by_mean),))


DEFINITIONS = {
    "poisson_nll_loss": poisson_nll,
    "poisson_nll_loss (rates)": partial(poisson_nll, log_input=False),
    "negative_binomial_nll_loss": negative_binomial_nll,
    "poisson_deviance_loss": partial(tweedie_deviance, power=1.0),
    "gamma_deviance_loss": partial(tweedie_deviance, power=2.0),
    "tweedie_deviance_loss": tweedie_deviance,
}
