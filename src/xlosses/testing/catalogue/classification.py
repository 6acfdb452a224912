"""Classification."""

from __future__ import annotations

from functools import partial
from typing import Any

import xlosses
from xlosses.testing.case import Case
from xlosses.testing.references import classification as references


def _binary_cross_entropy_of_weighted(inputs: Any, targets: Any, pos_weight: Any, **options: Any) -> Any:
    return xlosses.binary_cross_entropy(inputs, targets, pos_weight=pos_weight, **options)


CASES = (
    Case(
        "binary_cross_entropy",
        xlosses.binary_cross_entropy,
        references.binary_from_logits,
        {"inputs": "logit", "targets": "chance"},
        ({}, {"pos_weight": 3.0, "label_smoothing": 0.1}),
    ),
    Case(
        "binary_cross_entropy (probabilities)",
        partial(xlosses.binary_cross_entropy, with_logits=False),
        references.binary_from_probabilities,
        {"inputs": "probability", "targets": "chance"},
        ({}, {"pos_weight": 3.0, "label_smoothing": 0.1}),
    ),
    Case(
        "binary_cross_entropy (weight each)",
        _binary_cross_entropy_of_weighted,
        references.binary_from_logits,
        {"inputs": "logit", "targets": "chance", "pos_weight": "variance"},
    ),
    Case(
        "cross_entropy",
        xlosses.cross_entropy,
        references.cross_entropy_of_labels,
        {"logits": "logits", "targets": "labels"},
        ({}, {"label_smoothing": 0.1}),
    ),
    Case(
        "cross_entropy (probabilities)",
        xlosses.cross_entropy,
        references.cross_entropy_of_probabilities,
        {"logits": "logits", "targets": "distribution"},
        ({}, {"label_smoothing": 0.1}),
    ),
    Case(
        "linear_cross_entropy",
        xlosses.linear_cross_entropy,
        references.linear_cross_entropy,
        {"hidden": "vector", "weight": "class vectors", "targets": "labels", "bias": "class biases"},
        ({}, {"label_smoothing": 0.1}, {"softcap": 3.0, "z_loss": 0.25}),
        by=("hidden", "weight", "bias"),
    ),
    Case(
        "nll_loss",
        xlosses.nll_loss,
        references.nll,
        {"inputs": "log probabilities", "targets": "labels"},
    ),
    Case(
        "ordinal_loss",
        xlosses.ordinal_loss,
        references.ordinal,
        {"logits": "logits", "levels": "level"},
    ),
)
