"""Margins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from formats import Format

from points.common import Point, around, both, ladder, normal


def hinges(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for x in both([0.0, *ladder(f, 20), *around(f, 1.0), 1e3]):
        yield x, 1.0
        yield x, -1.0
    for _ in range(12):
        yield normal(rng, 0, 1), rng.choice([-1.0, 1.0])


MAKERS = {
    "hinge_loss": hinges,
}
