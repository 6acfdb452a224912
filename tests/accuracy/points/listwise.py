"""Lists of scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from formats import Format

from points.common import LENGTHS, LONG, Point, brief, even, normal


def lists(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    if f.bits > 20:
        yield [normal(rng, 0, 2) for _ in range(LONG)], [float(rng.randrange(3)) for _ in range(LONG)]
    for n in LENGTHS:
        for spread in (1e-3, 0.1, 0.5, 1.0, 1.0, 2.0, 2.0, 5.0, 5.0, 15.0):
            s = [normal(rng, 0, spread) for _ in range(n)]
            yield s, [float(rng.randrange(3)) for _ in range(n)]
            yield s, [even(rng) for _ in range(n)]
        for offset in (-1e3, 1e4):
            yield [offset + normal(rng, 0, 1) for _ in range(n)], [float(k) for k in range(n)]
        first, rest = [1.0, *[0.0] * (n - 1)], [0.0] * (n - 1)
        for gap in (0.0, 1e-4, 1.0, 16.0, 69.0, 1e3):
            yield [gap, *rest], first
            yield [-gap, *rest], first
        yield [brief(x) for x in s], [1.0] * n
        yield s, [0.0] * n


def ragged_lists(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for s, y in lists(f, options, rng):
        yield s, y, [rng.random() < 0.7 for _ in s]
    yield s, y, [False] * len(s)


MAKERS = {
    "ranking_softmax_loss": lists,
    "ranking_softmax_loss (kept)": ragged_lists,
    "pairwise_logistic_loss": lists,
    "pairwise_logistic_loss (kept)": ragged_lists,
}
