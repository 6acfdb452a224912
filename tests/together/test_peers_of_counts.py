"""Likelihoods and deviances beside PyTorch, scikit-learn, SciPy and Keras."""

from __future__ import annotations

import os

import numpy as np
import pytest
import scipy.stats
import torch
import torch.nn.functional as F  # noqa: N812  (its usual name)

import xlosses

os.environ.setdefault("KERAS_BACKEND", "torch")
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(2, 60))
SCALES = np.exp(rng.normal(size=60))
MEANS = np.exp(rng.normal(0.5, 1.0, size=60))
COUNTS = rng.poisson(3.0, size=60).astype(np.float64)
AMOUNTS = np.exp(rng.normal(0.5, 1.0, size=60))


@pytest.mark.parametrize("log_input", [True, False])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_poisson_of_torch(log_input, reduction):
    inputs = X if log_input else MEANS
    results = []
    for loss in (xlosses.poisson_nll_loss, F.poisson_nll_loss):
        x = torch.tensor(inputs, requires_grad=True)
        value = loss(x, torch.tensor(COUNTS), log_input=log_input, reduction=reduction)
        value.sum().backward()
        results.append((value.detach(), x.grad))
    for found, wanted in zip(*results, strict=True):
        assert torch.allclose(found, wanted, rtol=1e-12, atol=1e-12)


def test_log_factorials_of_torch():
    """Which takes Stirling's formula from t = 1 on, and 0 up to there."""
    t = torch.tensor([0.0, 1.0, 2.0, 0.5, 40.0], dtype=torch.float64)
    x = torch.zeros_like(t)
    exact = 1 + torch.lgamma(t + 1)
    ours = xlosses.poisson_nll_loss(x, t, full=True, reduction="none")
    theirs = F.poisson_nll_loss(x, t, full=True, reduction="none")
    assert torch.allclose(ours, exact, rtol=1e-14)
    assert [round(float(v), 4) for v in theirs[[2, 3]]] == [1.6518, 1.0]
    assert [round(float(v), 4) for v in ours[[2, 3]]] == [1.6931, 0.8792]
    assert theirs[4] == pytest.approx(float(exact[4]), rel=1e-4)


def test_poisson_of_keras():
    """Which adds 1e-7 inside the logarithm."""
    import keras

    wanted = keras.losses.poisson(torch.tensor(COUNTS)[:, None], torch.tensor(MEANS)[:, None]).numpy()
    found = xlosses.poisson_nll_loss(MEANS, COUNTS, log_input=False, eps=1e-7, reduction="none")
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_poisson_of_scipy():
    found = xlosses.poisson_nll_loss(np.log(MEANS), COUNTS, full=True, reduction="none")
    np.testing.assert_allclose(found, -scipy.stats.poisson.logpmf(COUNTS, MEANS), rtol=1e-12)


def test_negative_binomial_of_scipy():
    theta = np.exp(rng.normal(1.0, 1.5, size=60))
    found = xlosses.negative_binomial_nll_loss(MEANS, COUNTS, theta, eps=1e-300, reduction="none")
    wanted = -scipy.stats.nbinom.logpmf(COUNTS, theta, theta / (theta + MEANS))
    np.testing.assert_allclose(found, wanted, rtol=1e-11)


def test_negative_binomial_of_torch():
    theta = torch.tensor(SCALES, requires_grad=True)
    mean = torch.tensor(MEANS, requires_grad=True)
    wanted = -torch.distributions.NegativeBinomial(theta, probs=mean / (mean + theta)).log_prob(
        torch.tensor(COUNTS)
    )
    by_torch = torch.autograd.grad(wanted.sum(), (mean, theta))
    found = xlosses.negative_binomial_nll_loss(
        mean, torch.tensor(COUNTS), theta, eps=1e-300, reduction="none"
    )
    assert torch.allclose(found, wanted, rtol=1e-11)
    for ours, theirs in zip(torch.autograd.grad(found.sum(), (mean, theta)), by_torch, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-11)


def test_negative_binomials_in_float32_where_log_gammas_cancel():
    """What scvi-tools and PyTorch compute by three log gammas."""
    mean, count, theta = (torch.tensor([v]) for v in (3.0, 2.0, 1e7))
    exact = -scipy.stats.poisson.logpmf(2.0, 3.0)
    found = xlosses.negative_binomial_nll_loss(mean, count, theta)
    theirs = -torch.distributions.NegativeBinomial(theta, probs=mean / (mean + theta)).log_prob(count)
    assert float(found) == pytest.approx(exact, rel=1e-6)
    assert abs(float(theirs) - exact) > 0.1


