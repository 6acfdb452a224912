"""Counts and deviances."""

from __future__ import annotations

from functools import partial

import xlosses
from xlosses.testing.case import Case
from xlosses.testing.references import counts as references

_AMOUNTS = {"inputs": "mean", "targets": "amount"}

_COUNTS = {"inputs": "mean", "targets": "count"}

CASES = (
    Case(
        "poisson_nll_loss",
        xlosses.poisson_nll_loss,
        references.poisson_nll,
        {"inputs": "prediction", "targets": "count"},
        ({}, {"full": True}),
    ),
    Case(
        "poisson_nll_loss (rates)",
        partial(xlosses.poisson_nll_loss, log_input=False),
        partial(references.poisson_nll, log_input=False),
        _COUNTS,
        ({}, {"full": True, "eps": 0.5}),
    ),
    Case(
        "negative_binomial_nll_loss",
        xlosses.negative_binomial_nll_loss,
        references.negative_binomial_nll,
        {**_COUNTS, "dispersion": "dispersion"},
        ({}, {"eps": 0.5}),
        by=("inputs", "dispersion"),
    ),
    Case("poisson_deviance_loss", xlosses.poisson_deviance_loss, references.poisson_deviance, _COUNTS),
    Case("gamma_deviance_loss", xlosses.gamma_deviance_loss, references.gamma_deviance, _AMOUNTS),
    Case(
        "tweedie_deviance_loss",
        xlosses.tweedie_deviance_loss,
        references.tweedie_deviance,
        _AMOUNTS,
        ({}, *({"power": power} for power in (1.25, 3.0, 0.0, 1.0, 2.0, -1.0))),
    ),
)
