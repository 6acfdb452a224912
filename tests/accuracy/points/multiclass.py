"""Margins over several classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from formats import Format

from points.common import LENGTHS, LONG, Point, around, brief, even, normal


def scores(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[list[float]]:
    """Without infinite ones."""
    margin = options.get("margin", 1.0)
    for spread in (1.0, 5.0) if f.bits > 20 else ():
        yield [normal(rng, 100.0, spread) for _ in range(LONG)]
    for n in LENGTHS:
        rest = [0.0] * (n - 1)
        for spread in (0.1, 0.5, 1.0, 2.0, 5.0, 20.0, 100.0):
            yield [normal(rng, 0, spread) for _ in range(n)]
        for offset in (-1e3, 1e4, f.max / 4):
            yield [offset + normal(rng, 0, 1) for _ in range(n)]
        yield [0.0, *rest]
        yield [min(1e8, f.max)] * n
        yield [brief(1e-4 * even(rng)) for _ in range(n)]
        for gap in (*around(f, margin), 69.0, 1e3, f.max / 8):
            yield [gap, *rest]
            yield [-gap, *rest]
        yield [f.least * rng.randrange(9) for _ in range(n)]
        yield [f.max / 8, -f.max / 8, *rest[1:]]


def of_labels(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for row in scores(f, options, rng):
        yield row, row.index(max(row))
        yield row, row.index(min(row))
        yield row, len(row) - 1


def of_tags(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for row in scores(f, options, rng):
        yield row, [float(rng.random() < 0.5) for _ in row]
        yield row, [float(k == 0) for k in range(len(row))]
    yield row, [0.0] * len(row)
    yield row, [1.0] * len(row)


def of_chances(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    yield from of_tags(f, options, rng)
    for n in LENGTHS:
        for spread in (1.0, 3.0, 30.0):
            yield [normal(rng, 0, spread) for _ in range(n)], [even(rng) for _ in range(n)]


MAKERS = {
    "multiclass_hinge_loss": of_labels,
    "multiclass_perceptron_loss": of_labels,
    "multiclass_sparsemax_loss": of_labels,
    "multi_margin_loss": of_labels,
    "multilabel_margin_loss": of_tags,
    "multilabel_soft_margin_loss": of_chances,
}
