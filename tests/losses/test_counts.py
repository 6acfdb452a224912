"""Counts, amounts and likelihoods: exact values, both ends, and what they approach."""

from __future__ import annotations

import math
from functools import partial

import pytest
from matrix import except_on_jax
from test_truth import INF, NAN, Row, check

import xlosses

poisson = xlosses.poisson_nll_loss
of_rates = partial(poisson, log_input=False)
binomial = xlosses.negative_binomial_nll_loss
of_poisson, of_gamma = xlosses.poisson_deviance_loss, xlosses.gamma_deviance_loss
tweedie = xlosses.tweedie_deviance_loss
laplace, student = xlosses.laplace_nll_loss, xlosses.student_t_nll_loss

E = math.e
ROWS = [
    Row("logarithms of rates", poisson, ([0.0, 1.0], [2.0, 3.0]), [1.0, E - 3], [-1.0, E - 3]),
    Row("a rate of 0", poisson, ([-INF, -INF], [0.0, 2.0]), [0.0, INF], [0.0, -2.0]),
    Row("an endless rate", poisson, ([INF, 100.0], [3.0, 0.0]), [INF, INF]),
    Row(
        "log t!",
        poisson,
        ([0.0] * 6, [0.0, 1.0, 2.0, 0.5, 10.0, 1e-20]),
        [1.0, 1.0, 1 + math.log(2), 1 + math.lgamma(1.5), 1 + math.log(3628800), 1.0],
        options={"full": True},
    ),
    Row("a negative count", poisson, ([0.0, 0.0], [-1.0, -0.5]), [NAN, NAN], options={"full": True}),
    Row("NaN", poisson, ([NAN, 0.0], [0.0, NAN]), [NAN, NAN]),
    Row("rates", of_rates, ([1.0, E], [3.0, 2.0]), [1.0, E - 2], [-2.0, 1 - 2 / E], {"eps": 1e-30}),
    Row("rates of 0", of_rates, ([0.0, 0.0], [0.0, 1.0]), [0.0, math.log(2)], [1.0, -1.0], {"eps": 0.5}),
    Row(
        "geometric",
        binomial,
        ([1.0, 1.0, 3.0], [0.0, 3.0, 1.0], [1.0, 1.0, 1.0]),
        [math.log(2), 4 * math.log(2), math.log(16 / 3)],
        [0.5, -1.0, 1 / 6],
        {"eps": 1e-30},
    ),
    Row(
        "the limit of Poisson",
        binomial,
        ([1.0, 3.0], [2.0, 3.0], [1e20, 1e20]),
        [1 + math.log(2), 3 - 3 * math.log(3) + math.log(6)],
        [-1.0, 0.0],
        {"eps": 1e-30},
    ),
    Row("nothing expected, nothing counted", binomial, ([0.0], [0.0], [4.0]), [1e-8], [1.0]),
    Row("dispersions below 0", binomial, ([1.0], [1.0], [-1.0]), [NAN]),
    Row(
        "Poisson's deviance",
        of_poisson,
        ([1.0, 2.0, 1.0, 3.0], [0.0, 2.0, E, 1.0]),
        [2.0, 0.0, 2.0, 4 - 2 * math.log(3)],
        [2.0, 0.0, 2 - 2 * E, 4 / 3],
    ),
    Row("close counts", of_poisson, ([1.0], [1 + 2.0**-12]), [2.0**-24 * (1 - 2.0**-12 / 3)], [-(2.0**-11)]),
    Row("both ends of counts", of_poisson, ([1e15, 1e-15], [1e-15, 0.0]), [2e15, 2e-15], [2.0, 2.0]),
    Row("a count that could not be", of_poisson, ([0.0], [1.0]), [INF]),
    Row(
        "the gamma deviance",
        of_gamma,
        ([1.0, 2.0, E], [1.0, 1.0, 1.0]),
        [0.0, 2 * math.log(2) - 1, 2 / E],
        [0.0, 0.5, 2 * (E - 1) / E**2],
    ),
    Row("an amount of 0", of_gamma, ([1.0], [0.0]), [INF]),
    Row("close amounts", of_gamma, ([1.0], [1 + 2.0**-12]), [2.0**-24 * (1 - 2.0**-11 / 3)], [-(2.0**-11)]),
    Row(
        "power 1.5",
        tweedie,
        ([4.0, 1.0, 1.0], [0.0, 4.0, 1.0]),
        [8.0, 4.0, 0.0],
        [1.0, -6.0, 0.0],
    ),
    Row("power 3", tweedie, ([2.0, 1.0], [1.0, 4.0]), [0.25, 9 / 4], [0.25, -6.0], {"power": 3.0}),
    Row("power 0", tweedie, ([2.0, -1.0], [1.0, 1.0]), [1.0, 4.0], [2.0, -4.0], {"power": 0.0}),
    Row("power -1", tweedie, ([2.0, 1.0], [-1.0, 2.0]), [28 / 3, 4 / 3], [12.0, -2.0], {"power": -1.0}),
    *(
        Row(
            f"close, power {power}",
            tweedie,
            ([1.0], [1 + 2.0**-12]),
            [2.0**-24 * (1 - power * 2.0**-12 / 3)],
            [-(2.0**-11)],
            {"power": power},
        )
        for power in (-1.0, 1.1, 1.25, 1.5, 1.9, 3.0)
    ),
    Row(
        "Laplace",
        laplace,
        ([0.0, 3.0, -1.0], [0.0, 1.0, 1.0], [0.5, 2.0, 1.0]),
        [0.0, math.log(4) + 1, math.log(2) + 2],
        [0.0, 0.5, -1.0],
    ),
    Row(
        "Laplace at both ends",
        laplace,
        ([1e30, 0.0], [0.0, 0.0], [1e30, 1e-30]),
        [math.log(2e30) + 1, math.log(2e-30)],
    ),
    Row("scales below 0", laplace, ([1.0], [1.0], [-1.0]), [NAN], [NAN]),
    Row(
        "Cauchy's distribution",
        partial(student, df=1.0),
        ([0.0, 2.0, -1.0], [0.0, 0.0, 0.0], [1.0, 2.0, 1.0]),
        [math.log(math.pi), math.log(4 * math.pi), math.log(2 * math.pi)],
        [0.0, 0.5, -1.0],
    ),
    Row(
        "the limit of the normal distribution",
        partial(student, df=1e20),
        ([1.0, 0.0], [0.0, 3.0], [1.0, 2.0]),
        [0.5 * math.log(2 * math.pi) + 0.5, 0.5 * math.log(2 * math.pi) + math.log(2) + 9 / 8],
        [1.0, -0.75],
    ),
    Row(
        "outliers of Student's",
        partial(student, df=3.0),
        ([1e30], [0.0], [1.0]),
        [4 * math.log(1e30) + math.log(math.gamma(1.5) * math.sqrt(3 * math.pi)) - 2 * math.log(3)],
        [4e-30],
    ),
    Row("scales of Student's below 0", partial(student, df=3.0), ([1.0], [1.0], [-1.0]), [NAN], [NAN]),
    Row(
        "a weighed likelihood",
        partial(xlosses.gaussian_nll_loss, beta=0.5),
        ([1.0, 3.0], [0.0, 3.0], [4.0, 9.0]),
        [math.log(4) + 0.25, 1.5 * math.log(9)],
        [0.5, 0.0],
    ),
    Row(
        "a likelihood weighed by the variance",
        partial(xlosses.gaussian_nll_loss, beta=1.0),
        ([3.0, 1e15], [0.0, 0.0], [1.0, 1e-30]),
        [4.5, 0.5e30],
        [3.0, 1e15],
    ),
]


