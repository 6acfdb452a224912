"""Classification."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from formats import Format

from points.common import LENGTHS, LONG, Point, both, brief, even, ladder, normal


def logits(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    sizes = [
        *ladder(f, 10),
        1e-8,
        0.1,
        0.5,
        2,
        5,
        10,
        16,
        17,
        20,
        37,
        40,
        60,
        69.0775,
        80,
        88,
        89,
        100,
        103.5,
    ]
    sizes += [300, 700, 708, 709.5, 745] if f.bits == 53 else []
    for x in (0.0, -0.0, *both(sizes)):
        yield x, 0.0
        yield x, 1.0
    for _ in range(100):
        yield normal(rng, 0, 3), even(rng)
    for x in (0.0, 30.0, -30.0, 1e4, -1e4):
        for y in (0.5, 0.25, 1e-4, f.least, f.down(1.0)):
            yield x, y


def weighed_logits(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for x, y in logits(f, options, rng):
        yield x, y, rng.choice([0.0, 0.25, 1.0, 3.0, 100.0]) if y == 0 or y > f.tiny else 1.0


def probabilities(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    low = math.exp(-100.0)
    inside = [p for p in ladder(f, 14) if p < 1]
    if f.name != "float16":  # at the clamp itself, rounding decides
        inside += [k * low for k in (0.5, 0.75, 1.25, *((1 - 1e-12, 1 + 1e-12) if f.bits == 53 else ()))]
    for p in (0.0, 1.0, *inside, 1e-20, 0.5, 0.9, 0.999, f.down(f.down(1.0))):
        for y in (0.0, 1.0, 0.25):
            yield p, y
    for _ in range(24):
        yield even(rng), even(rng)
    for y in (f.least, f.down(1.0), 1e-4):
        yield 0.3, y


def rows(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[list[float]]:
    """Logits."""
    inf = math.inf
    for spread in (1.0, 5.0) if f.bits > 20 else ():
        yield [normal(rng, 100.0, spread) for _ in range(LONG)]
    for n in LENGTHS:
        for spread in (0.1, 1.0, 2.0, 5.0, 20.0, 100.0):
            yield [normal(rng, 0, spread) for _ in range(n)]
        for offset in (-1e3, 1e4, f.max / 4):
            yield [offset + normal(rng, 0, 1) for _ in range(n)]
        yield [0.0] * n
        yield [min(1e8, f.max)] * n
        yield [brief(1e-4 * even(rng)) for _ in range(n)]
        for gap in (5.0, 20.0, 69.0, 88.0, 104.0, 1e3, f.max / 2):
            yield [gap, *(even(rng) for _ in range(n - 1))]
        yield [f.least * rng.randrange(9) for _ in range(n)]
        yield [f.max / 2, -f.max / 2, *(even(rng) for _ in range(n - 2))]
        if not options.get("label_smoothing") and n > 2:
            yield [-inf, 0.0, 1.0, *(rng.choice([-inf, even(rng)]) for _ in range(n - 3))]
            yield [*(rng.choice([-inf, 0.5]) for _ in range(n - 1)), 0.25]


def of_labels(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for row in rows(f, options, rng):
        yield row, row.index(max(row))
        yield row, 0  # -inf in some: the loss is infinite


def of_distributions(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for row in rows(f, options, rng):
        n, possible = len(row), [float(x > -math.inf) for x in row]
        hot = row.index(max(row))
        yield row, [float(k == hot) for k in range(n)]
        weights = [even(rng) * p for p in possible]
        yield row, [brief(w / sum(weights)) for w in weights]
        yield row, [rng.choice([0.0, 1e-6, 0.5, 2.0]) * p for p in possible]  # need not sum to 1


def of_log_probabilities(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for row in rows(f, options, rng):
        yield row, 0
        yield row, len(row) - 1


def of_levels(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """Without parts that are subnormal, which have no more than a few bits."""
    for row in rows(f, options, rng):
        for level in {0, 1, len(row) // 2, len(row)}:
            right = [x if k < level else -x for k, x in enumerate(row)]
            if f.bits == 53 or not any(80 < x < 110 for x in right):
                yield row, level


MAKERS = {
    "binary_cross_entropy": logits,
    "binary_cross_entropy (probabilities)": probabilities,
    "binary_cross_entropy (weight each)": weighed_logits,
    "cross_entropy": of_labels,
    "cross_entropy (probabilities)": of_distributions,
    "nll_loss": of_log_probabilities,
    "ordinal_loss": of_levels,
}
