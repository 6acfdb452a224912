"""Class labels: any integer dtype, out of range, ignored, with class weights, along any axis."""

from __future__ import annotations

import math

import pytest
from matrix import exactly
from tolerances import tolerance

import xlosses
from xlosses.losses import classification
from xlosses.testing import CASES, expected
from xlosses.testing.parity import difference, flat

LOSSES = ("cross_entropy", "nll_loss")
by_label = pytest.mark.parametrize("loss", [xlosses.cross_entropy, xlosses.nll_loss], ids=LOSSES)

X = [[0.5, -1.0, 2.0], [1.5, 0.0, -0.5], [-2.0, 1.0, 0.25]]
LABELS = [2, 0, 1]
CLASS_WEIGHTS = [0.5, 2.0, 3.0]


def close(on, found, wanted):
    assert difference(exactly(on, found), wanted) <= tolerance(on.name)


@by_label
@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"])
def test_every_integer_dtype(on, loss, dtype):
    if on.name == "jax" and dtype == "int64":
        dtype = "int32"  # there is no other without 64-bit JAX
    exact = expected(CASES[loss.__name__], named(loss))
    close(on, loss(on.array(X), on.array(LABELS, dtype)), exact.value)


def named(loss):
    first = "logits" if loss is xlosses.cross_entropy else "inputs"
    return {first: X, "targets": LABELS}


@by_label
def test_one_number_for_all_labels(on, loss):
    x = on.array(X)
    wanted = on.read(loss(x, on.array([1, 1, 1], "int32")))
    assert on.read(loss(x, 1)) == pytest.approx(wanted, rel=1e-6)


@by_label
@pytest.mark.parametrize(
    ("label", "dtype"),
    [(3, "int32"), (-1, "int32"), (-100, "int32"), (2**31 - 1, "int32"), (-(2**31), "int32"), (200, "uint8")],
)
def test_out_of_range(on, loss, label, dtype):
    x, y = on.array(X), on.array([0, label, 1], dtype)
    if on.looks:
        message = rf"^targets must be class labels in \[0, 3\), got {label}; exclude rows by"
        with pytest.raises(ValueError, match=message):
            loss(x, y)
        return
    terms = on.read(loss(x, y))
    assert [math.isnan(t) for t in terms] == [False, True, False]
    rows = on.read(xlosses.value_and_grad(loss)(x, y, reduction="sum")[1])
    assert [[math.isnan(g) for g in row] for row in rows] == [[False] * 3, [True] * 3, [False] * 3]
    if on.bench.differentiates:
        _, (gradient,) = on.bench.value_and_grad(lambda x: loss(x, y, reduction="sum"), x)
        rows = on.read(gradient)
        assert [[math.isnan(g) for g in row] for row in rows] == [[False] * 3, [True] * 3, [False] * 3]


@by_label
def test_ignored_and_masked_rows(on, loss):
    x = [[math.nan] * 3, X[1], X[2], [math.inf] * 3]
    y = on.array([-100, 0, 1, 55], "int32")
    where = on.array([True, True, True, False], "bool")
    settings = {"ignore_index": -100, "where": where, "reduction": "mean"}
    data = {next(iter(named(loss))): X[1:], "targets": [0, 1]}
    exact = expected(CASES[loss.__name__], data, {}, "mean")
    close(on, loss(on.array(x), y, **settings), exact.value)
    gradient = xlosses.value_and_grad(loss)(on.array(x), y, **settings)[1]
    close(on, gradient, [[0.0] * 3, *exact.gradients[next(iter(data))], [0.0] * 3])
    if on.bench.differentiates:
        _, (gradient,) = on.bench.value_and_grad(lambda x: loss(x, y, **settings), on.array(x))
        close(on, gradient, [[0.0] * 3, *exact.gradients[next(iter(data))], [0.0] * 3])


@by_label
def test_everything_ignored(on, loss):
    y = on.array([1, 1, 1], "int32")
    value, gradient = xlosses.value_and_grad(loss)(on.array(X), y, ignore_index=1)
    assert on.read(value) == 0.0
    assert set(flat(on.read(gradient))) == {0.0}


