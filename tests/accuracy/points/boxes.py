"""Boxes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from formats import Format

from points.common import Point, brief


def boxes(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """Apart, touching, one in the other, crossed, equal, nearly equal; small, large, far from the origin."""
    unit = [0.0, 0.0, 1.0, 1.0]
    for other in (
        unit,
        [2.0, 0.0, 3.0, 1.0],
        [2.0, 3.0, 2.5, 4.0],
        [1.0, 0.0, 2.0, 1.0],
        [1.0, 1.0, 2.0, 2.0],
        [0.25, 0.25, 0.75, 0.5],
        [0.0, 0.25, 0.75, 0.5],
        [-1.0, 0.25, 2.0, 0.75],
        [0.0, 0.0, 1.0, f.up(1.0)],
        [0.0, 0.0, 0.5, 1.0],
        [-1.0, -2.0, 3.0, 4.0],
    ):
        for size in (1.0, 64.0, 1e3) if options else (1.0, 0.01, 64.0, 1e3):
            for pair in ((unit, other), (other, unit)):
                yield tuple([brief(size * x) for x in box] for box in pair)
        yield [x + 16.0 for x in unit], [x + 16.0 for x in other]
    for spread in (0.01, 0.3, 1.0, 3.0):
        for _ in range(12):
            yield tuple(one(rng, spread, f) for _ in range(2))
        box = one(rng, spread, f)
        yield box, [x + brief(spread * 1e-3 * rng.random()) for x in box]


def one(rng: Random, spread: float, f: Format) -> list[float]:
    x, y = (f.round(brief(rng.gauss(0, spread))) for _ in range(2))
    return [x, y, x + brief(rng.uniform(0.1, 1.0)), y + brief(rng.uniform(0.1, 1.0))]


MAKERS = dict.fromkeys(("box_iou_loss", "giou_loss", "diou_loss", "ciou_loss"), boxes)
