"""Quantiles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from formats import Format

from points.common import LENGTHS, Point, brief, ladder, normal
from points.regression import errors


def levels(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """All rows of one length have the same levels."""
    for n in LENGTHS:
        q = [brief((k + 0.6) / (n + 0.1)) for k in range(n)]
        for size in (1e-3, 1.0, 1.0, 10.0, 100.0, *(x / 256 for x in ladder(f, 12))):
            row = [normal(rng, 0, 1) * size for _ in range(n)]
            yield row, row[0], q
            yield row, normal(rng, 0, 1) * size, q
            yield sorted(row), 0.0, q


MAKERS = {
    "quantile_loss": errors,
    "quantile_loss (levels)": levels,
}
