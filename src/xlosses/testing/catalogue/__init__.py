"""The catalogue: every loss of this library as a `Case`, a file for each family."""

from __future__ import annotations

from collections.abc import Mapping

from xlosses.testing.case import Case
from xlosses.testing.catalogue import (
    classification,
    contrastive,
    divergence,
    embedding,
    likelihood,
    margin,
    regression,
    scoring,
    segmentation,
)

_FAMILIES = (
    regression,
    likelihood,
    classification,
    divergence,
    margin,
    embedding,
    scoring,
    segmentation,
    contrastive,
)

CASES: Mapping[str, Case] = {case.name: case for family in _FAMILIES for case in family.CASES}
