"""Likelihoods."""

from __future__ import annotations

from functools import partial

import xlosses
from xlosses.testing.case import Case
from xlosses.testing.references import likelihood as references

_HUBER = {"inputs": "prediction", "targets": "target"}

_SCALED = {**_HUBER, "scale": "spread"}

CASES = (
    Case(
        "gaussian_nll_loss",
        xlosses.gaussian_nll_loss,
        references.gaussian_nll,
        {**_HUBER, "vars": "variance"},
        ({}, {"full": True, "eps": 0.5}, {"beta": 0.5}),
        by=("inputs", "vars"),
    ),
    Case(
        "laplace_nll_loss",
        xlosses.laplace_nll_loss,
        references.laplace_nll,
        _SCALED,
        by=("inputs", "scale"),
    ),
    Case(
        "student_t_nll_loss",
        partial(xlosses.student_t_nll_loss, df=4.0),
        references.student_t_nll,
        _SCALED,
        ({}, {"df": 1.0}),
        by=("inputs", "scale"),
    ),
    Case(
        "mixture_nll_loss",
        xlosses.mixture_nll_loss,
        references.mixture_nll,
        {
            "logits": "mixture logits",
            "means": "component means",
            "log_scales": "log scales",
            "targets": "target",
        },
        by=("logits", "means", "log_scales"),
    ),
    Case(
        "cox_ph_loss",
        xlosses.cox_ph_loss,
        references.cox_ph,
        {"log_hazards": "log hazards", "times": "times", "events": "events"},
    ),
)
