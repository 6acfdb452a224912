"""Sets."""

from __future__ import annotations

from functools import partial
from typing import Any

import xlosses
from xlosses.testing.case import Case
from xlosses.testing.references import segmentation as references


def _dice_loss_of_kept(inputs: Any, targets: Any, kept: Any, axis: int = -1, **options: Any) -> Any:
    return xlosses.dice_loss(inputs, targets, axis=axis, kept=kept, **options)


def _generalized_dice_of_single_entries(inputs: Any, targets: Any, axis: int = -1, **options: Any) -> Any:
    return xlosses.generalized_dice_loss(inputs, targets, axis=(), class_axis=axis, **options)


def _lovasz_hinge_loss_of_kept(inputs: Any, targets: Any, kept: Any, axis: int = -1, **options: Any) -> Any:
    return xlosses.lovasz_hinge_loss(inputs, targets, axis=axis, kept=kept, **options)


def _lovasz_softmax_of_single_entries(inputs: Any, targets: Any, axis: int = -1, **options: Any) -> Any:
    return xlosses.lovasz_softmax_loss(inputs, targets, axis=(), class_axis=axis, **options)


CASES = (
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
        "jaccard_loss",
        partial(xlosses.jaccard_loss, axis=-1),
        references.jaccard,
        {"inputs": "membership", "targets": "members"},
        ({}, {"smooth": 0.0}),
        by=("inputs", "targets"),
    ),
    Case(
        "focal_tversky_loss",
        partial(xlosses.focal_tversky_loss, axis=-1),
        references.focal_tversky,
        {"inputs": "membership", "targets": "members"},
        ({}, {"gamma": 2.0, "alpha": 0.3, "beta": 0.7, "smooth": 0.0}),
        by=("inputs", "targets"),
    ),
    Case(
        "generalized_dice_loss",
        _generalized_dice_of_single_entries,
        references.generalized_dice,
        {"inputs": "membership", "targets": "members"},
        ({}, {"smooth": 1.0}),
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
        "lovasz_hinge_loss",
        partial(xlosses.lovasz_hinge_loss, axis=-1),
        references.lovasz_hinge,
        {"inputs": "logits", "targets": "tags"},
    ),
    Case(
        "lovasz_hinge_loss (kept)",
        _lovasz_hinge_loss_of_kept,
        references.lovasz_hinge,
        {"inputs": "membership", "targets": "members", "kept": "kept"},
    ),
    Case(
        "lovasz_softmax_loss",
        partial(xlosses.lovasz_softmax_loss, axis=-1),
        references.lovasz_softmax,
        {"inputs": "membership", "targets": "members"},
        ({}, {"absent": True}),
    ),
    Case(
        "lovasz_softmax_loss (classes)",
        _lovasz_softmax_of_single_entries,
        references.lovasz_softmax_of_single_entries,
        {"inputs": "membership", "targets": "members"},
        ({}, {"absent": True}),
    ),
)
