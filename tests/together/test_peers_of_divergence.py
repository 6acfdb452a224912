"""Divergences and scores beside the functions that users have now."""

from __future__ import annotations

import os

import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
import torch.nn.functional as F  # noqa: N812  (its usual name)

import xlosses

os.environ.setdefault("KERAS_BACKEND", "torch")
rng = np.random.default_rng(2)
P, Q = (rng.dirichlet(np.ones(5), size=12) for _ in range(2))
P[0, 2] = P[3, :4] = 0.0
P /= P.sum(axis=1, keepdims=True)
LOG_Q = np.log(Q)


def test_kl_of_probabilities_of_torch():
    found = xlosses.kl_div_loss(torch.tensor(LOG_Q), torch.tensor(P), log_target=False, reduction="mean")
    assert torch.allclose(found, F.kl_div(torch.tensor(LOG_Q), torch.tensor(P), reduction="batchmean"))


def test_kl_of_torch_at_what_both_exclude():
    x, p = torch.tensor([[-torch.inf, 0.0]]), torch.tensor([[0.0, 1.0]])
    assert F.kl_div(x, p, reduction="sum").isnan()
    assert xlosses.kl_div_loss(x, p, log_target=False).tolist() == [0.0]


def test_kl_of_probabilities_of_optax():
    x, p = jnp.asarray(LOG_Q, jnp.float32), jnp.asarray(P, jnp.float32)
    found = xlosses.kl_div_loss(x, p, log_target=False)
    np.testing.assert_allclose(found, optax.losses.kl_divergence(x, p), rtol=1e-5)


def test_kl_of_keras():
    """Of two arrays of probabilities, which it clips at 1e-7."""
    import keras

    found = xlosses.kl_div_loss(torch.tensor(LOG_Q), torch.tensor(P), log_target=False)
    theirs = keras.losses.kl_divergence(torch.tensor(P), torch.tensor(Q))
    assert torch.allclose(found, theirs.double(), rtol=1e-4, atol=1e-5)
    impossible = keras.losses.kl_divergence(torch.tensor([[0.5, 0.5]]), torch.tensor([[0.0, 1.0]]))
    assert impossible.isfinite().all()
    x, p = torch.tensor([[-torch.inf, 0.0]]), torch.tensor([[0.5, 0.5]])
    assert xlosses.kl_div_loss(x, p, log_target=False).tolist() == [np.inf]


def test_generalized_kl_of_scipy():
    from scipy.special import kl_div

    amounts = 3 * P
    found = xlosses.generalized_kl_div_loss(LOG_Q, amounts, reduction="none")
    np.testing.assert_allclose(found, kl_div(amounts, Q).sum(axis=1), rtol=1e-13)


def test_generalized_kl_of_optax():
    x, p = jnp.asarray(LOG_Q, jnp.float32), jnp.asarray(3 * P, jnp.float32)
    found = xlosses.generalized_kl_div_loss(x, p, reduction="none")
    np.testing.assert_allclose(found, optax.losses.generalized_kl_divergence(x, p), rtol=1e-5)


def test_jensen_shannon_of_scipy():
    """Its distance is the root."""
    from scipy.spatial.distance import jensenshannon

    with np.errstate(divide="ignore"):
        log_p = np.log(P)
    found = xlosses.js_div_loss(LOG_Q, log_p, reduction="none")
    np.testing.assert_allclose(found, jensenshannon(Q, P, axis=1) ** 2, rtol=1e-10)


@pytest.mark.parametrize("beta", [0.1, 0.5, 0.9])
def test_jensen_shannon_as_distillation_writes_it(beta):
    """beta KL(teacher, mixture) + (1 - beta) KL(student, mixture), the mixture by a log-sum-exp."""
    student, teacher = torch.tensor(LOG_Q), torch.log_softmax(torch.tensor(LOG_Q[::-1].copy()), -1)
    parts = torch.stack([student + np.log(1 - beta), teacher + np.log(beta)])
    mixture = torch.logsumexp(parts, dim=0)
    of_teacher = F.kl_div(mixture, teacher, reduction="none", log_target=True).sum(-1)
    of_student = F.kl_div(mixture, student, reduction="none", log_target=True).sum(-1)
    found = xlosses.js_div_loss(student, teacher, beta=beta, reduction="none")
    assert torch.allclose(found, beta * of_teacher + (1 - beta) * of_student, rtol=1e-8)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_distillation_as_torch_users_write_it(temperature):
    student, teacher = torch.tensor(LOG_Q, requires_grad=True), torch.tensor(3 * LOG_Q[::-1].copy())
    found = xlosses.distillation_loss(student, teacher, temperature=temperature)
    (by_student,) = torch.autograd.grad(found, student)
    log_p = F.log_softmax(student / temperature, -1)
    log_q = F.log_softmax(teacher / temperature, -1)
    wanted = F.kl_div(log_p, log_q, reduction="batchmean", log_target=True) * temperature**2
    assert torch.allclose(found, wanted)
    assert torch.allclose(by_student, torch.autograd.grad(wanted, student)[0], atol=1e-12)


def test_brier_of_scikit_learn():
    from sklearn.metrics import brier_score_loss

    labels = rng.integers(0, 5, 12)
    yes = (labels < 2).astype(float)
    wanted = brier_score_loss(yes, Q[:, 0])
    assert xlosses.brier_loss(Q[:, 0], yes) == pytest.approx(wanted, rel=1e-14)
    one_hot = np.eye(5)[labels]
    wanted = np.mean(np.sum((Q - one_hot) ** 2, axis=1))
    assert xlosses.brier_loss(Q, labels, axis=-1) == pytest.approx(wanted, rel=1e-14)
    assert xlosses.brier_loss(Q, one_hot, axis=-1) == pytest.approx(wanted, rel=1e-14)


def test_ordinal_as_coral_writes_it():
    """-sum(log sigmoid(x) levels + (log sigmoid(x) - x) (1 - levels)), with levels extended to a mask."""
    x, y = torch.tensor(3 * LOG_Q + 6), torch.tensor(rng.integers(0, 6, 12))
    levels = (y[:, None] > torch.arange(5)).double()
    wanted = -(F.logsigmoid(x) * levels + (F.logsigmoid(x) - x) * (1 - levels)).sum(dim=1)
    assert torch.allclose(xlosses.ordinal_loss(x, y, reduction="none"), wanted, rtol=1e-10)
