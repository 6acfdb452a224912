"""Divergences."""

from __future__ import annotations

import xlosses
from xlosses.testing.case import Case
from xlosses.testing.references import divergence as references

CASES = (
    Case(
        "kl_div_loss",
        xlosses.kl_div_loss,
        references.kl_divergence,
        {"inputs": "log probabilities", "targets": "target log probabilities"},
    ),
)
