"""Errors in proportion, and the robust family, beside Keras, scikit-learn and SciPy."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch

import xlosses

os.environ.setdefault("KERAS_BACKEND", "torch")
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(2, 40))
R, S = np.exp(rng.normal(size=(2, 40)))


def of_keras(loss, y, x):
    """The terms, in float64 as far as Keras keeps it."""
    return loss(torch.tensor(y)[:, None], torch.tensor(x)[:, None]).numpy()


def test_mape_of_keras():
    """Which is per cent."""
    import keras

    y = np.where(np.arange(40) % 5 == 0, 0.0, Y)
    found = xlosses.mape_loss(X, y, reduction="none")
    wanted = of_keras(keras.losses.mean_absolute_percentage_error, y, X) / 100
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_mape_of_scikit_learn():
    from sklearn.metrics import mean_absolute_percentage_error

    wanted = mean_absolute_percentage_error([*Y, 0.0], [*X, 1.0])
    found = xlosses.mape_loss(np.asarray([*X, 1.0]), np.asarray([*Y, 0.0]), eps=np.finfo(np.float64).eps)
    assert found == pytest.approx(wanted, rel=1e-14)


def test_msle_of_keras():
    """Which takes negative numbers for 1e-7."""
    import keras

    loss = keras.losses.mean_squared_logarithmic_error
    np.testing.assert_allclose(xlosses.msle_loss(R, S, reduction="none"), of_keras(loss, S, R), rtol=1e-4)
    negative, zero = np.asarray([-0.5]), np.asarray([0.0])
    assert of_keras(loss, zero, negative) == pytest.approx(0.0, abs=1e-12)
    assert xlosses.msle_loss(negative, zero) == pytest.approx(np.log(2.0) ** 2)


def test_msle_of_scikit_learn():
    from sklearn.metrics import mean_squared_log_error

    assert xlosses.msle_loss(R, S) == pytest.approx(mean_squared_log_error(S, R), rel=1e-13)


@pytest.mark.parametrize("c", [0.5, 1.0, 3.0])
def test_pseudo_huber_of_scipy(c):
    """Which is alpha 1 in the squared unit of the errors."""
    from scipy.special import pseudo_huber

    found = xlosses.general_robust_loss(X, Y, c=c, reduction="none")
    np.testing.assert_allclose(found * c * c, pseudo_huber(c, X - Y), rtol=1e-10)


def test_pseudo_huber_of_scipy_at_small_errors():
    from scipy.special import pseudo_huber

    x, y = np.asarray([1e-7]), np.asarray([0.0])
    assert xlosses.general_robust_loss(x, y) == pytest.approx(5e-15, rel=1e-12)
    assert pseudo_huber(1.0, x) == pytest.approx(5e-15, rel=1e-2)


@pytest.mark.parametrize(("alpha", "loss", "scale"), [(0.0, "cauchy", 1.0), (2.0, "linear", 0.5)])
def test_losses_of_least_squares_of_scipy(alpha, loss, scale):
    """rho(z) of its Cauchy loss is log(1 + z): twice the width squared."""
    from scipy.optimize import least_squares

    def residuals(shift):
        return X - Y + shift

    width = 0.5 if loss == "cauchy" else 1.0
    result = least_squares(residuals, [0.0], loss=loss, f_scale=width, max_nfev=1)
    c = width / np.sqrt(2.0) if loss == "cauchy" else 1.0
    shifted = X - Y + result.x
    terms = xlosses.general_robust_loss(shifted, 0.0, alpha=alpha, c=c, reduction="sum")
    factor = 0.5 * width**2 if loss == "cauchy" else 1.0
    assert result.cost == pytest.approx(factor * terms, rel=1e-12)
