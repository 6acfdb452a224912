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
