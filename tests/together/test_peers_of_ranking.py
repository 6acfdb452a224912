"""Losses over lists and directions beside the functions that users have now."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from scipy.spatial.distance import cosine

import xlosses

rng = np.random.default_rng(1)
SCORES = rng.normal(size=(12, 7)).astype(np.float32) * 2
RELEVANCES = rng.integers(0, 3, (12, 7)).astype(np.float32)
KEPT = rng.random((12, 7)) < 0.7
X1, X2 = rng.normal(size=(2, 12, 5)).astype(np.float32)


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_ranking_softmax_of_optax(ragged, reduction):
    reduce_fn = {"none": None, "mean": jnp.mean, "sum": jnp.sum}[reduction]
    s, y, kept = jnp.asarray(SCORES), jnp.asarray(RELEVANCES), jnp.asarray(KEPT) if ragged else None

    def ours(s):
        return xlosses.ranking_softmax_loss(s, y, kept=kept, reduction=reduction)

    def theirs(s):
        return optax.losses.ranking_softmax_loss(s, y, where=kept, reduce_fn=reduce_fn)

    np.testing.assert_allclose(ours(s), theirs(s), rtol=1e-5, atol=1e-6)
    gradients = [jax.grad(lambda s, f=f: f(s).sum())(s) for f in (ours, theirs)]
    np.testing.assert_allclose(*gradients, rtol=1e-4, atol=1e-6)


def test_a_list_of_nothing_counts_in_a_mean():
    """That of optax leaves it out."""
    s, y = jnp.zeros((2, 2)), jnp.asarray([[1.0, 0.0]] * 2)
    kept = jnp.asarray([[True, True], [False, False]])
    theirs = optax.losses.ranking_softmax_loss(s, y, where=kept)
    assert theirs == pytest.approx(np.log(2))
    ours, by_s = jax.value_and_grad(lambda s: xlosses.ranking_softmax_loss(s, y, kept=kept))(s)
    assert ours == pytest.approx(np.log(2) / 2)
    assert by_s[1].tolist() == [0.0, 0.0]
    ours = xlosses.ranking_softmax_loss(s, y, kept=kept, where=kept.any(axis=1))
    assert ours == pytest.approx(np.log(2))


@pytest.mark.parametrize("reduction", ["none", "weighted_mean", "sum"])
def test_pairs_one_by_one(reduction):
    """As rax reduces them: by sum, and by the mean over all pairs."""
    s, y = torch.tensor(SCORES, requires_grad=True), torch.tensor(RELEVANCES)
    ahead = y[:, :, None] > y[:, None, :]
    terms = torch.nn.functional.softplus(s[:, None, :] - s[:, :, None]) * ahead
    wanted = {"none": terms.sum((1, 2)), "sum": terms.sum(), "weighted_mean": terms.sum() / ahead.sum()}
    found = xlosses.pairwise_logistic_loss(s, y, reduction=reduction)
    assert torch.allclose(found, wanted[reduction], rtol=1e-5)
    gradients = [torch.autograd.grad(x.sum(), s)[0] for x in (found, wanted[reduction])]
    assert torch.allclose(*gradients, rtol=1e-4, atol=1e-6)


def test_cosine_distance_of_optax_and_scipy():
    found = xlosses.cosine_distance_loss(jnp.asarray(X1), jnp.asarray(X2), reduction="none")
    np.testing.assert_allclose(found, optax.losses.cosine_distance(X1, X2), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found, [cosine(a, b) for a, b in zip(X1, X2, strict=True)], rtol=1e-5)


def test_close_directions_in_optax():
    x1, x2 = jnp.asarray([[1.0, 0.0]]), jnp.asarray([[1.0, 2.0**-13]])
    assert optax.losses.cosine_distance(x1, x2) == 0
    assert xlosses.cosine_distance_loss(x1, x2) == pytest.approx(2.0**-27, rel=1e-4)
