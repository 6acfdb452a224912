"""The catalogue: every loss of this library as a `Case`, a file for each family."""

from __future__ import annotations

from collections.abc import Mapping

from xlosses.testing.case import Case
from xlosses.testing.catalogue import (
    batch_statistics,
    boxes,
    classification,
    contrastive,
    counts,
    divergence,
    embedding,
    focal,
    likelihood,
    listwise,
    margin,
    mining,
    multiclass,
    regression,
    scoring,
    segmentation,
    sequence,
)

_FAMILIES = (
    regression,
    likelihood,
    counts,
    classification,
    divergence,
    margin,
    multiclass,
    embedding,
    listwise,
    scoring,
    segmentation,
    contrastive,
    mining,
    focal,
    boxes,
    sequence,
    batch_statistics,
)

CASES: Mapping[str, Case] = {case.name: case for family in _FAMILIES for case in family.CASES}
