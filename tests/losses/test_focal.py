"""Focal losses and margins: certain and hopeless logits, infinities, half a turn, weights of classes."""

from __future__ import annotations

import math
from functools import partial

import pytest
from matrix import exactly
from test_truth import INF, NAN, Row, check

import xlosses
from xlosses.testing.parity import flat

bce = xlosses.binary_cross_entropy
sigmoid_focal = xlosses.sigmoid_focal_loss
softmax_focal = xlosses.softmax_focal_loss
poly = xlosses.poly_cross_entropy
generalized = xlosses.generalized_cross_entropy
arcface, cosface = xlosses.arcface_loss, xlosses.cosface_loss
LOG2 = math.log(2)
TAIL = math.exp(-20) / (1 + math.exp(-20))

ROWS = [
    Row(
        "a weight of yes",
        bce,
        ([0.0, 0.0, INF, -INF, -INF], [1.0, 0.0, 1.0, 0.0, 1.0]),
        [3 * LOG2, LOG2, 0.0, 0.0, INF],
        [-1.5, 0.5, 0.0, 0.0, -3.0],
        {"pos_weight": 3.0},
    ),
    Row("no weight of yes", bce, ([-INF, -1e30], [1.0, 1.0]), [0.0, 0.0], [0.0, 0.0], {"pos_weight": 0.0}),
    Row(
        "smoothed, far on the right side",
        bce,
        ([1e4, -1e4], [1.0, 0.0]),
        [1e4 * 2.0**-11, 1e4 * 2.0**-11],
        [2.0**-11, -(2.0**-11)],
        {"label_smoothing": 2.0**-10},
    ),
    Row(
        "smoothed probabilities of 0 and 1",
        partial(bce, with_logits=False),
        ([1.0, 0.0], [1.0, 0.0]),
        [25.0, 25.0],
        [-0.75, 0.75],
        {"label_smoothing": 0.5},
    ),
    Row(
        "infinite logits",
        sigmoid_focal,
        ([INF, -INF, INF, -INF], [1.0, 0.0, 0.0, 1.0]),
        [0.0, 0.0, INF, INF],
        [0.0, 0.0, 1.0, -1.0],
    ),
    Row(
        "infinite logits, a small power",
        sigmoid_focal,
        ([INF, -INF, INF, 200.0], [1.0, 0.0, 0.0, 1.0]),
        [0.0, 0.0, INF, 0.0],
        [0.0, 0.0, 1.0, 0.0],
        {"gamma": 0.25},
    ),
    Row("logit 0", sigmoid_focal, ([0.0], [1.0]), [LOG2 / 4], [-0.125 - LOG2 / 4]),
    Row(
        "a tail keeps its accuracy",
        sigmoid_focal,
        ([20.0], [1.0]),
        [TAIL**2 * 2.0611536203185463e-09],
        [-3.0 * TAIL**3],
    ),
    Row(
        "yes and no weighed apart",
        sigmoid_focal,
        ([0.0, 0.0], [1.0, 0.0]),
        [0.25 * LOG2, 0.75 * LOG2],
        [-0.125, 0.375],
        {"alpha": 0.25, "gamma": 0.0},
    ),
    Row("NaN", sigmoid_focal, ([NAN, 0.0], [0.0, NAN]), [NAN, NAN]),
    Row(
        "an impossible class, not the label",
        softmax_focal,
        ([[-INF, 0.0, 0.0]], [2]),
        [LOG2 / 4],
        [[0.0, 0.125 + LOG2 / 4, -0.125 - LOG2 / 4]],
    ),
    Row("the label", softmax_focal, ([[-INF, 0.0, 0.0]], [0]), [INF], [[-1.0, 0.5, 0.5]]),
    Row(
        "the label, a small power", softmax_focal, ([[-INF, 0.0]], [0]), [INF], [[-1.0, 1.0]], {"gamma": 0.5}
    ),
    Row(
        "one-hot",
        softmax_focal,
        ([[-INF, 0.0, 0.0]], [[0.0, 0.0, 1.0]]),
        [LOG2 / 4],
        [[0.0, 0.125 + LOG2 / 4, -0.125 - LOG2 / 4]],
    ),
    *(
        Row(
            f"certain, power {gamma}",
            softmax_focal,
            ([[200.0, 0.0], [0.0, -INF]], [0, 0]),
            [0.0, 0.0],
            [[0.0, 0.0], [0.0, 0.0]],
            {"gamma": gamma},
        )
        for gamma in (0.0, 0.5, 1.0, 2.0)
    ),
    Row("as certain as rounding tells", softmax_focal, ([[20.0, 0.0]], [0]), [0.0], [[0.0, 0.0]]),
    Row("a factor", softmax_focal, ([[0.0, 0.0]], [0]), [LOG2 / 16], options={"alpha": 0.25}),
    Row(
        "smoothed to a half each",
        softmax_focal,
        ([[0.0, 0.0]], [0]),
        [LOG2 / 4],
        [[-0.25 * (0.25 + LOG2 / 2), 0.25 * (0.25 + LOG2 / 2)]],
        {"label_smoothing": 0.5},
    ),
    Row("NaN", softmax_focal, ([[NAN, 0.0]], [0]), [NAN]),
    Row("even", poly, ([[0.0, 0.0]], [0]), [LOG2 + 1.0], [[-1.0, 1.0]]),
    Row("less than nothing", poly, ([[0.0, 0.0]], [1]), [LOG2 - 0.5], [[0.25, -0.25]], {"epsilon": -1.0}),
    Row("an impossible label", poly, ([[-INF, 0.0]], [0]), [INF], [[-1.0, 1.0]]),
    Row("an impossible class", poly, ([[-INF, 0.0]], [[0.0, 1.0]]), [0.0], [[0.0, 0.0]]),
    Row("certain", poly, ([[200.0, 0.0]], [0]), [0.0], [[0.0, 0.0]]),
    Row(
        "bounded", generalized, ([[-INF, 0.0], [-1e30, 0.0]], [0, 0]), [2.0, 2.0], [[0.0] * 2] * 2, {"q": 0.5}
    ),
    Row("even", generalized, ([[0.0, 0.0]], [0]), [0.5], [[-0.25, 0.25]], {"q": 1.0}),
    Row(
        "a small power is cross entropy",
        generalized,
        ([[0.0, 0.0], [1.0, 0.0]], [0, 0]),
        [LOG2, math.log1p(math.exp(-1))],
        [[-0.5, 0.5], [-1 / (1 + math.e), 1 / (1 + math.e)]],
        {"q": 1e-12},
    ),
    Row(
        "a cosine less its margin",
        cosface,
        ([[0.5, 0.25]], [0]),
        [LOG2],
        [[-2.0, 2.0]],
        {"margin": 0.25, "scale": 4.0},
    ),
    Row("no margin", cosface, ([[0.5, 0.5]], [1]), [LOG2], [[2.0, -2.0]], {"margin": 0.0, "scale": 4.0}),
    Row(
        "an angle widened",
        arcface,
        ([[math.sqrt(0.5), 0.0]], [0]),
        [LOG2],
        [[-math.sqrt(2.0), 1.0]],
        {"margin": math.pi / 4, "scale": 2.0},
    ),
    Row("no margin", arcface, ([[0.5, 0.5]], [1]), [LOG2], [[2.0, -2.0]], {"margin": 0.0, "scale": 4.0}),
    Row(
        "at an angle of 0, and a cosine beyond 1",
        arcface,
        ([[1.0, 0.5], [1.0 + 2.0**-23, 0.5]], [0, 0]),
        [math.log1p(math.exp(0.5 - math.cos(1.0)))] * 2,
        [[-math.cos(1.0) * s, s] for s in [1 / (1 + math.exp(math.cos(1.0) - 0.5))] * 2],
        {"margin": 1.0, "scale": 1.0},
    ),
    Row(
        "more than half a turn",
        arcface,
        ([[-1.0, -1.0 - math.sin(1.0)]], [0]),
        [LOG2],
        [[-0.5, 0.5]],
        {"margin": 1.0, "scale": 1.0},
    ),
    Row("NaN", arcface, ([[NAN, 0.0], [0.0, NAN]], [0, 0]), [NAN, NAN]),
]


