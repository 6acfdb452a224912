"""Errors in proportion, and the robust family: kinks, limits, both ends of the range."""

from __future__ import annotations

import math
from functools import partial

import pytest
from test_truth import INF, NAN, Row, check

import xlosses

mape, smape, msle = xlosses.mape_loss, xlosses.smape_loss, xlosses.msle_loss
robust = xlosses.general_robust_loss

ROWS = [
    Row(
        "a share of the target, both sides and the kink",
        mape,
        ([1.0, 3.0, 2.0, -3.0], [2.0, 2.0, 2.0, -2.0]),
        [0.5, 0.5, 0.0, 0.5],
        [-0.5, 0.5, 0.0, -0.5],
    ),
    Row(
        "targets below eps",
        mape,
        ([1.0, 0.0, 0.25], [0.0, 0.0, 0.125]),
        [2.0, 0.0, 0.25],
        [2.0, 0.0, 2.0],
        {"eps": 0.5},
    ),
    Row("shares of infinities", mape, ([INF, -INF], [2.0, 2.0]), [INF, INF], [0.5, -0.5]),
    Row("shares at both ends", mape, ([3e37, 3e-37], [1.5e37, 1.5e-37]), [1.0, 1.5e-30], [2 / 3e37, 1e7]),
    Row("shares of NaN", mape, ([NAN, 0.0], [1.0, NAN]), [NAN, NAN]),
    Row(
        "one sign, opposite signs, both zero",
        smape,
        ([1.0, 3.0, -1.0, 2.0, 0.0], [3.0, 1.0, 3.0, 2.0, 0.0]),
        [1.0, 1.0, 2.0, 0.0, 0.0],
        [-0.75, 0.25, 0.0, 0.0, 0.0],
    ),
    Row("a prediction of 0, a target of 0", smape, ([0.0, 4.0], [4.0, 0.0]), [2.0, 2.0], [-0.5, 0.0]),
    Row("sizes below eps", smape, ([0.25, -0.25], [0.0, 0.0]), [0.5, 0.5], [2.0, -2.0], {"eps": 1.0}),
    Row("large sizes", smape, ([1.5e38], [0.5e38]), [1.0]),
    Row("a prediction far below the target", smape, ([1e10], [1e-10]), [2.0]),
    Row("a tie of large numbers", smape, ([1e30], [1e30]), [0.0], [0.0]),
    Row("NaN in proportion", smape, ([NAN, 0.0], [1.0, NAN]), [NAN, NAN]),
    Row(
        "logarithms",
        msle,
        ([0.0, math.e - 1, 3.0], [0.0, 0.0, 1.0]),
        [0.0, 1.0, math.log(2) ** 2],
        [0.0, 2 / math.e, math.log(2) / 2],
    ),
    Row("small numbers", msle, ([1e-10], [3e-10]), [4e-20], [-4e-10]),
    Row("close numbers", msle, ([1.0 + 2.0**-20], [1.0]), [2.0**-42], [2.0**-21]),
    Row(
        "both ends",
        msle,
        ([1e38, 0.0], [0.0, 1e38]),
        [math.log(1e38) ** 2] * 2,
        [2 * math.log(1e38) / 1e38, -2 * math.log(1e38)],
    ),
    Row("the end of the domain, and beyond", msle, ([-1.0, -1.5, -1.5], [0.0, 0.0, -1.5]), [INF, NAN, NAN]),
    Row("NaN in logarithms", msle, ([NAN, 0.0], [1.0, NAN]), [NAN, NAN]),
    Row("Charbonnier", robust, ([0.0, 0.75, -0.75], [0.0] * 3), [0.0, 0.25, 0.25], [0.0, 0.6, -0.6]),
    Row("Charbonnier, small errors", robust, ([1e-10], [0.0]), [5e-21], [1e-10]),
    Row("Charbonnier, large errors", robust, ([1e15, -1e15], [0.0] * 2), [1e15] * 2, [1.0, -1.0]),
    Row("Charbonnier, infinite errors", robust, ([INF, -INF], [0.0] * 2), [INF] * 2),
    Row("squares", robust, ([3.0, 1e-10], [0.0] * 2), [18.0, 2e-20], [12.0, 4e-10], {"alpha": 2, "c": 0.5}),
    Row(
        "Cauchy",
        robust,
        ([0.0, math.sqrt(2), 1e30, 1e-10], [0.0] * 4),
        [0.0, math.log(2), 2 * math.log(1e30) - math.log(2), 5e-21],
        [0.0, math.sqrt(0.5), 2e-30, 1e-10],
        {"alpha": 0.0},
    ),
    Row(
        "Geman and McClure",
        robust,
        ([0.0, 2.0, 1e30], [0.0] * 3),
        [0.0, 1.0, 2.0],
        [0.0, 0.5, 0.0],
        {"alpha": -2.0},
    ),
    Row(
        "Welsch",
        robust,
        ([0.0, 1.0, 1e30, 1e-10], [0.0] * 4),
        [0.0, -math.expm1(-0.5), 1.0, 5e-21],
        [0.0, math.exp(-0.5), 0.0, 1e-10],
        {"alpha": -INF},
    ),
    Row("Cauchy, infinite errors", robust, ([INF, -INF], [0.0] * 2), [INF] * 2, options={"alpha": 0.0}),
    Row("fourth powers near the end", robust, ([6e9], [0.0]), [1.62e38], [1.08e29], {"alpha": 4.0}),
    Row("alpha 1/2", robust, ([math.sqrt(22.5)], [0.0]), [3.0], [math.sqrt(22.5) / 8], {"alpha": 0.5}),
    Row("errors of NaN", robust, ([NAN, 0.0], [1.0, NAN]), [NAN, NAN], options={"alpha": 0.5}),
    *(
        Row(f"alpha {alpha}, NaN", robust, ([NAN, 0.0], [0.0, 0.0]), [NAN, 0.0], options={"alpha": alpha})
        for alpha in (2.0, 1.0, 0.0, -2.0, -INF)
    ),
]