@by_label
@pytest.mark.parametrize("reduction", ["none", "sum", "mean", "weighted_mean"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_class_weights(on, loss, reduction, smoothing):
    options = {"label_smoothing": smoothing} if loss is xlosses.cross_entropy else {}
    weights = [1.0, 0.5, 2.0]
    exact = expected(
        CASES[loss.__name__], named(loss), {**options, "class_weights": CLASS_WEIGHTS}, reduction, weights
    )
    settings = {**options, "class_weights": on.array(CLASS_WEIGHTS), "weights": on.array(weights)}
    y = on.array(LABELS, "int32")
    close(on, loss(on.array(X), y, reduction=reduction, **settings), exact.value)
    if reduction != "none":
        gradient = xlosses.value_and_grad(loss)(on.array(X), y, reduction=reduction, **settings)[1]
        close(on, gradient, next(iter(exact.gradients.values())))


@by_label
@pytest.mark.parametrize("reduction", ["none", "sum", "mean", "weighted_mean"])
def test_class_weights_under_a_mask(on, loss, reduction):
    where = [True, False, True]
    options = {"class_weights": CLASS_WEIGHTS}
    exact = expected(CASES[loss.__name__], named(loss), options, reduction, None, where)
    settings = {"class_weights": on.array(CLASS_WEIGHTS), "where": on.array(where, "bool")}
    found = loss(on.array(X), on.array(LABELS, "int32"), reduction=reduction, **settings)
    close(on, found, exact.value)


@by_label
def test_which_label_is_out_of_range(on, loss):
    """The first bad one of a batch of any shape, as it was given."""
    if on.looks:
        x = on.array([[X[0], X[1]], [X[2], X[0]]])
        with pytest.raises(ValueError, match=r"got 9; exclude"):
            loss(x, on.array([[0, 1], [9, -7]], "int32"))


@pytest.mark.parametrize("reduction", ["none", "mean", "weighted_mean"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_integer_and_one_hot_targets_agree(on, reduction, smoothing):
    settings = {
        "class_weights": on.array(CLASS_WEIGHTS),
        "weights": on.array([1.0, 0.5, 2.0]),
        "label_smoothing": smoothing,
        "reduction": reduction,
    }
    one_hot = on.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]], "int32")
    by_class = xlosses.cross_entropy(on.array(X), on.array(LABELS, "int32"), **settings)
    close(on, xlosses.cross_entropy(on.array(X), one_hot, **settings), on.read(by_class))


def test_class_weights_do_not_decide_the_dtype(on):
    if "float64" in on.bench.dtypes():
        settings = {
            "class_weights": on.array(CLASS_WEIGHTS, "float64"),
            "weights": on.array([1.0] * 3, "float64"),
        }
        found = xlosses.cross_entropy(on.array(X), on.array(LABELS, "int32"), **settings)
        assert on.dtype_of(found) == "float32"


@by_label
@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2])
def test_any_axis(on, loss, axis):
    """Three samples of two positions each; the classes lie along any axis."""
    samples = [[row, [x + 1.0 for x in reversed(row)]] for row in X]  # (sample, position, class)
    labels = [[2, 0], [0, 1], [1, 2]]
    xp = on.bench.xp
    last, y = on.array(samples), on.array(labels, "int32")
    moved = xp.moveaxis(last, -1, axis)
    wanted = on.read(loss(last, y))
    assert on.read(loss(moved, y, axis=axis)) == wanted
    gradient = xlosses.value_and_grad(loss)(moved, y, axis=axis, reduction="sum")[1]
    assert tuple(gradient.shape) == tuple(moved.shape)
    straight = xlosses.value_and_grad(loss)(last, y, reduction="sum")[1]
    assert on.read(xp.moveaxis(gradient, axis, -1)) == on.read(straight)


def test_class_weight_times_loss_may_be_too_large_where_the_smoothed_loss_is_not(on):
    x, c = on.array([[0.0, 3.4e38]]), on.array([1.01, 1.0])
    found = on.read(xlosses.cross_entropy(x, on.array([0], "int32"), label_smoothing=0.1, class_weights=c))
    assert found == pytest.approx([(0.9 + 0.05) * 1.01 * 3.4e38], rel=1e-6)


@by_label
def test_ignored_labels_in_the_widest_dtype(on, loss):
    """Which the formula takes as they are."""
    x, widest = on.array(X), "int32" if on.name == "jax" else "int64"
    found = on.read(loss(x, on.array([2, 1, 1], widest), ignore_index=1))
    assert found == [pytest.approx(on.read(loss(x, on.array([2, 0, 1], widest)))[0]), 0.0, 0.0]


def test_without_smoothing_nothing_is_smoothed(on, monkeypatch):
    """Which would be a second pass over the logits."""
    monkeypatch.setattr(classification, "evenly", None)
    x, label = on.array(X), on.array(LABELS, "int32")
    loss = xlosses.value_and_grad(xlosses.cross_entropy)
    assert on.read(loss(x, label, label_smoothing=0)[0]) > 0.0
    with pytest.raises(TypeError, match="NoneType"):
        loss(x, label, label_smoothing=0.1)
    t = on.array(X)
    assert classification.smoothed(on.bench.xp, t, None, None) is t


@pytest.mark.parametrize("shape", [(3,), (2, 2, 3)], ids=str)
def test_class_weights_of_probabilities_in_other_shapes(on, shape):
    """Equal logits: every term is log 3 times the weight that its probabilities have."""
    n = math.prod(shape)
    t = on.bench.xp.reshape(on.array([0.5, 0.25, 0.25] * (n // 3)), shape)
    x, c = 0.0 * t, on.array(CLASS_WEIGHTS)
    found = xlosses.cross_entropy(x, t, class_weights=c, reduction="weighted_mean")
    close(on, found, math.log(3))


@pytest.mark.parametrize("loss", [xlosses.cross_entropy, xlosses.nll_loss])
def test_one_class_alone(on, loss):
    x, labels = on.array([[-0.5], [2.0]]), on.array([0, 0], "int32")
    is_nll = loss is xlosses.nll_loss
    assert on.read(loss(x, labels, reduction="none")) == ([0.5, -2.0] if is_nll else [0.0, 0.0])
    value, gradient = xlosses.value_and_grad(loss)(x, labels, reduction="sum")
    assert on.read(value) == (-1.5 if is_nll else 0.0)
    assert on.read(gradient) == ([[-1.0], [-1.0]] if is_nll else [[0.0], [0.0]])
