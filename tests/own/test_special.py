"""Functions that the frameworks lack: their accuracy, their ends, and that autodiff agrees with them."""

from __future__ import annotations

import math

import pytest
from mpmath import MPContext

from xlosses._core import special

mp = MPContext()  # of its own: the tables are made with fewer digits
mp.dps = 100
ZERO = 1.4616321449683623
# Both sides of the zeros, of the thresholds 1 and 8, and of what is far away.
POINTS = [
    *(
        1e-30,
        1e-6,
        0.1,
        0.5,
        0.999,
        1 - 2.0**-20,
        1.0,
        1 + 2.0**-20,
        1.2,
        1.46,
        1.463,
        1.75,
        2 - 2.0**-20,
        2.0,
    ),
    *(2 + 2.0**-20, 2.5, 3.0, 5.0, 7.5, 7.999, 8.0, 8.001, 20.0, 1e3, 1e10, 1e30),
]
EXACT = {
    "log_gamma": mp.loggamma,
    "digamma": mp.digamma,
    "log_factorial": lambda x: mp.loggamma(1 + x),
    "digamma_of_successor": lambda x: mp.digamma(1 + x),
    "less_log1p": lambda x: x - mp.log1p(x),
}


def ulp(exact, dtype):
    bits = {"float32": 24, "float64": 53}[dtype]
    return 2.0 ** (math.frexp(abs(float(exact)))[1] - bits)


def dtypes(on):
    return [dtype for dtype in ("float32", "float64") if dtype in on.bench.dtypes()]


@pytest.mark.parametrize("name", EXACT)
def test_accuracy(on, name):
    for dtype in dtypes(on):
        x = on.array(POINTS, dtype)
        found = on.read(getattr(special, name)(on.bench.xp, x))
        assert name != "less_log1p" or found.pop(0) == pytest.approx(0.0)  # its square is below the smallest
        for point, value in zip(on.read(x)[-len(found) :], found, strict=True):
            exact = EXACT[name](mp.mpf(point))
            if exact == 0:
                assert value == 0
            else:
                off = float(abs(mp.mpf(value) - exact)) / ulp(exact, dtype)
                assert off <= (8 if dtype == "float32" else 4), f"{dtype} {point}: {value} is not {exact}"


def test_the_zero_of_digamma(on):
    """The two neighbours of the zero, where most of the digits have cancelled."""
    for dtype in dtypes(on):
        spacing = 2.0**-23 if dtype == "float32" else 2.0**-52
        x = on.array([ZERO, ZERO + spacing, ZERO - spacing], dtype)
        found = on.read(special.digamma(on.bench.xp, x))
        for point, value in zip(on.read(x), found, strict=True):
            exact = mp.digamma(mp.mpf(point))
            assert float(abs(mp.mpf(value) - exact)) <= 4 * ulp(exact, dtype)


@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value):RuntimeWarning")
def test_ends(on):
    xp, x = on.bench.xp, on.array([0.0, math.inf, -1.5, math.nan])
    zero, infinity, *others = on.read(special.log_gamma(xp, x))
    assert (zero, infinity) == (math.inf, math.inf)
    assert all(map(math.isnan, others))
    zero, infinity, *others = on.read(special.digamma(xp, x))
    assert (zero, infinity) == (-math.inf, math.inf)
    assert all(map(math.isnan, others))
    zero, infinity, *others = on.read(special.log_factorial(xp, x))
    assert (zero, infinity) == (0.0, math.inf)
    assert all(map(math.isnan, others))


@pytest.mark.parametrize(
    ("name", "derivative"),
    [
        ("log_gamma", mp.digamma),
        ("digamma", lambda x: mp.psi(1, x)),
        ("less_log1p", lambda x: x / (1 + x)),
        ("less_expm1", mp.expm1),
    ],
)
def test_autodiff(on, name, derivative):
    if on.bench.differentiates:
        xp, points = on.bench.xp, [0.05, 0.5, 1.0, 1.3, 1.7, 2.0, 4.0, 7.9, 8.1, 30.0]
        x = on.array(points)
        gradient = on.bench.value_and_grad(lambda x: xp.sum(getattr(special, name)(xp, x)), x)[1][0]
        wanted = [float(derivative(mp.mpf(p))) for p in points]
        assert on.read(gradient) == pytest.approx(wanted, rel=2e-5)


RISES = [
    (x, t) for x in (0.01, 0.5, 1.0, 3.0, 7.99, 8.0, 50.0, 1e6) for t in (0.0, 0.5, 1.0, 2.0, 7.0, 40.0, 1e4)
]


def test_rises(on):
    """Differences of log gamma and of digamma that are small where these are large."""
    for dtype in dtypes(on):
        x, t = (on.array([float(pair[k]) for pair in RISES], dtype) for k in (0, 1))
        log_rise = on.read(special.log_rise(on.bench.xp, x, t))
        digamma_rise = on.read(special.digamma_rise(on.bench.xp, x, t))
        eps = 2.0**-22 if dtype == "float32" else 2.0**-51
        for a, b, first, second in zip(on.read(x), on.read(t), log_rise, digamma_rise, strict=True):
            u, v = mp.mpf(a), mp.mpf(b)
            exact = mp.loggamma(u + v) - mp.loggamma(u) - v * mp.log(u)
            parts = v * (1 + abs(mp.log(u) if u < 8 else 0) + mp.log1p(v)) + (
                8.5 + abs(mp.log(u)) if u < 8 else 0
            )
            assert abs(first - exact) <= 4 * eps * (abs(exact) + parts)
            exact = mp.digamma(u + v) - mp.digamma(u) - mp.log1p(v / u)
            parts = abs(mp.digamma(u)) + abs(mp.digamma(u + v)) if u < 8 else 0
            assert abs(second - exact) <= 4 * eps * (abs(exact) + parts)


def test_divergence(on):
    pairs = [
        (1.0, 1.0),
        (1.0, 1 + 2.0**-20),
        (0.0, 3.0),
        (1e-30, 2.0),
        (5.0, 0.01),
        (0.4, 1.0),
        (2.5, 1.0),
        (1e30, 1e30),
    ]
    x, y = (on.array([pair[k] for pair in pairs]) for k in (0, 1))
    found = on.read(special.divergence(on.bench.xp, x, y, y - x))
    for a, b, value in zip(on.read(x), on.read(y), found, strict=True):
        u, v = mp.mpf(a), mp.mpf(b)
        assert value == pytest.approx(float((u * mp.log(u / v) if u else 0) + v - u), rel=1e-6)


@pytest.mark.parametrize("z", [1e-3, 0.0625, 0.5, 1.0, 2.0, 9.9, 50.0, 1e6, 1e15])
def test_half_step(z):
    exact = mp.loggamma(mp.mpf(z) + 0.5) - mp.loggamma(mp.mpf(z)) - mp.log(mp.mpf(z)) / 2
    assert special.half_step(math.log1p, z) == pytest.approx(float(exact), rel=1e-14, abs=3e-16)
