"""Boxes: apart, touching, one in the other, equal, empty; edges that coincide; boxes far from the origin."""

from __future__ import annotations

import math

import pytest
from matrix import exactly
from test_truth import NAN, Row, check

import xlosses

iou, giou, diou, ciou = xlosses.box_iou_loss, xlosses.giou_loss, xlosses.diou_loss, xlosses.ciou_loss
NONE = {"eps": 0.0}
UNIT, EMPTY = [0.0, 0.0, 1.0, 1.0], [0.5, 0.5, 0.5, 0.5]
WIDE, TALL = [0.0, 0.0, 2.0, 1.0], [0.0, 0.0, 1.0, 2.0]
V = 4 / math.pi**2 * (math.atan(0.5) - math.atan(2.0)) ** 2

ROWS = [
    *(
        Row("equal boxes", loss, ([[3.0, 2.0, 5.0, 6.0]], [[3.0, 2.0, 5.0, 6.0]]), [0.0], [[0.0] * 4], NONE)
        for loss in (iou, giou, diou, ciou)
    ),
    Row("apart", iou, ([UNIT], [[2.0, 0.0, 3.0, 1.0]]), [1.0], [[0.0] * 4]),
    Row("touching", iou, ([UNIT], [[1.0, 0.0, 2.0, 1.0]]), [1.0], [[0.0] * 4]),
    Row(
        "half each",
        iou,
        ([[0.0, 0.0, 2.0, 1.0]], [[1.0, -1.0, 3.0, 2.0]]),
        [6 / 7],
        [[-1 / 49, 6 / 49, -7 / 49, -6 / 49]],
        NONE,
    ),
    Row(
        "one in the other", iou, ([[0.25, 0.25, 0.75, 0.75]], [UNIT]), [0.75], [[0.5, 0.5, -0.5, -0.5]], NONE
    ),
    Row("eps in the denominator", iou, ([UNIT], [UNIT]), [0.2], options={"eps": 0.25}),
    Row("nothing beside nothing", iou, ([EMPTY], [EMPTY]), [1.0], [[0.0] * 4]),
    Row("nothing beside nothing, without eps", iou, ([EMPTY], [EMPTY]), [0.0], [[0.0] * 4], NONE),
    Row("nothing in something", iou, ([EMPTY], [UNIT]), [1.0], [[0.0] * 4]),
    Row(
        "a small loss is exact",
        iou,
        ([[16.0, 16.0, 17.0, 17.0]], [[16.0, 16.0, 17.0, 17.0 + 2.0**-19]]),
        [2.0**-19 / (1 + 2.0**-19)],
        options=NONE,
    ),
    Row("two apart", giou, ([UNIT], [[3.0, 0.0, 4.0, 1.0]]), [1.5], [[0.125, 0.0, -0.25, 0.0]], NONE),
    Row("two at a corner", giou, ([UNIT], [[1.0, 1.0, 2.0, 2.0]]), [1.5], options=NONE),
    Row("apart both ways", giou, ([UNIT], [[3.0, 3.0, 4.0, 4.0]]), [1 + 14 / 16], options=NONE),
    Row(
        "one in the other", giou, ([[0.25, 0.25, 0.75, 0.75]], [UNIT]), [0.75], [[0.5, 0.5, -0.5, -0.5]], NONE
    ),
    Row(
        "a small loss is exact",
        giou,
        ([[16.0, 16.0, 17.0, 17.0]], [[16.0, 16.0, 17.0, 17.0 + 2.0**-19]]),
        [2.0**-19 / (1 + 2.0**-19)],
        options=NONE,
    ),
    Row("centers", diou, ([UNIT], [[2.0, 0.0, 3.0, 1.0]]), [1.4], [[0.04, 0.04, -0.2, -0.04]], NONE),
    Row("one center", diou, ([[0.25, 0.25, 0.75, 0.75]], [UNIT]), [0.75], [[0.5, 0.5, -0.5, -0.5]], NONE),
    Row(
        "proportions",
        ciou,
        ([WIDE], [TALL]),
        [2 / 3 + 0.5 / 8 + V * V / (2 / 3 + V)],
        options=NONE,
    ),
    Row(
        "a line has a proportion",
        ciou,
        ([[0.0, 0.0, 1.0, 0.0]], [UNIT]),
        [1 + 0.25 / 2 + 0.0625 / 1.25],
        options=NONE,
    ),
    Row("a point has none", ciou, ([EMPTY], [UNIT]), [1 + 0.0 + 0.0625 / 1.25], options=NONE),
    *(
        Row("NaN", loss, ([[0.0, NAN, 1.0, 1.0], UNIT], [UNIT, [0.0, 0.0, NAN, 1.0]]), [NAN, NAN])
        for loss in (iou, giou, diou, ciou)
    ),
    Row("half types", giou, ([UNIT], [[2.0, 0.0, 3.0, 1.0]]), [4 / 3], dtype="float16"),
]


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.loss.__name__}: {row.name}" for row in ROWS])
def test_truth_of_boxes(on, row):
    check(on, row)


@pytest.mark.parametrize("loss", [iou, giou, diou, ciou])
def test_edges_that_coincide_count_half_of_each_side(on, loss):
    """The gradient is the mean of those a little to either side."""
    box, step = [0.0, 0.0, 2.0, 1.0], 2.0**-12

    def gradient(right):
        given = on.array([box]), on.array([[0.5, 0.25, right, 2.0]])
        _, found = xlosses.value_and_grad(loss, (0, 1))(*given, eps=0.0)
        return [x for g in found for x in exactly(on, g)[0]]

    sides = zip(gradient(2.0 - step), gradient(2.0 + step), strict=True)
    assert gradient(2.0) == pytest.approx([0.5 * (a + b) for a, b in sides], abs=1e-3)


@pytest.mark.parametrize("loss", [iou, giou, diou, ciou])
def test_boxes_along_another_axis(on, loss):
    a, b = on.array([UNIT, WIDE]), on.array([[0.5, 0.0, 1.5, 2.0], TALL])
    turned = [on.bench.xp.permute_dims(x, (1, 0)) for x in (a, b)]
    found = loss(*turned, axis=0, reduction="none")
    assert on.read(found) == pytest.approx(on.read(loss(a, b, reduction="none")), rel=1e-6)
    with pytest.raises(
        ValueError, match=r"^boxes1 must have 4 entries along axis=0, got an array of shape \(2, 4\)$"
    ):
        loss(a, b, axis=0)
    with pytest.raises(ValueError, match=r"^boxes2 must have the shape \(2, 4\) to match boxes1 of shape"):
        loss(a, b[:1, ...])
