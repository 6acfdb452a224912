"""Ensembles beside the integral that defines their score."""

from __future__ import annotations

import numpy as np
import pytest

import xlosses

rng = np.random.default_rng(2)
X, Y = rng.normal(size=(16, 7)), rng.normal(size=16)
X[0, 1], X[1, 2], X[2] = X[0, 0], Y[1], Y[2]


def test_crps_is_the_squared_distance_of_the_distribution_functions():
    """Gneiting and Raftery's eq. 20: between neighbours both are constant."""
    wanted = []
    for x, y in zip(X, Y, strict=True):
        ends = np.sort([*x, y])
        below = np.mean(x[:, None] <= ends[:-1], axis=0) - (y <= ends[:-1])
        wanted.append(np.sum(below**2 * np.diff(ends)))
    np.testing.assert_allclose(xlosses.crps_loss(X, Y, reduction="none"), wanted, rtol=1e-13, atol=1e-15)


def test_energy_distance_of_scipy():
    from scipy.stats import energy_distance

    wanted = [energy_distance(x, [y]) ** 2 / 2 for x, y in zip(X, Y, strict=True)]
    np.testing.assert_allclose(xlosses.crps_loss(X, Y, reduction="none"), wanted, rtol=1e-12, atol=1e-15)


def test_fair_scores_are_those_of_more_members_on_average():
    """Of all ensembles of two out of seven the mean fair score is the fair score of the seven."""
    pairs = [(i, j) for i in range(7) for j in range(i)]
    of_two = [xlosses.crps_loss(X[:, pair], Y, fair=True, reduction="none") for pair in pairs]
    found = xlosses.crps_loss(X, Y, fair=True, reduction="none")
    assert found == pytest.approx(np.mean(of_two, axis=0), rel=1e-13, abs=1e-15)


V, W = rng.normal(size=(16, 7, 3)), rng.normal(size=(16, 3))
V[0, 1], V[1, 2], V[2] = V[0, 0], W[1], W[2]


@pytest.mark.parametrize("fair", [False, True])
def test_energy_score_of_scipy(fair):
    """Of distances between all members, which SciPy has each once."""
    from scipy.spatial.distance import cdist, pdist

    pairs = 7 * (6 if fair else 7)
    wanted = [cdist(x, [y]).mean() - pdist(x).sum() / pairs for x, y in zip(V, W, strict=True)]
    found = xlosses.energy_loss(V, W, fair=fair, reduction="none")
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("fair", [False, True])
def test_energy_of_one_number_is_crps(fair):
    energy = xlosses.value_and_grad(xlosses.energy_loss, (0, 1))(X[3:, :, None], Y[3:, None], fair=fair)
    crps = xlosses.value_and_grad(xlosses.crps_loss, (0, 1))(X[3:], Y[3:], fair=fair)
    np.testing.assert_allclose(energy[0], crps[0], rtol=1e-12)
    for of_vectors, of_numbers in zip(energy[1], crps[1], strict=True):
        np.testing.assert_allclose(of_vectors[..., 0], of_numbers, rtol=1e-9, atol=1e-15)


def test_energy_with_torch_autograd():
    """Where no distance is 0, at which the gradient of cdist is 0 as well."""
    import torch

    x, y = (torch.tensor(a[3:], requires_grad=True) for a in (V, W))
    wanted = (
        torch.cdist(x, y[:, None]).mean()
        - torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist").mean() / 2
    )
    found = xlosses.energy_loss(x, y)
    assert torch.allclose(found, wanted, rtol=1e-12)
    for ours, theirs in zip(*(torch.autograd.grad(value, (x, y)) for value in (found, wanted)), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-14)
