"""Classification in which some examples count less, and margins between classes."""

from __future__ import annotations

import xlosses
from xlosses.testing.case import Case
from xlosses.testing.references import focal as references

_OF_LABELS = {"logits": "logits", "targets": "labels"}
_OF_PROBABILITIES = {"logits": "logits", "targets": "distribution"}
_OF_COSINES = {"cosines": "cosines", "targets": "labels"}

CASES = (
    Case(
        "sigmoid_focal_loss",
        xlosses.sigmoid_focal_loss,
        references.sigmoid_focal,
        {"inputs": "logit", "targets": "chance"},
        ({}, {"alpha": 0.25, "gamma": 0.5}, {"gamma": 0.0}),
    ),
    Case(
        "softmax_focal_loss",
        xlosses.softmax_focal_loss,
        references.softmax_focal_of_labels,
        _OF_LABELS,
        ({}, {"alpha": 0.25, "gamma": 0.5, "label_smoothing": 0.1}, {"gamma": 0.0}),
    ),
    Case(
        "softmax_focal_loss (probabilities)",
        xlosses.softmax_focal_loss,
        references.softmax_focal_of_probabilities,
        _OF_PROBABILITIES,
        ({}, {"alpha": 0.25, "gamma": 0.5, "label_smoothing": 0.1}),
    ),
    Case(
        "poly_cross_entropy",
        xlosses.poly_cross_entropy,
        references.poly_of_labels,
        _OF_LABELS,
        ({}, {"epsilon": -0.5}),
    ),
    Case(
        "poly_cross_entropy (probabilities)",
        xlosses.poly_cross_entropy,
        references.poly_of_probabilities,
        _OF_PROBABILITIES,
    ),
    Case(
        "generalized_cross_entropy",
        xlosses.generalized_cross_entropy,
        references.generalized,
        _OF_LABELS,
        ({}, {"q": 0.001}, {"q": 1.0}),
    ),
    Case(
        "arcface_loss",
        xlosses.arcface_loss,
        references.arcface,
        _OF_COSINES,
        ({}, {"margin": 1.5, "scale": 8.0}),
    ),
    Case(
        "cosface_loss",
        xlosses.cosface_loss,
        references.cosface,
        _OF_COSINES,
        ({"margin": 0.1, "scale": 8.0}, {}),
    ),
)
