"""Mixtures beside torch.distributions, SciPy's normal distribution, and the likelihood of one component."""

from __future__ import annotations

import numpy as np
import torch
from scipy.stats import norm

import xlosses

rng = np.random.default_rng(5)
LOGITS, MEANS, LOG_SCALES = (rng.normal(size=(20, 4)) * s for s in (1.5, 2.0, 0.5))
Y = rng.normal(size=20) * 2


def test_mixture_of_torch():
    results = []
    for ours in (True, False):
        a, m, s = leaves = [torch.tensor(x, requires_grad=True) for x in (LOGITS, MEANS, LOG_SCALES)]
        y = torch.tensor(Y)
        if ours:
            terms = xlosses.mixture_nll_loss(a, m, s, y, reduction="none")
        else:
            shares, densities = (
                torch.distributions.Categorical(logits=a),
                torch.distributions.Normal(m, torch.exp(s)),
            )
            terms = -torch.distributions.MixtureSameFamily(shares, densities).log_prob(y)
        results.append((terms.detach(), *torch.autograd.grad(terms.sum(), leaves)))
    for found, wanted in zip(*results, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-11, atol=1e-12)


def test_mixture_of_torch_beside_a_component_that_cannot_be():
    """The gradient by a logit of -inf."""
    a, y = torch.tensor([[0.0, -torch.inf]], requires_grad=True), torch.tensor([1.0])
    m = torch.zeros(1, 2)
    value = xlosses.mixture_nll_loss(a, m, m, y)
    assert torch.autograd.grad(value, a)[0].tolist() == [[0.0, 0.0]]


def test_mixture_is_the_logarithm_of_a_density():
    shares = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
    density = (shares * norm.pdf(Y[:, None], MEANS, np.exp(LOG_SCALES))).sum(axis=1)
    found = xlosses.mixture_nll_loss(LOGITS, MEANS, LOG_SCALES, Y, reduction="none")
    np.testing.assert_allclose(found, -np.log(density), rtol=1e-12)


def test_one_component_is_a_gaussian():
    m, s = MEANS[:, :1], LOG_SCALES[:, :1]
    found = xlosses.mixture_nll_loss(LOGITS[:, :1], m, s, Y, reduction="none")
    wanted = xlosses.gaussian_nll_loss(m[:, 0], Y, np.exp(2 * s[:, 0]), full=True, reduction="none")
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
