"""Mixtures: one component, equal ones, ones that do not count, targets far from all, scales at both ends."""

from __future__ import annotations

import math

import pytest
from test_truth import ANY, INF, NAN, Row, check

import xlosses

mixture = xlosses.mixture_nll_loss
LOG2, HALF = math.log(2), 0.5 * math.log(2 * math.pi)
ZERO = [[0.0, 0.0]]

ROWS = [
    Row("one component", mixture, ([[5.0]], [[1.0]], [[LOG2]], [3.0]), [LOG2 + 0.5 + HALF], [[0.0]]),
    Row("equal components", mixture, (ZERO, ZERO, ZERO, [1.0]), [0.5 + HALF], ZERO),
    Row(
        "of logits",
        mixture,
        ([[LOG2, 0.0]], ZERO, [[LOG2, 0.0]], [0.0]),
        [math.log(1.5) + HALF],
        [[2 / 3 - 0.5, 1 / 3 - 0.5]],
    ),
    Row("large logits", mixture, ([[1e4, 1e4]], ZERO, ZERO, [1.0]), [0.5 + HALF], ZERO),
    Row(
        "a component that does not count",
        mixture,
        ([[0.0, -INF]], [[0.0, 9.0]], ZERO, [1.0]),
        [0.5 + HALF],
        ZERO,
    ),
    Row("the nearest", mixture, (ZERO, [[0.0, 50.0]], ZERO, [60.0]), [LOG2 + 50 + HALF], [[0.5, -0.5]]),
    Row("no likelihood", mixture, (ZERO, [[0.0, 1e10]], ZERO, [2e10]), [5e19], [[0.5, -0.5]]),
    Row("beyond", mixture, (ZERO, [[0.0, 1.0]], ZERO, [1e30]), [INF], ANY, dtype="float32"),
    Row(
        "nearly beyond", mixture, (ZERO, [[0.0, 1e30]], ZERO, [2e19]), [2e38], [[-0.5, 0.5]], dtype="float32"
    ),
    Row("an infinite target", mixture, (ZERO, ZERO, ZERO, [INF]), [INF]),
    Row("narrow at its mean", mixture, ([[0.0]], [[1.0]], [[-80.0]], [1.0]), [HALF - 80.0], [[0.0]]),
    Row(
        "narrow beside its mean",
        mixture,
        ([[0.0]], [[0.0]], [[-80.0]], [math.exp(-80.0)]),
        [HALF - 79.5],
        [[0.0]],
    ),
    Row(
        "one narrow, one wide",
        mixture,
        (ZERO, [[1.0, 0.0]], [[-80.0, 0.0]], [0.0]),
        [LOG2 + HALF],
        [[0.5, -0.5]],
    ),
    Row("wide", mixture, ([[0.0]], [[0.0]], [[200.0]], [1.0]), [HALF + 200.0], [[0.0]]),
    Row(
        "NaN",
        mixture,
        (
            [[NAN, 0.0], *ZERO * 3],
            [*ZERO, [NAN, 0.0], *ZERO * 2],
            [*ZERO * 2, [NAN, 0.0], *ZERO],
            [0.0, 0.0, 0.0, NAN],
        ),
        [NAN] * 4,
    ),
    Row("half types", mixture, ([[0.0]], [[0.0]], [[0.0]], [300.0]), [45000.0], [[0.0]], dtype="float16"),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_truth_of_mixtures(on, row):
    check(on, row)


def test_gradients_of_what_does_not_count_are_0(on):
    """A narrow component far away, whose error is beyond all numbers, and one of no weight."""
    a, y = on.array([[0.0, 0.0], [0.0, -INF]]), on.array([0.0, 0.0])
    means, log_scales = on.array([[1.0, 0.0], [0.0, 1e30]]), on.array([[-80.0, 0.0], [0.0, 0.0]])
    _, found = xlosses.value_and_grad(mixture, (1, 2))(a, means, log_scales, y, reduction="sum")
    assert on.read(found[0]) == [[0.0, 0.0], [0.0, 0.0]]
    assert on.read(found[1]) == [[0.0, 1.0], [1.0, 0.0]]
