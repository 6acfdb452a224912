"""Lists of scores."""

from __future__ import annotations

from typing import Any

import xlosses
from xlosses.testing.case import Case
from xlosses.testing.references import listwise as references

_LISTS = {"scores": "logits", "relevances": "relevances"}
_RAGGED = {**_LISTS, "kept": "kept"}


def _ranking_softmax(scores: Any, relevances: Any, kept: Any, axis: int = -1, **options: Any) -> Any:
    return xlosses.ranking_softmax_loss(scores, relevances, kept=kept, axis=axis, **options)


def _pairwise_logistic(scores: Any, relevances: Any, kept: Any, axis: int = -1, **options: Any) -> Any:
    return xlosses.pairwise_logistic_loss(scores, relevances, kept=kept, axis=axis, **options)


CASES = (
    Case("ranking_softmax_loss", xlosses.ranking_softmax_loss, references.ranking_softmax, _LISTS),
    Case("ranking_softmax_loss (kept)", _ranking_softmax, references.ranking_softmax, _RAGGED),
    Case("pairwise_logistic_loss", xlosses.pairwise_logistic_loss, references.pairwise_logistic, _LISTS),
    Case("pairwise_logistic_loss (kept)", _pairwise_logistic, references.pairwise_logistic, _RAGGED),
)
