"""What an author of such a library tests: each test runs on every framework that is installed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from logistic import fit, logistic_loss, predict

from xlosses.testing import Case, Term, assert_parity, parametrize_with_checks

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(40, 2)).astype(np.float32)
SIDES = np.where(FEATURES @ np.asarray([2.0, -1.0]) + 0.5 > 0, 1.0, -1.0).astype(np.float32)


def reference(logit, side):
    """Written in another way than the formula."""
    p = 1.0 / (1.0 + math.exp(-side * logit))
    return Term(-math.log(p), (-side * (1.0 - p),))


CASE = Case("logistic_loss", logistic_loss, reference, {"logits": "logit", "sides": "side"})


@parametrize_with_checks([CASE])
def test_the_loss(case, check):
    check(case)


def test_it_learns(arrays, xp):
    x, sides = arrays(FEATURES), arrays(SIDES)
    model = fit(x, sides)
    assert xp.owns(model["weights"])
    right = predict(model, x) * sides > 0
    assert sum(arrays.read(right)) >= 39
    first, second = arrays.read(model["weights"])
    assert first > 0 > second


def test_one_step_by_hand(arrays):
    """From zero the slope of every term is -side / 2."""
    x, sides = arrays([[1.0, 0.0], [0.0, 2.0]]), arrays([1.0, -1.0])
    model = fit(x, sides, steps=1, rate=1.0)
    assert arrays.read(model["weights"]) == [0.25, -0.5]
    assert arrays.read(model["bias"]) == 0.0


@pytest.mark.not_for("numpy", reason="it has no autodiff")
def test_gradient_through_the_loss(arrays):
    x, sides = arrays(FEATURES), arrays(SIDES)
    _, (by_weights,) = arrays.value_and_grad(lambda w: logistic_loss(x @ w, sides), arrays([0.0, 0.0]))
    assert arrays.read(by_weights) == pytest.approx((-0.5 * SIDES @ FEATURES / 40).tolist(), rel=1e-5)


def test_training_is_the_same_everywhere():
    assert_parity(fit, FEATURES, SIDES, steps=5, gradients=False)


def test_predictions_and_their_gradients_are_the_same_everywhere():
    model = {"weights": np.asarray([0.5, -2.0], np.float32), "bias": np.float32(0.25)}
    assert_parity(predict, model, FEATURES)
