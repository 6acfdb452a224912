"""CTC beside PyTorch, optax and Keras: random batches of varied lengths, and where they differ."""

from __future__ import annotations

import os

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from torch.nn.functional import ctc_loss

import xlosses

os.environ.setdefault("KERAS_BACKEND", "torch")


def batch(seed, frames=14, n=8, classes=5, labels=5):
    """Logits, targets and lengths: full ones, none, and some that cannot be aligned."""
    rng = np.random.default_rng(seed)
    logits = 3.0 * rng.normal(size=(frames, n, classes))
    targets = rng.integers(1, classes, (n, labels))
    targets[0] = 2
    input_lengths, target_lengths = rng.integers(1, frames + 1, n), rng.integers(0, labels + 1, n)
    input_lengths[:5] = frames, frames, frames, 2 * labels - 2, 0
    target_lengths[:5] = labels, 0, 1, labels, 0
    targets[3] = 1  # one frame too few
    return logits, targets, input_lengths, target_lengths


def in_torch(logits, *integers):
    return torch.tensor(logits, requires_grad=True), *map(torch.tensor, integers)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("blank", [0, 4])
def test_pytorch(seed, blank):
    x, y, frames, lengths = in_torch(*batch(seed))
    y = y if blank == 0 else y - 1
    wanted = ctc_loss(x.log_softmax(-1), y, frames, lengths, blank=blank, reduction="none")
    found = xlosses.ctc_loss(x.log_softmax(-1), y, frames, lengths, blank=blank, reduction="none")
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)
    assert torch.isinf(found).any()
    options = {"blank": blank, "zero_infinity": True, "reduction": "sum"}
    wanted = ctc_loss(x.log_softmax(-1), y, frames, lengths, **options)
    found = xlosses.ctc_loss(x.log_softmax(-1), y, frames, lengths, **options)
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)
    of_wanted, of_found = (torch.autograd.grad(loss, x)[0] for loss in (wanted, found))
    torch.testing.assert_close(of_found, of_wanted, rtol=1e-10, atol=1e-12)


def test_pytorch_has_the_gradient_by_logits():
    x, y, frames, lengths = in_torch(*batch(0))
    log_p = x.detach().log_softmax(-1).requires_grad_(True)
    options = {"zero_infinity": True, "reduction": "sum"}
    (ours,) = torch.autograd.grad(xlosses.ctc_loss(log_p, y, frames, lengths, **options), log_p)
    (theirs,) = torch.autograd.grad(ctc_loss(log_p, y, frames, lengths, **options), log_p)
    alone = xlosses.ctc_loss(log_p, y, frames, lengths, reduction="none")
    there = (torch.arange(len(x))[:, None] < frames) & torch.isfinite(alone)
    torch.testing.assert_close(theirs, torch.where(there[..., None], ours + log_p.exp(), 0.0))


def test_the_means_of_pytorch():
    x, y, frames, lengths = in_torch(*batch(1))
    log_p = x.log_softmax(-1)
    options = {"zero_infinity": True}
    theirs = ctc_loss(log_p, y, frames, lengths, **options)
    terms = xlosses.ctc_loss(log_p, y, frames, lengths, reduction="none", **options)
    per_label = xlosses.ctc_loss(log_p, y, frames, lengths, weights=1 / lengths.clamp(min=1), **options)
    torch.testing.assert_close(per_label, theirs)
    torch.testing.assert_close(xlosses.ctc_loss(log_p, y, frames, lengths, **options), terms.mean())
    weighted = xlosses.ctc_loss(log_p, y, frames, lengths, reduction="weighted_mean", **options)
    torch.testing.assert_close(weighted, terms.sum() / lengths.sum())


def test_pytorch_has_nan_where_there_is_no_alignment():
    x = torch.full((2, 1, 3), -1.0, requires_grad=True)
    args = torch.tensor([[1, 1]]), torch.tensor([2]), torch.tensor([2])
    for loss, wanted in ((ctc_loss, torch.nan), (xlosses.ctc_loss, 0.0)):
        value = loss(x, *args, reduction="sum")
        assert value == torch.inf
        (gradient,) = torch.autograd.grad(value, x)
        torch.testing.assert_close(gradient, torch.full_like(x, wanted), equal_nan=True)


def paddings(frames, lengths, input_lengths, target_lengths):
    logit_paddings = np.arange(frames) >= input_lengths[:, None]
    label_paddings = np.arange(lengths) >= target_lengths[:, None]
    return logit_paddings.astype(np.float32), label_paddings.astype(np.float32)


@pytest.mark.parametrize("seed", range(3))
def test_optax(seed):
    logits, y, frames, lengths = batch(seed)
    x = jnp.asarray(logits.swapaxes(0, 1), jnp.float32)
    logit_paddings, label_paddings = paddings(len(logits), y.shape[1], frames, lengths)

    def theirs(x):
        return optax.ctc_loss(x, logit_paddings, y, label_paddings)

    def ours(x):
        options = {"axis": (1, 2), "reduction": "none"}
        return xlosses.ctc_loss(jax.nn.log_softmax(x), y, frames, lengths, **options)

    found, wanted = ours(x), theirs(x)
    possible = jnp.isfinite(found)
    assert not jnp.all(possible)
    assert jnp.all(wanted[~possible] > 9e4)
    np.testing.assert_allclose(found[possible], wanted[possible], rtol=2e-5, atol=2e-5)
    of_found, of_wanted = (
        jax.grad(lambda x, f=f: jnp.sum(jnp.where(possible, f(x), 0.0)))(x) for f in (ours, theirs)
    )
    np.testing.assert_allclose(of_found, of_wanted, atol=2e-5)


def test_keras():
    import keras

    logits, y, frames, lengths = batch(2)
    full = np.full_like(frames, len(logits))
    x = np.swapaxes(logits, 0, 1).astype(np.float32)
    y = np.where(np.arange(y.shape[1]) < lengths[:, None], y, 0)
    wanted = [float(term) for term in keras.ops.ctc_loss(*map(keras.ops.array, (y, x, lengths, full)))]
    log_p = np.asarray(jax.nn.log_softmax(x))
    found = xlosses.ctc_loss(log_p, y, full, lengths, axis=(1, 2), reduction="none")
    np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=2e-5)
