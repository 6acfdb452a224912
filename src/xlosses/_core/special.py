"""Functions that the frameworks lack, or have with errors that are larger than their results near zeros.

Written with operations that all frameworks have and differentiate. Up to 8, log gamma and digamma are what
is 0 at their zeros times a quotient of polynomials, beyond that asymptotic series.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from xlosses._core.numerics import nan_if_negative
from xlosses._typing import Array

HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)
FAR = 7.0  # from here on the asymptotic series of gamma(1 + t) are exact to the last digit


_Quotient: TypeAlias = tuple[float, Sequence[float], Sequence[float]]
"""A number plus a quotient of polynomials, which is smaller, so that its rounding counts less."""


class _Table(NamedTuple):
    """What a dtype needs: coefficients of t^0, t^1, ..., errors below a tenth of its last digit."""

    log_factorial: _Quotient  # log gamma(1 + t) / (t (t - 1)) on [0, 7]
    digamma: _Quotient  # digamma(1 + t) over t less its zero
    zero: tuple[float, float, float]  # of digamma(1 + t), in parts: the first two are subtracted exactly
    terms: int  # of asymptotic series
    rises_from: float  # from where on these terms are enough for the rise of a function
    terms_of_log: int  # of the series of log1p


_TABLES = {
    "float32": _Table(
        log_factorial=(
            0.25,
            (
                0.32721566462765167,
                0.41121320479452,
                0.10471108759973803,
                -0.017612521329050706,
                -0.005450683397563563,
                -0.00018880509310061362,
            ),
            (
                1.0,
                2.0062136800576145,
                1.3486640241063628,
                0.3559052623798832,
                0.0335864458023054,
                0.0007826718655547084,
            ),
        ),
        digamma=(
            0.375,
            (
                0.8753801213295469,
                0.6289387418023594,
                0.016442360106213152,
                -0.02735780874237029,
                -0.0015469035206468408,
            ),
            (1.0, 1.694841982768264, 0.8139961662199903, 0.12284290054535212, 0.004266035825283534),
        ),
        zero=(0.46142578125, 0.0002063637220999226, -3.737581334748753e-12),
        terms=5,
        rises_from=4.0,
        terms_of_log=8,
    ),
    "float64": _Table(
        log_factorial=(
            0.25,
            (
                0.32721566490153287,
                1.0270573552198972,
                1.2427025206153206,
                0.7118123064699873,
                0.17630641033044597,
                -0.000588725031918794,
                -0.009023173970384534,
                -0.001679339909961437,
                -0.00011734120938972159,
                -3.0394099809301043e-06,
                -2.0446514563553024e-08,
            ),
            (
                1.0,
                3.888287940387408,
                6.2370980740038275,
                5.355008007755899,
                2.6760778615440537,
                0.7952489609586466,
                0.13834610833505426,
                0.013411782066620002,
                0.0006598278882800315,
                1.3826231267885443e-05,
                8.263395693163368e-08,
            ),
        ),
        digamma=(
            0.375,
            (
                0.8753801375034054,
                1.1960671387135897,
                0.5203843968954631,
                0.058908450493650504,
                -0.013761048031523036,
                -0.003965263077275055,
                -0.00032745008799890424,
                -9.54902721607353e-06,
                -7.173334913339806e-08,
            ),
            (
                1.0,
                2.3427085119433566,
                2.0222226433394463,
                0.8442224937682744,
                0.18475291800130428,
                0.021215444077710414,
                0.0011992057148196326,
                2.8508301808245386e-05,
                1.9278385368406167e-07,
            ),
        ),
        zero=(0.46142578125, 0.00020636371836234125, 8.847957996174126e-21),
        terms=11,
        rises_from=8.0,
        terms_of_log=20,
    ),
}

# B_2k / (2k (2k - 1)) and B_2k / 2k, with the Bernoulli numbers B_2k.
_OF_LOG_GAMMA = (
    *(1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400),
    *(43867 / 244188, -174611 / 125400, 77683 / 5796),
)
_OF_HALF_STEP = (1 / 8, -1 / 192, 1 / 640, -17 / 14336, 31 / 18432, -691 / 180224, 5461 / 425984)
_OF_DIGAMMA = (
    *(1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12, -3617 / 8160),
    *(43867 / 14364, -174611 / 6600, 77683 / 276),
)


def log_factorial(xp: Any, t: Array) -> Any:
    """log t! = log gamma(1 + t) for t >= 0, with its relative accuracy near the zeros 0 and 1; else NaN."""
    table = _table(xp, t)
    t = nan_if_negative(xp, t)
    near = xp.clip(t, None, FAR)
    low = near * (near - 1.0) * _quotient(near, table.log_factorial)
    x = 1.0 + xp.clip(t, FAR, None)
    high = (x - 0.5) * (xp.log(x) - 1.0) + (HALF_LOG_TWO_PI - 0.5) + _stirling(xp, x)
    return xp.where(t < FAR, low, high)


def digamma_of_successor(xp: Any, t: Array) -> Any:
    """digamma(1 + t) for t >= 0, the derivative of `log_factorial`; else NaN."""
    table = _table(xp, t)
    t = nan_if_negative(xp, t)
    near, (first, second, third) = xp.clip(t, None, FAR), table.zero
    low = (((near - first) - second) - third) * _quotient(near, table.digamma)
    x = 1.0 + xp.clip(t, FAR, None)
    return xp.where(t < FAR, low, xp.log(x) - 0.5 / x - _bernoulli(xp, x))


def log_gamma(xp: Any, x: Array) -> Any:
    """log gamma(x) for x > 0, with its relative accuracy near the zeros 1 and 2; else NaN."""
    below, t = _less_one(xp, x)
    return log_factorial(xp, t) - xp.log(xp.where(below, x, 1.0))


def digamma(xp: Any, x: Array) -> Any:
    """The derivative of log gamma for x > 0, with its relative accuracy near its zero; else NaN."""
    below, t = _less_one(xp, x)
    return digamma_of_successor(xp, t) - xp.where(below, 1.0 / xp.where(below, x, 1.0), 0.0)


def log_rise(xp: Any, x: Array, t: Array) -> Any:
    """log gamma(x + t) - log gamma(x) - t log x for x > 0 and t >= 0, which do not cancel for large x."""
    start = _table(xp, x).rises_from
    near, far = xp.clip(x, None, start), xp.clip(x, start, None)
    low = log_gamma(xp, near + t) - log_gamma(xp, near) - t * xp.log(near)
    end = far + t
    high = (end - 0.5) * xp.log1p(t / far) - t + (_stirling(xp, end) - _stirling(xp, far))
    return xp.where(x < start, low, high)


def digamma_rise(xp: Any, x: Array, t: Array) -> Any:
    """digamma(x + t) - digamma(x) - log(1 + t / x) for x > 0 and t >= 0."""
    start = _table(xp, x).rises_from
    near, far = xp.clip(x, None, start), xp.clip(x, start, None)
    low = digamma(xp, near + t) - digamma(xp, near) - xp.log1p(t / near)
    end = far + t
    high = 0.5 * (t / far / end) - (_bernoulli(xp, end) - _bernoulli(xp, far))
    return xp.where(x < start, low, high)


def less_log1p(xp: Any, x: Array) -> Any:
    """x - log(1 + x), with its relative accuracy near 0, where it is x^2 / 2."""
    near = xp.clip(x, -0.6, 1.5)
    low = _less_artanh(xp, near / (2.0 + near), 1.0, near)
    beyond = xp.logical_or(x < -0.6, x > 1.5)
    return xp.where(beyond, x - xp.log1p(xp.where(beyond, x, 0.0)), low)


def divergence(xp: Any, x: Array, y: Array, error: Array) -> Any:
    """x log(x / y) + y - x for x >= 0 and y > 0; accurate where they are close, given the error y - x."""
    v = 0.5 * error / (0.5 * x + 0.5 * y)
    low = _less_artanh(xp, xp.clip(v, -_LONG, _LONG), x, error)
    share = x / y
    high = error + x * xp.log(xp.where(share == 0, 1.0, share))  # 0 log 0 is 0
    return xp.where(xp.absolute(v) < _LONG, low, high)


_LONG = 3 / 7  # of v = e / (2 + e), for e = -0.6 and 1.5


def _less_artanh(xp: Any, v: Array, x: Any, error: Array) -> Any:
    """error - x log((x + error) / x), which is error - 2 x artanh v, with v = error / (2 x + error)."""
    square = v * v
    series = _polynomial(square, [1.0 / (2 * k + 3) for k in range(_table(xp, v).terms_of_log)])
    return v * (error - 2.0 * x * (square * series))


def less_expm1(xp: Any, x: Array) -> Any:
    """exp(x) - 1 - x, with its relative accuracy near 0, where it is x^2 / 2."""
    near = xp.clip(x, -1.0, 1.0)
    terms = _table(xp, x).terms + 5
    series = _polynomial(near, [1.0 / math.factorial(k + 2) for k in range(terms)])
    return xp.where(xp.absolute(x) < 1.0, near * near * series, xp.expm1(x) - x)


def half_step(log1p: Callable[[Any], Any], z: Any) -> Any:
    """log gamma(z + 1/2) - log gamma(z) - log(z) / 2, for z > 0 of the type that `log1p` takes."""
    total = 0.0
    for _ in range(10):  # up to where the series is exact
        total = total - log1p(0.5 / z) + 0.5 * log1p(1.0 / z)
        z = z + 1.0
    u = 1.0 / (z * z)
    return total - _polynomial(u, _OF_HALF_STEP) / z


def _less_one(xp: Any, x: Array) -> tuple[Any, Any]:
    """Where x is below 1, and the t >= 0 of gamma(1 + t): x - 1, which is exact, or there x itself."""
    below = x < 1.0
    return below, x - xp.astype(xp.logical_not(below), x.dtype)


def _stirling(xp: Any, x: Any) -> Any:
    """log gamma(x) less Stirling's formula."""
    r = 1.0 / x
    return r * _polynomial(r * r, _OF_LOG_GAMMA[: _table(xp, x).terms])


def _bernoulli(xp: Any, x: Any) -> Any:
    """log x - 1 / (2 x) less digamma(x)."""
    u = 1.0 / x / x
    return u * _polynomial(u, _OF_DIGAMMA[: _table(xp, x).terms])


def _quotient(x: Any, coefficients: _Quotient) -> Any:
    number, above, below = coefficients
    return number + _polynomial(x, above) / _polynomial(x, below)


def _polynomial(x: Any, coefficients: Sequence[float]) -> Any:
    *rest, total = coefficients
    value: Any = total
    for c in reversed(rest):
        value = value * x + c
    return value


def _table(xp: Any, x: Array) -> _Table:
    return _TABLES[xp.dtype_name(x.dtype)]
