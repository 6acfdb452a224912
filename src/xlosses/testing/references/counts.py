"""Counts and deviances."""

from __future__ import annotations

import math

from xlosses.testing.references.common import Term


def poisson_nll(x: float, t: float, log_input: bool = True, full: bool = False, eps: float = 1e-8) -> Term:
    constant = math.lgamma(t + 1) if full else 0.0
    if log_input:
        return Term(math.exp(x) - (t * x if t else 0.0) + constant, (math.exp(x) - t,))
    return Term(x - t * math.log(x + eps) + constant, (1 - t / (x + eps),))


def negative_binomial_nll(x: float, t: float, theta: float, eps: float = 1e-8) -> Term:
    """By products of whole numbers where gamma functions would cancel: t is whole in what is drawn."""
    m = x + eps
    if t == int(t) and t < 1000:
        rise = math.fsum(math.log1p(k / theta) for k in range(int(t)))
        by_rise = math.fsum(-k / (theta * (theta + k)) for k in range(int(t)))
    else:
        rise = math.lgamma(theta + t) - math.lgamma(theta) - t * math.log(theta)
        step = 1e-5 * theta
        ends = [math.lgamma(z + t) - math.lgamma(z) - t * math.log(z) for z in (theta - step, theta + step)]
        by_rise = (ends[1] - ends[0]) / (2 * step)
    value = math.lgamma(t + 1) - rise + (theta + t) * math.log1p(m / theta) - t * math.log(m)
    by_theta = math.log1p(m / theta) - (theta + t) * m / (theta * (theta + m)) - by_rise
    return Term(value, (theta * (m - t) / (m * (theta + m)), None, by_theta))


def poisson_deviance(mean: float, t: float) -> Term:
    close = _close(mean, t, 1.0)
    value = (2 * t * math.log(t / mean) if t else 0.0) + 2 * (mean - t)
    return Term(value if close is None else close, (2 * (mean - t) / mean,))


def gamma_deviance(mean: float, t: float) -> Term:
    close = _close(mean, t, 2.0)
    value = 2 * (math.log(mean / t) + t / mean - 1) if close is None else close
    return Term(value, (2 * (mean - t) / mean**2,))


def tweedie_deviance(mean: float, t: float, power: float = 1.5) -> Term:
    if power == 1:
        return poisson_deviance(mean, t)
    if power == 2:
        return gamma_deviance(mean, t)
    a, b = 1 - power, 2 - power
    close = _close(mean, t, power)
    value = 2 * (max(t, 0.0) ** b / (a * b) - t * mean**a / a + mean**b / b) if close is None else close
    return Term(value, (2 * (mean - t) * mean**-power,))


def _close(mean: float, t: float, power: float) -> float | None:
    """The series of the deviance in the error, where the formula would cancel."""
    e = (t - mean) / mean
    if abs(e) > 1e-2:
        return None
    total, term = 0.0, e**2
    for k in range(3, 12):
        total += term
        term *= -e * (power + k - 3) / k
    return float(mean ** (2 - power) * total)
