"""Cosine embedding: which targets are alike, kinks, zero vectors."""

from __future__ import annotations

import math
from functools import partial

import pytest
from test_truth import INF, NAN, Row, check

import xlosses

loss = xlosses.cosine_embedding_loss
ONE, OTHER = [[4.0, 3.0]], [[7.0, 24.0]]  # a cosine of 0.8

ROWS = [
    Row("alike", loss, (ONE, OTHER, [1.0]), [0.2], [[0.072, -0.096]]),
    Row("unlike", loss, (ONE, OTHER, [-1.0]), [0.3], [[-0.072, 0.096]], {"margin": 0.5}),
    Row("unlike within the margin", loss, (ONE, OTHER, [-1.0]), [0.0], [[0.0, 0.0]], {"margin": 0.9}),
    Row("a right angle is the kink", loss, ([[1.0, 0.0]], [[0.0, 2.0]], [-1.0]), [0.0], [[0.0, 0.0]]),
    Row(
        "a kink at a margin", loss, ([[1.0, 0.0]], [[1.0, 0.0]], [-1.0]), [0.0], [[0.0, 0.0]], {"margin": 1.0}
    ),
    Row(
        "a negative margin", loss, ([[1.0, 0.0]], [[0.0, 2.0]], [-1.0]), [0.5], [[0.0, 1.0]], {"margin": -0.5}
    ),
    Row(
        "labels of 0 and 1",
        loss,
        (ONE * 2, OTHER * 2, [0, 1]),
        [0.8, 0.2],
        [[-0.072, 0.096], [0.072, -0.096]],
    ),
    Row("a NaN for a target", loss, (ONE, OTHER, [NAN]), [NAN], [[NAN, NAN]]),
    Row("an infinite target is a sign", loss, (ONE * 2, OTHER * 2, [INF, -INF]), [0.2, 0.8]),
    Row(
        "zero vectors",
        loss,
        ([[0.0, 0.0]] * 2, OTHER * 2, [1.0, -1.0]),
        [1.0, 0.0],
        [[0.0, 0.0]] * 2,
    ),
    Row(
        "zero vectors, a negative margin",
        loss,
        ([[0.0, 0.0]], OTHER, [-1.0]),
        [0.5],
        [[0.0, 0.0]],
        {"margin": -0.5, "eps": 0.0},
    ),
    Row("vectors of length 1e30", loss, ([[1e30, 0.0]], [[3e30, 4e30]], [1.0]), [0.4]),
    Row(
        "half vectors whose squares overflow",
        loss,
        ([[300.0, 0.0]], [[300.0, 400.0]], [1.0]),
        [0.4],
        dtype="float16",
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_truth_of_cosine_embedding(on, row):
    check(on, row)


def test_one_target_for_all_and_vectors_that_broadcast(on):
    x1, x2 = on.array([[1.0, 0.0]]), on.array([[3.0, 4.0], [0.0, 1.0], [-1.0, 0.0]])
    terms = on.read(loss(x1, x2, 1, reduction="none"))
    assert terms == pytest.approx([0.4, 1.0, 2.0], rel=1e-6)
    targets = on.array([1, -1, -1], "int32")
    value, (by_x1, by_x2) = xlosses.value_and_grad(partial(loss, margin=-2.0), (0, 1))(
        x1, x2, targets, reduction="sum"
    )
    assert on.read(value) == pytest.approx(0.4 + 2.0 + 1.0, rel=1e-6)
    assert on.read(by_x1)[0] == pytest.approx([0.0, 0.2], abs=1e-6)  # -0.8 of the first, 1 of the second
    assert on.read(by_x2)[1] == pytest.approx([1.0, 0.0], abs=1e-6)


def test_targets_are_one_per_pair(on):
    x = on.array([[1.0, 0.0]] * 3)
    message = r"targets must have the shape \(3,\) to match x1 of shape \(3, 2\), got \(3, 2\)"
    with pytest.raises(ValueError, match=message):
        loss(x, x, x)


@pytest.mark.parametrize("rows", [2, 20_000])
def test_both_forms_agree_on_alike_and_unlike(on, rows):
    """Large arrays take the ordinary form, and the careful one as soon as one vector is huge."""
    x1 = [[1.0, 0.5 * (k % 3), -0.25, 0.125 * (k % 5)] for k in range(rows)]
    x2 = [[0.5, 1.0, 0.25 * (k % 4), -0.5] for k in range(rows)]
    y = on.array([1.0 if k % 2 else -1.0 for k in range(rows)])
    f = xlosses.value_and_grad(partial(loss, margin=0.1, reduction="sum"))
    _, plain = f(on.array(x1), on.array(x2), y)
    _, careful = f(on.array([*x1[:-1], [1e30 * x for x in x1[-1]]]), on.array(x2), y)
    plain, careful = on.read(plain), on.read(careful)
    for found, wanted in zip(careful[: rows - 1], plain, strict=False):
        assert found == pytest.approx(wanted, abs=1e-6)
    assert math.fsum(map(abs, plain[0])) > 0.1
