"""Margins, of one score and over classes, beside the functions that users have now."""

from __future__ import annotations

import os
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
import torch.nn.functional as F  # noqa: N812  (its usual name)

import xlosses

os.environ.setdefault("KERAS_BACKEND", "torch")
rng = np.random.default_rng(1)
X = rng.normal(size=48).astype(np.float32) * 2
SIDES = np.where(rng.random(48) < 0.5, 1.0, -1.0).astype(np.float32)
SCORES = rng.normal(size=(12, 5)).astype(np.float32) * 2
LABELS = rng.integers(0, 5, 12)
TAGS = (rng.random((12, 5)) < 0.4).astype(np.float32)
CLASS_WEIGHTS = rng.uniform(0.5, 2.0, 5).astype(np.float32)


def both(ours, theirs, *arrays, **options):
    """Value and gradient of the same call of both, in PyTorch."""
    results = []
    for loss in (ours, theirs):
        x, *rest = (torch.tensor(a) for a in arrays)
        value = loss(x.requires_grad_(), *rest, **options)
        value.sum().backward()
        results.append((value.detach(), x.grad))
    for found, wanted in zip(*results, strict=True):
        assert torch.allclose(found, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_soft_margin_of_torch(reduction):
    both(xlosses.soft_margin_loss, F.soft_margin_loss, X, SIDES, reduction=reduction)


def test_soft_margin_of_torch_overflows():
    x, y = torch.tensor([-100.0], requires_grad=True), torch.tensor([1.0])
    theirs = F.soft_margin_loss(x, y)
    assert theirs.isinf()
    assert torch.autograd.grad(theirs, x)[0].isnan()
    ours = xlosses.soft_margin_loss(x, y)
    assert ours == 100
    assert torch.autograd.grad(ours, x)[0] == -1


@pytest.mark.parametrize("margin", [1.0, 2.5])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_hinge_embedding_of_torch(margin, reduction):
    options = {"margin": margin, "reduction": reduction}
    both(xlosses.hinge_embedding_loss, F.hinge_embedding_loss, np.abs(X), SIDES, **options)


def test_hinge_embedding_of_torch_adds_both_at_a_label_of_0():
    x, y = torch.tensor([0.25]), torch.tensor([0.0])
    assert F.hinge_embedding_loss(x, y) == 1.0
    assert xlosses.hinge_embedding_loss(x, y) == 0.75


def test_margins_of_optax():
    x, y = jnp.asarray(X), jnp.asarray(SIDES)
    found = xlosses.perceptron_loss(x, y, reduction="none")
    np.testing.assert_allclose(found, optax.losses.perceptron_loss(x, y), rtol=1e-6)
    by_kink = jax.grad(lambda x: optax.losses.perceptron_loss(x, jnp.ones(())))(jnp.zeros(()))
    assert by_kink == -0.5
    assert jax.grad(lambda x: xlosses.perceptron_loss(x, 1.0))(jnp.zeros(())) == 0


def test_squared_hinge_of_keras():
    import keras

    x, y = torch.tensor(X).reshape(12, 4), torch.tensor(SIDES).reshape(12, 4)
    found = xlosses.squared_hinge_loss(x, y, reduction="none").mean(dim=1)
    assert torch.allclose(found, keras.losses.squared_hinge(y, x), rtol=1e-5)
    zero = torch.zeros_like(y)  # which it takes for -1
    assert torch.allclose(keras.losses.squared_hinge(0.5 * (y + 1), x), keras.losses.squared_hinge(y, x))
    assert (xlosses.squared_hinge_loss(x, zero, reduction="none") == 1).all()


def test_multiclass_losses_of_optax():
    x, labels = jnp.asarray(SCORES), jnp.asarray(LABELS)
    found = xlosses.multiclass_hinge_loss(x, labels, reduction="none")
    theirs = optax.losses.multiclass_hinge_loss(x, labels)
    np.testing.assert_allclose(found, theirs, rtol=1e-5, atol=1e-6)
    found = xlosses.multiclass_perceptron_loss(x, labels, reduction="none")
    theirs = optax.losses.multiclass_perceptron_loss(x, labels)
    np.testing.assert_allclose(found, theirs, rtol=1e-5, atol=1e-6)


def test_the_kink_of_a_multiclass_loss_of_optax():
    """Where the label is as good as another, it has a share of the gradient; a label of -1 is none."""
    x, label = jnp.asarray([2.0, 2.0, 0.0]), jnp.asarray(0)
    theirs = jax.grad(optax.losses.multiclass_perceptron_loss)(x, label)
    assert theirs.tolist() == [-0.5, 0.5, 0.0]
    assert jax.grad(xlosses.multiclass_perceptron_loss)(x, label).tolist() == [0.0] * 3
    assert optax.losses.multiclass_perceptron_loss(x, jnp.asarray(-1)) == 2
    assert jnp.isnan(xlosses.multiclass_perceptron_loss(x, jnp.asarray(-1)))


def test_multiclass_hinge_of_scikit_learn():
    from sklearn.metrics import hinge_loss

    x = SCORES.astype(np.float64)
    wanted = hinge_loss(LABELS, x, labels=range(5))
    assert xlosses.multiclass_hinge_loss(x, LABELS) == pytest.approx(wanted, rel=1e-14)


def test_categorical_hinge_of_keras():
    """Whose best of the others is at least 0."""
    import keras

    one_hot = np.eye(5, dtype=np.float32)[LABELS]
    positive = SCORES + 20
    found = xlosses.multiclass_hinge_loss(torch.tensor(positive), torch.tensor(LABELS), reduction="none")
    wanted = keras.losses.categorical_hinge(torch.tensor(one_hot), torch.tensor(positive))
    assert torch.allclose(found, wanted, rtol=1e-4)
    x, y = torch.tensor([[0.5, -2.0]]), torch.tensor([[1.0, 0.0]])
    assert keras.losses.categorical_hinge(y, x).tolist() == [0.5]
    assert xlosses.multiclass_hinge_loss(x, torch.tensor([0]), reduction="none").tolist() == [0.0]


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("margin", [1.0, 0.25])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_multi_margin_of_torch(p, margin, reduction):
    options = {"p": p, "margin": margin, "reduction": reduction}
    both(xlosses.multi_margin_loss, F.multi_margin_loss, SCORES, LABELS, **options)
    c = torch.tensor(CLASS_WEIGHTS)
    ours = xlosses.multi_margin_loss(torch.tensor(SCORES), torch.tensor(LABELS), class_weights=c, **options)
    theirs = F.multi_margin_loss(torch.tensor(SCORES), torch.tensor(LABELS), weight=c, **options)
    assert torch.allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_multi_margin_of_torch_at_its_kink():
    results = []
    for loss in (xlosses.multi_margin_loss, F.multi_margin_loss):
        x = torch.tensor([[2.0, 1.0, 2.5]], requires_grad=True)
        loss(x, torch.tensor([0])).backward()
        results.append(x.grad)
    assert torch.equal(*results)


def lists(tags):
    """PyTorch's: the labels of each row, and -1 up to its end."""
    found = np.full(tags.shape, -1)
    for row, mask in zip(found, tags, strict=True):
        labels = np.flatnonzero(mask)
        row[: len(labels)] = labels
    return torch.tensor(found)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_multilabel_margin_of_torch(reduction):
    tags = TAGS.copy()
    tags[0], tags[1] = 0, 1
    results = []
    for loss, y in (
        (xlosses.multilabel_margin_loss, torch.tensor(tags)),
        (partial(xlosses.multilabel_margin_loss, label_lists=True), lists(tags)),
        (F.multilabel_margin_loss, lists(tags)),
    ):
        x = torch.tensor(SCORES, requires_grad=True)
        value = loss(x, y, reduction=reduction)
        value.sum().backward()
        results.append((value.detach(), x.grad))
    for found, of_lists, wanted in zip(*results, strict=True):
        assert torch.equal(found, of_lists)
        assert torch.allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_a_label_twice_in_its_list_counts_twice_in_torch():
    x, twice, once = torch.tensor([[0.0, 2.0, 0.0]]), [[1, 1, -1]], [[1, -1, -1]]
    x[0, 0] = 1.5
    ours = [
        xlosses.multilabel_margin_loss(x, torch.tensor(y), label_lists=True).item() for y in (twice, once)
    ]
    theirs = [F.multilabel_margin_loss(x, torch.tensor(y)).item() for y in (twice, once)]
    assert ours == pytest.approx([theirs[1]] * 2)
    assert theirs[0] == pytest.approx(2 * theirs[1])


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("weighted", [False, True])
def test_multilabel_soft_margin_of_torch(reduction, weighted):
    c = torch.tensor(CLASS_WEIGHTS) if weighted else None

    def theirs(x, y, reduction):
        return F.multilabel_soft_margin_loss(x, y, weight=c, reduction=reduction)

    def ours(x, y, reduction):
        return xlosses.multilabel_soft_margin_loss(x, y, class_weights=c, reduction=reduction)

    both(ours, theirs, SCORES, TAGS, reduction=reduction)


def test_multilabel_soft_margin_of_torch_at_infinity():
    x, y = torch.tensor([[torch.inf, 0.0]]), torch.tensor([[1.0, 1.0]])
    assert F.multilabel_soft_margin_loss(x, y).isnan()
    assert xlosses.multilabel_soft_margin_loss(x, y) == pytest.approx(np.log(2) / 2)
