"""Cohorts: ties, no events, members that are at risk for nobody, infinite log hazards, means per event."""

from __future__ import annotations

import math

import pytest
from test_truth import INF, NAN, Row, check

import xlosses

cox = xlosses.cox_ph_loss
LOG2, LOG3 = math.log(2), math.log(3)

ROWS = [
    Row(
        "three in a row",
        cox,
        ([[0.0, 0.0, 0.0]], [[1.0, 2.0, 3.0]], [[1.0, 1.0, 1.0]]),
        [LOG3 + LOG2],
        [[1 / 3 - 1, 1 / 3 + 1 / 2 - 1, 1 / 3 + 1 / 2]],
    ),
    Row(
        "of hazards 2, 1, 1",
        cox,
        ([[LOG2, 0.0, 0.0]], [[3.0, 1.0, 2.0]], [[0.0, 1.0, 0.0]]),
        [2 * LOG2],
        [[0.5, -0.75, 0.25]],
    ),
    Row("a tie", cox, ([[0.0, 0.0]], [[1.0, 1.0]], [[1.0, 1.0]]), [2 * LOG2], [[0.0, 0.0]]),
    Row(
        "a tie with one who was seen without",
        cox,
        ([[0.0, 0.0]], [[1.0, 1.0]], [[1.0, 0.0]]),
        [LOG2],
        [[-0.5, 0.5]],
    ),
    Row("no events", cox, ([[3.0, -2.0]], [[1.0, 2.0]], [[0.0, 0.0]]), [0.0], [[0.0, 0.0]]),
    Row("the last one alone", cox, ([[3.0, -2.0]], [[1.0, 2.0]], [[0.0, 1.0]]), [0.0], [[0.0, 0.0]]),
    Row("one member", cox, ([[3.0]], [[1.0]], [[1.0]]), [0.0], [[0.0]]),
    Row("one cohort", cox, ([0.0, 0.0], [1.0, 2.0], [1.0, 0.0]), [LOG2], [-0.5, 0.5]),
    Row(
        "filled up",
        cox,
        ([[0.0, 0.0, 50.0]], [[1.0, 2.0, -INF]], [[1.0, 0.0, 0.0]]),
        [LOG2],
        [[-0.5, 0.5, 0.0]],
    ),
    Row("never seen again", cox, ([[0.0, 0.0]], [[1.0, INF]], [[1.0, 0.0]]), [LOG2], [[-0.5, 0.5]]),
    Row("unlikely", cox, ([[-200.0, 0.0]], [[1.0, 2.0]], [[1.0, 0.0]]), [200.0], [[-1.0, 1.0]]),
    Row("large hazards", cox, ([[1e4, 1e4 - 100]], [[1.0, 2.0]], [[1.0, 1.0]]), [0.0], [[0.0, 0.0]]),
    Row("impossible", cox, ([[-INF, 0.0]], [[1.0, 2.0]], [[1.0, 0.0]]), [INF], [[-1.0, 1.0]]),
    Row("impossible, and did not", cox, ([[-INF, 0.0]], [[1.0, 2.0]], [[0.0, 1.0]]), [0.0], [[0.0, 0.0]]),
    Row(
        "NaN",
        cox,
        (
            [[NAN, 0.0], [0.0, 0.0], [0.0, 0.0]],
            [[1.0, 2.0], [1.0, NAN], [1.0, 2.0]],
            [[0.0, 1.0], [1.0, 0.0], [0.0, NAN]],
        ),
        [NAN] * 3,
    ),
    Row(
        "half types",
        cox,
        ([[300.0, 600.0]], [[1.0, 2.0]], [[1.0, 1.0]]),
        [300.0],
        [[-1.0, 1.0]],
        dtype="float16",
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_truth_of_cohorts(on, row):
    check(on, row)


def test_the_weighted_mean_is_that_of_events(on):
    x, t = on.array([[0.0, 0.0], [0.0, 0.0], [1.0, 2.0]]), on.array([[1.0, 2.0]] * 3)
    events = on.array([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    found = cox(x, t, events, reduction="weighted_mean")
    assert on.read(found) == pytest.approx(2 * LOG2 / 3, rel=1e-5)


def test_events_may_be_booleans(on):
    x, t = on.array([[0.0, 0.0]]), on.array([[1.0, 2.0]])
    assert on.read(cox(x, t, on.array([[True, False]], "bool"))) == pytest.approx(LOG2, rel=1e-5)
