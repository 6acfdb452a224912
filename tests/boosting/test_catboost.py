"""CatBoost: the trees of its own Logloss, and losses that it does not have."""

from __future__ import annotations

import catboost
import numpy as np
import pytest
from boosted import LOSSES, assert_improves, digits, tumours

import xlosses
from xlosses.boosting import objective

pytestmark = pytest.mark.filterwarnings("ignore:Failed to import numba:UserWarning")

TREES = dict(
    iterations=20, learning_rate=0.3, depth=3, leaf_estimation_method="Newton", leaf_estimation_iterations=1,
    random_strength=0, bootstrap_type="No", thread_count=1, verbose=False, allow_writing_files=False,
)  # fmt: skip


def scores(features, targets, weights=None, **parameters):
    pool = catboost.Pool(features, targets, weight=weights)
    return (
        catboost.CatBoost({**TREES, **parameters})
        .fit(pool)
        .predict(features, prediction_type="RawFormulaVal")
    )


def test_binary_cross_entropy_is_logloss():
    theirs = scores(*tumours(), loss_function="Logloss", boost_from_average=False)
    ours = scores(
        *tumours(),
        loss_function=objective(xlosses.binary_cross_entropy),
        eval_metric="Logloss",
        boost_from_average=False,
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_improve(name):
    def train(features, targets, obj):
        return scores(features, targets, loss_function=obj, eval_metric="RMSE", iterations=80)

    assert_improves(train, *LOSSES[name])


def test_cross_entropy_learns_classes():
    images, classes = digits()
    images, classes = images[:100], classes[:100]
    found = scores(
        images,
        classes,
        loss_function=objective(xlosses.cross_entropy),
        eval_metric="MultiClass",
        classes_count=3,
        iterations=8,
    )
    assert (found.argmax(axis=1) == classes).mean() > 0.95
