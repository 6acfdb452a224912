"""Beside the functions that users have now: the same values, or the difference that the docs state."""

from __future__ import annotations

import os
from functools import partial

import jax.numpy as jnp
import numpy as np
import pytest
import torch

import xlosses

os.environ.setdefault("KERAS_BACKEND", "torch")
rng = np.random.default_rng(0)
X1, X2 = rng.normal(size=(2, 8, 5)).astype(np.float32)
SIDES = np.where(np.arange(8) % 3 == 0, 1.0, -1.0).astype(np.float32)
P = rng.uniform(0.02, 0.98, size=(3, 4, 6)).astype(np.float32)
T = (rng.random((3, 4, 6)) < 0.4).astype(np.float32)


@pytest.mark.parametrize("margin", [0.0, 0.25, -0.5])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_cosine_embedding_of_torch(margin, reduction):
    results = []
    for loss in (xlosses.cosine_embedding_loss, torch.nn.functional.cosine_embedding_loss):
        x1, x2 = (torch.tensor(x, requires_grad=True) for x in (X1, X2))
        value = loss(x1, x2, torch.tensor(SIDES), margin=margin, reduction=reduction)
        value.sum().backward()
        results.append((value.detach(), x1.grad, x2.grad))
    for found, wanted in zip(*results, strict=True):
        assert torch.allclose(found, wanted, rtol=1e-5, atol=1e-6)
    assert (results[0][0] > 0.1).any()


def test_cosine_embedding_of_torch_has_no_label_0():
    x1, x2, y = torch.tensor(X1[:1]), torch.tensor(X1[:1]), torch.tensor([0.0])
    assert torch.nn.functional.cosine_embedding_loss(x1, x2, y) == 0
    assert xlosses.cosine_embedding_loss(x1, x2, y) == pytest.approx(1.0)


def test_cosine_distance_of_optax():
    import optax

    found = xlosses.cosine_embedding_loss(jnp.asarray(X1), jnp.asarray(X2), 1, reduction="none")
    np.testing.assert_allclose(found, optax.losses.cosine_distance(X1, X2), rtol=1e-5)


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_pinball_of_scikit_learn(quantile):
    from sklearn.metrics import mean_pinball_loss

    x, y = X1[:, 0].astype(np.float64), X2[:, 0].astype(np.float64)
    wanted = mean_pinball_loss(y, x, alpha=quantile)
    assert xlosses.quantile_loss(x, y, quantile=quantile) == pytest.approx(wanted, rel=1e-14)


def test_pinball_of_scikit_learn_at_several_levels():
    from sklearn.metrics import mean_pinball_loss

    x, y, levels = X1.astype(np.float64), X2[:, 0].astype(np.float64), [0.05, 0.25, 0.5, 0.75, 0.95]
    wanted = np.mean([mean_pinball_loss(y, x[:, k], alpha=q) for k, q in enumerate(levels)])
    assert xlosses.quantile_loss(x, y, quantile=np.asarray(levels)) == pytest.approx(wanted, rel=1e-14)


@pytest.mark.parametrize(("alpha", "beta"), [(0.5, 0.5), (0.3, 0.7)])
def test_tversky_of_optax(alpha, beta):
    """Which it calls Dice: classes last, after a softmax, one value per sample and class."""
    import optax

    p = np.asarray(P / P.sum(axis=-1, keepdims=True))
    options = {"alpha": alpha, "beta": beta}
    wanted = optax.losses.dice_loss(jnp.log(p), T, smooth=1.5, reduction="none", **options)
    found = xlosses.tversky_loss(
        jnp.asarray(p), jnp.asarray(T), axis=1, smooth=1.5, reduction="none", **options
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_dice_of_keras():
    """Its 1e-7 is in the denominator alone, and an empty prediction of an empty target is 1."""
    import keras

    p, t = torch.tensor(P), torch.tensor(T)
    wanted = keras.losses.dice(t, p, axis=(1, 2))
    found = partial(xlosses.dice_loss, axis=(1, 2), smooth=0.0, reduction="none")
    assert torch.allclose(found(p, t), wanted, rtol=1e-5)
    assert keras.losses.dice(0 * t, 0 * p, axis=(1, 2)).tolist() == [1.0] * 3
    assert found(0 * p, 0 * t).tolist() == [0.0] * 3


def test_tversky_of_keras():
    """Its alpha weighs what is missed, its beta what is predicted in vain: the other way round."""
    import keras

    p, t = torch.tensor(P), torch.tensor(T)
    wanted = keras.losses.tversky(t, p, alpha=0.2, beta=0.8, axis=(1, 2))
    loss = partial(xlosses.tversky_loss, axis=(1, 2), smooth=0.0, reduction="none")
    assert torch.allclose(loss(p, t, alpha=0.8, beta=0.2), wanted, rtol=1e-5)
    assert not torch.allclose(loss(p, t, alpha=0.2, beta=0.8), wanted, rtol=1e-2)
