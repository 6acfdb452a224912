"""Statistics of the batch."""

from __future__ import annotations

from typing import Any

import xlosses
from xlosses.testing.case import Case
from xlosses.testing.references import batch_statistics as references

_VIEWS = {"x1": "batch", "x2": "other batch"}
_PRICES = {"invariance": 1.0, "variance": 2.0, "covariance": 4.0, "eps": 0.25}


def _vicreg_of_kept(x1: Any, x2: Any, kept: Any, **options: Any) -> Any:
    return xlosses.vicreg_loss(x1, x2, kept=kept, **options)


def _barlow_twins_of_kept(x1: Any, x2: Any, kept: Any, **options: Any) -> Any:
    return xlosses.barlow_twins_loss(x1, x2, kept=kept, **options)


CASES = (
    Case("vicreg_loss", xlosses.vicreg_loss, references.vicreg, _VIEWS, ({}, _PRICES), by=("x1", "x2")),
    Case(
        "vicreg_loss (kept)",
        _vicreg_of_kept,
        references.vicreg,
        {**_VIEWS, "kept": "kept rows"},
        by=("x1", "x2"),
    ),
    Case(
        "barlow_twins_loss",
        xlosses.barlow_twins_loss,
        references.barlow_twins,
        _VIEWS,
        ({}, {"off_diagonal": 0.5, "eps": 0.25}),
        by=("x1", "x2"),
    ),
    Case(
        "barlow_twins_loss (kept)",
        _barlow_twins_of_kept,
        references.barlow_twins,
        {**_VIEWS, "kept": "kept rows"},
        by=("x1", "x2"),
    ),
)
