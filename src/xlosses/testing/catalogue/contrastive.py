"""Each compared with all."""

from __future__ import annotations

from typing import Any

import xlosses
from xlosses.testing.case import Case
from xlosses.testing.references import contrastive as references

_PAIRS = {"queries": "query", "keys": "key"}


def _info_nce(queries: Any, keys: Any, temperature: Any, **options: Any) -> Any:
    return xlosses.info_nce_loss(queries, keys, temperature=temperature, **options)


def _info_nce_of_negatives(queries: Any, keys: Any, negatives: Any, **options: Any) -> Any:
    return xlosses.info_nce_loss(queries, keys, negatives=negatives, **options)


def _siglip(queries: Any, keys: Any, scale: Any, bias: Any, **options: Any) -> Any:
    return xlosses.siglip_loss(queries, keys, scale=scale, bias=bias, **options)


def _supervised_contrastive(embeddings: Any, temperature: Any, labels: Any, **options: Any) -> Any:
    return xlosses.supervised_contrastive_loss(embeddings, labels, temperature=temperature, **options)


CASES = (
    Case(
        "info_nce_loss",
        xlosses.info_nce_loss,
        references.info_nce,
        _PAIRS,
        ({}, {"temperature": 0.5}, {"symmetric": True}),
        by=("queries", "keys"),
        whole=True,
    ),
    Case(
        "info_nce_loss (trained temperature)",
        _info_nce,
        references.info_nce,
        {**_PAIRS, "temperature": "temperature"},
        ({}, {"symmetric": True}),
        by=("queries", "keys", "temperature"),
        whole=True,
    ),
    Case(
        "info_nce_loss (negatives)",
        _info_nce_of_negatives,
        references.info_nce_of_negatives,
        {**_PAIRS, "negatives": "negatives"},
        ({"temperature": 0.5},),
        by=("queries", "keys", "negatives"),
    ),
    Case(
        "info_nce_loss (own negatives)",
        _info_nce_of_negatives,
        references.info_nce_of_negatives,
        {**_PAIRS, "negatives": "own negatives"},
        by=("queries", "keys", "negatives"),
    ),
    Case(
        "siglip_loss",
        xlosses.siglip_loss,
        references.siglip,
        _PAIRS,
        ({}, {"scale": 2.0, "bias": 1.0}),
        by=("queries", "keys"),
        whole=True,
    ),
    Case(
        "siglip_loss (trained scale and bias)",
        _siglip,
        references.siglip,
        {**_PAIRS, "scale": "scale", "bias": "bias"},
        by=("queries", "keys", "scale", "bias"),
        whole=True,
    ),
    Case(
        "supervised_contrastive_loss",
        xlosses.supervised_contrastive_loss,
        references.supervised_contrastive,
        {"embeddings": "embedding", "labels": "identity"},
        ({}, {"temperature": 0.5}),
        by=("embeddings",),
        whole=True,
    ),
    Case(
        "supervised_contrastive_loss (trained temperature)",
        _supervised_contrastive,
        references.supervised_contrastive_by_temperature,
        {"embeddings": "embedding", "temperature": "temperature", "labels": "identity"},
        by=("embeddings", "temperature"),
        whole=True,
    ),
)