# NumPy says so where a result is NaN that no input was.
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_truth_in_proportion(on, row):
    check(on, row)


def test_the_slope_of_a_prediction_far_off(on):
    """Where autodiff subtracts 1 from 1."""
    x, y = on.array([1e10, 1e-10]), on.array([1e-10, 1e10])
    gradient = on.read(xlosses.value_and_grad(smape)(x, y, reduction="sum")[1])
    assert gradient == pytest.approx([4e-30, -4e-10], rel=1e-5)


@pytest.mark.parametrize(
    ("near", "limit"),
    [(2 - 2.0**-44, 2.0), (2 + 2.0**-44, 2.0), (1e-12, 0.0), (-1e-12, 0.0), (1e-9, 0.0), (-1e30, -INF)],
)
def test_limits_of_the_shape(on, near, limit):
    x, y = on.array([0.0, 1e-10, 0.3, -2.0, 40.0, 1e15]), 0.0
    loss = partial(robust, reduction="none", c=0.5)
    found, wanted = (on.read(loss(x, y, alpha=alpha)) for alpha in (near, limit))
    assert found == pytest.approx(wanted, rel=1e-5)
    found, wanted = (
        on.read(xlosses.value_and_grad(robust)(x, y, alpha=alpha, c=0.5, reduction="sum")[1])
        for alpha in (near, limit)
    )
    assert found == pytest.approx(wanted, rel=1e-4, abs=1e-37)


OVERFLOW = pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")  # of NumPy, where (x - y) / c does


@OVERFLOW
@pytest.mark.parametrize("alpha", [1.0, 0.5, 0.0, -2.0, -50.0, -INF])
def test_the_robust_gradient_is_bounded(on, alpha):
    far = [1e38, 3e38, INF]  # in units of c beyond the largest number
    x = on.array([-INF, -1e37, -1e10, -3.0, -1.0, -1e-3, 0.0, 1e-20, 1.0, 2.0, 1e20, 1e37, *far])
    gradient = on.read(xlosses.value_and_grad(robust)(x, 0.0, alpha=alpha, c=0.25, reduction="sum")[1])
    assert all(abs(g) <= 4.0 * (1 + 1e-6) for g in gradient)


@OVERFLOW
@pytest.mark.parametrize("alpha", [1.2, 1.5, 1.99])
def test_the_slope_of_the_largest_errors(on, alpha):
    x = on.array([-3e38, 1e30])
    gradient = on.read(xlosses.value_and_grad(robust)(x, 0.0, alpha=alpha, reduction="sum")[1])
    b = 2.0 - alpha
    wanted = [math.copysign(abs(e) ** (1 - b) * b ** (b / 2), e) for e in (-3e38, 1e30)]
    assert gradient == pytest.approx(wanted, rel=1e-5)


def test_a_large_shape_is_a_power(on):
    x = on.array([0.0, 0.1, 3.0])
    found = on.read(robust(x, 0.0, alpha=50.0, reduction="none"))
    wanted = [0.96 * (math.exp(25 * math.log1p(e * e / 48)) - 1) for e in (0.0, 0.1, 3.0)]
    assert found == pytest.approx(wanted, rel=1e-5)


def test_the_shape_is_a_plain_number(on):
    x = on.array([1.0])
    for alpha in (INF, NAN):
        with pytest.raises(ValueError, match=f"^alpha must be a number below infinity, got {alpha}$"):
            robust(x, x, alpha=alpha)
    with pytest.raises(TypeError, match=r"^alpha must be a plain number below infinity, got "):
        robust(x, x, alpha=on.array(1.0))
    with pytest.raises(ValueError, match=r"^c must be a number > 0, got 0\.0$"):
        robust(x, x, c=0.0)