# NumPy says so where a result is NaN or infinite that no input was.
@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value|overflow):RuntimeWarning")
@except_on_jax
@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_truth_of_counts(on, row):
    check(on, row)


def by_last(on, loss, *given):
    """The gradient of the sum by the last array."""
    place = len(given) - 1
    return on.read(xlosses.value_and_grad(loss, place)(*map(on.array, given), reduction="sum")[1])


def test_gradients_by_scales(on):
    found = by_last(on, laplace, [0.0, 3.0, -1.0], [0.0, 1.0, 1.0], [0.5, 2.0, 1.0])
    assert found == pytest.approx([2.0, 0.0, -1.0], abs=1e-7)
    found = by_last(on, partial(student, df=1.0), [0.0, 2.0, 3.0], [0.0, 0.0, 0.0], [0.5, 2.0, 1.0])
    assert found == pytest.approx([2.0, 0.0, 1 - 2 * 0.9], abs=1e-6)


def test_gradients_by_dispersions(on):
    """t = 0 leaves theta log(1 + r), r = m / theta, whose derivative is log(1 + r) - r / (1 + r)."""
    means, dispersions = [1.0, 2.0, 30.0, 1.0], [1.0, 0.01, 7.0, 1e4]
    found = by_last(on, binomial, means, [0.0] * 4, dispersions)
    ratios = [m / theta for m, theta in zip(means, dispersions, strict=True)]
    wanted = [math.log1p(r) - r / (1 + r) if r > 1e-3 else r * r / 2 - 2 * r**3 / 3 for r in ratios]
    assert found == pytest.approx(wanted, rel=1e-5)


