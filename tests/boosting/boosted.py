"""Data that scikit-learn ships, objectives of a loss each, and what a model must do better than."""

from __future__ import annotations

from functools import cache

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

import xlosses
from xlosses.boosting import objective


@cache
def tumours():
    """569 tumours with their class, and weights of any sort."""
    features, benign = load_breast_cancer(return_X_y=True)
    return features, benign.astype(float), np.random.default_rng(0).uniform(0.5, 2.0, len(benign))


@cache
def digits():
    """300 images of three digits."""
    images, classes = load_digits(n_class=3, return_X_y=True)
    return images[:300], classes[:300]


@cache
def patients():
    """442 patients and the progression of their disease in hundreds."""
    features, progression = load_diabetes(return_X_y=True)
    return features, progression / 100.0


@xlosses.formula
def expectile(xp, x, y, q):
    error = y - x
    return xp.where(error > 0, q, 1.0 - q) * error**2


@expectile.slope
def expectile_slope(xp, x, y, q):
    error = y - x
    return -2.0 * xp.where(error > 0, q, 1.0 - q) * error


def expectile_loss(predictions, targets, q=0.75, reduction="mean"):
    arrays = dict(predictions=predictions, targets=targets)
    return xlosses.evaluate(expectile, arrays, dict(q=q), reduction)


def quantile_loss(predictions, targets, reduction="mean"):
    return xlosses.quantile_loss(predictions, targets, quantile=0.75, reduction=reduction)


LOSSES = {  # each with what its objective is told
    "huber": (xlosses.huber_loss, {"hessian": "constant"}),
    "log cosh": (xlosses.log_cosh_loss, {}),
    "quantile": (quantile_loss, {}),
    "poisson": (xlosses.poisson_nll_loss, {}),
    "own": (expectile_loss, {}),
}


def assert_improves(train, loss, options):
    """What `train` predicts with this objective has a loss a fifth lower than the best constant."""
    features, targets = patients()
    constants = np.linspace(-1.0, 4.0, 501)
    best = min(float(loss(np.full_like(targets, c), targets, reduction="mean")) for c in constants)
    is_poisson = loss is xlosses.poisson_nll_loss
    lowest = float(loss(np.log(targets), targets, reduction="mean")) if is_poisson else 0.0
    found = float(loss(train(features, targets, objective(loss, **options)), targets, reduction="mean"))
    assert found - lowest < 0.8 * (best - lowest)
