"""Divergences: outcomes that cannot be, equal distributions, limits, both forms of targets."""

from __future__ import annotations

import math

import pytest
from test_truth import INF, NAN, Row, check

import xlosses

kl, generalized, js = xlosses.kl_div_loss, xlosses.generalized_kl_div_loss, xlosses.js_div_loss
distillation, brier, ordinal = xlosses.distillation_loss, xlosses.brier_loss, xlosses.ordinal_loss
HALF = -math.log(2)
PLAIN, ROWWISE = {"log_target": False}, {"axis": -1}

ROWS = [
    Row(
        "probabilities", kl, ([[HALF, HALF]], [[0.25, 0.75]]), [0.13081203594113694], [[-0.25, -0.75]], PLAIN
    ),
    Row("a probability of 0", kl, ([[HALF, HALF]], [[0.0, 1.0]]), [-HALF], [[0.0, -1.0]], PLAIN),
    Row("excluded by both", kl, ([[-INF, 0.0]], [[0.0, 1.0]]), [0.0], [[0.0, -1.0]], PLAIN),
    Row("excluded by mistake", kl, ([[-INF, 0.0]], [[0.5, 0.5]]), [INF], [[-0.5, -0.5]], PLAIN),
    Row(
        "NaN beside 0", kl, ([[NAN, 0.0], [HALF, HALF]], [[0.0, 1.0], [NAN, 1.0]]), [NAN, NAN], options=PLAIN
    ),
    Row("equal amounts", generalized, ([[0.0, 0.0]], [[1.0, 1.0]]), [0.0], [[0.0, 0.0]]),
    Row("nothing came", generalized, ([[HALF, 0.0]], [[0.0, 1.0]]), [0.5], [[0.5, 0.0]]),
    Row(
        "nothing was predicted and nothing came",
        generalized,
        ([[-INF, 0.0]], [[0.0, 1.0]]),
        [0.0],
        [[0.0, 0.0]],
    ),
    Row("nothing was predicted", generalized, ([[-INF, 0.0]], [[0.5, 1.0]]), [INF], [[-0.5, 0.0]]),
    Row("amounts above 1", generalized, ([[0.0]], [[3.0]]), [3 * math.log(3) - 2], [[-2.0]]),
    Row("NaN amounts", generalized, ([[NAN], [0.0]], [[0.0], [NAN]]), [NAN, NAN]),
    Row("two equal ones", js, ([[HALF, HALF]], [[HALF, HALF]]), [0.0], [[0.0, 0.0]]),
    Row("nothing in common", js, ([[0.0, -INF]], [[-INF, 0.0]]), [-HALF], [[-0.5 * HALF, 0.0]]),
    Row(
        "nothing in common, in other shares",
        js,
        ([[0.0, -INF]], [[-INF, 0.0]]),
        [0.75 * math.log(4 / 3) + 0.25 * math.log(4)],
        [[0.75 * math.log(4 / 3), 0.0]],
        {"beta": 0.25},
    ),
    Row("nearly nothing in common", js, ([[0.0, -1e30]], [[-1e30, 0.0]]), [-HALF], [[-0.5 * HALF, 0.0]]),
    Row("both exclude one", js, ([[-INF, 0.0]], [[-INF, 0.0]]), [0.0], [[0.0, 0.0]]),
    Row(
        "NaN beside what is excluded", js, ([[NAN, 0.0], [-INF, 0.0]], [[-INF, 0.0], [NAN, 0.0]]), [NAN, NAN]
    ),
    Row("a small distance", js, ([[-1.0]], [[-1.0 - 2.0**-20]]), [0.0], options={"beta": 0.5}),
    Row("one model", distillation, ([[2.0, 2.0]], [[2.0, 2.0]]), [0.0], [[0.0, 0.0]]),
    Row("shifted logits", distillation, ([[1e4, 1e4]], [[0.0, 0.0]]), [0.0], [[0.0, 0.0]]),
    Row(
        "softer by a temperature",
        distillation,
        ([[0.0, 0.0]], [[4 * math.log(0.75), 4 * math.log(0.25)]]),
        [16 * 0.13081203594113694],
        [[-1.0, 1.0]],
        {"temperature": 4.0},
    ),
    Row("excluded by the teacher", distillation, ([[0.0, 0.0]], [[0.0, -INF]]), [-HALF], [[-0.5, 0.5]]),
    Row("excluded by both models", distillation, ([[0.0, -INF]], [[0.0, -INF]]), [0.0], [[0.0, 0.0]]),
    Row("excluded by the student", distillation, ([[0.0, -INF]], [[0.0, 0.0]]), [INF], [[0.5, -0.5]]),
    Row("NaN logits", distillation, ([[NAN, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, NAN]]), [NAN, NAN]),
    Row("yes and no", brier, ([0.75, 0.75, 1.0], [1.0, 0.0, 1.0]), [0.0625, 0.5625, 0.0], [-0.5, 1.5, 0.0]),
    Row("nearly yes", brier, ([1.0 - 2.0**-20], [1.0]), [2.0**-40], [-(2.0**-19)]),
    Row("classes by label", brier, ([[0.75, 0.25]], [0]), [0.125], [[-0.5, 0.5]], ROWWISE),
    Row("classes by probability", brier, ([[0.75, 0.25]], [[0.5, 0.5]]), [0.125], [[0.5, -0.5]], ROWWISE),
    Row("nearly right", brier, ([[1.0 - 2.0**-20, 0.0]], [0]), [2.0**-40], [[-(2.0**-19), 0.0]], ROWWISE),
    Row("NaN forecasts", brier, ([NAN, 0.5], [1.0, NAN]), [NAN, NAN]),
    Row("half types", brier, ([[0.75, 0.25]], [0]), [0.125], [[-0.5, 0.5]], ROWWISE, "float16"),
    Row("below all thresholds", ordinal, ([[0.0, 0.0]], [0]), [-2 * HALF], [[0.5, 0.5]]),
    Row("above one", ordinal, ([[0.0, 0.0]], [1]), [-2 * HALF], [[-0.5, 0.5]]),
    Row("above all", ordinal, ([[0.0, 0.0]], [2]), [-2 * HALF], [[-0.5, -0.5]]),
    Row("certain and right", ordinal, ([[INF, -INF]], [1]), [0.0], [[0.0, 0.0]]),
    Row("certain and wrong", ordinal, ([[INF, -1e4]], [0]), [INF], [[1.0, 0.0]]),
    Row("NaN thresholds", ordinal, ([[0.0, NAN]], [0]), [NAN]),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_truth_of_divergences_and_scores(on, row):
    check(on, row)


def test_both_forms_of_targets_are_one_divergence(on):
    x, p = on.array([[-0.5, -1.5, -1.2]]), on.array([[0.5, 0.25, 0.25]])
    log_p = on.bench.xp.log(p)
    value, gradient = xlosses.value_and_grad(kl)(x, p, log_target=False)
    other, other_gradient = xlosses.value_and_grad(kl)(x, log_p, reduction="mean")
    assert on.read(value) == pytest.approx(on.read(other), rel=1e-6)
    assert on.read(gradient)[0] == pytest.approx(on.read(other_gradient)[0], rel=1e-6)


def test_jensen_shannon_nears_both_divergences(on):
    x, t = on.array([[-0.5, -0.932752]]), on.array([[-1.2, -0.358393]])
    for beta, wanted in ((1e-4, kl(x, t)), (1 - 1e-4, kl(t, x))):
        found = js(x, t, beta=beta, reduction="none")
        assert on.read(found)[0] / 1e-4 == pytest.approx(on.read(wanted)[0], rel=1e-2)


def test_jensen_shannon_has_a_gradient_by_both(on):
    x, t = on.array([[-0.5, -0.932752]]), on.array([[-1.2, -0.358393]])
    value, (by_x, by_t) = xlosses.value_and_grad(js, (0, 1))(x, t, beta=0.25, reduction="sum")
    turned, (by_second, by_first) = xlosses.value_and_grad(js, (0, 1))(t, x, beta=0.75, reduction="sum")
    assert on.read(value) == pytest.approx(on.read(turned), rel=1e-5)
    assert on.read(by_x)[0] == pytest.approx(on.read(by_first)[0], rel=1e-5)
    assert on.read(by_t)[0] == pytest.approx(on.read(by_second)[0], rel=1e-5)


def test_labels_of_classes_need_their_axis(on):
    p = on.array([[0.75, 0.25], [0.5, 0.5]])
    labels = on.array([0, 1], "int32")
    with pytest.raises(ValueError, match=r"targets must have the shape \(2, 2\)"):
        brier(p, labels)
    with pytest.raises(ValueError, match="ignore_index=-1 needs integer targets beside an axis of classes"):
        brier(p, labels, ignore_index=-1)
    with pytest.raises(ValueError, match="ignore_index=-1 needs integer targets beside an axis of classes"):
        brier(p, p, axis=-1, ignore_index=-1)
    assert on.read(brier(p, 1, axis=-1, reduction="none")) == [1.125, 0.5]
    assert on.read(brier(p, 1.0)) == pytest.approx((0.0625 + 0.5625 + 0.25 + 0.25) / 4)


def test_levels_along_an_axis_that_is_not_there(on):
    with pytest.raises(ValueError, match="axis=2 is out of range for an array with 2 axes"):
        ordinal(on.array([[0.0, 1.0]]), on.array([1], "int32"), axis=2)
