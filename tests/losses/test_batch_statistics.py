"""Statistics of a batch: constant columns, one row, none, padding, views that are equal, NaN, shapes."""

from __future__ import annotations

import math

import pytest
from matrix import except_on_jax
from test_truth import NAN, Row, check

import xlosses
from xlosses.testing.parity import flat

vicreg, barlow_twins = xlosses.vicreg_loss, xlosses.barlow_twins_loss
VARIANCE = {"invariance": 0.0, "variance": 1.0, "covariance": 0.0}
COVARIANCE = {"invariance": 0.0, "variance": 0.0, "covariance": 1.0}
PLAIN = {"off_diagonal": 0.5, "eps": 0.0}
SQUARE = [[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]
OPPOSITE = [[-x for x in row] for row in SQUARE]
FLAT = [[3.0, 1.0], [3.0, -1.0], [3.0, 1.0], [3.0, -1.0]]

ROWS = [
    Row(
        "the distance alone",
        vicreg,
        ([[[1.0], [2.0]]], [[[0.0], [4.0]]]),
        [5.0],
        [[[2.0], [-4.0]]],
        {"invariance": 2.0, "variance": 0.0},
    ),
    Row(
        "a constant column has a finite gradient",
        vicreg,
        ([[[3.0], [3.0]]], [[[8.0], [-8.0]]]),
        [0.5],
        [[[0.0], [0.0]]],
        {**VARIANCE, "eps": 0.25},
    ),
    Row(
        "a variance below 1",
        vicreg,
        ([[[0.25], [-0.25]]], [[[8.0], [-8.0]]]),
        [1.0 - 0.375**0.5],
        [[[-0.25 / 0.375**0.5], [0.25 / 0.375**0.5]]],
        {**VARIANCE, "eps": 0.25},
    ),
    Row(
        "a deviation of 1 is the kink",
        vicreg,
        ([[[0.5], [-0.5]]], [[[8.0], [-8.0]]]),
        [0.0],
        [[[0.0], [0.0]]],
        {**VARIANCE, "eps": 0.5},
    ),
    Row("columns without covariance", vicreg, ([SQUARE], [SQUARE]), [0.0], [[[0.0, 0.0]] * 4], COVARIANCE),
    Row(
        "columns that are one",
        vicreg,
        ([[[1.0, 1.0], [-1.0, -1.0]]], [[[1.0, 0.0], [-1.0, 0.0]]]),
        [4.0],
        [[[4.0, 4.0], [-4.0, -4.0]]],
        COVARIANCE,
    ),
    Row(
        "one row",
        vicreg,
        ([[[3.0]]], [[[5.0]]]),
        [104.0],
        [[[-4.0]]],
        {"invariance": 1.0, "variance": 100.0, "eps": 0.25},
    ),
    Row("NaN", vicreg, ([[[NAN], [1.0]], [[1.0], [1.0]]], [[[1.0], [1.0]]] * 2), [NAN, 25 * 2 * 0.99]),
    Row("equal views", barlow_twins, ([SQUARE], [SQUARE]), [0.0], [[[0.0, 0.0]] * 4], PLAIN),
    Row(
        "opposite views",
        barlow_twins,
        ([SQUARE], [[[-x for x in r] for r in SQUARE]]),
        [8.0],
        [[[0.0, 0.0]] * 4],
        PLAIN,
    ),
    Row(
        "a constant column has no correlation",
        barlow_twins,
        ([FLAT], [SQUARE]),
        [1.0],
        [[[0.0, 0.0]] * 4],
        PLAIN,
    ),
    Row(
        "columns that are one, in twins",
        barlow_twins,
        ([[[1.0, 2.0], [-1.0, -2.0]]], [[[5.0, 5.0], [-5.0, -5.0]]]),
        [1.0],
        [[[0.0, 0.0]] * 2],
        PLAIN,
    ),
    Row(
        "nearly equal views",
        barlow_twins,
        ([[[1.0], [-1.0]]], [[[1.0], [-1.0]]]),
        [2.0**-40],
        options={"eps": 2.0**-20 / (1 - 2.0**-20)},
    ),
    Row("one row, in twins", barlow_twins, ([[[3.0, 4.0]]], [[[5.0, 1.0]]]), [2.0], [[[0.0, 0.0]]], PLAIN),
    Row("NaN in twins", barlow_twins, ([[[NAN], [1.0]]], [[[1.0], [2.0]]]), [NAN]),
]


@except_on_jax
@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_truth_of_batch_statistics(on, row):
    check(on, row)


@except_on_jax
@pytest.mark.parametrize("loss", [vicreg, barlow_twins])
@pytest.mark.parametrize("padding", [0.0, 7.0, NAN, math.inf])
def test_padding_is_in_no_statistic(on, loss, padding):
    x1, x2 = [[1.0, 0.5], [0.0, -0.5], [0.25, 2.0]], [[1.5, 0.0], [0.0, 0.5], [0.5, 1.0]]
    f = xlosses.value_and_grad(loss, (0, 1))
    value, wanted = f(on.array(x1), on.array(x2))
    row = [padding, padding]
    kept = on.array([True, False, True, True, False], "bool")
    padded = [on.array([x[0], row, *x[1:], row]) for x in (x1, x2)]
    found, gradients = f(*padded, kept=kept)
    assert on.read(found) == pytest.approx(on.read(value), rel=1e-6)
    if on.bench.differentiates:
        by_framework = on.bench.value_and_grad(lambda *x: loss(*x, kept=kept), *padded)[1]
        gradients = (*gradients, *by_framework)
        wanted = (*wanted, *wanted)
    for gradient, of_rows in zip(gradients, wanted, strict=True):
        found, exact = on.read(gradient), on.read(of_rows)
        assert flat([found[1], found[4]]) == [0.0] * 4
        assert flat([found[0], found[2], found[3]]) == pytest.approx(flat(exact), abs=1e-5)


@pytest.mark.parametrize("loss", [vicreg, barlow_twins])
def test_no_row_is_no_loss(on, loss):
    x, kept = on.array([[1.0, NAN], [2.0, 3.0]]), on.array([False, False], "bool")
    value, gradient = xlosses.value_and_grad(loss)(x, x, kept=kept)
    assert on.read(value) == 0.0
    assert on.read(gradient) == [[0.0, 0.0]] * 2


@pytest.mark.parametrize("loss", [vicreg, barlow_twins])
def test_a_batch_alone_is_one_term(on, loss):
    x1, x2 = on.array([[1.0, 0.5], [0.0, -0.5], [0.25, 2.0]]), on.array([[1.5, 0.0], [0.0, 0.5], [0.5, 1.0]])
    alone = loss(x1, x2, reduction="none")
    assert tuple(alone.shape) == ()
    both = loss(on.bench.xp.stack([x1, x1]), on.bench.xp.stack([x2, x1]), reduction="none")
    assert on.read(both)[0] == pytest.approx(on.read(alone), rel=1e-6)


@pytest.mark.parametrize("loss", [vicreg, barlow_twins])
def test_what_is_refused(on, loss):
    x = on.array([[1.0, 2.0]] * 3)
    with pytest.raises(ValueError, match=r"^x1 must have a shape \(..., N, D\), got \(3,\)$"):
        loss(x[:, 0], x[:, 0])
    with pytest.raises(ValueError, match=r"^x2 must have the shape \(3, 2\) to match x1 of shape "):
        loss(x, x[:2, :])
    with pytest.raises(ValueError, match=r"^kept must have the shape \(3,\), got an array of shape "):
        loss(x, x, kept=x > 0)
    with pytest.raises(TypeError, match=r"^kept must be a boolean array, got dtype float32$"):
        loss(x, x, kept=on.array([1.0, 0.0, 1.0]))
    with pytest.raises(ValueError, match=r"^where must have the shape \(\) of the unreduced loss"):
        loss(x, x, where=on.array([True, False, True], "bool"))
