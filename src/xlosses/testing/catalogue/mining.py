"""Positives and negatives by label."""

from __future__ import annotations

from typing import Any

import xlosses
from xlosses.testing.case import Case
from xlosses.testing.references import mining as references

_LABELLED = {"embeddings": "embedding", "labels": "identity"}


def _nt_xent(embeddings: Any, temperature: Any, labels: Any, **options: Any) -> Any:
    return xlosses.nt_xent_loss(embeddings, labels, temperature=temperature, **options)


CASES = (
    Case("nt_xent_loss", xlosses.nt_xent_loss, references.nt_xent, _LABELLED, whole=True),
    Case(
        "nt_xent_loss (trained temperature)",
        _nt_xent,
        references.nt_xent_by_temperature,
        {"embeddings": "embedding", "temperature": "temperature", "labels": "identity"},
        by=("embeddings", "temperature"),
        whole=True,
    ),
    Case(
        "circle_loss",
        xlosses.circle_loss,
        references.circle,
        _LABELLED,
        ({}, {"gamma": 4.0, "margin": 0.25}),
        whole=True,
    ),
    Case(
        "hard_triplet_loss",
        xlosses.hard_triplet_loss,
        references.hard_triplet,
        _LABELLED,
        ({}, {"margin": -0.25}),
        whole=True,
    ),
    Case(
        "multi_similarity_loss",
        xlosses.multi_similarity_loss,
        references.multi_similarity,
        _LABELLED,
        ({}, {"alpha": 3.0, "beta": 4.0, "base": -0.25}),
        whole=True,
    ),
)
