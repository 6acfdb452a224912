"""Embeddings and rankings."""

from __future__ import annotations

import math
from functools import partial

import xlosses
from xlosses.testing.case import Case
from xlosses.testing.references import embedding as references

_TRIPLET = {"anchors": "vector", "positives": "near vector", "negatives": "far vector"}
_OF_TRIPLET = tuple(_TRIPLET)

CASES = (
    Case(
        "margin_ranking_loss",
        xlosses.margin_ranking_loss,
        references.margin_ranking,
        {"inputs1": "score", "inputs2": "rival score", "targets": "side"},
        ({}, {"margin": 0.5}),
        by=("inputs1", "inputs2"),
    ),
    Case(
        "triplet_loss",
        xlosses.triplet_loss,
        references.triplet,
        _TRIPLET,
        ({}, {"p": 1, "margin": 0.7}, {"p": 3, "margin": 2.0}, {"p": math.inf}, {"swap": True}),
        by=_OF_TRIPLET,
    ),
    Case(
        "triplet_loss (squared)",
        partial(xlosses.triplet_loss, distance="squared"),
        references.triplet_of_squares,
        _TRIPLET,
        ({"swap": True, "margin": 4.0},),
        by=_OF_TRIPLET,
    ),
    Case(
        "triplet_loss (cosine)",
        partial(xlosses.triplet_loss, distance="cosine"),
        references.triplet_of_cosines,
        _TRIPLET,
        ({}, {"swap": True, "margin": 0.5}),
        by=_OF_TRIPLET,
    ),
    Case(
        "cosine_similarity_loss",
        xlosses.cosine_similarity_loss,
        references.cosine,
        {"x1": "vector", "x2": "near vector"},
        ({}, {"eps": 20.0}),
        by=("x1", "x2"),
    ),
    Case(
        "cosine_distance_loss",
        xlosses.cosine_distance_loss,
        references.cosine_distance,
        {"x1": "vector", "x2": "near vector"},
        ({}, {"eps": 20.0}),
        by=("x1", "x2"),
    ),
    Case(
        "cosine_embedding_loss",
        xlosses.cosine_embedding_loss,
        references.cosine_embedding,
        {"x1": "vector", "x2": "other vector", "targets": "likeness"},
        ({}, {"margin": 0.5, "eps": 20.0}),
        by=("x1", "x2"),
    ),
    Case(
        "contrastive_loss",
        xlosses.contrastive_loss,
        references.contrastive,
        {"x1": "vector", "x2": "other vector", "targets": "likeness"},
        ({}, {"margin": 6.0}),
        by=("x1", "x2"),
    ),
)
