"""Sparse probabilities beside optax's."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import xlosses

rng = np.random.default_rng(3)
X = jnp.asarray([*rng.normal(size=60) * 2, 0.0, 1.0, -1.0, 1e4], jnp.float32)
SCORES = rng.normal(size=(64, 6)).astype(np.float32)
SCORES[0], SCORES[1, 2], SCORES[2] = 0.0, SCORES[1, 0], [1, 0, 0, -1, 2, 1]
LABELS = rng.integers(0, 6, 64)


@pytest.mark.parametrize("label", [0, 1])
def test_sparsemax_of_optax(label):
    y = jnp.full(X.shape, label)
    found = xlosses.sparsemax_loss(X, y, reduction="none")
    np.testing.assert_allclose(found, optax.losses.sparsemax_loss(X, y), rtol=1e-6, atol=1e-7)
    ours = jax.grad(lambda x: xlosses.sparsemax_loss(x, y, reduction="sum"))(X)
    theirs = jax.grad(lambda x: optax.losses.sparsemax_loss(x, y).sum())(X)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)


def test_sparsemax_of_optax_takes_what_is_not_0_for_1():
    x, y = jnp.asarray([0.0]), jnp.asarray([0.5])
    assert optax.losses.sparsemax_loss(x, y).tolist() == [0.25]
    assert xlosses.sparsemax_loss(x, y, reduction="none").tolist() == [0.0]


def test_multiclass_sparsemax_of_optax():
    x, labels = jnp.asarray(SCORES), jnp.asarray(LABELS)
    found = xlosses.multiclass_sparsemax_loss(x, labels, reduction="none")
    theirs = optax.losses.multiclass_sparsemax_loss(x, labels)
    np.testing.assert_allclose(found, theirs, rtol=1e-5, atol=1e-6)
    ours = jax.grad(lambda x: xlosses.multiclass_sparsemax_loss(x, labels, reduction="sum"))(x)
    theirs = jax.grad(lambda x: optax.losses.multiclass_sparsemax_loss(x, labels).sum())(x)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_multiclass_sparsemax_of_optax_close_to_certain():
    x, label = jnp.asarray([[1.0, 2.0**-20, -1.0]]), jnp.asarray([0])
    assert xlosses.multiclass_sparsemax_loss(x, label) == 2.0**-42
    assert optax.losses.multiclass_sparsemax_loss(x, label)[0] == 2.0**-41
