"""Objectives for boosting, without the libraries: what they are given and what they get."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

import xlosses
from xlosses.boosting import objective

SCORES = np.asarray([0.5, -2.0, 3.0], np.float32)
LABELS = np.asarray([1.0, 0.0, 0.0], np.float32)
WEIGHTS = np.asarray([1.0, 2.0, 0.0], np.float32)
ROWS = np.asarray([[0.5, -1.0, 2.0], [1.5, 0.0, -0.5]])


class Data:
    """What `train` of XGBoost or LightGBM hands over."""

    def __init__(self, labels, weights):
        self.labels, self.weights = labels, weights

    def get_label(self):
        return self.labels

    def get_weight(self):
        return self.weights


@xlosses.formula
def expectile(xp, x, y, q):
    error = y - x
    return xp.where(error > 0, q, 1.0 - q) * error**2


@expectile.slope
def expectile_slope(xp, x, y, q):
    error = y - x
    return -2.0 * xp.where(error > 0, q, 1.0 - q) * error


def expectile_loss(predictions, targets, q=0.5):
    return xlosses.evaluate(expectile, dict(predictions=predictions, targets=targets), dict(q=q))


def shares(scores):
    return 1.0 / (1.0 + np.exp(-scores))


def softmax(rows):
    return np.exp(rows) / np.exp(rows).sum(axis=-1, keepdims=True)


def close(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-12)


def test_gradient_and_hessian():
    gradient, hessian = objective(xlosses.binary_cross_entropy)(LABELS, SCORES)
    p = shares(SCORES)
    close(gradient, p - LABELS)
    close(hessian, p * (1.0 - p))
    assert gradient.dtype == hessian.dtype == np.float32


@pytest.mark.parametrize("none", [None, np.asarray([], np.float32)], ids=["None", "empty"])
def test_every_way_to_call_it_is_the_same(none):
    logistic = objective(xlosses.binary_cross_entropy)
    plain = logistic(LABELS, SCORES)
    weighed = [x * WEIGHTS for x in plain]
    close(logistic(SCORES, Data(LABELS, none)), plain)
    close(logistic(SCORES, Data(LABELS, WEIGHTS)), weighed)
    close(logistic(LABELS, SCORES, sample_weight=WEIGHTS), weighed)
    close(logistic(LABELS, SCORES, none), plain)
    ranges = logistic.calc_ders_range(SCORES.tolist(), LABELS.tolist(), None)
    close(np.transpose(ranges), np.negative(plain))
    ranges = logistic.calc_ders_range(SCORES.tolist(), LABELS.tolist(), WEIGHTS.tolist())
    close(np.transpose(ranges), np.negative(weighed))


def test_rows_of_class_scores():
    labels, p = np.asarray([2.0, 0.0], np.float32), softmax(ROWS)
    gradient, hessian = objective(xlosses.cross_entropy)(labels, ROWS, np.asarray([1.0, 3.0]))
    close(gradient, (p - np.eye(3)[[2, 0]]) * [[1.0], [3.0]])
    close(hessian, p * (1.0 - p) * [[1.0], [3.0]])
    by_catboost = objective(xlosses.cross_entropy).calc_ders_multi([*ROWS[1]], 0.0, 3.0)
    close(by_catboost[0], -gradient[1])
    close(by_catboost[1], -np.diag(hessian[1]))


def test_labels_that_are_no_classes():
    with pytest.raises(ValueError, match=r"^targets must be whole numbers"):
        objective(xlosses.cross_entropy)(np.asarray([0.5, 1.0]), ROWS)
    with pytest.raises(ValueError, match=r"^targets must be class labels in \[0, 3\), got 3"):
        objective(xlosses.cross_entropy)(np.asarray([3.0, 1.0]), ROWS)


def test_real_labels_beside_rows_stay_real():
    gradient, _ = objective(xlosses.crps_loss)(np.asarray([0.75, 0.25]), ROWS)
    close(
        gradient,
        xlosses.value_and_grad(xlosses.crps_loss)(ROWS, np.asarray([0.75, 0.25]), reduction="sum")[1],
    )


def test_several_targets_in_one_array():
    labels = np.arange(6.0)
    gradient, hessian = objective(xlosses.mse_loss)(labels, ROWS, np.asarray([1.0, 2.0]))
    close(gradient, 2.0 * (ROWS - labels.reshape(2, 3)) * [[1.0], [2.0]])
    close(hessian, np.asarray([[2.0] * 3, [4.0] * 3]))


@pytest.mark.parametrize(
    ("loss", "options"),
    [(xlosses.l1_loss, {}), (xlosses.quantile_loss, {"quantile": 0.9}), (xlosses.mape_loss, {})],
    ids=["l1", "quantile", "mape"],
)
def test_piecewise_linear_losses(loss, options):
    ones = np.ones(3)
    close(objective(loss, **options)(LABELS, SCORES)[1], ones)
    close(objective(loss, **options)(LABELS, SCORES, WEIGHTS)[1], WEIGHTS)
    close(objective(loss, hessian="exact", **options)(LABELS, SCORES)[1], 1e-16 * ones)
    exact = objective(loss, hessian="exact", min_hessian=0.5, **options)
    close(exact(LABELS, SCORES, WEIGHTS)[1], 0.5 * WEIGHTS)


def test_a_loss_that_only_happens_to_be_linear():
    """Far from its labels Huber's second derivative is 0, but not that of the formula."""
    close(objective(xlosses.huber_loss)(LABELS, SCORES + 9.0)[1], 1e-16 * np.ones(3))
    close(objective(xlosses.huber_loss, hessian="constant")(LABELS, SCORES)[1], np.ones(3))


