"""Focal losses and margins beside those that users have now: the same values, or a stated difference."""

from __future__ import annotations

import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import xlosses

os.environ.setdefault("KERAS_BACKEND", "torch")
rng = np.random.default_rng(1)
X = rng.normal(size=(64,)).astype(np.float32) * 4
Y = np.asarray([0.0, 1.0, *rng.random(62)], np.float32)
LOGITS = rng.normal(size=(16, 5)).astype(np.float32) * 3
LABELS = rng.integers(0, 5, 16)
ONE_HOT = np.eye(5, dtype=np.float32)[LABELS]


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("pos_weight", [0.0, 0.5, 7.0])
def test_weight_of_yes_of_torch(reduction, pos_weight):
    results = []
    functions = (xlosses.binary_cross_entropy, torch.nn.functional.binary_cross_entropy_with_logits)
    for loss, weight in zip(functions, (pos_weight, torch.tensor(pos_weight)), strict=True):
        x = torch.tensor(X, requires_grad=True)
        value = loss(x, torch.tensor(Y), pos_weight=weight, reduction=reduction)
        value.sum().backward()
        results.append((value.detach(), x.grad))
    for found, wanted in zip(*results, strict=True):
        assert torch.allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_weights_of_classes_of_torch_are_broadcast_first():
    x, y, c = (torch.tensor(a) for a in (LOGITS, ONE_HOT, [0.5, 1.0, 2.0, 3.0, 0.0]))
    wanted = torch.nn.functional.binary_cross_entropy_with_logits(x, y, pos_weight=c)
    assert torch.allclose(xlosses.binary_cross_entropy(x, y, pos_weight=c.expand(x.shape)), wanted, rtol=1e-5)
    with pytest.raises(ValueError, match="pos_weight must have the shape"):
        xlosses.binary_cross_entropy(x, y, pos_weight=c)


@pytest.mark.parametrize("with_logits", [True, False])
def test_smoothing_of_keras(with_logits):
    import keras

    x, y = torch.tensor(X if with_logits else 1 / (1 + np.exp(-X))), torch.tensor(Y)
    wanted = keras.losses.binary_crossentropy(y, x, from_logits=with_logits, label_smoothing=0.2)
    found = xlosses.binary_cross_entropy(x, y, with_logits=with_logits, label_smoothing=0.2)
    assert torch.allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize("alpha", [None, 0.25])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 3.0])
def test_sigmoid_focal_of_optax(alpha, gamma):
    import optax

    x, y = jnp.asarray(X), jnp.asarray(Y)
    options = {"alpha": alpha, "gamma": gamma}
    wanted = optax.losses.sigmoid_focal_loss(x, y, **options)
    found = xlosses.sigmoid_focal_loss(x, y, reduction="none", **options)
    np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=1e-7)
    by_x = jax.grad(lambda x: optax.losses.sigmoid_focal_loss(x[2:], y[2:], **options).sum())(x)
    slope = jax.grad(lambda x: xlosses.sigmoid_focal_loss(x[2:], y[2:], reduction="sum", **options))(x)
    np.testing.assert_allclose(slope, by_x, rtol=1e-4, atol=1e-6)


def test_sigmoid_focal_of_keras():
    """Which balances only if told to, and is off where its clip of 1e-7 acts."""
    import keras

    x, y = torch.tensor(X), torch.tensor(Y)
    loss = keras.losses.binary_focal_crossentropy
    wanted = loss(y, x, from_logits=True, gamma=1.5)
    assert torch.allclose(xlosses.sigmoid_focal_loss(x, y, gamma=1.5), wanted, rtol=1e-4)
    wanted = loss(y, x, from_logits=True, apply_class_balancing=True, alpha=0.75)
    assert torch.allclose(xlosses.sigmoid_focal_loss(x, y, alpha=0.75), wanted, rtol=1e-4)
    far, no = torch.tensor([30.0], requires_grad=True), torch.tensor([0.0])
    saturated = loss(no, far, from_logits=True)
    assert saturated.item() == pytest.approx(16.118, abs=0.2)
    (by_far,) = torch.autograd.grad(saturated, far)
    assert by_far.item() == 0.0
    ours = xlosses.sigmoid_focal_loss(far, no)
    assert ours.item() == pytest.approx(30.0)
    assert torch.autograd.grad(ours, far)[0].item() == pytest.approx(1.0)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_softmax_focal_of_keras(smoothing):
    """Which multiplies by 0.25 unless told otherwise."""
    import keras

    x, y = torch.tensor(LOGITS), torch.tensor(ONE_HOT)
    loss = keras.losses.categorical_focal_crossentropy
    wanted = loss(y, x, from_logits=True, gamma=1.5, label_smoothing=smoothing)
    for targets in (y, torch.tensor(LABELS)):
        found = xlosses.softmax_focal_loss(
            x, targets, alpha=0.25, gamma=1.5, label_smoothing=smoothing, reduction="none"
        )
        assert torch.allclose(found, wanted, rtol=1e-4, atol=1e-6)
    far = torch.tensor([[40.0, 0.0]])
    assert float(loss(torch.tensor([[0.0, 1.0]]), far, alpha=1.0, from_logits=True)) == pytest.approx(
        16.118, abs=1e-3
    )
    assert float(xlosses.softmax_focal_loss(far, torch.tensor([1]))) == pytest.approx(40.0)


