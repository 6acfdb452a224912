"""Cosine distance: parallel vectors, zero vectors, the clamp, vectors of any length."""

from __future__ import annotations

import math

import pytest
from test_truth import NAN, Row, check

import xlosses

loss = xlosses.cosine_distance_loss

ROWS = [
    Row("an angle", loss, ([[4.0, 3.0]], [[7.0, 24.0]]), [0.2], [[0.072, -0.096]]),
    Row("equal", loss, ([[0.1, 0.7, -0.3]], [[0.1, 0.7, -0.3]]), [0.0]),
    Row("a right angle", loss, ([[1.0, 0.0]], [[0.0, 2.0]]), [1.0], [[0.0, -1.0]]),
    Row("opposite", loss, ([[1.0, 0.0]], [[-2.0, 0.0]]), [2.0], [[0.0, 0.0]]),
    Row("an angle of 2^-10", loss, ([[1.0, 0.0]], [[1.0, 2.0**-10]]), [4.768368308274171e-07]),
    Row("zero vectors", loss, ([[0.0, 0.0]] * 2, [[1.0, 2.0], [0.0, 0.0]]), [1.0, 1.0], [[0.0, 0.0]] * 2),
    Row("vectors of length 1e30", loss, ([[1e30, 0.0]], [[3e30, 4e30]]), [0.4]),
    Row("below eps", loss, ([[1.0, 0.0]], [[0.6, 0.8]]), [0.7], [[-0.3, -0.4]], {"eps": 2.0}),
    Row("NaN", loss, ([[NAN, 1.0], [1.0, 1.0]], [[1.0, 1.0], [NAN, 1.0]]), [NAN, NAN]),
    Row("half vectors", loss, ([[300.0, 0.0]], [[300.0, 400.0]]), [0.4], dtype="float16"),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_truth_of_cosine_distance(on, row):
    check(on, row)


@pytest.mark.parametrize("rows", [2, 20_000])
def test_close_directions_keep_their_digits(on, rows):
    """By the ordinary form, and by the careful one as soon as one vector is huge."""
    angle = 1e-3
    x2 = [[math.cos(angle), math.sin(angle)]] * rows
    for scale in (1.0, 1e30):
        x1 = [[1.0, 0.0]] * (rows - 1) + [[scale, 0.0]]
        terms = on.read(loss(on.array(x1), on.array(x2), reduction="none"))
        assert terms == pytest.approx([1 - math.cos(angle)] * rows, rel=2e-3)


def test_it_is_what_the_cosine_lacks(on):
    x1, x2 = on.array([[0.3, -1.2, 0.7], [2.0, 0.1, 0.4]]), on.array([[1.0, 0.2, -0.5], [1.5, 0.3, 0.9]])
    cosines = on.read(xlosses.cosine_similarity_loss(x1, x2))
    assert on.read(loss(x1, x2, reduction="none")) == pytest.approx([1 - c for c in cosines], rel=1e-5)
