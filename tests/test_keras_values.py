"""Every loss of the Keras dialect on each framework: values and gradients that Keras gave."""

from __future__ import annotations

import json

import numpy as np
import pytest
from keras_cases import CASES, STORED
from matrix import except_on_jax

import xlosses
from xlosses import keras

WANTED = json.loads(STORED.read_text())
LABELLED = ("SparseCategoricalCrossentropy", "CategoricalGeneralizedCrossEntropy", "Circle", "CTC")


def given(on, key):
    name, options, y, x = CASES[key]
    dtype = "int32" if y.dtype == np.int64 else "float32"
    return getattr(keras, name), options, on.array(y.tolist(), dtype), on.array(x.tolist())


def close(on, found, wanted):
    np.testing.assert_allclose(on.read(found), wanted, rtol=2e-4, atol=4e-6)


def test_every_loss_is_among_them():
    classes = {name for name in keras.__all__ if name[0].isupper()} - {"Loss"}
    assert {name for name, *_ in CASES.values()} == classes
    assert list(CASES) == list(WANTED)


@pytest.mark.parametrize("key", CASES)
def test_values(on, key):
    kind, options, y, x = given(on, key)
    values, _ = WANTED[key]
    close(on, kind(**options, reduction="none")(y, x), values)
    if "ignore_class" not in options and kind is not keras.Circle:  # these leave some out of a mean
        close(on, kind(**options)(y, x), np.mean(values))


@except_on_jax
@pytest.mark.parametrize("key", [key for key in CASES if WANTED[key][1] is not None])
def test_gradients(on, key):
    kind, options, y, x = given(on, key)
    values, gradient = WANTED[key]
    loss = kind(**options, reduction="sum")
    if on.bench.differentiates:
        _, (found,) = on.bench.value_and_grad(lambda x: loss(y, x), x)
        close(on, found, gradient)
    if len(y.shape) == len(x.shape) or kind.__name__ in LABELLED:
        value, found = xlosses.value_and_grad(loss, argnums=1)(y, x)
        close(on, value, np.sum(values))
        close(on, found, gradient)


@except_on_jax
@pytest.mark.parametrize("remove_diagonal", [True, False])
def test_gradient_of_circle(on, remove_diagonal):
    """It is that of `circle_loss`, over how many have a loss; weights of samples multiply terms."""
    kind, _, y, x = given(on, next(key for key in CASES if "Circle" in key))
    weights = on.array([2.0, 1.0, 1.0, 0.5, 1.0, 3.0])
    loss = kind(gamma=8.0, remove_diagonal=remove_diagonal)
    value, gradient = xlosses.value_and_grad(lambda y, x: loss(y, x, weights), argnums=1)(y, x)
    if on.bench.differentiates:
        of_framework, (found,) = on.bench.value_and_grad(lambda x: loss(y, x, weights), x)
        close(on, of_framework, float(on.read(value)))
        close(on, found, on.read(gradient))
    if remove_diagonal:
        of_terms = xlosses.value_and_grad(xlosses.circle_loss)
        wanted, by_x = of_terms(x, y, gamma=8.0, reduction="sum", weights=weights)
        count = sum(term > 0 for term in on.read(xlosses.circle_loss(x, y, gamma=8.0, reduction="none")))
        assert count == 5
        close(on, value, on.read(wanted) / count)
        close(on, gradient, np.asarray(on.read(by_x)) / count)
    function = keras.circle(y, x, gamma=8.0, remove_diagonal=remove_diagonal)
    close(on, kind(gamma=8.0, remove_diagonal=remove_diagonal, reduction="none")(y, x), on.read(function))
    others = keras.circle(y, x, y, x + 0.0, gamma=8.0, remove_diagonal=remove_diagonal)
    close(on, others, on.read(function))


@except_on_jax
@pytest.mark.parametrize(
    ("loss", "y", "x", "wanted"),
    [
        (keras.CosineSimilarity(), [[0.6, 0.8], [1.0, 0.0]], [[0.0, 0.0], [0.0, 2.0]], [[0, 0], [-0.25, 0]]),
        (keras.CategoricalHinge(), [[0.0, 0.0, 1.0]], [[1.0, 1.0, 0.5]], [[0.5, 0.5, -1]]),
        (keras.CategoricalHinge(), [[0.0, 1.0]], [[1.0, 2.0]], [[0, 0]]),
        (keras.CategoricalGeneralizedCrossEntropy(), [0.0], [[0.0, 1.0]], [[0, 0]]),
        (keras.Dice(), [[0.0, 0.0]], [[0.0, 0.0]], [[0, 0]]),
        (keras.BinaryCrossentropy(), [[1.0, 0.0]], [[0.0, 1.0]], [[0, 0]]),
        (keras.CTC(), [[1.0, 1.0]], [[[0.0, 2.0], [1.0, 0.0]]], [[[0, 0], [0, 0]]]),
    ],
)
def test_gradient_where_keras_has_none_or_another(on, loss, y, x, wanted):
    """At kinks it is 0 or shared evenly, and where a clip acts it is 0."""
    y, x = on.array(y), on.array(x)
    _, found = xlosses.value_and_grad(loss, argnums=1)(y, x)
    close(on, found, wanted)
    if on.bench.differentiates:
        _, (found,) = on.bench.value_and_grad(lambda x: loss(y, x), x)
        close(on, found, wanted)


def test_smoothing_spreads_over_the_classes_of_the_axis(on):
    y, x = on.array([[[1.0] * 3, [0.0] * 3]]), on.array([[[0.25, 0.5, 0.75], [0.75, 0.5, 0.25]]])
    for kind in (keras.CategoricalCrossentropy, keras.CategoricalFocalCrossentropy):
        found = kind(label_smoothing=0.2, axis=1, reduction="none")(y, x)
        xp = on.bench.xp
        last = kind(label_smoothing=0.2, reduction="none")(xp.moveaxis(y, 1, -1), xp.moveaxis(x, 1, -1))
        close(on, found, on.read(last))