@pytest.mark.parametrize(
    "row", ROWS, ids=[f"{getattr(row.loss, '__name__', 'bce')}: {row.name}" for row in ROWS]
)
def test_truth_of_focal_losses(on, row):
    check(on, row)


@pytest.mark.parametrize("alike", ["logits", "probabilities"])
def test_one_weight_of_yes_for_all_is_that_of_each(on, alike):
    x = on.array([[0.1, 0.9], [0.5, 0.75]])
    y = on.array([[1.0, 0.0], [0.25, 1.0]])
    loss = partial(bce, with_logits=alike == "logits", label_smoothing=0.25, reduction="none")
    one, each = loss(x, y, pos_weight=2.5), loss(x, y, pos_weight=on.array([[2.5] * 2] * 2))
    assert on.read(one) == on.read(each)
    by_column = loss(x, y, pos_weight=on.bench.xp.broadcast_to(on.array([2.5, 0.5]), (2, 2)))
    assert [row[0] for row in on.read(by_column)] == [row[0] for row in on.read(one)]
    with pytest.raises(
        ValueError, match=r"^pos_weight must have the shape \(2, 2\) to match inputs of shape"
    ):
        bce(x, y, pos_weight=on.array([2.5, 0.5]))
    with pytest.raises(ValueError, match=r"^pos_weight must be a number >= 0, got -1.0$"):
        bce(x, y, pos_weight=-1.0)


