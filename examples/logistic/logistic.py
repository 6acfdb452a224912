"""Logistic regression on the arrays of any framework, by a loss of its own."""

from __future__ import annotations

from typing import Any

import xlosses


@xlosses.formula
def logistic(xp, logit, side):
    return xp.softplus(-side * logit)


@logistic.slope
def logistic_slope(xp, logit, side):
    return -side * xp.sigmoid(-side * logit)


def logistic_loss(logits: Any, sides: Any, reduction: str = "mean", **options: Any) -> Any:
    """log(1 + exp(-side · logit)), where a side is -1 or 1."""
    return xlosses.evaluate(logistic, {"logits": logits, "sides": sides}, {}, reduction, **options)


def fit(features: Any, sides: Any, steps: int = 100, rate: float = 1.0, penalty: float = 1e-3) -> Any:
    """Weights and bias after so many steps of gradient descent.

    The gradient by the logits comes from the slope, so that NumPy needs no autodiff; the rest is the
    chain rule of a product.
    """
    gradient = xlosses.value_and_grad(logistic_loss)
    weights, bias = 0.0 * features[0], 0.0 * sides[0]
    for _ in range(steps):
        _, slope = gradient(features @ weights + bias, sides)
        weights = weights - rate * (slope @ features + penalty * weights)
        bias = bias - rate * slope.sum()
    return {"weights": weights, "bias": bias}


def predict(model: Any, features: Any) -> Any:
    """Logits: positive for the side 1."""
    return features @ model["weights"] + model["bias"]
