"""Every class of the Keras dialect beside that of Keras, on PyTorch: values, gradients, masks, configs."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import torch

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import keras_cases as cases

import xlosses.keras as ours

X, Y, P, LABELS, UNIT, OF_UNIT = map(
    torch.tensor, (cases.X, cases.Y, cases.P, cases.LABELS, cases.UNIT, cases.OF_UNIT)
)
every_case = pytest.mark.parametrize("key", cases.CASES)
REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "none", "mean_with_sample_weight")
ABSENT = {"Loss", "LossFunctionWrapper"}
LEFT_OUT = {  # by Keras, of its configs
    "Huber": {"delta"},
    "CosineSimilarity": {"axis"},
    "SparseCategoricalCrossentropy": {"axis"},
}


def tensors(key):
    name, options, *arrays = cases.CASES[key]
    return name, options, *map(torch.tensor, arrays)


def class_of_keras(name):
    from keras.src.losses import losses  # not all are exported

    return getattr(losses, name)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "none"])
@every_case
def test_values_and_gradients(key, reduction):
    name, options, y, x = tensors(key)
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


@every_case
def test_stored_values_are_those_of_keras(key):
    stored = json.loads(cases.STORED.read_text())[key]
    for found, wanted in zip(stored, cases.of_keras(*cases.CASES[key]), strict=True):
        assert (found is None) == (wanted is None)
        if wanted is not None:
            np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


@every_case
def test_functions(key):
    name, options, y, x = tensors(key)
    made = class_of_keras(name)(**options)
    theirs = made.fn
    found = getattr(ours, theirs.__name__)(y, x, **made._fn_kwargs)
    wanted = made.call(y, x)
    torch.testing.assert_close(found, wanted, rtol=2e-4, atol=2e-6)


@every_case
def test_configs_of_keras_load(key):
    name, options, *_ = cases.CASES[key]
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
