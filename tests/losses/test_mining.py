"""Positives and negatives by label: neither, one, far on both sides, at the optimum, NaN."""

from __future__ import annotations

import math

import pytest
from test_truth import NAN, Row, check

import xlosses

nt_xent, circle = xlosses.nt_xent_loss, xlosses.circle_loss
hard_triplet, multi_similarity = xlosses.hard_triplet_loss, xlosses.multi_similarity_loss
LOG2, ONE = math.log(2), {"temperature": 1.0}

ROWS = [
    *(
        Row(f"{loss.__name__}: {name}", loss, (x, y), [0.0] * len(x), [[0.0] * len(x[0])] * len(x))
        for loss in (nt_xent, circle, hard_triplet)
        for name, x, y in (
            ("nobody else", [[3.0, 4.0]], [7]),
            ("no positives", [[0.5], [0.8]], [7, 8]),
            ("no negatives", [[0.5], [0.8], [-0.8]], [7, 7, 7]),
        )
    ),
    *(
        Row(f"{loss.__name__}: NaN among the others", loss, ([[0.0], [1.0], [NAN]], [7, 7, 8]), [NAN] * 3)
        for loss in (nt_xent, circle, hard_triplet, multi_similarity)
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
    Row(
        "the farthest and the nearest",
        hard_triplet,
        ([[0.0, 0.0], [0.0, 1.0], [3.0, 4.0], [0.0, -2.0], [0.0, 100.0]], [5, 5, 5, -1, 9]),
        [4.0, 18.0**0.5 - 2.0, 0.0, 0.0, 0.0],
        options={"margin": 1.0},
    ),
    Row(
        "at the kink",
        hard_triplet,
        ([[0.0], [1.0], [2.0], [-100.0]], [5, 5, 6, 7]),
        [0.0, 1.0, 0.0, 0.0],
        [[-1.0], [2.0], [-1.0], [0.0]],
        {"margin": 1.0},
    ),
    Row(
        "all in one place",
        hard_triplet,
        ([[1.0, 2.0]] * 4, [0, 0, 1, 1]),
        [0.5] * 4,
        [[0.0, 0.0]] * 4,
        {"margin": 0.5},
    ),
    Row(
        "those equally far share",
        hard_triplet,
        ([[0.0], [-2.0], [2.0], [3.0]], [5, 5, 5, 6]),
        [1.0, 1.0, 5.0, 0.0],
        [[1.0], [-1.5], [3.5], [-3.0]],
        {"margin": 2.0},
    ),
    Row(
        "close to each other and far from 0",
        hard_triplet,
        ([[1000.0], [1000.0 + 2.0**-10], [1000.0 - 2.0**-12]], [5, 5, 6]),
        [3 * 2.0**-12, 0.0, 0.0],
        [[-2.0], [1.0], [1.0]],
        {"margin": 0.0},
    ),
    Row(
        "lengths whose squares are infinite",
        hard_triplet,
        ([[0.0], [3e30], [-1e30]], [5, 5, 6]),
        [2e30, 0.0, 0.0],
        options={"margin": 0.0},
    ),
    Row("nobody else in either part", multi_similarity, ([[3.0]], [7]), [0.0], [[0.0]]),
    Row(
        "one part each",
        multi_similarity,
        ([[1.0], [0.5]], [7, 7]),
        [LOG2 / 2] * 2,
        [[-0.5], [-1.0]],
    ),
    Row(
        "the other part each",
        multi_similarity,
        ([[1.0], [0.5]], [7, 8]),
        [LOG2 / 50] * 2,
        [[0.5], [1.0]],
    ),
    Row("far on the wrong side", multi_similarity, ([[10.0], [10.0]], [7, 8]), [99.5] * 2, [[20.0]] * 2),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_truth_of_mining(on, row):
    check(on, row)


def test_each_positive_counts_for_one(on):
    x, y = on.array([[0.0], [0.0], [0.0], [1.0]]), on.array([5, 5, 5, 6], "int32")
    found = xlosses.nt_xent_loss(x, y, reduction="weighted_mean")
    assert on.read(found) == pytest.approx(LOG2, rel=1e-6)
