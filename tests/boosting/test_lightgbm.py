"""LightGBM: the trees of its own objectives, and losses that it does not have."""

from __future__ import annotations

import math
import pickle

import lightgbm
import numpy as np
import pytest
from boosted import LOSSES, assert_improves, digits, patients, tumours

import xlosses
from xlosses.boosting import objective

TREES = dict(verbose=-1, num_threads=1, deterministic=True, boost_from_average=False)


def scores(parameters, data, features, rounds=20):
    return lightgbm.train({**TREES, **parameters}, data, rounds).predict(features, raw_score=True)


def test_binary_cross_entropy_is_binary():
    features, benign, weights = tumours()
    found = [
        scores({"objective": obj}, lightgbm.Dataset(features, benign, weight=weights), features)
        for obj in ("binary", objective(xlosses.binary_cross_entropy))
    ]
    np.testing.assert_allclose(*found, rtol=1e-6, atol=1e-6)


def test_cross_entropy_is_multiclass_with_its_factor():
    """K / (K - 1) times the second derivative for K classes."""
    images, classes = digits()
    found = [
        scores({"objective": obj, "num_class": 3}, lightgbm.Dataset(images, classes), images, 10)
        for obj in ("multiclass", objective(xlosses.cross_entropy, hessian_factor=3 / 2))
    ]
    np.testing.assert_allclose(*found, rtol=1e-6, atol=1e-6)


def test_huber_with_a_constant_hessian_is_huber():
    features, targets = patients()
    theirs = scores({"objective": "huber", "alpha": 0.5}, lightgbm.Dataset(features, targets), features)
    huber = objective(xlosses.huber_loss, delta=0.5, hessian="constant")
    ours = scores({"objective": huber}, lightgbm.Dataset(features, targets), features)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_improve(name):
    """From 1, because all gradients of a quantile are equal at 0, and without a split LightGBM stops."""

    def train(features, targets, obj):
        data = lightgbm.Dataset(features, targets, init_score=np.ones_like(targets))
        return 1.0 + scores({"objective": obj, "num_leaves": 8}, data, features, 100)

    assert_improves(train, *LOSSES[name])


def test_scikit_learn_class():
    features, benign, weights = tumours()
    model = lightgbm.LGBMRegressor(
        objective=objective(xlosses.binary_cross_entropy), n_estimators=20, **TREES
    )
    found = model.fit(features, benign, sample_weight=weights).predict(features, raw_score=True)
    theirs = scores({"objective": "binary"}, lightgbm.Dataset(features, benign, weight=weights), features)
    np.testing.assert_allclose(found, theirs, rtol=1e-6, atol=1e-6)
    copy = pickle.loads(pickle.dumps(model))  # noqa: S301
    np.testing.assert_array_equal(copy.predict(features, raw_score=True), found)


def test_poisson_with_the_factor_of_its_step():
    features, targets = patients()
    found = [
        scores({"objective": obj}, lightgbm.Dataset(features, targets), features)
        for obj in ("poisson", objective(xlosses.poisson_nll_loss, hessian_factor=math.exp(0.7)))
    ]
    np.testing.assert_allclose(*found, rtol=1e-5, atol=1e-6)