@pytest.mark.parametrize("power", [-1.0, 0.0, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0])
def test_tweedie_of_scikit_learn(power):
    from sklearn.metrics import mean_tweedie_deviance

    targets = {True: COUNTS, False: AMOUNTS}[1 <= power < 2]
    targets = Y if power < 0 else targets
    wanted = mean_tweedie_deviance(targets, MEANS, power=power)
    assert xlosses.tweedie_deviance_loss(MEANS, targets, power=power) == pytest.approx(wanted, rel=1e-12)


def test_deviances_of_scikit_learn():
    from sklearn.metrics import mean_gamma_deviance, mean_poisson_deviance

    wanted = mean_poisson_deviance(COUNTS, MEANS)
    assert xlosses.poisson_deviance_loss(MEANS, COUNTS) == pytest.approx(wanted, rel=1e-13)
    wanted = mean_gamma_deviance(AMOUNTS, MEANS)
    assert xlosses.gamma_deviance_loss(MEANS, AMOUNTS) == pytest.approx(wanted, rel=1e-13)


def test_deviances_of_scikit_learn_where_they_cancel():
    from sklearn.metrics import mean_gamma_deviance, mean_poisson_deviance

    mean, target, exact = np.asarray([3.0]), np.asarray([3.0 + 2.0**-30]), 2.0**-60
    assert xlosses.gamma_deviance_loss(mean, target) == pytest.approx(exact / 9, rel=1e-8)
    assert xlosses.poisson_deviance_loss(mean, target) == pytest.approx(exact / 3, rel=1e-8)
    assert not 0.5 < mean_gamma_deviance(target, mean) / (exact / 9) < 2.0
    assert not 0.5 < mean_poisson_deviance(target, mean) / (exact / 3) < 2.0


def test_laplace_of_scipy_and_torch():
    found = xlosses.laplace_nll_loss(X, Y, SCALES, reduction="none")
    np.testing.assert_allclose(found, -scipy.stats.laplace.logpdf(Y, X, SCALES), rtol=1e-12)
    x, s = (torch.tensor(v, requires_grad=True) for v in (X, SCALES))
    wanted = -torch.distributions.Laplace(x, s).log_prob(torch.tensor(Y))
    ours = xlosses.laplace_nll_loss(x, torch.tensor(Y), s, reduction="none")
    assert torch.allclose(ours, wanted)
    for a, b in zip(*(torch.autograd.grad(v.sum(), (x, s)) for v in (ours, wanted)), strict=True):
        assert torch.allclose(a, b)


@pytest.mark.parametrize("df", [0.5, 1.0, 4.0, 100.0])
def test_student_t_of_scipy_and_torch(df):
    found = xlosses.student_t_nll_loss(X, Y, SCALES, df, reduction="none")
    np.testing.assert_allclose(found, -scipy.stats.t.logpdf(Y, df, X, SCALES), rtol=1e-12)
    x, s = (torch.tensor(v, requires_grad=True) for v in (X, SCALES))
    nu = torch.tensor(df, dtype=torch.float64, requires_grad=True)
    wanted = -torch.distributions.StudentT(nu, x, s).log_prob(torch.tensor(Y))
    ours = xlosses.student_t_nll_loss(x, torch.tensor(Y), s, nu, reduction="none")
    assert torch.allclose(ours, wanted)
    for a, b in zip(*(torch.autograd.grad(v.sum(), (x, s, nu)) for v in (ours, wanted)), strict=True):
        assert torch.allclose(a, b, rtol=1e-8)


def test_the_constant_of_student_t_does_not_cancel():
    x = np.asarray([0.0])
    exact = 0.5 * np.log(2 * np.pi)
    assert xlosses.student_t_nll_loss(x, x, 1.0, df=1e14) == pytest.approx(exact, rel=1e-14)
    nu = torch.tensor(1e14, dtype=torch.float64)
    assert abs(-float(torch.distributions.StudentT(nu).log_prob(torch.tensor(0.0))) - exact) > 1e-3


@pytest.mark.parametrize("beta", [0.5, 1.0])
def test_the_likelihood_of_seitzer(beta):
    """As the paper writes it, with the constant factor detached."""
    x, v = (torch.tensor(z, requires_grad=True) for z in (X, SCALES))
    y = torch.tensor(Y)
    wanted = (0.5 * ((y - x) ** 2 / v + v.log()) * v.detach() ** beta).mean()
    ours = xlosses.gaussian_nll_loss(x, y, v, beta=beta)
    assert torch.allclose(ours, wanted)
    for a, b in zip(*(torch.autograd.grad(z, (x, v)) for z in (ours, wanted)), strict=True):
        assert torch.allclose(a, b)
