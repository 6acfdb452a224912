"""The Keras dialect: a base to subclass, masks, labels, losses by name, configs, errors."""

from __future__ import annotations

import copy
import json
import pickle
from types import SimpleNamespace

import numpy as np
import pytest

from xlosses import keras
from xlosses.keras import Dice, Hinge, Huber, Loss, SparseCategoricalCrossentropy, get

CLASSES = [getattr(keras, name) for name in keras.__all__ if name[0].isupper() and name != "Loss"]
Y, X = [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]], [[1.0, 1.0], [3.0, 1.0], [0.0, 5.0]]


class Cubic(Loss):
    """The mean cube of errors: 1, 4 and 32 for the arrays above."""

    def __init__(self, power=3, **options):
        super().__init__(**options)
        self.power = power

    def call(self, y_true, y_pred):
        error = y_true - y_pred
        terms = (error * error) ** (self.power / 2)
        return (terms[..., 0] + terms[..., 1]) / 2

    def get_config(self):
        return {**super().get_config(), "power": self.power}


class HalfHinge(Hinge):
    def call(self, y_true, y_pred):
        return 0.5 * super().call(y_true, y_pred)


def close(on, found, wanted):
    assert on.read(found) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize(
    ("reduction", "weights", "wanted"),
    [
        ("sum_over_batch_size", None, 37 / 3),
        ("sum_over_batch_size", [1.0, 0.5, 0.0], 1.0),
        ("mean_with_sample_weight", [1.0, 0.5, 0.0], 2.0),
        ("sum", 2.0, 74.0),
        ("none", [[2.0], [1.0], [0.0]], [2.0, 4.0, 0.0]),
    ],
)
def test_a_loss_of_ones_own(on, reduction, weights, wanted):
    weights = on.array(weights) if isinstance(weights, list) else weights
    loss = Cubic(reduction=reduction)
    close(on, loss(on.array(Y), on.array(X), sample_weight=weights), wanted)
    close(on, loss(Y, on.array(X), sample_weight=weights), wanted)
    close(on, loss(on.array([[0, 0], [1, 1], [0, 1]], "uint8"), on.array(X), sample_weight=weights), wanted)


def test_integers_do_not_wrap_in_a_loss_of_ones_own(on):
    class Opposite(Loss):
        def call(self, y_true, y_pred):
            return (0 - y_true)[..., 0] * y_pred[..., 0]

    found = Opposite(reduction="none")(on.array([[1], [2]], "uint8"), on.array([[1.0], [0.5]]))
    assert on.read(found) == [-1.0, -1.0]


def test_a_subclass_of_a_loss_has_its_own_values(on):
    close(on, HalfHinge("none")(on.array(Y), on.array(X)), [1.0, 0.0, 0.25])
    close(on, Hinge("none")(on.array(Y), on.array(X)), [2.0, 0.0, 0.5])


def test_a_base_without_values():
    with pytest.raises(NotImplementedError, match=r"^Loss must define call\(self, y_true, y_pred\)"):
        Loss()(Y, X)


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
@pytest.mark.parametrize("dtype", ["bool", "float32"])
@pytest.mark.parametrize(
    ("reduction", "weights", "wanted"),
    [
        ("mean", None, 2.5),
        ("mean", [1.0, 3.0, 9.0], 6.5),
        ("mean_with_sample_weight", [1.0, 3.0, 9.0], 3.25),
        ("sum", None, 5.0),
        ("none", [1.0, 3.0, 9.0], [1.0, 12.0, 0.0]),
    ],
)
def test_a_mask_leaves_samples_out(on, monkeypatch, reduction, weights, wanted, dtype, shape):
    """Not all arrays take an attribute, so it is found elsewhere here."""
    mask = on.bench.xp.reshape(on.array([True, True, False], dtype), shape)
    monkeypatch.setattr("xlosses.keras.base.mask_of", lambda _: mask)
    weights = None if weights is None else on.array(weights)
    x = on.array([*X[:2], [float("nan"), 0.0]])
    close(on, Cubic(reduction=reduction)(on.array(Y), x, sample_weight=weights), wanted)
    nothing = on.array([False, False, False], "bool")
    monkeypatch.setattr("xlosses.keras.base.mask_of", lambda _: nothing)
    assert np.max(np.abs(on.read(Cubic(reduction=reduction)(on.array(Y), x, sample_weight=weights)))) == 0


def test_where_a_mask_is_found(monkeypatch):
    from xlosses.keras._arrays import mask_of

    array = SimpleNamespace(_keras_mask="of the array")
    assert mask_of(array) == "of the array"
    assert mask_of(SimpleNamespace()) is None
    backend = SimpleNamespace(get_keras_mask=lambda _: "of the table")
    monkeypatch.setitem(__import__("sys").modules, "keras.src.backend", backend)
    assert mask_of(array) == "of the table"


def test_a_mask_of_elements(on, monkeypatch):
    mask = on.array([[True, False], [True, True]], "bool")
    monkeypatch.setattr("xlosses.keras.base.mask_of", lambda _: mask)
    y, x = on.array([[[0.0], [0.0]], [[0.0], [0.0]]]), on.array([[[1.0], [9.0]], [[2.0], [3.0]]])
    close(on, keras.MeanSquaredError()(y, x), (1 + 4 + 9) / 3)


def test_labels_come_as_real_numbers(on):
    p = on.array([[0.5, 0.5], [0.25, 0.75], [0.9, 0.1]])
    wanted = on.read(SparseCategoricalCrossentropy(reduction="none")(on.array([0, 1, 0], "int32"), p))
    for labels in ([0.0, 1.0, 0.0], [[0.0], [1.0], [0.0]]):
        close(on, SparseCategoricalCrossentropy(reduction="none")(on.array(labels), p), wanted)
    found = SparseCategoricalCrossentropy(ignore_class=-1)(on.array([0.0, -1.0, 0.0]), p)
    close(on, found, (wanted[0] + wanted[2]) / 2)


