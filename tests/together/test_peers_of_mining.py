"""Losses of positives and negatives by label beside the functions that users have now."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch

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

    def whole(x, held):
        s = x @ x.T
        far, near = (held(jnp.maximum(w, 0)) for w in (1 + m - s, s + m))
        p = jax.nn.logsumexp(g * far * (1 - m - s), axis=1, where=same & ~itself)
        n = jax.nn.logsumexp(g * near * (s - m), axis=1, where=~same)
        return jax.nn.softplus(p + n).sum()

    def ours(x):
        return xlosses.circle_loss(x, y, gamma=g, margin=m, reduction="sum")

    x, found = jnp.asarray(UNIT), jax.grad(ours)(jnp.asarray(UNIT))
    np.testing.assert_allclose(found, jax.grad(whole)(x, jax.lax.stop_gradient), rtol=1e-4, atol=1e-4)
    assert abs(found - jax.grad(whole)(x, lambda w: w)).max() > 0.1


def dense(x, labels):
    """Products, whether each pair has one label, and whether it has two."""
    y, itself = torch.tensor(labels), torch.eye(len(x), dtype=torch.bool)
    return x @ x.T, (y[:, None] == y) & ~itself, y[:, None] != y


def batch_hard(x, labels):
    _, alike, unlike = dense(x, labels)
    distance = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")
    far = distance.masked_fill(~alike, -torch.inf).amax(1)
    near = distance.masked_fill(~unlike, torch.inf).amin(1)
    return torch.relu(far - near + 1)


def multi_similarity(x, labels):
    s, alike, unlike = dense(x, labels)
    far = (torch.exp(-2 * (s - 0.5)) * alike).sum(1)
    return torch.log1p(far) / 2 + torch.log1p((torch.exp(50 * (s - 0.5)) * unlike).sum(1)) / 50


@pytest.mark.parametrize(
    ("loss", "textbook"),
    [
        (xlosses.hard_triplet_loss, batch_hard),
        (xlosses.multi_similarity_loss, multi_similarity),
    ],
)
def test_whole_matrices(loss, textbook):
    """As papers write them, in PyTorch: no library that is installed has them."""
    x = torch.tensor(UNIT, dtype=torch.float64, requires_grad=True)
    found, wanted = loss(x, torch.tensor(Y), reduction="none"), textbook(x, Y)
    assert torch.allclose(found, wanted, rtol=1e-9, atol=0)
    gradients = (torch.autograd.grad(terms.sum(), x)[0] for terms in (found, wanted))
    assert torch.allclose(*gradients, rtol=1e-9, atol=1e-12)