@pytest.mark.parametrize("epsilon", [-1.0, 0.0, 2.0])
def test_poly_of_optax(epsilon):
    import optax

    x = jnp.asarray(LOGITS)
    t = jnp.asarray(np.exp(LOGITS[::-1]) / np.exp(LOGITS[::-1]).sum(axis=1, keepdims=True))
    wanted = optax.losses.poly_loss_cross_entropy(x, t, epsilon=epsilon)
    found = xlosses.poly_cross_entropy(x, t, epsilon=epsilon, reduction="none")
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    wanted = optax.losses.poly_loss_cross_entropy(x, jnp.asarray(ONE_HOT), epsilon=epsilon)
    found = xlosses.poly_cross_entropy(x, jnp.asarray(LABELS), epsilon=epsilon, reduction="none")
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("q", [0.1, 0.7])
def test_generalized_cross_entropy_of_keras(q):
    """Of probabilities; there the gradient at 0 is infinite."""
    import keras

    x, labels = torch.tensor(LOGITS), torch.tensor(LABELS)
    loss = keras.losses.categorical_generalized_cross_entropy
    wanted = loss(labels, torch.softmax(x, dim=1), q)
    found = xlosses.generalized_cross_entropy(x, labels, q=q, reduction="none")
    assert torch.allclose(found, wanted, rtol=1e-4, atol=1e-6)
    p = torch.tensor([[0.0, 1.0]], requires_grad=True)
    (by_p,) = torch.autograd.grad(loss(torch.tensor([0]), p, q).sum(), p)
    assert by_p[0, 0] == -torch.inf
    x = torch.tensor([[-torch.inf, 0.0]], requires_grad=True)
    (by_x,) = torch.autograd.grad(xlosses.generalized_cross_entropy(x, torch.tensor([0]), q=q), x)
    assert by_x.tolist() == [[0.0, 0.0]]


def test_smooth_labels_of_optax():
    import optax

    t = jnp.asarray(ONE_HOT)
    np.testing.assert_allclose(xlosses.smooth_labels(t, 0.3), optax.losses.smooth_labels(t, 0.3), rtol=1e-6)


def metric_learning(cosines, labels, margin, scale, angular):
    """As pytorch-metric-learning defines both, which clips cosines 1e-7 before the ends."""
    at = cosines[torch.arange(len(labels)), labels]
    if angular:
        angle = torch.acos(at.clamp(-1 + 1e-7, 1 - 1e-7))
        moved = torch.where(
            angle <= torch.pi - margin, torch.cos(angle + margin), at - margin * np.sin(margin)
        )
    else:
        moved = at - margin
    logits = cosines.clone()
    logits[torch.arange(len(labels)), labels] = moved
    return torch.nn.functional.cross_entropy(scale * logits, labels, reduction="none")


@pytest.mark.parametrize(("margin", "scale"), [(0.5, 64.0), (1.2, 4.0)])
@pytest.mark.parametrize("angular", [True, False])
def test_margins_of_metric_learning(margin, scale, angular):
    loss = xlosses.arcface_loss if angular else xlosses.cosface_loss
    x, labels = torch.tensor(np.tanh(LOGITS / 3)).double(), torch.tensor(LABELS)
    a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
    wanted = metric_learning(a, labels, margin, scale, angular)
    found = loss(b, labels, margin=margin, scale=scale, reduction="none")
    assert torch.allclose(found, wanted, rtol=1e-9)
    assert torch.allclose(
        torch.autograd.grad(found.sum(), b)[0], torch.autograd.grad(wanted.sum(), a)[0], rtol=1e-7, atol=1e-12
    )
