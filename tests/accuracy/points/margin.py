"""Margins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from formats import Format

from points.common import Point, around, both, even, ladder, normal


def hinges(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for x in both([0.0, *ladder(f, 20), *around(f, 1.0), 1e3]):
        yield x, 1.0
        yield x, -1.0
    for _ in range(12):
        yield normal(rng, 0, 1), rng.choice([-1.0, 1.0])


def soft_margins(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """Where exponentials end, and beyond."""
    ends = [
        0.5,
        2,
        10,
        16,
        17,
        20,
        37,
        40,
        80,
        88,
        89,
        100,
        103.5,
        *([700, 709.5, 745] if f.bits == 53 else []),
    ]
    tail = (708, 746) if f.bits == 53 else (87, 104)  # where an exponential is subnormal
    for x in both([0.0, *ladder(f, 14), *ends]):
        for y in (1.0, -1.0):
            if not tail[0] < x * y < tail[1]:
                yield x, y
    for _ in range(40):
        yield normal(rng, 0, 3), rng.choice([-1.0, 1.0])


def distances(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    margin = options.get("margin", 1.0)
    for x in (0.0, *ladder(f, 20), *around(f, margin), 1e3, -0.5):
        yield x, 1.0
        yield x, -1.0
    for _ in range(12):
        yield abs(normal(rng, 0, 2)), rng.choice([-1.0, 1.0])


def scores(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for x in both([0.0, *ladder(f, 20), *around(f, 1.0), 1e3]):
        yield x, 0.0
        yield x, 1.0
    for _ in range(20):
        yield normal(rng, 0, 1), even(rng)
        yield normal(rng, 0, 10), even(rng)


MAKERS = {
    "hinge_loss": hinges,
    "squared_hinge_loss": hinges,
    "perceptron_loss": hinges,
    "soft_margin_loss": soft_margins,
    "hinge_embedding_loss": distances,
    "sparsemax_loss": scores,
}
