"""Likelihoods."""

from __future__ import annotations

import xlosses
from xlosses.testing.case import Case
from xlosses.testing.references import likelihood as references

_HUBER = {"inputs": "prediction", "targets": "target"}

CASES = (
    Case(
        "gaussian_nll_loss",
        xlosses.gaussian_nll_loss,
        references.gaussian_nll,
        {**_HUBER, "vars": "variance"},
        ({}, {"full": True, "eps": 0.5}),
        by=("inputs", "vars"),
    ),
)
