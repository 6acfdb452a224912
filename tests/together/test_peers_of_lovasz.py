"""The Lovász losses beside the definitions of their authors, which libraries have taken over."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import xlosses

rng = np.random.default_rng(4)
X, T = rng.normal(size=(5, 3, 60)), rng.integers(0, 3, size=(5, 60))
P = np.exp(X) / np.exp(X).sum(axis=1, keepdims=True)
T[0] = 1
T[1][T[1] == 2] = 0
MASKS = (T[:, None, :] == np.arange(3)[:, None]).astype(np.float64)


def lovasz_grad(sorted_targets):
    total = sorted_targets.sum()
    common, union = total - sorted_targets.cumsum(0), total + (1 - sorted_targets).cumsum(0)
    found = 1 - common / union
    found[1:] = found[1:] - found[:-1].clone()
    return found


def lovasz_hinge_flat(x, t):
    errors, order = torch.sort(1 - x * (2 * t - 1), dim=0, descending=True)
    return torch.dot(torch.relu(errors), lovasz_grad(t[order]))


def lovasz_softmax_flat(p, labels, classes):
    """Of probabilities (P, C), and "present" or "all" classes."""
    losses = []
    for c in range(p.shape[1]):
        t = (labels == c).double()
        if classes == "present" and t.sum() == 0:
            continue
        errors, order = torch.sort((t - p[:, c]).abs(), 0, descending=True)
        losses.append(torch.dot(errors, lovasz_grad(t[order])))
    return sum(losses) / len(losses)


def with_gradient(loss, x, *rest):
    x = torch.tensor(x, requires_grad=True)
    values = loss(x, *rest)
    return values.detach().numpy(), torch.autograd.grad(values.sum(), x)[0].numpy()


def found(loss, x, t, **options):
    value = loss(x, t, reduction="none", **options)
    return value, xlosses.value_and_grad(loss)(x, t, reduction="sum", **options)[1]


def same(pair, wanted):
    for a, b in zip(pair, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("k", range(3))
def test_hinge_per_image(k):
    t = torch.tensor(MASKS[:, k])
    wanted = with_gradient(
        lambda x: torch.stack([lovasz_hinge_flat(a, b) for a, b in zip(x, t, strict=True)]), X[:, k].copy()
    )
    same(found(xlosses.lovasz_hinge_loss, X[:, k], MASKS[:, k], axis=1), wanted)


@pytest.mark.parametrize("classes", ["present", "all"])
def test_softmax_per_image(classes):
    def loss(p):
        images = zip(p.transpose(1, 2), torch.tensor(T), strict=True)
        return torch.stack([lovasz_softmax_flat(a, b, classes) for a, b in images])

    options = {"axis": 2, "class_axis": 1, "absent": classes == "all"}
    same(found(xlosses.lovasz_softmax_loss, P, MASKS, **options), with_gradient(loss, P))


@pytest.mark.parametrize("classes", ["present", "all"])
def test_softmax_of_the_batch(classes):
    def loss(p):
        return lovasz_softmax_flat(p.transpose(1, 2).reshape(-1, 3), torch.tensor(T).reshape(-1), classes)

    options = {"axis": (0, 2), "class_axis": 1, "absent": classes == "all"}
    same(found(xlosses.lovasz_softmax_loss, P, MASKS, **options), with_gradient(loss, P))


def test_steps_of_many_entries():
    """The authors subtract one IoU from the next, and digits are lost in float32."""
    x = rng.normal(size=(1, 100_000)).astype(np.float32)
    t = (rng.random(x.shape) < 0.5).astype(np.float32)

    def theirs(dtype):
        def loss(x):
            return lovasz_hinge_flat(x[0], torch.tensor(t[0]).to(dtype))[None]

        return with_gradient(loss, x.astype(str(dtype).removeprefix("torch.")))[1]

    exact, ours = theirs(torch.float64), found(xlosses.lovasz_hinge_loss, x, t, axis=1)[1]
    errors = [np.abs(other - exact) / np.abs(exact).max() for other in (ours, theirs(torch.float32))]
    assert np.median(errors[0][exact != 0]) < 1e-7
    assert np.median(errors[1][exact != 0]) > 1e-4
    assert np.quantile(errors[0], 0.999) < 1e-6  # beyond it are scores that are equal


def test_an_error_of_zero_has_no_gradient_in_both():
    p, t = np.array([[1.0, 0.5, 0.0]]), np.array([[1.0, 1.0, 0.0]])
    wanted = with_gradient(lambda p: lovasz_softmax_flat(p.T, torch.tensor([0, 0, 1]), "present")[None], p)
    same(found(xlosses.lovasz_softmax_loss, p, t, axis=1), wanted)
