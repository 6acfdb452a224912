"""Every class of the Keras dialect beside that of Keras, on PyTorch: values, gradients, masks, configs."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import torch

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras

import xlosses.keras as ours

rng = np.random.default_rng(7)


def some(*shape, low=-2.0, high=2.0):
    return torch.tensor(rng.uniform(low, high, shape), dtype=torch.float32)


def shares(*shape):
    p = some(*shape, low=0.05, high=1.0)
    return p / p.sum(-1, keepdim=True)


def one_hot(n, classes):
    return torch.nn.functional.one_hot(torch.arange(n) * 7 % classes, classes).float()


def signs(*shape):
    return torch.sign(some(*shape))


X, Y = some(4, 5), some(4, 5)
YES, P = (some(4, 5) > 0).float(), some(4, 5, low=0.0, high=1.0)
EDGES = torch.tensor([[0.0, 1.0, 1e-9, 0.5, 1.0 - 1e-7]] * 4)
CLASSES, SOFT, Q = one_hot(4, 5), shares(4, 5), shares(4, 5)
LABELS = torch.tensor([0, 4, 2, 2])
UNIT = torch.nn.functional.normalize(some(6, 3), dim=1)
OF_UNIT = torch.tensor([0, 0, 1, 1, 1, 2])
FAR = torch.tensor([[40.0, -40.0, 0.0, 3.0, -3.0]] * 4)
IMAGES, MASKS = some(2, 3, 4, 2, low=0.0, high=1.0), (some(2, 3, 4, 2) > 0).float()
AXES = (1, 2)

TABLE = [
    ("MeanSquaredError", {}, Y, X),
    ("MeanSquaredError", {}, Y[:, :1], X[:, 0]),
    ("MeanAbsoluteError", {}, Y, X),
    ("MeanAbsolutePercentageError", {}, Y, X),
    ("MeanSquaredLogarithmicError", {}, Y, X),
    ("MeanSquaredLogarithmicError", {}, Y.abs(), X.abs()),
    ("LogCosh", {}, Y, X),
    ("Huber", {}, Y, X),
    ("Huber", {"delta": 0.4}, Y, X),
    ("CosineSimilarity", {}, Y, X),
    ("CosineSimilarity", {"axis": 0}, Y, X),
    ("CosineSimilarity", {}, Y, 1e-9 * X),
    ("Hinge", {}, signs(4, 5), X),
    ("Hinge", {}, YES, X),
    ("SquaredHinge", {}, signs(4, 5), X),
    ("SquaredHinge", {}, YES, X),
    ("CategoricalHinge", {}, CLASSES, X),
    ("CategoricalHinge", {}, CLASSES, -X.abs()),
    ("KLDivergence", {}, SOFT, Q),
    ("KLDivergence", {}, CLASSES, EDGES),
    ("Poisson", {}, torch.round(Y.abs()), X.abs()),
    ("BinaryCrossentropy", {}, YES, P),
    ("BinaryCrossentropy", {}, YES, EDGES),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, YES, P),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, YES, FAR),
    ("BinaryCrossentropy", {"axis": 1}, MASKS, IMAGES),
    ("BinaryFocalCrossentropy", {}, YES, P),
    ("BinaryFocalCrossentropy", {"gamma": 1.5, "label_smoothing": 0.1}, YES, EDGES),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "alpha": 0.7}, YES, P),
    ("BinaryFocalCrossentropy", {"from_logits": True}, YES, FAR),
    ("CategoricalCrossentropy", {}, CLASSES, P),
    ("CategoricalCrossentropy", {"label_smoothing": 0.2}, CLASSES, EDGES),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, SOFT, FAR),
    ("CategoricalCrossentropy", {"axis": 1}, MASKS, IMAGES),
    ("CategoricalFocalCrossentropy", {}, CLASSES, P),
    ("CategoricalFocalCrossentropy", {"alpha": 0.7, "gamma": 1.5, "label_smoothing": 0.1}, CLASSES, EDGES),
    ("CategoricalFocalCrossentropy", {"from_logits": True}, SOFT, FAR),
    ("SparseCategoricalCrossentropy", {}, LABELS, P),
    ("SparseCategoricalCrossentropy", {}, LABELS[:, None].float(), EDGES),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, LABELS.float(), FAR),
    ("SparseCategoricalCrossentropy", {"ignore_class": 2}, LABELS, P),
    (
        "SparseCategoricalCrossentropy",
        {"ignore_class": -1, "from_logits": True},
        LABELS - (LABELS == 2) * 3,
        X,
    ),
    ("SparseCategoricalCrossentropy", {"axis": 1}, (MASKS[:, 0] > 0).long(), IMAGES),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.3}, LABELS, Q),
    ("Dice", {}, YES, P),
    ("Dice", {"axis": AXES}, MASKS, IMAGES),
    ("Dice", {"axis": -1}, 0 * YES, 0 * P),
    ("Tversky", {"alpha": 0.3, "beta": 0.7, "axis": AXES}, MASKS, IMAGES),
    ("Tversky", {"alpha": 0.3, "beta": 0.7, "axis": -1}, 0 * YES, 0 * P),
    ("Circle", {}, OF_UNIT, UNIT),
    ("Circle", {"gamma": 8.0, "margin": 0.25, "remove_diagonal": False}, OF_UNIT[:, None].float(), UNIT),
]
REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "none", "mean_with_sample_weight")
ABSENT = {"CTC", "ctc", "Loss", "LossFunctionWrapper"}
LEFT_OUT = {  # by Keras, of its configs
    "Huber": {"delta"},
    "CosineSimilarity": {"axis"},
    "SparseCategoricalCrossentropy": {"axis"},
}


def class_of_keras(name):
    from keras.src.losses import losses  # not all are exported

    return getattr(losses, name)


def ids(row):
    return f"{row[0]} {row[1]}"


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "none"])
@pytest.mark.parametrize("row", TABLE, ids=ids)
def test_values_and_gradients(row, reduction):
    name, options, y, x = row
    found, wanted = [], []
    for module, results in ((ours, found), (None, wanted)):
        kind = getattr(ours, name) if module else class_of_keras(name)
        loss = kind(**options, reduction=reduction)
        for weighted in (False, True):
            leaf = x.clone().requires_grad_()
            values = kind(**options, reduction="none")(y, leaf)
            if weighted and not values.ndim:
                continue
            weights = torch.linspace(0.0, 2.0, values.numel()).reshape(values.shape) if weighted else None
            value = loss(y, leaf, sample_weight=weights)
            value.sum().backward()
            results += [value.detach(), leaf.grad]
    for k, (a, b) in enumerate(zip(found, wanted, strict=True)):
        if k % 2 and (
            name == "Circle" or not torch.isfinite(b).all()
        ):  # Keras differentiates by the weights, too
            continue
        torch.testing.assert_close(a, b, rtol=2e-4, atol=2e-6)


@pytest.mark.parametrize("row", TABLE, ids=ids)
def test_functions(row):
    name, options, y, x = row
    made = class_of_keras(name)(**options)
    theirs = made.fn
    found = getattr(ours, theirs.__name__)(y, x, **made._fn_kwargs)
    wanted = made.call(y, x)
    torch.testing.assert_close(found, wanted, rtol=2e-4, atol=2e-6)


@pytest.mark.parametrize("row", TABLE, ids=ids)
def test_configs_of_keras_load(row):
    name, options, *_ = row
    theirs = class_of_keras(name)(**options, reduction="sum", name="mine")
    written = json.loads(json.dumps(keras.losses.serialize(theirs)))
    left_out = LEFT_OUT.get(name, set())
    wanted = getattr(ours, name)(
        **{k: v for k, v in options.items() if k not in left_out}, reduction="sum", name="mine"
    )
    assert ours.deserialize(written) == wanted
    own = json.loads(json.dumps(ours.serialize(wanted)))
    assert ours.deserialize(own) == ours.get(own) == wanted
    assert keras.losses.deserialize(own) == wanted


def test_names_are_those_of_keras():
    from keras.src.losses import ALL_OBJECTS_DICT

    assert {"mse", "bce", "KLD"} < set(ALL_OBJECTS_DICT)
    for name, theirs in ALL_OBJECTS_DICT.items():
        if name not in ABSENT:
            found = ours.get(name)
            assert getattr(found, "__name__", type(found).__name__) == theirs.__name__


def test_functions_are_written_by_name():
    for name in ("mse", "huber"):
        function = ours.get(name)
        written = json.loads(json.dumps(ours.serialize(function)))
        assert ours.deserialize(written) is function
        assert keras.losses.deserialize(written) is function
        assert ours.deserialize(keras.losses.serialize(keras.losses.get(name))) is function
        assert ours.deserialize(keras.losses.serialize(function)) is function


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["MeanSquaredError", "SparseCategoricalCrossentropy", "Circle"])
def test_the_mask_of_a_layer(name, reduction, weighted):
    y, x = {"MeanSquaredError": (Y, X), "SparseCategoricalCrossentropy": (LABELS, P)}.get(
        name, (OF_UNIT, UNIT)
    )
    options = {"ignore_class": 4} if name.startswith("Sparse") else {}
    x = x.clone()
    x._keras_mask = torch.arange(len(x)) != 2
    weights = torch.linspace(0.5, 2.0, len(x)) if weighted else None
    found, wanted = (
        kind(**options, reduction=reduction)(y, x, sample_weight=weights)
        for kind in (getattr(ours, name), class_of_keras(name))
    )
    torch.testing.assert_close(found, wanted, rtol=2e-4, atol=2e-6)
    x._keras_mask = torch.zeros(len(x), dtype=torch.bool)
    assert (getattr(ours, name)(**options, reduction=reduction)(y, x, sample_weight=weights) == 0).all()
