"""Margins."""

from __future__ import annotations

import xlosses
from xlosses.testing.case import Case
from xlosses.testing.references import margin as references

_SCORES = {"inputs": "score", "targets": "side"}

CASES = (
    Case("hinge_loss", xlosses.hinge_loss, references.hinge, _SCORES),
    Case("squared_hinge_loss", xlosses.squared_hinge_loss, references.squared_hinge, _SCORES),
    Case("perceptron_loss", xlosses.perceptron_loss, references.perceptron, _SCORES),
    Case("soft_margin_loss", xlosses.soft_margin_loss, references.soft_margin, _SCORES),
    Case(
        "hinge_embedding_loss",
        xlosses.hinge_embedding_loss,
        references.hinge_embedding,
        _SCORES,
        ({}, {"margin": 2.5}),
    ),
    Case(
        "sparsemax_loss",
        xlosses.sparsemax_loss,
        references.sparsemax,
        {"inputs": "logit", "targets": "chance"},
        by=("inputs", "targets"),
    ),
)
