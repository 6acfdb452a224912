"""Quantiles: one level, several, and the kink."""

from __future__ import annotations

import pytest
from test_truth import INF, NAN, Row, check

import xlosses

loss = xlosses.quantile_loss

ROWS = [
    Row(
        "both sides of the kink",
        loss,
        ([0.0, 3.0, 2.0], [2.0, 2.0, 2.0]),
        [1.5, 0.25, 0.0],
        [-0.75, 0.25, 0.0],
        {"quantile": 0.75},
    ),
    Row("half of l1", loss, ([1e30, -1.0], [0.0, 2.0]), [5e29, 1.5], [0.5, -0.5]),
    Row("infinite errors", loss, ([INF, -INF], [0.0, 0.0]), [INF, INF], [0.75, -0.25], {"quantile": 0.25}),
    Row(
        "a high level, above: no difference of large numbers",
        loss,
        ([1.0], [0.0]),
        [2.0**-13],
        [2.0**-13],
        {"quantile": 1 - 2.0**-13},
    ),
    Row("the smallest errors", loss, ([4e-38], [0.0]), [2e-38], [0.5]),
    Row("NaN", loss, ([NAN, 0.0], [0.0, NAN]), [NAN, NAN]),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_truth_of_quantiles(on, row):
    check(on, row)


def test_levels_are_the_mean_of_single_ones(on):
    levels = [0.1, 0.5, 0.9]
    x, y = [[-1.0, 0.5, 2.0], [0.0, 0.0, 0.0]], [0.5, -3.0]
    singles = [
        on.read(loss(on.array([row[k] for row in x]), on.array(y), quantile=q, reduction="none"))
        for k, q in enumerate(levels)
    ]
    wanted = [sum(column) / 3 for column in zip(*singles, strict=True)]
    found = loss(on.array(x), on.array(y), quantile=on.array(levels), reduction="none")
    assert on.read(found) == pytest.approx(wanted, rel=1e-6)


def test_levels_along_another_axis_and_one_target_for_all(on):
    x = on.array([[-1.0, 0.0], [0.5, 0.0], [2.0, 0.0]])
    levels = on.array([0.1, 0.5, 0.9])
    value, gradient = xlosses.value_and_grad(loss)(x, 0.0, quantile=levels, axis=0, reduction="sum")
    assert on.read(value) == pytest.approx((0.1 + 0.25 + 0.2) / 3, rel=1e-6)
    exact = [[-0.1 / 3, 0.0], [0.5 / 3, 0.0], [0.1 / 3, 0.0]]
    for found, row in zip(on.read(gradient), exact, strict=True):
        assert found == pytest.approx(row, rel=1e-6)


def test_levels_do_not_decide_the_dtype(on):
    if "float64" in on.bench.dtypes():
        x, y = on.array([[0.0, 1.0]]), on.array([2.0])
        assert on.dtype_of(loss(x, y, quantile=on.array([0.25, 0.75], "float64"))) == "float32"


@pytest.mark.parametrize("quantile", [0.0, 1.0, -0.5, 25.0, float("nan")])
def test_a_level_is_inside_the_interval(on, quantile):
    with pytest.raises(ValueError, match=rf"^quantile must be a number in \(0, 1\), got {quantile}$"):
        loss(on.array([1.0]), on.array([1.0]), quantile=quantile)


def test_levels_are_as_many_as_the_inputs_have(on):
    x, y = on.array([[0.0, 1.0]]), on.array([2.0])
    message = r"quantile must have the shape \(2,\) to match inputs of shape \(1, 2\), got \(3,\)"
    with pytest.raises(ValueError, match=message):
        loss(x, y, quantile=on.array([0.25, 0.5, 0.75]))
    message = r"targets must have the shape \(1,\) to match inputs of shape \(1, 2\), got \(1, 2\)"
    with pytest.raises(ValueError, match=message):
        loss(x, x, quantile=on.array([0.25, 0.75]))
    with pytest.raises(TypeError, match="quantile must be a number or a 0-d array, got list"):
        loss(x, y, quantile=[0.25, 0.75])