@pytest.mark.parametrize(
    ("loss", "plain", "options"),
    [
        (sigmoid_focal, bce, {"gamma": 0.0}),
        (softmax_focal, xlosses.cross_entropy, {"gamma": 0.0}),
        (poly, xlosses.cross_entropy, {"epsilon": 0.0}),
        (cosface, xlosses.cross_entropy, {"margin": 0.0, "scale": 1.0}),
        (arcface, xlosses.cross_entropy, {"margin": 0.0, "scale": 1.0}),
    ],
)
def test_what_is_cross_entropy(on, loss, plain, options):
    x = on.array([[0.5, -0.25, 0.125], [-0.75, 0.0, 0.5]])
    y = on.array([[1.0, 0.0, 0.25], [0.5, 0.0, 1.0]]) if plain is bce else on.array([2, 0], "int32")
    extras = {} if plain is bce else {"class_weights": on.array([1.0, 2.0, 0.5])}
    found = xlosses.value_and_grad(loss)(x, y, reduction="weighted_mean", **options, **extras)
    wanted = xlosses.value_and_grad(plain)(x, y, reduction="weighted_mean", **extras)
    assert flat([on.read(a) for a in found]) == pytest.approx(flat([on.read(a) for a in wanted]), rel=1e-6)


@pytest.mark.parametrize("loss", [softmax_focal, poly, generalized, arcface, cosface])
def test_classes_weighed_and_ignored(on, loss):
    x = on.array([[0.5, -0.25, 0.125], [-0.75, 0.0, 0.5], [0.1, 0.2, 0.3]])
    c, y = [1.0, 2.0, 0.5], [2, 1, -1]
    plain = on.read(loss(x[:2, ...], on.array(y[:2], "int32"), reduction="none"))
    found = loss(
        x, on.array(y, "int32"), class_weights=on.array(c), ignore_index=-1, reduction="weighted_mean"
    )
    wanted = (0.5 * plain[0] + 2.0 * plain[1]) / 2.5
    assert on.read(found) == pytest.approx(wanted, rel=1e-5)
    along = loss(on.bench.xp.permute_dims(x, (1, 0)), on.array(y, "int32"), axis=0, ignore_index=-1)
    assert on.read(along) == pytest.approx(sum(plain) / 2, rel=1e-5)


@pytest.mark.parametrize("loss", [softmax_focal, poly])
def test_classes_as_probabilities(on, loss):
    x, c = on.array([[0.5, -0.25, 0.125], [-0.75, 0.0, 0.5]]), on.array([1.0, 2.0, 0.5])
    one_hot = on.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    options = {"class_weights": c, "reduction": "weighted_mean"}
    found = xlosses.value_and_grad(loss)(x, one_hot, **options)
    wanted = xlosses.value_and_grad(loss)(x, on.array([2, 1], "int32"), **options)
    assert flat([on.read(a) for a in found]) == pytest.approx(flat([on.read(a) for a in wanted]), rel=1e-6)
    with pytest.raises(
        ValueError, match=r"^ignore_index=0 needs integer targets, got probabilities of shape"
    ):
        loss(x, one_hot, ignore_index=0)


def test_smooth_labels(on):
    t = on.array([[1.0, 0.0], [0.5, 0.5]])
    assert exactly(on, xlosses.smooth_labels(t, 0.5)) == [[0.75, 0.25], [0.5, 0.5]]
    assert exactly(on, xlosses.smooth_labels(t[:, :1], 0.25, axis=0)) == [[0.875], [0.5]]
    assert on.dtype_of(xlosses.smooth_labels(t, on.array(0.25))) == on.dtype_of(t)
    with pytest.raises(ValueError, match=r"^alpha must be a number in \[0, 1\), got 1.0$"):
        xlosses.smooth_labels(t, 1.0)
    with pytest.raises(ValueError, match=r"^axis=2 is out of range for an array with 2 axes$"):
        xlosses.smooth_labels(t, 0.5, axis=2)