def test_the_variance_that_weighs_is_held_constant(on):
    loss = partial(xlosses.gaussian_nll_loss, beta=0.5)
    found = by_last(on, loss, [1.0, 3.0], [0.0, 3.0], [4.0, 9.0])
    assert found == pytest.approx([2 * 0.5 * (0.25 - 1 / 16), 3 * 0.5 / 9], rel=1e-6)


def test_no_weight_is_the_likelihood(on):
    given = [on.array(x) for x in ([1.0, 3.0], [0.0, 3.0], [4.0, 9.0])]
    loss = partial(xlosses.gaussian_nll_loss, reduction="none")
    assert on.read(loss(*given, beta=0.0)) == on.read(loss(*given))
    assert on.read(loss(*given, beta=on.array(0.0))) == pytest.approx(on.read(loss(*given)), rel=1e-6)


@pytest.mark.parametrize("df", [0.125, 1.0, 4.0, 30.0, 1e6])
def test_degrees_of_freedom_as_an_array(on, df):
    given = [on.array(x) for x in ([1.0, 3.0], [0.0, 3.0], [4.0, 9.0])]
    loss = partial(student, reduction="none")
    assert on.read(loss(*given, df=on.array(df))) == pytest.approx(on.read(loss(*given, df=df)), rel=1e-6)


def test_degrees_of_freedom_are_trained(on):
    if on.bench.differentiates:
        x, y, s = (on.array(v) for v in ([1.0, 3.0, 0.0], [0.0, 3.5, 2.0], [1.0, 0.5, 1.0]))
        f = partial(student, x, y, s, reduction="sum")
        gradient = on.read(on.bench.value_and_grad(f, on.array(3.0))[1][0])
        x, y, s = ([float(v) for v in on.read(z)] for z in (x, y, s))

        def exact(df):
            constant = math.lgamma(df / 2) - math.lgamma((df + 1) / 2) + 0.5 * math.log(df * math.pi)
            terms = [math.log1p(((a - b) / c) ** 2 / df) for a, b, c in zip(x, y, s, strict=True)]
            return math.fsum((df + 1) / 2 * term + constant for term in terms)

        assert gradient == pytest.approx((exact(3.0 + 1e-5) - exact(3.0 - 1e-5)) / 2e-5, rel=1e-4)


@pytest.mark.parametrize("power", [0.5, NAN, INF, -INF, 1e-9])
def test_powers_between_0_and_1_have_no_distribution(on, power):
    x = on.array([1.0])
    with pytest.raises(ValueError, match=rf"^power must be a number outside of \(0, 1\), got {power}$"):
        tweedie(x, x, power=power)


def test_the_power_is_a_plain_number(on):
    x = on.array([1.0])
    with pytest.raises(TypeError, match=r"^power must be a plain number outside of \(0, 1\), got "):
        tweedie(x, x, power=on.array(1.5))
    with pytest.raises(ValueError, match=r"^df must be a number > 0, got 0\.0$"):
        student(x, x, x, df=0)
    with pytest.raises(ValueError, match=r"^beta must be a number >= 0, got -1\.0$"):
        xlosses.gaussian_nll_loss(x, x, x, beta=-1)


def test_slope_of_large_and_small_means(on):
    """The square of the mean, which a compiler might make, is out of range."""
    with xlosses.engine(1):
        loss = xlosses.value_and_grad(of_gamma)
        _, slope = loss(on.array([1e30, 1e-30]), on.array([2e30, 2e-30]), reduction="sum")
    assert on.read(slope) == pytest.approx([-2e-30, -2e30], rel=1e-6)
