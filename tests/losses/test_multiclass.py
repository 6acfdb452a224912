"""Margins over classes: ties, kinks, infinite scores, labels that do not count, class weights, masks."""

from __future__ import annotations

import math

import pytest
from matrix import exactly
from test_truth import INF, NAN, Row, check
from tolerances import tolerance

import xlosses
from xlosses.testing import CASES, expected
from xlosses.testing.parity import difference, flat

hinge, perceptron = xlosses.multiclass_hinge_loss, xlosses.multiclass_perceptron_loss
each, tags, soft = (
    xlosses.multi_margin_loss,
    xlosses.multilabel_margin_loss,
    xlosses.multilabel_soft_margin_loss,
)
THIRD = 1 / 3

ROWS = [
    Row("short of the margin", hinge, ([[2.0, 1.5, -1.0]], [0]), [0.5], [[-1.0, 1.0, 0.0]]),
    Row("at the margin", hinge, ([[2.0, 1.0, -1.0]], [0]), [0.0], [[0.0, 0.0, 0.0]]),
    Row("all equal share it", hinge, ([[0.0] * 4], [1]), [1.0], [[THIRD, -1.0, THIRD, THIRD]]),
    Row("two equal share it", hinge, ([[1.0, 3.0, 3.0]], [0]), [3.0], [[-1.0, 0.5, 0.5]]),
    Row("at the margin of two", hinge, ([[2.0, 1.0, 1.0]], [0]), [0.0], [[0.0] * 3]),
    Row("one class", hinge, ([[5.0]], [0]), [0.0], [[0.0]]),
    Row("a class that cannot occur", hinge, ([[0.5, -INF, 0.0]], [0]), [0.5], [[-1.0, 0.0, 1.0]]),
    Row("the label cannot occur", hinge, ([[-INF, 0.0, 1.0]], [0]), [INF], [[-1.0, 0.0, 1.0]]),
    Row("a certain label", hinge, ([[INF, 0.0, 1e30]], [0]), [0.0], [[0.0] * 3]),
    Row("a certain other", hinge, ([[0.0, INF, INF]], [0]), [INF], [[-1.0, 0.5, 0.5]]),
    Row("large close scores", hinge, ([[1e4, 1e4 - 0.5]], [0]), [0.5], [[-1.0, 1.0]]),
    Row("NaN", hinge, ([[NAN, 0.0, 0.0], [0.0, NAN, 0.0]], [0, 0]), [NAN, NAN]),
    Row("behind", perceptron, ([[2.0, 1.5, -1.0]], [1]), [0.5], [[1.0, -1.0, 0.0]]),
    Row("behind two", perceptron, ([[2.0, 1.5, 2.0]], [1]), [0.5], [[0.5, -1.0, 0.5]]),
    Row("ahead", perceptron, ([[2.0, 1.5, -1.0]], [0]), [0.0], [[0.0] * 3]),
    Row("as good as another", perceptron, ([[2.0, 2.0, -1.0]], [0]), [0.0], [[0.0] * 3]),
    Row("each of them", each, ([[2.0, 1.5, 2.5]], [0]), [2.0 / 3], [[-2 * THIRD, THIRD, THIRD]]),
    Row("a kink for one of them", each, ([[2.0, 1.0, 2.5]], [0]), [0.5], [[-THIRD, 0.0, THIRD]]),
    Row("squares", each, ([[2.0, 1.5, 2.5]], [0]), [2.5 / 3], [[-4 * THIRD, THIRD, 1.0]], {"p": 2}),
    Row("a margin of 0", each, ([[2.0, 2.0, 2.5]], [0]), [0.5 / 3], [[-THIRD, 0.0, THIRD]], {"margin": 0.0}),
    Row(
        "a negative margin", each, ([[2.0, 2.5, 4.0]], [0]), [THIRD], [[-THIRD, 0.0, THIRD]], {"margin": -1.0}
    ),
    Row("a certain label for each", each, ([[INF, 0.0, 1.0]], [0]), [0.0], [[0.0] * 3]),
    Row("one of each cannot occur", each, ([[0.0, -INF, 0.0]], [0]), [THIRD], [[-THIRD, 0.0, THIRD]]),
    Row("sums that would overflow", each, ([[-3e38, 0.0, 0.0]], [0]), [2e38], [[-2 * THIRD, THIRD, THIRD]]),
    Row("NaN in each", each, ([[NAN, 0.0, 0.0], [0.0, NAN, 0.0]], [0, 0]), [NAN, NAN]),
    Row(
        "pairs of tags",
        tags,
        ([[0.1, 0.2, 0.4, 0.8]], [[1, 0, 0, 1]]),
        [(1.1 + 1.3 + 0.4 + 0.6) / 4],
        [[-0.5, 0.5, 0.5, -0.5]],
    ),
    Row("a pair at its kink", tags, ([[1.0, 0.0, 0.5]], [[1, 0, 0]]), [0.5 / 3], [[-THIRD, 0.0, THIRD]]),
    Row(
        "no tags, all tags", tags, ([[1.0, INF], [1.0, -INF]], [[0, 0], [1, 1]]), [0.0, 0.0], [[0.0, 0.0]] * 2
    ),
    Row("a tag that cannot be", tags, ([[-INF, 1.0]], [[1, 0]]), [INF], [[-0.5, 0.5]]),
    Row("equal infinities beside others", tags, ([[INF, -INF, 0.0]], [[1, 0, 1]]), [0.0], [[0.0] * 3]),
    Row("NaN that no pair has", tags, ([[NAN, 1.0], [1.0, 1.0]], [[0.0, 0.0], [1.0, NAN]]), [NAN, NAN]),
    Row(
        "classes by themselves",
        soft,
        ([[0.0, 100.0, -200.0]], [[1, 1, 1]]),
        [(math.log(2) + 200) / 3],
        [[-0.5 / 3, 0.0, -THIRD]],
    ),
    Row(
        "infinite logits",
        soft,
        ([[INF, -INF], [INF, 0.0]], [[1, 0], [0, 1]]),
        [0.0, INF],
        [[0.0, 0.0], [0.5, -0.25]],
    ),
    Row("half types", each, ([[200.0, 300.0, -300.0]], [0]), [10201 / 3], options={"p": 2}, dtype="float16"),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_truth_of_margins_over_classes(on, row):
    check(on, row)


LABELLED = {
    "multiclass_hinge_loss": hinge,
    "multiclass_perceptron_loss": perceptron,
    "multi_margin_loss": each,
    "ordinal_loss": xlosses.ordinal_loss,
    "brier_loss (labels)": CASES["brier_loss (labels)"].loss,
}
by_label = pytest.mark.parametrize("name", LABELLED)
X = [[0.5, -1.0, 2.0], [1.5, 0.0, -0.5], [-2.0, 1.0, 0.25]]
LABELS = [2, 0, 1]
CLASS_WEIGHTS = [0.5, 2.0, 3.0]


def close(on, found, wanted):
    assert difference(exactly(on, found), wanted) <= tolerance(on.name)


def exact(name, options, *more):
    return expected(CASES[name], dict(zip(CASES[name].arrays, (X, LABELS), strict=True)), options, *more)


@by_label
@pytest.mark.parametrize("label", [-1, 5, 2**31 - 1])
def test_a_label_out_of_range(on, name, label):
    x, y = on.array(X), on.array([0, label, 1], "int32")
    loss, argument = LABELLED[name], [*CASES[name].arrays][1]
    if on.looks:
        message = rf"^{argument} must be class labels in \[0, {3 + (name == 'ordinal_loss')}\), got {label}; "
        with pytest.raises(ValueError, match=message):
            loss(x, y)
        return
    assert [math.isnan(t) for t in on.read(loss(x, y, reduction="none"))] == [False, True, False]
    rows = on.read(xlosses.value_and_grad(loss)(x, y, reduction="sum")[1])
    assert [[math.isnan(g) for g in row] for row in rows] == [[False] * 3, [True] * 3, [False] * 3]


@by_label
def test_ignored_rows(on, name):
    x = [X[0], [NAN] * 3, X[2]]
    y = on.array([2, -100, 1], "int32")
    value, gradient = xlosses.value_and_grad(LABELLED[name])(on.array(x), y, ignore_index=-100)
    wanted = exact(name, {}, "mean", None, [True, False, True])
    close(on, value, wanted.value)
    close(on, gradient, next(iter(wanted.gradients.values())))


@by_label
def test_the_classes_lie_along_any_axis(on, name):
    loss, x, y = LABELLED[name], on.array(X), on.array(LABELS, "int32")
    wanted = on.read(loss(x, y, axis=-1, reduction="none"))
    assert on.read(loss(on.bench.xp.permute_dims(x, (1, 0)), y, axis=0, reduction="none")) == wanted


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("reduction", ["none", "sum", "mean", "weighted_mean"])
def test_class_weights(on, p, reduction):
    wanted = exact("multi_margin_loss", {"p": p, "class_weights": CLASS_WEIGHTS}, reduction, [1.0, 0.5, 2.0])
    options = {"p": p, "class_weights": on.array(CLASS_WEIGHTS), "weights": on.array([1.0, 0.5, 2.0])}
    x, y = on.array(X), on.array(LABELS, "int32")
    close(on, each(x, y, reduction=reduction, **options), wanted.value)
    if reduction != "none":
        gradient = xlosses.value_and_grad(each)(x, y, reduction=reduction, **options)[1]
        close(on, gradient, wanted.gradients["scores"])


@pytest.mark.parametrize("reduction", ["none", "sum", "weighted_mean"])
def test_class_weights_of_tags(on, reduction):
    y = [[0.0, 1.0, 1.0], [1.0, 0.25, 0.0], [0.0, 0.0, 0.0]]
    data, options = {"inputs": X, "targets": y}, {"class_weights": CLASS_WEIGHTS}
    wanted = expected(CASES["multilabel_soft_margin_loss"], data, options, reduction)
    given, options = (on.array(X), on.array(y)), {"class_weights": on.array(CLASS_WEIGHTS)}
    close(on, soft(*given, reduction=reduction, **options), wanted.value)
    if reduction != "none":
        gradient = xlosses.value_and_grad(soft)(*given, reduction=reduction, **options)[1]
        close(on, gradient, wanted.gradients["inputs"])


def test_a_class_that_does_not_count_may_be_infinitely_wrong(on):
    given, c = (on.array([[INF, 0.0]]), on.array([[0.0, 1.0]])), on.array([0.0, 2.0])
    assert on.read(soft(*given, class_weights=c)) == pytest.approx(math.log(2), rel=1e-6)


@pytest.mark.parametrize("loss", [tags, soft], ids=["margin", "soft margin"])
def test_tags_may_be_booleans(on, loss):
    y = [[True, False, True], [False, False, True], [True, True, True]]
    numbers = on.array([[float(tag) for tag in row] for row in y])
    assert on.read(loss(on.array(X), on.array(y, "bool"))) == on.read(loss(on.array(X), numbers))


@pytest.mark.parametrize("p", [0, 3, 1.5, NAN])
def test_the_power_is_1_or_2(on, p):
    with pytest.raises(ValueError, match=f"^p must be 1 or 2, got {p}$"):
        each(on.array(X), on.array(LABELS, "int32"), p=p)


def test_many_classes_in_blocks(on):
    """Rows of which a few have as many pairs as a block has entries."""
    x = [[math.sin(7.0 * i + 3.0 * k) for k in range(40)] for i in range(6)]
    y = [[float((i + k) % 3 == 0) for k in range(40)] for i in range(6)]
    wanted = expected(CASES["multilabel_margin_loss"], {"scores": x, "targets": y}, {}, "mean")
    with xlosses.engine(4096):
        value, gradient = xlosses.value_and_grad(tags)(on.array(x), on.array(y))
    close(on, value, wanted.value)
    assert difference(exactly(on, gradient), wanted.gradients["scores"]) <= tolerance(on.name)
    assert len(flat(exactly(on, gradient))) == 240
