"""Powers of what is missed, and classes of different sizes."""

from __future__ import annotations

from functools import partial

import pytest
from matrix import exactly
from test_truth import NAN, Row, check

import xlosses
from xlosses.testing.parity import flat

focal = partial(xlosses.focal_tversky_loss, axis=-1)
generalized = partial(xlosses.generalized_dice_loss, axis=-1, class_axis=-2)
SMALL = 2.0**-24

ROWS = [
    *(
        Row(
            f"a set that is right, power {gamma}",
            focal,
            ([[1.0, 0.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, 0.0]]),
            [0.0, 0.0],
            [[0.0, 0.0], [0.0, 0.0]],
            {"gamma": gamma, "smooth": 0.0},
        )
        for gamma in (0.25, 1.0, 3.0)
    ),
    Row(
        "a quarter of a loss",
        focal,
        ([[0.0, 1.0]], [[1.0, 1.0]]),
        [3**-0.5],
        options={"gamma": 0.5, "smooth": 0.0},
    ),
    Row(
        "a small loss is exact",
        focal,
        ([[1.0 - SMALL, 0.0]], [[1.0, 0.0]]),
        [(SMALL / (2.0 - SMALL)) ** 0.5],
        options={"gamma": 0.5, "smooth": 0.0},
    ),
    Row("NaN", focal, ([[0.5, NAN], [0.5, 0.5]], [[0.0, 1.0], [NAN, 1.0]]), [NAN, NAN]),
    Row(
        "a small class weighs as much as a large one",
        generalized,
        ([[[0.0, 1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0, 0.0]]], [[[0, 1, 1, 1, 1], [1, 0, 0, 0, 0]]]),
        [1.0 / (0.5 + 1.0)],
        [[[1 / 72, *[-5 / 72] * 4], [-10 / 9, *[2 / 9] * 4]]],
    ),
    Row("a class without a target", generalized, ([[[0.0, 1.0], [1.0, 1.0]]], [[[0, 1], [0, 0]]]), [0.0]),
    Row("nothing", generalized, ([[[0.5, 0.5], [0.5, 0.5]]], [[[0, 0], [0, 0]]]), [0.0], [[[0.0] * 2] * 2]),
    Row(
        "a small loss is exact",
        generalized,
        ([[[1.0 - SMALL, 0.0], [0.0, 1.0]]], [[[1, 0], [0, 1]]]),
        [SMALL / (4.0 - SMALL)],
    ),
    Row("NaN", generalized, ([[[NAN, 1.0], [1.0, 0.0]]], [[[1, 1], [0, 1]]]), [NAN]),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_truth_of_imbalance(on, row):
    check(on, row)


P = [[[0.1, 0.9, 0.3], [0.6, 0.2, 0.8]], [[0.5, 0.4, 0.7], [0.2, 0.9, 0.1]]]
T = [[[0, 1, 1], [1, 0, 1]], [[0, 0, 1], [0, 1, 1]]]
PLACES = [(i, j, k) for i in range(2) for j in range(2) for k in range(3)]


def textbook(p, class_axis, axes, smooth, kept):
    """Set by set of classes, with the entries of each class in turn."""
    found = {}
    for place in PLACES:
        term = tuple(n for a, n in enumerate(place) if a not in (class_axis, *axes))
        i, j, k = place
        if kept[i][j][k]:
            classes = found.setdefault(term, {})
            classes.setdefault(place[class_axis], []).append((p[i][j][k], T[i][j][k]))
    losses = []
    for _, classes in sorted(found.items()):
        sums = [
            (sum(b for _, b in x), sum(a * b for a, b in x), sum(a + b for a, b in x))
            for x in classes.values()
        ]
        above = sum(2 * both / t**2 for t, both, _ in sums if t) + smooth
        losses.append(1 - above / (sum(total / t**2 for t, _, total in sums if t) + smooth))
    return losses


@pytest.mark.parametrize("smooth", [0.0, 0.5])
@pytest.mark.parametrize("some", [False, True])
@pytest.mark.parametrize(
    ("class_axis", "axes"), [(0, (1, 2)), (1, (0, 2)), (2, (1, 0)), (1, (2,)), (2, (0,))]
)
def test_classes_along_any_axis(on, class_axis, axes, smooth, some):
    kept = [[[not some or (i + j + k) % 3 != 1 for k in range(3)] for j in range(2)] for i in range(2)]
    p, t = on.array(P), on.array(T, "int32")
    options = {"axis": axes, "class_axis": class_axis - 3, "smooth": smooth}
    if some:
        options["kept"] = on.array(kept, "bool")
    wanted = textbook(P, class_axis, axes, smooth, kept)
    terms = xlosses.generalized_dice_loss(p, t, reduction="none", **options)
    assert flat([exactly(on, terms)]) == pytest.approx(wanted, rel=1e-6)
    _, gradient = xlosses.value_and_grad(xlosses.generalized_dice_loss)(p, t, reduction="sum", **options)
    step, found = 1e-6, flat(exactly(on, gradient))
    for n, (i, j, k) in enumerate(PLACES):
        moved = [[list(row) for row in image] for image in P]
        moved[i][j][k] += step
        ahead = sum(textbook(moved, class_axis, axes, smooth, kept))
        assert found[n] == pytest.approx((ahead - sum(wanted)) / step, abs=2e-5)


def test_wrong_axes(on):
    p = on.array(P)
    for axis, class_axis in (((1, 2), 1), ((0, 0), 1)):
        with pytest.raises(ValueError, match=r"must name one axis or several different ones$"):
            xlosses.generalized_dice_loss(p, p, axis=axis, class_axis=class_axis)
    with pytest.raises(ValueError, match=r"is out of range for an array with 3 axes$"):
        xlosses.generalized_dice_loss(p, p, axis=2, class_axis=3)
    with pytest.raises(ValueError, match=r"^gamma must be a number > 0, got 0.0$"):
        focal(p, p, gamma=0.0)
