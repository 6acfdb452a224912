"""The catalogue: every loss of this library as a `Case`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import xlosses
from xlosses.testing import references
from xlosses.testing import references_of_batches as compared
from xlosses.testing.case import Case

_REGRESSION = {"predictions": "prediction", "targets": "target"}
_HUBER = {"inputs": "prediction", "targets": "target"}


def _quantile_loss_of_levels(inputs: Any, targets: Any, quantile: Any, axis: int = -1, **options: Any) -> Any:
    return xlosses.quantile_loss(inputs, targets, quantile=quantile, axis=axis, **options)


def _dice_loss_of_kept(inputs: Any, targets: Any, kept: Any, axis: int = -1, **options: Any) -> Any:
    return xlosses.dice_loss(inputs, targets, axis=axis, kept=kept, **options)


_PAIRS = {"queries": "query", "keys": "key"}


def _info_nce(queries: Any, keys: Any, temperature: Any, **options: Any) -> Any:
    return xlosses.info_nce_loss(queries, keys, temperature=temperature, **options)


def _siglip(queries: Any, keys: Any, scale: Any, bias: Any, **options: Any) -> Any:
    return xlosses.siglip_loss(queries, keys, scale=scale, bias=bias, **options)


def _supervised_contrastive(embeddings: Any, temperature: Any, labels: Any, **options: Any) -> Any:
    return xlosses.supervised_contrastive_loss(embeddings, labels, temperature=temperature, **options)


CASES: Mapping[str, Case] = {
    case.name: case
    for case in (
        Case("mse_loss", xlosses.mse_loss, references.mse, _REGRESSION),
        Case("l1_loss", xlosses.l1_loss, references.l1, _REGRESSION),
        Case("huber_loss", xlosses.huber_loss, references.huber, _HUBER, ({}, {"delta": 0.25})),
        Case(
            "smooth_l1_loss",
            xlosses.smooth_l1_loss,
            references.smooth_l1,
            _REGRESSION,
            ({}, {"beta": 0.25}, {"beta": 0.0}),
        ),
        Case("log_cosh_loss", xlosses.log_cosh_loss, references.log_cosh, _HUBER),
        Case(
            "gaussian_nll_loss",
            xlosses.gaussian_nll_loss,
            references.gaussian_nll,
            {**_HUBER, "vars": "variance"},
            ({}, {"full": True, "eps": 0.5}),
            by=("inputs", "vars"),
        ),
        Case(
            "binary_cross_entropy",
            xlosses.binary_cross_entropy,
            references.binary_from_logits,
            {"inputs": "logit", "targets": "chance"},
        ),
        Case(
            "binary_cross_entropy (probabilities)",
            partial(xlosses.binary_cross_entropy, with_logits=False),
            references.binary_from_probabilities,
            {"inputs": "probability", "targets": "chance"},
        ),
        Case(
            "cross_entropy",
            xlosses.cross_entropy,
            references.cross_entropy_of_labels,
            {"logits": "logits", "targets": "labels"},
            ({}, {"label_smoothing": 0.1}),
        ),
        Case(
            "cross_entropy (probabilities)",
            xlosses.cross_entropy,
            references.cross_entropy_of_probabilities,
            {"logits": "logits", "targets": "distribution"},
            ({}, {"label_smoothing": 0.1}),
        ),
        Case(
            "linear_cross_entropy",
            xlosses.linear_cross_entropy,
            references.linear_cross_entropy,
            {"hidden": "vector", "weight": "class vectors", "targets": "labels", "bias": "class biases"},
            ({}, {"label_smoothing": 0.1}, {"softcap": 3.0, "z_loss": 0.25}),
            by=("hidden", "weight", "bias"),
        ),
        Case(
            "nll_loss",
            xlosses.nll_loss,
            references.nll,
            {"inputs": "log probabilities", "targets": "labels"},
        ),
        Case(
            "kl_div_loss",
            xlosses.kl_div_loss,
            references.kl_divergence,
            {"inputs": "log probabilities", "targets": "target log probabilities"},
        ),
        Case("hinge_loss", xlosses.hinge_loss, references.hinge, {"inputs": "score", "targets": "side"}),
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
            {"anchors": "vector", "positives": "near vector", "negatives": "far vector"},
            ({}, {"p": 1, "margin": 0.7}, {"p": 3, "margin": 2.0}, {"p": math.inf}),
            by=("anchors", "positives", "negatives"),
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
            "cosine_embedding_loss",
            xlosses.cosine_embedding_loss,
            references.cosine_embedding,
            {"x1": "vector", "x2": "other vector", "targets": "likeness"},
            ({}, {"margin": 0.5, "eps": 20.0}),
            by=("x1", "x2"),
        ),
        Case(
            "quantile_loss",
            xlosses.quantile_loss,
            references.quantile,
            _HUBER,
            ({}, {"quantile": 0.75}),
        ),
        Case(
            "quantile_loss (levels)",
            _quantile_loss_of_levels,
            references.quantiles,
            {"inputs": "quantiles", "targets": "target", "quantile": "levels"},
        ),
        Case(
            "dice_loss",
            partial(xlosses.dice_loss, axis=-1),
            references.dice,
            {"inputs": "membership", "targets": "members"},
            ({}, {"smooth": 0.0}, {"squared": True}, {"squared": True, "smooth": 0.0}),
            by=("inputs", "targets"),
        ),
        Case(
            "dice_loss (kept)",
            _dice_loss_of_kept,
            references.dice,
            {"inputs": "membership", "targets": "members", "kept": "kept"},
            ({}, {"squared": True}),
            by=("inputs", "targets"),
        ),
        Case(
            "tversky_loss",
            partial(xlosses.tversky_loss, axis=-1),
            references.tversky,
            {"inputs": "membership", "targets": "members"},
            ({}, {"alpha": 0.3, "beta": 0.7, "smooth": 0.0}),
            by=("inputs", "targets"),
        ),
        Case(
            "info_nce_loss",
            xlosses.info_nce_loss,
            compared.info_nce,
            _PAIRS,
            ({}, {"temperature": 0.5}, {"symmetric": True}),
            by=("queries", "keys"),
            whole=True,
        ),
        Case(
            "info_nce_loss (trained temperature)",
            _info_nce,
            compared.info_nce,
            {**_PAIRS, "temperature": "temperature"},
            ({}, {"symmetric": True}),
            by=("queries", "keys", "temperature"),
            whole=True,
        ),
        Case(
            "siglip_loss",
            xlosses.siglip_loss,
            compared.siglip,
            _PAIRS,
            ({}, {"scale": 2.0, "bias": 1.0}),
            by=("queries", "keys"),
            whole=True,
        ),
        Case(
            "siglip_loss (trained scale and bias)",
            _siglip,
            compared.siglip,
            {**_PAIRS, "scale": "scale", "bias": "bias"},
            by=("queries", "keys", "scale", "bias"),
            whole=True,
        ),
        Case(
            "supervised_contrastive_loss",
            xlosses.supervised_contrastive_loss,
            compared.supervised_contrastive,
            {"embeddings": "embedding", "labels": "identity"},
            ({}, {"temperature": 0.5}),
            by=("embeddings",),
            whole=True,
        ),
        Case(
            "supervised_contrastive_loss (trained temperature)",
            _supervised_contrastive,
            compared.supervised_contrastive_by_temperature,
            {"embeddings": "embedding", "temperature": "temperature", "labels": "identity"},
            by=("embeddings", "temperature"),
            whole=True,
        ),
    )
}
