"""Positives and negatives by label: neither, one, far on both sides, at the optimum, NaN."""

from __future__ import annotations

import math

import pytest
from test_truth import NAN, Row, check

import xlosses

nt_xent, circle = xlosses.nt_xent_loss, xlosses.circle_loss
LOG2, ONE = math.log(2), {"temperature": 1.0}

ROWS = [
    *(
        Row(f"{loss.__name__}: {name}", loss, (x, y), [0.0] * len(x), [[0.0] * len(x[0])] * len(x))
        for loss in (nt_xent, circle)
        for name, x, y in (
            ("nobody else", [[3.0, 4.0]], [7]),
            ("no positives", [[0.5], [0.8]], [7, 8]),
            ("no negatives", [[0.5], [0.8], [-0.8]], [7, 7, 7]),
        )
    ),
    *(
        Row(f"{loss.__name__}: NaN among the others", loss, ([[0.0], [1.0], [NAN]], [7, 7, 8]), [NAN] * 3)
        for loss in (nt_xent, circle)
    ),
    Row(
        "no other positive in a denominator",
        nt_xent,
        ([[0.0], [0.0], [0.0], [0.0]], [5, 5, 5, -1]),
        [2 * LOG2] * 3 + [0.0],
        [[0.0]] * 4,
    ),
    Row(
        "far on the wrong side",
        nt_xent,
        ([[100.0], [-2.0], [1.0]], [-1, -1, 2147483647]),
        [300.0, 198.0, 0.0],
        [[5.0], [-199.0], [98.0]],
        options=ONE,
    ),
    Row(
        "far on the right side",
        nt_xent,
        ([[30.0], [1.0], [-1.0]], [0, 0, 1]),
        [math.exp(-60.0), math.exp(-31.0), 0.0],
        [[-math.exp(-31.0)], [-31 * math.exp(-31.0)], [math.exp(-31.0)]],
        ONE,
    ),
    Row(
        "all at their margins",
        circle,
        ([[1.0, 0.0], [0.75, 0.0], [0.25, 0.0]], [0, 0, 1]),
        [LOG2, math.log1p(math.exp(-4 * 0.4375 * 0.0625)), 0.0],
        options={"gamma": 4.0, "margin": 0.25},
    ),
    Row(
        "beyond the optimum there is no pull",
        circle,
        ([[1.0], [2.0], [-1.0]], [0, 0, 1]),
        [LOG2, LOG2, 0.0],
        [[0.0]] * 3,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_truth_of_mining(on, row):
    check(on, row)


def test_each_positive_counts_for_one(on):
    x, y = on.array([[0.0], [0.0], [0.0], [1.0]]), on.array([5, 5, 5, 6], "int32")
    found = xlosses.nt_xent_loss(x, y, reduction="weighted_mean")
    assert on.read(found) == pytest.approx(LOG2, rel=1e-6)
