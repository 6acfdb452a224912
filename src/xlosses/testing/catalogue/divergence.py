"""Divergences."""

from __future__ import annotations

from functools import partial

import xlosses
from xlosses.testing.case import Case
from xlosses.testing.references import divergence as references

_LOGARITHMS = {"inputs": "log probabilities", "targets": "target log probabilities"}
_PROBABILITIES = {"inputs": "log probabilities", "targets": "distribution"}

CASES = (
    Case(
        "kl_div_loss",
        xlosses.kl_div_loss,
        references.kl_divergence,
        _LOGARITHMS,
    ),
    Case(
        "kl_div_loss (probabilities)",
        partial(xlosses.kl_div_loss, log_target=False),
        references.kl_divergence_of_probabilities,
        _PROBABILITIES,
    ),
    Case(
        "generalized_kl_div_loss",
        xlosses.generalized_kl_div_loss,
        references.generalized_kl,
        _PROBABILITIES,
    ),
    Case(
        "js_div_loss",
        xlosses.js_div_loss,
        references.jensen_shannon,
        _LOGARITHMS,
        ({}, {"beta": 0.125}),
        by=("inputs", "targets"),
    ),
    Case(
        "distillation_loss",
        xlosses.distillation_loss,
        references.distillation,
        {"student_logits": "logits", "teacher_logits": "other logits"},
        ({}, {"temperature": 4.0}),
    ),
)
