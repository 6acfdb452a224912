"""Regression."""

from __future__ import annotations

import xlosses
from xlosses.testing.case import Case
from xlosses.testing.references import regression as references

_REGRESSION = {"predictions": "prediction", "targets": "target"}

_HUBER = {"inputs": "prediction", "targets": "target"}

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
)
