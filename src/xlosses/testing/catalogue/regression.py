"""Regression."""

from __future__ import annotations

import math

import xlosses
from xlosses.testing.case import Case
from xlosses.testing.references import regression as references

_REGRESSION = {"predictions": "prediction", "targets": "target"}

_HUBER = {"inputs": "prediction", "targets": "target"}

_BOTH = ("inputs", "targets")

CASES = (
    Case("mse_loss", xlosses.mse_loss, references.mse, _REGRESSION),
    Case("l1_loss", xlosses.l1_loss, references.l1, _REGRESSION),
    Case("huber_loss", xlosses.huber_loss, references.huber, _HUBER, ({}, {"delta": 0.25})),
    Case(
        "smooth_l1_loss",
        xlosses.smooth_l1_loss,
        references.smooth_l1,
        _REGRESSION,
        ({}, {"beta": 0.25}, {"beta": 0.0}),
    ),
    Case("log_cosh_loss", xlosses.log_cosh_loss, references.log_cosh, _HUBER),
    Case("mape_loss", xlosses.mape_loss, references.mape, _HUBER, ({}, {"eps": 1.5}), by=_BOTH),
    Case("smape_loss", xlosses.smape_loss, references.smape, _HUBER, ({}, {"eps": 3.0}), by=_BOTH),
    Case(
        "msle_loss", xlosses.msle_loss, references.msle, {"inputs": "rate", "targets": "other rate"}, by=_BOTH
    ),
    Case(
        "general_robust_loss",
        xlosses.general_robust_loss,
        references.general_robust,
        _HUBER,
        (
            {},
            {"alpha": 0.5, "c": 0.25},
            *({"alpha": alpha} for alpha in (2.0, 0.0, -2.0, -math.inf)),
        ),
        by=_BOTH,
    ),
)
