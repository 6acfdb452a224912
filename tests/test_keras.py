"""The Keras dialect: its values, its shapes, its config."""

from __future__ import annotations

import math
import pickle
import re

import pytest

import xlosses
from xlosses.keras import Hinge, hinge

TRUE, PRED = [[0.0, 1.0], [0.0, 0.0]], [[0.6, 0.4], [0.4, 0.6]]


def pair(on, dtype="float32"):
    return on.array(TRUE, dtype), on.array(PRED, dtype)


def close(on, found, wanted):
    assert on.read(found) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize(
    ("reduction", "sample_weight", "wanted"),
    [
        ("sum_over_batch_size", None, 1.3),
        ("mean", None, 1.3),
        ("auto", None, 1.3),
        ("sum_over_batch_size", [1.0, 0.0], 0.55),
        ("sum", None, 2.6),
        ("none", None, [1.1, 1.5]),
        (None, None, [1.1, 1.5]),
        ("none", [2.0, 1.0], [2.2, 1.5]),
        ("mean_with_sample_weight", [1.0, 0.0], 1.1),
        ("mean_with_sample_weight", [0.0, 0.0], 0.0),
        ("sum", [[2.0], [1.0]], 3.7),
    ],
)
def test_reductions(on, reduction, sample_weight, wanted):
    weights = None if sample_weight is None else on.array(sample_weight)
    close(on, Hinge(reduction=reduction)(*pair(on), sample_weight=weights), wanted)


def test_signs_and_labels(on):
    y, x = on.array([-1.0, 1.0, 1.0]), on.array([0.6, -0.7, -0.5])
    close(on, Hinge()(y, x), 1.6)
    assert on.read(hinge(*pair(on))) == on.read(hinge(on.array([[-1.0, 1.0], [-1.0, -1.0]]), on.array(PRED)))
    mixed = on.array([[0.0, 1.0], [-1.0, 1.0]])
    wanted = [(1.0 + 0.6) / 2, (1.4 + 0.4) / 2]
    close(on, hinge(mixed, on.array(PRED)), wanted)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "bool"])
def test_integer_labels_take_the_dtype_of_the_scores(on, dtype):
    half = "float16" if "float16" in on.bench.dtypes() else "float32"
    y = on.array([[0, 1], [0, 0]], dtype)
    found = Hinge()(y, on.array(PRED, half))
    assert on.dtype_of(found) == half
    assert float(on.read(on.bench.xp.astype(found, on.array([1.0]).dtype))) == pytest.approx(1.3, rel=1e-3)


def test_lists(on):
    close(on, Hinge()(TRUE, on.array(PRED), sample_weight=[1, 0]), 0.55)
    close(on, Hinge()(on.array(TRUE), PRED), 1.3)
    if "float64" in on.bench.dtypes():
        assert on.dtype_of(Hinge()(TRUE, on.array(PRED, "float64"))) == "float64"


def test_lists_alone_are_numpy():
    found = Hinge()([-1.0, 1.0, 1.0], [0.6, -0.7, -0.5])
    assert float(found) == pytest.approx(1.6, rel=1e-6)
    assert found.dtype.name == "float32"
    assert type(found).__module__ == "numpy"


@pytest.mark.parametrize(
    ("true", "pred"), [((3, 1), (3,)), ((3,), (3, 1)), ((3, 2, 1), (3, 2)), ((3, 2), (3, 2, 1))]
)
def test_trailing_axis_of_length_one(on, true, pred):
    xp = on.bench.xp
    y = xp.reshape(on.array([1.0, -1.0, 1.0] * (math.prod(true) // 3)), true)
    x = xp.reshape(on.array([0.5, 0.25, -1.0] * (math.prod(pred) // 3)), pred)
    rows = (3, 1) if 1 in (len(true), len(pred)) else (3, 2)
    wanted = hinge(xp.reshape(y, rows), xp.reshape(x, rows))
    assert on.read(hinge(y, x)) == on.read(wanted)


def test_sample_weight_lies_along_the_first_axis(on):
    y = on.array([[[1.0, -1.0]] * 2] * 2)  # a loss of shape (2, 2)
    x = on.array([[[0.5, 0.5], [2.0, 0.0]], [[-1.0, 1.0], [0.0, 0.0]]])
    found = on.read(Hinge("none")(y, x, sample_weight=on.array([1.0, 10.0])))
    plain = on.read(Hinge("none")(y, x))
    assert found == [plain[0], [10.0 * loss for loss in plain[1]]]


@pytest.mark.parametrize("shape", [(3,), (2, 2), (2, 2, 2)])
def test_sample_weight_that_does_not_fit(on, shape):
    weights = on.bench.xp.reshape(on.array([1.0] * math.prod(shape)), shape)
    with pytest.raises(
        ValueError, match=r"^sample_weight must have the shape \(2,\) .* got " + re.escape(str(shape))
    ):
        Hinge()(*pair(on), sample_weight=weights)


def test_shapes_that_do_not_fit(on):
    with pytest.raises(
        ValueError, match=r"^y_true must have the shape \(2, 2\) to match y_pred of shape \(2, 2\)"
    ):
        Hinge()(on.array([[1.0, 1.0, 1.0]] * 2), on.array(PRED))


def test_no_arrays(on):
    with pytest.raises(TypeError, match=r"^y_true must be an array of "):
        Hinge()("labels", on.array(PRED))


def test_unknown_reduction():
    with pytest.raises(ValueError, match=r"^Invalid value for argument `reduction`"):
        Hinge(reduction="average")


def test_gradient_is_that_of_the_loss(on):
    if not on.bench.differentiates:
        return
    y, x = on.array([[-1.0, 1.0], [1.0, 1.0]]), on.array([[0.5, 1.0], [2.0, 0.0]])
    _, (found,) = on.bench.value_and_grad(lambda x: Hinge()(y, x), x)
    _, (wanted,) = on.bench.value_and_grad(lambda x: xlosses.hinge_loss(x, y, "mean"), x)
    assert on.read(found) == on.read(wanted) == [[0.25, 0.0], [0.0, -0.25]]


def test_dtype(on):
    for dtype in on.bench.dtypes():
        assert on.dtype_of(Hinge(dtype=dtype)(*pair(on))) == dtype


def test_config():
    loss = Hinge(reduction="sum", name="my hinge", dtype="float32")
    assert loss.get_config() == {"reduction": "sum", "name": "my hinge", "dtype": "float32"}
    assert Hinge.from_config(loss.get_config()) == loss
    assert Hinge.from_config({"reduction": "auto", "name": None}).reduction == "auto"
    assert pickle.loads(pickle.dumps(loss)) == loss  # noqa: S301
    assert len({loss, Hinge(reduction="sum", name="my hinge", dtype="float32"), Hinge()}) == 2
    assert Hinge() != Hinge(name="other")
    assert repr(Hinge()) == "Hinge(reduction='sum_over_batch_size', name='hinge', dtype=None)"
