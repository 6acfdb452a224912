"""InfoNCE of given negatives beside the cross entropies that papers and libraries write it as."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from torch.nn import functional

import xlosses

rng = np.random.default_rng(5)
Q, K = rng.normal(size=(2, 8, 5))
SHARED, OWN = rng.normal(size=(6, 5)), rng.normal(size=(8, 6, 5))
SHARED[0], OWN[0, 0], OWN[1] = K[0], K[0], K[1]


def in_torch(q, k, n, t):
    """The own key first, as He et al. 2020 (MoCo) have it, and the library info-nce-pytorch."""
    scores = q @ n.T if n.ndim == 2 else (n @ q[:, :, None])[:, :, 0]
    logits = torch.cat([(q * k).sum(1, keepdim=True), scores], dim=1) / t
    return functional.cross_entropy(logits, torch.zeros(len(q), dtype=torch.long), reduction="none")


@pytest.mark.parametrize("negatives", [SHARED, OWN], ids=["shared", "own"])
@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_torch(negatives, temperature):
    results = []
    for loss in (
        lambda q, k, n, t: xlosses.info_nce_loss(q, k, negatives=n, temperature=t, reduction="none"),
        in_torch,
    ):
        leaves = [torch.tensor(x, requires_grad=True) for x in (Q, K, negatives, temperature)]
        terms = loss(*leaves)
        results.append([terms.detach(), *torch.autograd.grad(terms.sum(), leaves)])
    for found, wanted in zip(*results, strict=True):
        assert torch.allclose(found, wanted.to(found.dtype), rtol=1e-6, atol=1e-9)


def test_optax():
    q, k, n = (jnp.asarray(x, jnp.float32) for x in (Q, K, SHARED))

    def wanted(q, k, n):
        logits = jnp.concatenate([(q * k).sum(1, keepdims=True), q @ n.T], axis=1) / 0.5
        return optax.losses.softmax_cross_entropy_with_integer_labels(logits, jnp.zeros(8, int)).mean()

    def ours(q, k, n):
        return xlosses.info_nce_loss(q, k, negatives=n, temperature=0.5)

    found, exact = (jax.value_and_grad(f, (0, 1, 2))(q, k, n) for f in (ours, wanted))
    np.testing.assert_allclose(found[0], exact[0], rtol=1e-6)
    for a, b in zip(found[1], exact[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_the_keys_of_the_others_are_negatives_as_well():
    """The loss of the batch is that of each query with the others' keys."""
    others = np.stack([np.delete(K, i, axis=0) for i in range(8)])
    found = xlosses.info_nce_loss(Q, K, negatives=others, temperature=0.7, reduction="none")
    wanted = xlosses.info_nce_loss(Q, K, temperature=0.7, reduction="none")
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_a_loss_that_is_nearly_0_keeps_its_digits():
    """Which a cross entropy in float32 does not."""
    q, k, n = (torch.tensor([[x]]) for x in (30.0, 1.0, -1.0))
    assert in_torch(q, k, n, 1.0) == 0
    assert xlosses.info_nce_loss(q, k, negatives=n, temperature=1.0) == pytest.approx(np.exp(-60.0), rel=1e-5)
