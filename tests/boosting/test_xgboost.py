"""XGBoost: the trees of its own objectives, and losses that it does not have."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
import xgboost
from boosted import LOSSES, assert_improves, digits, patients, tumours

import xlosses
from xlosses.boosting import objective

TREES = dict(max_depth=3, eta=0.3, nthread=1, seed=0)


def margins(parameters, data, rounds=20, obj=None):
    return xgboost.train({**TREES, **parameters}, data, rounds, obj=obj).predict(data, output_margin=True)


def test_binary_cross_entropy_is_binary_logistic():
    features, benign, weights = tumours()
    data = xgboost.DMatrix(features, benign, weight=weights)
    logistic = {"objective": "binary:logistic", "base_score": 0.5}
    theirs = margins(logistic, data)
    np.testing.assert_allclose(
        margins(logistic, data, obj=objective(xlosses.binary_cross_entropy)), theirs, rtol=1e-6, atol=2e-6
    )
    without = {"base_score": 0.0}
    np.testing.assert_allclose(
        margins(without, data, obj=objective(xlosses.binary_cross_entropy)), theirs, rtol=1e-6, atol=2e-6
    )


def test_probabilities_are_theirs():
    features, benign, _ = tumours()
    data = xgboost.DMatrix(features, benign)
    parameters = {**TREES, "objective": "binary:logistic", "base_score": 0.5}
    ours = xgboost.train(parameters, data, 20, obj=objective(xlosses.binary_cross_entropy)).predict(data)
    np.testing.assert_allclose(ours, xgboost.train(parameters, data, 20).predict(data), atol=1e-6)


def test_cross_entropy_is_softprob_with_twice_the_hessian():
    images, classes = digits()
    data = xgboost.DMatrix(images, classes)
    parameters = {**TREES, "objective": "multi:softprob", "num_class": 3, "base_score": 0.5}
    theirs = xgboost.train(parameters, data, 10).predict(data)
    for factor, same in ((2.0, True), (1.0, False)):
        obj = objective(xlosses.cross_entropy, hessian_factor=factor)
        ours = xgboost.train(parameters, data, 10, obj=obj).predict(data)
        assert (np.abs(ours - theirs).max() <= 1e-6) == same


def test_mean_squared_error_is_squarederror():
    """Theirs is half of the square."""
    features, targets = patients()
    data = xgboost.DMatrix(features, targets)
    theirs = margins({"objective": "reg:squarederror", "base_score": 0.5, "lambda": 1.0}, data)
    ours = margins({"base_score": 0.5, "lambda": 2.0}, data, obj=objective(xlosses.mse_loss))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_improve(name):
    assert_improves(
        lambda x, y, obj: margins({"base_score": 0.0}, xgboost.DMatrix(x, y), 60, obj), *LOSSES[name]
    )


def test_scikit_learn_class():
    features, benign, weights = tumours()
    model = xgboost.XGBRegressor(
        objective=objective(xlosses.binary_cross_entropy),
        n_estimators=20,
        base_score=0.0,
        max_depth=3,
        n_jobs=1,
        learning_rate=0.3,
    )
    found = model.fit(features, benign, sample_weight=weights).predict(features)
    data = xgboost.DMatrix(features, benign, weight=weights)
    theirs = margins({"objective": "binary:logistic", "base_score": 0.5}, data)
    np.testing.assert_allclose(found, theirs, rtol=1e-6, atol=2e-6)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(features), found)  # noqa: S301


def test_several_targets():
    features, targets = patients()
    both = np.stack([targets, 1.0 - targets], axis=1)
    data = xgboost.DMatrix(features, both)
    found = margins({"base_score": 0.0}, data, 20, objective(xlosses.log_cosh_loss))
    apart = margins(
        {"base_score": 0.0}, xgboost.DMatrix(features, both[:, 1]), 20, objective(xlosses.log_cosh_loss)
    )
    assert found.shape == both.shape
    np.testing.assert_allclose(found[:, 1], apart, rtol=1e-4, atol=1e-5)


def test_poisson_with_the_factor_of_its_step():
    features, targets = patients()
    data, poisson = xgboost.DMatrix(features, targets), {"objective": "count:poisson", "base_score": 1.0}
    obj = objective(xlosses.poisson_nll_loss, hessian_factor=math.exp(0.7))
    np.testing.assert_allclose(margins(poisson, data, obj=obj), margins(poisson, data), rtol=1e-5, atol=2e-6)
