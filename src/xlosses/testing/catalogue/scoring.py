"""Quantiles."""

from __future__ import annotations

from typing import Any

import xlosses
from xlosses.testing.case import Case
from xlosses.testing.references import scoring as references


def _quantile_loss_of_levels(inputs: Any, targets: Any, quantile: Any, axis: int = -1, **options: Any) -> Any:
    return xlosses.quantile_loss(inputs, targets, quantile=quantile, axis=axis, **options)


def _brier_loss_of_classes(probabilities: Any, targets: Any, axis: int = -1, **options: Any) -> Any:
    return xlosses.brier_loss(probabilities, targets, axis=axis, **options)


_HUBER = {"inputs": "prediction", "targets": "target"}

CASES = (
    Case(
        "quantile_loss",
        xlosses.quantile_loss,
        references.quantile,
        _HUBER,
        ({}, {"quantile": 0.75}),
    ),
    Case(
        "quantile_loss (levels)",
        _quantile_loss_of_levels,
        references.quantiles,
        {"inputs": "quantiles", "targets": "target", "quantile": "levels"},
    ),
    Case(
        "brier_loss",
        xlosses.brier_loss,
        references.brier,
        {"probabilities": "probability", "targets": "chance"},
    ),
    Case(
        "brier_loss (labels)",
        _brier_loss_of_classes,
        references.brier_of_labels,
        {"probabilities": "distribution", "targets": "labels"},
    ),
    Case(
        "brier_loss (classes)",
        _brier_loss_of_classes,
        references.brier_of_classes,
        {"probabilities": "distribution", "targets": "target distribution"},
        by=("probabilities", "targets"),
    ),
    Case(
        "crps_loss",
        xlosses.crps_loss,
        references.crps,
        {"ensemble": "ensemble", "targets": "target"},
        ({}, {"fair": True}),
        by=("ensemble", "targets"),
    ),
    Case(
        "energy_loss",
        xlosses.energy_loss,
        references.energy,
        {"ensemble": "vector ensemble", "targets": "outcome"},
        ({}, {"fair": True}),
        by=("ensemble", "targets"),
    ),
)
