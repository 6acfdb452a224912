"""Triplets: swapped, ties between distances, squares and cosines, what is refused."""

from __future__ import annotations

from functools import partial

import pytest
from test_truth import ANY, INF, NAN, Row, check

import xlosses

triplet = partial(xlosses.triplet_loss, eps=0.0)
SWAP = {"swap": True, "margin": 0.0}
SQUARED, COSINE = {"distance": "squared"}, {"distance": "cosine"}
ZERO, EAST, NORTH = [[0.0, 0.0]], [[1.0, 0.0]], [[0.0, 1.0]]

ROWS = [
    Row("the negative is closer to the anchor", triplet, ([[0.0]], [[3.0]], [[-1.0]]), [2.0], [[-2.0]], SWAP),
    Row(
        "the negative is closer to the positive", triplet, ([[0.0]], [[3.0]], [[4.0]]), [2.0], [[-1.0]], SWAP
    ),
    Row("equally close", triplet, ([[0.0]], [[4.0]], [[2.0]]), [2.0], [[-0.5]], SWAP),
    Row(
        "equally close, of squares",
        triplet,
        ([[0.0]], [[4.0]], [[2.0]]),
        [12.0],
        [[-6.0]],
        {**SWAP, **SQUARED},
    ),
    Row("the negative is the positive", triplet, ([[0.0]], [[3.0]], [[3.0]]), [3.0], [[-1.0]], SWAP),
    Row("all in one place", triplet, ([[2.0]], [[2.0]], [[2.0]]), [1.0], [[0.0]], {"swap": True}),
    Row("at the kink", triplet, ([[0.0]], [[1.0]], [[-1.0]]), [0.0], [[0.0]], SWAP),
    Row(
        "the largest difference", triplet, (ZERO, [[3.0, 2.0]], [[4.0, 3.0]]), [2.0], ANY, {**SWAP, "p": INF}
    ),
    Row(
        "lengths whose squares are infinite",
        triplet,
        (ZERO, [[3e30, 4e30]], [[3e30, 0.0]]),
        [2e30],
        ANY,
        SWAP,
    ),
    Row("NaN in the negative", triplet, (ZERO, EAST, [[NAN, 0.0]]), [NAN], ANY, SWAP),
    Row("squares", triplet, (ZERO, [[3.0, 4.0]], [[2.0, 0.0]]), [22.0], [[-2.0, -8.0]], SQUARED),
    Row("squares of nothing", triplet, (ZERO, ZERO, ZERO), [1.0], [[0.0, 0.0]], SQUARED),
    Row("squares at the kink", triplet, (ZERO, ZERO, EAST), [0.0], [[0.0, 0.0]], SQUARED),
    Row("right angles", triplet, (EAST, NORTH, [[0.0, -2.0]]), [1.0], [[0.0, -2.0]], COSINE),
    Row(
        "nearly parallel, half a square",
        triplet,
        (EAST, [[1.0, 2.0**-13]], EAST),
        [2.0**-27],
        [[0.0, -(2.0**-13)]],
        {**COSINE, "margin": 0.0},
    ),
    Row("a zero vector", triplet, (ZERO, EAST, NORTH), [1.0], [[0.0, 0.0]], {**COSINE, "swap": True}),
    Row("swapped angles", triplet, (EAST, NORTH, [[-1.0, 0.0]]), [0.0], [[0.0, 0.0]], {**COSINE, **SWAP}),
    Row(
        "swapped angles, tie",
        triplet,
        (EAST, [[-1.0, 0.0]], NORTH),
        [2.0],
        [[0.0, 0.5]],
        {**COSINE, "swap": True},
    ),
    Row(
        "squares beyond float16",
        triplet,
        ([[0.0]], [[300.0]], [[299.0]]),
        [600.0],
        [[-2.0]],
        SQUARED,
        "float16",
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_truth_of_triplets(on, row):
    check(on, row)


@pytest.mark.parametrize("distance", ["norm", "squared", "cosine"])
@pytest.mark.parametrize("rows", [2, 20_000])
def test_both_forms_agree(on, rows, distance):
    """Large arrays take the ordinary form, and the careful one as soon as one vector is tiny."""
    a = [[1.0, 0.5 * (k % 3), -0.25] for k in range(rows)]
    b, n = ([[0.5, 1.0, 0.25 * (k % m)] for k in range(rows)] for m in (4, 5))
    f = xlosses.value_and_grad(
        partial(xlosses.triplet_loss, swap=True, distance=distance, reduction="sum"), (0, 1, 2)
    )
    _, plain = f(on.array(a), on.array(b), on.array(n))
    _, careful = f(on.array([*a[:-1], [1e-25, 0.0, 0.0]]), on.array(b), on.array(n))
    for found, wanted in zip(careful, plain, strict=True):
        found, wanted = on.read(found), on.read(wanted)
        for row, same in zip(found[: rows - 1], wanted, strict=False):
            assert row == pytest.approx(same, abs=1e-6)


def test_what_is_refused(on):
    x = on.array([[1.0, 2.0]])
    with pytest.raises(ValueError, match=r"^distance must be one of 'norm', 'squared', 'cosine', got 'l1'$"):
        xlosses.triplet_loss(x, x, x, distance="l1")
    for distance in ("squared", "cosine"):
        with pytest.raises(ValueError, match=f"^p must be 2 with distance='{distance}', got 1$"):
            xlosses.triplet_loss(x, x, x, p=1, distance=distance)
