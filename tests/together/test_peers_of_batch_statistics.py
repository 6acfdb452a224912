"""Statistics of a batch beside the code of the papers in PyTorch: no library that is installed has them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

import xlosses

rng = np.random.default_rng(6)
X1 = rng.normal(size=(9, 5)) * [0.3, 0.8, 1.2, 2.0, 0.1]
X2 = X1 + 0.3 * rng.normal(size=(9, 5))


def off_diagonal(c):
    return c - torch.diag(torch.diagonal(c))


def vicreg(x1, x2, halved=False):
    """Algorithm 1 of the paper; the code that its authors published halves the variances."""
    (n, d), cost = x1.shape, 25 * functional.mse_loss(x1, x2)
    for x in (x1, x2):
        lacking = torch.relu(1 - torch.sqrt(x.var(dim=0) + 1e-4)).mean()
        x = x - x.mean(dim=0)
        cost = cost + (12.5 if halved else 25) * lacking + off_diagonal(x.T @ x / (n - 1)).pow(2).sum() / d
    return cost


def barlow_twins(x1, x2):
    """Of the repository facebookresearch/barlowtwins."""
    normal = torch.nn.BatchNorm1d(x1.shape[1], affine=False, dtype=x1.dtype)
    c = normal(x1).T @ normal(x2) / len(x1)
    return (torch.diagonal(c) - 1).pow(2).sum() + 0.0051 * off_diagonal(c).pow(2).sum()


@pytest.mark.parametrize(
    ("loss", "textbook"), [(xlosses.vicreg_loss, vicreg), (xlosses.barlow_twins_loss, barlow_twins)]
)
def test_the_code_of_the_papers(loss, textbook):
    x1, x2 = (torch.tensor(x, requires_grad=True) for x in (X1, X2))
    found, wanted = loss(x1, x2), textbook(x1, x2)
    assert torch.allclose(found, wanted, rtol=1e-12)
    for ours, theirs in zip(*(torch.autograd.grad(x, (x1, x2)) for x in (found, wanted)), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_the_variances_are_not_halved():
    x1, x2 = torch.tensor(X1), torch.tensor(X2)
    assert xlosses.vicreg_loss(x1, x2, variance=12.5) == pytest.approx(vicreg(x1, x2, halved=True).item())
    assert xlosses.vicreg_loss(x1, x2) > vicreg(x1, x2, halved=True) + 1


def test_correlations_of_numpy():
    c = np.corrcoef(X1, X2, rowvar=False)[:5, 5:]
    wanted = np.sum((1 - np.diag(c)) ** 2) + 0.25 * np.sum((c - np.diag(np.diag(c))) ** 2)
    assert xlosses.barlow_twins_loss(X1, X2, off_diagonal=0.25, eps=0.0) == pytest.approx(wanted, rel=1e-12)


def test_views_that_are_nearly_equal_keep_their_digits():
    x = torch.tensor([[1.0], [-1.0], [1.0], [-1.0]])
    assert barlow_twins(x, x) == pytest.approx(1e-10, rel=0.1)
    found = xlosses.barlow_twins_loss(x, x, eps=1e-8)
    assert found == pytest.approx(1e-16, rel=1e-5)
