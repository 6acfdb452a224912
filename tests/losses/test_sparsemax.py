"""Sparse probabilities: both ends of the segment, ties, classes on the edge of the support, infinities."""

from __future__ import annotations

import pytest
from test_truth import INF, NAN, Row, check

import xlosses

binary, several = xlosses.sparsemax_loss, xlosses.multiclass_sparsemax_loss
THIRD = 1 / 3

ROWS = [
    Row("right by the margin", binary, ([1.0, -1.0, 3.0], [1.0, 0.0, 1.0]), [0.0] * 3, [0.0] * 3),
    Row(
        "wrong by the margin", binary, ([1.0, -1.0, 3.0], [0.0, 1.0, 0.0]), [1.0, 1.0, 3.0], [1.0, -1.0, 1.0]
    ),
    Row("between", binary, ([0.0, 0.5, 0.5], [1.0, 0.0, 1.0]), [0.25, 0.5625, 0.0625], [-0.5, 0.75, -0.25]),
    Row(
        "close to right",
        binary,
        ([1 - 2.0**-20, 2.0**-20 - 1], [1.0, 0.0]),
        [2.0**-42] * 2,
        [-(2.0**-21), 2.0**-21],
    ),
    Row(
        "infinite",
        binary,
        ([INF, -INF, INF, -INF], [1.0, 0.0, 0.0, 1.0]),
        [0.0, 0.0, INF, INF],
        [0, 0, 1.0, -1.0],
    ),
    Row("no overflow", binary, ([-3e38], [1.0]), [3e38], [-1.0]),
    Row(
        "a probability",
        binary,
        ([0.5, 2.0, -3.0], [0.75, 0.25, 0.25]),
        [0.0, 1.3125, 0.5625],
        [0.0, 0.75, -0.25],
    ),
    Row("NaN", binary, ([NAN, 0.0], [0.0, NAN]), [NAN, NAN], [NAN, NAN]),
    Row("half types", binary, ([60000.0], [0.0]), [60000.0], [1.0], dtype="float16"),
    Row("ahead by 1", several, ([[2.0, 1.0, -1.0]], [0]), [0.0], [[0.0] * 3]),
    Row("two in the support", several, ([[2.0, 1.5, -1.0]], [0]), [0.0625], [[-0.25, 0.25, 0.0]]),
    Row("close to certain", several, ([[1.0, 2.0**-20]], [0]), [2.0**-42], [[-(2.0**-21), 2.0**-21]]),
    Row("a label of probability 0", several, ([[2.0, 1.5, -1.0]], [2]), [3.0625], [[0.75, 0.25, -1.0]]),
    Row(
        "on the edge",
        several,
        ([[1.0, 0.5, -0.25 + 2.0**-20]], [2]),
        [0.8125 + 0.5 - 2.0**-20],
        [[0.75, 0.25, -1.0]],
    ),
    Row("at the threshold", several, ([[2.0, 1.5, 1.25]], [2]), [0.8125], [[0.75, 0.25, -1.0]]),
    Row("all equal", several, ([[4.0] * 3], [1]), [THIRD], [[THIRD, -2 * THIRD, THIRD]]),
    Row("two equal", several, ([[3.0, 3.0, 0.0]], [0]), [0.25], [[-0.5, 0.5, 0.0]]),
    Row("one class", several, ([[5.0]], [0]), [0.0], [[0.0]]),
    Row("large scores", several, ([[1e6, 1e6 - 0.5, -1e6]], [0]), [0.0625], [[-0.25, 0.25, 0.0]]),
    Row("far away", several, ([[3e38, 0.0, -1.0]], [1]), [3e38], [[1.0, -1.0, 0.0]]),
    Row("a class that cannot occur", several, ([[2.0, 1.5, -INF]], [0]), [0.0625], [[-0.25, 0.25, 0.0]]),
    Row("a label that cannot occur", several, ([[-INF, 0.0, 0.0]], [0]), [INF], [[-1.0, 0.5, 0.5]]),
    Row("NaN", several, ([[NAN, 0.0, 0.0], [0.0, 0.0, NAN]], [1, 0]), [NAN, NAN]),
    Row("half type", several, ([[200.0, 300.0]], [0]), [100.0], [[-1.0, 1.0]], dtype="float16"),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_truth_of_sparsemax(on, row):
    check(on, row)
