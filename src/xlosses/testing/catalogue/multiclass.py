"""Margins over several classes."""

from __future__ import annotations

import xlosses
from xlosses.testing.case import Case
from xlosses.testing.references import multiclass as references

_LABELLED = {"scores": "logits", "targets": "labels"}

CASES = (
    Case("multiclass_hinge_loss", xlosses.multiclass_hinge_loss, references.multiclass_hinge, _LABELLED),
    Case(
        "multiclass_perceptron_loss",
        xlosses.multiclass_perceptron_loss,
        references.multiclass_perceptron,
        _LABELLED,
    ),
    Case(
        "multiclass_sparsemax_loss",
        xlosses.multiclass_sparsemax_loss,
        references.multiclass_sparsemax,
        _LABELLED,
    ),
    Case(
        "multi_margin_loss",
        xlosses.multi_margin_loss,
        references.multi_margin,
        _LABELLED,
        ({}, {"p": 2, "margin": 0.5}),
    ),
    Case(
        "multilabel_margin_loss",
        xlosses.multilabel_margin_loss,
        references.multilabel_margin,
        {"scores": "logits", "targets": "tags"},
    ),
    Case(
        "multilabel_soft_margin_loss",
        xlosses.multilabel_soft_margin_loss,
        references.multilabel_soft_margin,
        {"inputs": "logits", "targets": "tags"},
    ),
)