def test_floor_and_factor():
    p = shares(SCORES)
    found = objective(xlosses.binary_cross_entropy, hessian_factor=2.0, min_hessian=0.25)(LABELS, SCORES)[1]
    close(found, np.maximum(2.0 * p * (1.0 - p), 0.25))
    tilted = objective(xlosses.smape_loss, min_hessian=0.0)(np.ones(2), np.asarray([2.0, 0.5]))[1]
    assert tilted[0] == 0.0


def test_terms_are_summed_whatever_the_loss_says():
    wanted = objective(xlosses.huber_loss)(LABELS, SCORES)
    for loss in (
        partial(xlosses.huber_loss, reduction="mean"),
        partial(xlosses.huber_loss, reduction="none"),
        lambda x, y: xlosses.huber_loss(x, y, reduction="weighted_mean"),
    ):
        close(objective(loss)(LABELS, SCORES), wanted)


def test_a_formula_of_ones_own():
    gradient, hessian = objective(expectile_loss, q=0.75)(np.asarray([2.0, 2.0]), np.asarray([0.0, 3.0]))
    close(gradient, [-3.0, 0.5])
    close(hessian, [1.5, 0.5])


def test_pickle():
    kept = pickle.loads(pickle.dumps(objective(xlosses.huber_loss, delta=2.0, hessian_factor=3.0)))  # noqa: S301
    close(kept(LABELS, SCORES), objective(xlosses.huber_loss, delta=2.0, hessian_factor=3.0)(LABELS, SCORES))
    assert repr(kept) == "<objective huber_loss>"
    assert "partial" in repr(objective(partial(xlosses.huber_loss, delta=2.0)))


def test_refusals():
    with pytest.raises(
        ValueError, match=r"^hessian must be one of 'auto', 'exact', 'constant', got 'diagonal'$"
    ):
        objective(xlosses.mse_loss, hessian="diagonal")
    with pytest.raises(ValueError, match=r"^min_hessian must be a number >= 0, got -1"):
        objective(xlosses.mse_loss, min_hessian=-1)
    with pytest.raises(ValueError, match=r"^hessian_factor must be a number > 0, got 0"):
        objective(xlosses.mse_loss, hessian_factor=0)
    with pytest.raises(ValueError, match=r"^an objective takes no reduction"):
        objective(xlosses.mse_loss, reduction="sum")
    with pytest.raises(TypeError, match=r"^an objective has the derivatives of a loss alone"):
        objective(lambda x, y: 2.0 * xlosses.mse_loss(x, y))(LABELS, SCORES)
    with pytest.raises(TypeError, match=r"compares the array with itself"):
        objective(lambda x, _: xlosses.cosine_similarity_loss(x, x))(np.zeros(2), ROWS)


def test_many_rows_in_blocks():
    """The same from blocks as from all at once."""
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(7, 3)), rng.integers(0, 3, 7).astype(float)
    wanted = objective(xlosses.cross_entropy)(labels, rows)
    with xlosses.engine(6):
        close(objective(xlosses.cross_entropy)(labels, rows), wanted)
    assert math.isclose(wanted[0].sum(), 0.0, abs_tol=1e-12)


def test_import_brings_no_boosting_library():
    libraries = {"xgboost", "lightgbm", "catboost", "sklearn", "numpy"}
    code = f"import sys, xlosses.boosting; print(sorted({libraries!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
