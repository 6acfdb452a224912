"""Ensembles: members that are equal, members at the target, one member, infinite ones."""

from __future__ import annotations

import pytest
from test_truth import INF, NAN, Row, check

import xlosses

crps = xlosses.crps_loss

ROWS = [
    Row(
        "the target between",
        crps,
        ([[0.0, 1.0, 3.0, 4.0]], [2.0]),
        [0.625],
        [[-0.0625, -0.1875, 0.1875, 0.0625]],
    ),
    Row(
        "the target between, fair",
        crps,
        ([[0.0, 1.0, 3.0, 4.0]], [2.0]),
        [1 / 3],
        [[0.0, -1 / 6, 1 / 6, 0.0]],
        {"fair": True},
    ),
    Row("all above", crps, ([[1.0, 2.0]], [0.0]), [1.25], [[0.75, 0.25]]),
    Row("equal members share", crps, ([[2.0, 2.0, -1.0]], [0.0]), [1.0], [[2 / 9, 2 / 9, -1 / 9]]),
    Row("a member at the target", crps, ([[0.0, 1.0, 2.0]], [0.0]), [5 / 9], [[0.0, 1 / 3, 1 / 9]]),
    Row("all at the target", crps, ([[3.0, 3.0]], [3.0]), [0.0], [[0.0, 0.0]]),
    Row("one member", crps, ([[3.0], [-1.0]], [1.0, 1.0]), [2.0, 2.0], [[1.0], [-1.0]]),
    Row("on either side, fair", crps, ([[-1.0, 1.0]], [0.0]), [0.0], [[0.0, 0.0]], {"fair": True}),
    Row("no large sums", crps, ([[3e38, 3e38, 3e38]], [0.0]), [3e38], [[1 / 3] * 3]),
    Row("close to a far target", crps, ([[1.0, 1.0 + 2.0**-20]], [1.0]), [2.0**-22], [[0.0, 0.25]]),
    Row("infinite members", crps, ([[INF, 0.0], [-INF, 0.0]], [1.0, 1.0]), [INF, INF]),
    Row("NaN", crps, ([[NAN, 0.0], [0.0, 0.0]], [0.0, NAN]), [NAN, NAN]),
    Row("NaN, fair", crps, ([[NAN, 0.0], [0.0, 0.0]], [0.0, NAN]), [NAN, NAN], options={"fair": True}),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_truth_of_ensembles(on, row):
    check(on, row)


def test_fair_needs_two_members(on):
    message = "^fair=True needs an ensemble of two members or more, got one$"
    with pytest.raises(ValueError, match=message):
        crps(on.array([[1.0]]), on.array([1.0]), fair=True)
    with pytest.raises(ValueError, match="axis=2 is out of range"):
        crps(on.array([[1.0]]), on.array([1.0]), fair=True, axis=2)