def test_a_label_that_is_no_class(on):
    y, p = on.array([0.0, 2.0]), on.array([[0.5, 0.5], [0.25, 0.75]])
    if on.looks:
        with pytest.raises(ValueError, match=r"^y_true must be class labels in \[0, 2\), got 2"):
            keras.sparse_categorical_crossentropy(y, p)
    else:
        assert np.isnan(on.read(keras.sparse_categorical_crossentropy(y, p))[1])


@pytest.mark.parametrize("label", [0.0, 3.0, -1.0])
def test_a_sequence_with_a_label_that_is_no_class(on, label):
    y, x = on.array([[1.0, 2.0], [label, 2.0]]), on.array([[[0.0] * 3] * 4] * 2)
    if on.looks:
        message = rf"^y_true must be labels in \[0, 3\) other than 0, the blank, got {label:.0f}"
        with pytest.raises(ValueError, match=message):
            keras.ctc(y, x)
    else:
        assert np.isnan(on.read(keras.ctc(y, x))).tolist() == [False, True]


@pytest.mark.parametrize("kind", CLASSES)
def test_configs_round_trip(kind):
    loss = kind(reduction="sum", name="mine", dtype="float32")
    changed = {
        name: not value if isinstance(value, bool) else 1 if value is None else 0.625
        for name, value in loss.get_config().items()
        if name not in ("reduction", "name", "dtype", "axis")
    }
    loss = kind(**{**loss.get_config(), **changed})
    assert loss != kind()
    written = json.loads(json.dumps(keras.serialize(loss)))
    assert set(written["config"]) == set(loss.get_config())
    for copied in (
        kind.from_config(loss.get_config()),
        keras.deserialize(written),
        get(written),
        pickle.loads(pickle.dumps(loss)),  # noqa: S301
        copy.deepcopy(loss),
    ):
        assert type(copied) is kind
        assert copied == loss
        assert hash(copied) == hash(loss)
    assert get(kind.__name__) == kind()
    assert get(kind) == kind()
    assert keras.deserialize({"class_name": kind.__name__}) == kind()


def test_names():
    assert get("mse") is get("MSE") is keras.mean_squared_error
    assert get("KLD") is keras.kl_divergence
    assert get(None) is None
    assert get(keras.dice) is keras.dice
    assert keras.deserialize("Hinge") is Hinge
    assert keras.deserialize(keras.serialize(keras.dice)) is keras.dice
    assert Cubic().name == "cubic"
    assert keras.KLDivergence().name == "kl_divergence"
    assert Huber().name == "huber_loss"


def test_a_config_of_ones_own():
    written = json.loads(json.dumps(keras.serialize(Cubic(4, name="mine"))))
    assert written["registered_name"] == "Cubic"
    with pytest.raises(ValueError, match=r"'Cubic' is no loss of xlosses.keras; .* by custom_objects"):
        keras.deserialize(written)
    found = keras.deserialize(written, custom_objects={"Cubic": Cubic})
    assert found == Cubic(4, name="mine")
    assert found != Cubic(5, name="mine")
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301


def test_a_tuple_as_keras_writes_it():
    axis = {"class_name": "__tuple__", "value": [1, 2]}
    assert Dice.from_config({"axis": axis}) == Dice(axis=(1, 2)) == Dice(axis=[1, 2])
    assert Dice(axis=(1, 2)).get_config()["axis"] == [1, 2]


def test_dtypes(on):
    policy = SimpleNamespace(compute_dtype="float32")
    assert Hinge(dtype=policy).get_config()["dtype"] == "float32"
    own = on.array([1.0]).dtype
    assert Hinge(dtype=own).get_config()["dtype"] == "float32"
    assert on.dtype_of(Hinge(dtype=own)(on.array(Y), on.array(X))) == "float32"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: get("nonsense"), ValueError, "^Could not interpret loss identifier: 'nonsense'"),
        (lambda: get(3), ValueError, "^Could not interpret loss identifier: 3; give a name"),
        (lambda: keras.deserialize({"config": {}}), TypeError, "^name must be a string or a config"),
        (lambda: keras.serialize(3), TypeError, "^loss must be an instance of a loss or a function, got 3"),
        (lambda: Huber(0.0), ValueError, "^delta must be a number > 0, got 0.0"),
        (lambda: keras.BinaryCrossentropy(label_smoothing=1.0), ValueError, "^label_smoothing must be"),
        (
            lambda: keras.CategoricalGeneralizedCrossEntropy(1.0),
            ValueError,
            r"^q must be a number in \(0, 1\)",
        ),
        (
            lambda: Dice()(Y, X, [1.0, 1.0, 1.0]),
            ValueError,
            r"^sample_weight of shape \(3,\) needs a loss of",
        ),
        (lambda: keras.CategoricalCrossentropy(axis=2)(Y, X), ValueError, "^axis=2 is out of range"),
        (
            lambda: keras.circle([1, 2, 3], X, None, X),
            ValueError,
            "^ref_embeddings need ref_labels, got None",
        ),
        (
            lambda: keras.ctc(Y[0], [X]),
            ValueError,
            r"^y_true must have a shape \(batch, labels\), got \(2,",
        ),
        (
            lambda: keras.ctc(Y, X),
            ValueError,
            r"^y_pred must have a shape \(batch, frames, classes\), got",
        ),
        (lambda: Hinge("average"), ValueError, "^Invalid value for argument `reduction`.*average"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
