"""Losses of positives and negatives by label beside the functions that users have now."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import xlosses

rng = np.random.default_rng(3)
X = rng.normal(size=(12, 5)).astype(np.float32)
UNIT = X / np.linalg.norm(X, axis=1, keepdims=True)
Y = np.asarray([0, 0, 1, 1, 1, 2, 2, 3, 0, 1, 2, 9], np.int32)


@pytest.mark.parametrize("temperature", [0.07, 0.5])
def test_nt_xent_of_optax(temperature):
    def unit(x):
        return x / jnp.linalg.norm(x, axis=1, keepdims=True)

    def ours(x):
        return xlosses.nt_xent_loss(unit(x), Y, temperature=temperature, reduction="weighted_mean")

    found, wanted = (
        jax.value_and_grad(f)(jnp.asarray(X))
        for f in (ours, lambda x: optax.losses.ntxent(x, Y, temperature))
    )
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-5)
    np.testing.assert_allclose(found[1], wanted[1], rtol=1e-4, atol=1e-5)


def test_a_batch_without_positives():
    labels = jnp.arange(12)
    assert jnp.isnan(optax.losses.ntxent(jnp.asarray(X), labels))
    assert xlosses.nt_xent_loss(jnp.asarray(X), labels, reduction="weighted_mean") == 0


@pytest.mark.parametrize("options", [{}, {"gamma": 8.0, "margin": 0.25}])
def test_circle_of_keras(options):
    import keras

    wanted = keras.losses.circle(Y, UNIT, **options).numpy()
    found = xlosses.circle_loss(UNIT, Y, reduction="none", **options)
    sides = np.asarray([1 < np.sum(y == Y) for y in Y])
    assert not sides.all()
    np.testing.assert_allclose(found[sides], wanted[sides], rtol=2e-5, atol=1e-5)
    assert (found[~sides] == 0).all()


def test_the_weights_of_circle_are_constants():
    """As in the paper; where they are not, as in Keras, the gradient is another."""
    g, m = 8.0, 0.25
    y = np.minimum(Y, 2)
    same, itself = y[:, None] == y, np.eye(12, dtype=bool)

    def dense(x, held):
        s = x @ x.T
        far, near = (held(jnp.maximum(w, 0)) for w in (1 + m - s, s + m))
        p = jax.nn.logsumexp(g * far * (1 - m - s), axis=1, where=same & ~itself)
        n = jax.nn.logsumexp(g * near * (s - m), axis=1, where=~same)
        return jax.nn.softplus(p + n).sum()

    def ours(x):
        return xlosses.circle_loss(x, y, gamma=g, margin=m, reduction="sum")

    x, found = jnp.asarray(UNIT), jax.grad(ours)(jnp.asarray(UNIT))
    np.testing.assert_allclose(found, jax.grad(dense)(x, jax.lax.stop_gradient), rtol=1e-4, atol=1e-4)
    assert abs(found - jax.grad(dense)(x, lambda w: w)).max() > 0.1
