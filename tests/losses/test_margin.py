"""Margins of one score, and of distances: kinks, infinities, which targets are alike."""

from __future__ import annotations

import math

import pytest
from test_truth import INF, NAN, Row, check

import xlosses

squared, perceptron = xlosses.squared_hinge_loss, xlosses.perceptron_loss
soft, distances, pairs = xlosses.soft_margin_loss, xlosses.hinge_embedding_loss, xlosses.contrastive_loss
ZERO, FAR = [[0.0, 0.0]], [[3.0, 4.0]]

ROWS = [
    Row("short of the margin", squared, ([0.5, 0.5], [1.0, -1.0]), [0.25, 2.25], [-1.0, 3.0]),
    Row("at the margin and beyond", squared, ([1.0, -2.0, INF], [1.0, -1.0, 1.0]), [0.0] * 3, [0.0] * 3),
    Row("infinitely wrong", squared, ([-INF, INF], [1.0, -1.0]), [INF, INF], [-INF, INF]),
    Row("squares of half types", squared, ([-200.0], [1.0]), [40401.0], [-402.0], dtype="float16"),
    Row("on the wrong side", perceptron, ([2.0, -2.0], [-1.0, 1.0]), [2.0, 2.0], [1.0, -1.0]),
    Row("on no side", perceptron, ([0.0, 0.0, -0.0], [1.0, -1.0, 1.0]), [0.0] * 3, [0.0] * 3),
    Row("on the right side", perceptron, ([INF, -1e-30], [1.0, -1.0]), [0.0, 0.0], [0.0, 0.0]),
    Row("the smallest wrong", perceptron, ([4e-38, -INF], [-1.0, 1.0]), [4e-38, INF], [1.0, -1.0]),
    Row("no kink", soft, ([0.0, 0.0], [1.0, -1.0]), [math.log(2)] * 2, [-0.5, 0.5]),
    Row("large, right", soft, ([1e4, -1e30, INF], [1.0, -1.0, 1.0]), [0.0] * 3, [0.0] * 3),
    Row("large, wrong", soft, ([-100.0, 1e30, INF], [1.0, -1.0, -1.0]), [100.0, 1e30, INF], [-1.0, 1.0, 1.0]),
    Row(
        "a tail",
        soft,
        ([20.0, -60.0], [1.0, -1.0]),
        [2.0611536e-9, 8.756511e-27],
        [-2.0611536e-9, 8.756511e-27],
    ),
    *(
        Row(f"NaN in {loss.__name__}", loss, ([NAN, 0.5], [1.0, NAN]), [NAN, NAN])
        for loss in (squared, perceptron, soft, distances)
    ),
    Row("alike", distances, ([0.25, 0.0, 1e30], [1.0, 1.0, 1]), [0.25, 0.0, 1e30], [1.0, 1.0, 1.0]),
    Row("unlike", distances, ([0.25, 1.0, INF], [-1.0] * 3), [0.75, 0.0, 0.0], [-1.0, 0.0, 0.0]),
    Row("a margin", distances, ([0.25, 3.0], [-1.0] * 2), [1.75, 0.0], [-1.0, 0.0], {"margin": 2.0}),
    Row("labels of 0 and 1", distances, ([0.25, 0.25], [0, 1]), [0.75, 0.25], [-1.0, 1.0]),
    Row("a NaN for a target", distances, ([0.25], [NAN]), [NAN], [NAN]),
    Row("alike, a distance of 5", pairs, (ZERO, FAR, [1.0]), [12.5], [[-3.0, -4.0]]),
    Row("unlike", pairs, (ZERO, FAR, [-1.0]), [0.5], [[0.6, 0.8]], {"margin": 6.0}),
    Row("unlike, at the margin", pairs, (ZERO, FAR, [-1.0]), [0.0], [[0.0, 0.0]], {"margin": 5.0}),
    Row("0 and 1 for pairs", pairs, (ZERO * 2, FAR * 2, [0, 1]), [0.5, 12.5], options={"margin": 6.0}),
    Row("no distance", pairs, (FAR * 2, FAR * 2, [1.0, -1.0]), [0.0, 0.5], [[0.0, 0.0]] * 2),
    Row("a NaN for a pair's target", pairs, (ZERO, FAR, [NAN]), [NAN], [[NAN, NAN]], {"margin": 6.0}),
    Row(
        "alike at 1e-25, whose square vanishes, and unlike at 1e30",
        pairs,
        ([[1e-25, 0.0], [1e30, 1e30]], ZERO * 2, [1.0, -1.0]),
        [0.0, 0.0],
        [[1e-25, 0.0], [0.0, 0.0]],
    ),
    Row("pairs of half types", pairs, ([[300.0, 0.0]], ZERO, [-1.0]), [0.0], [[0.0, 0.0]], dtype="float16"),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_truth_of_margins(on, row):
    check(on, row)


def test_pairs_have_a_gradient_by_both(on):
    f = xlosses.value_and_grad(pairs, (0, 1))
    y = on.array([1.0, -1.0])
    _, (by_x1, by_x2) = f(on.array(ZERO * 2), on.array(FAR * 2), y, margin=6.0, reduction="sum")
    for gradient, side in ((by_x1, 1.0), (by_x2, -1.0)):
        (a, b), (c, d) = on.read(gradient)
        assert [a, b, c, d] == pytest.approx([-3.0 * side, -4.0 * side, 0.6 * side, 0.8 * side], rel=1e-6)


def test_one_vector_against_many_along_another_axis(on):
    x1, x2 = on.array([[0.0], [0.0]]), on.array([[3.0, 0.0], [4.0, 2.0]])
    assert on.read(pairs(x1, x2, on.array([1.0, -1.0]), margin=6.0, axis=0, reduction="none")) == [12.5, 8.0]


def test_a_soft_margin_is_the_binary_cross_entropy_of_logits(on):
    x, y = on.array([-3.0, 0.5, 40.0]), on.array([1.0, -1.0, 1.0])
    wanted = xlosses.binary_cross_entropy(x, 0.5 * (y + 1.0), reduction="none")
    assert on.read(soft(x, y, reduction="none")) == pytest.approx(on.read(wanted), rel=1e-6)


@pytest.mark.parametrize(
    ("loss", "margin"), [(distances, INF), (distances, NAN), (pairs, -1.0), (pairs, NAN)]
)
def test_margins_are_checked(on, loss, margin):
    given = [on.array([1.0])] * 2 if loss is distances else [on.array([[1.0]])] * 2 + [on.array([1.0])]
    with pytest.raises(ValueError, match=r"^margin must be a (finite )?number"):
        loss(*given, margin=margin)
