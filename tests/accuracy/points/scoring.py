"""Quantiles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from formats import Format

from points.common import LENGTHS, LONG, Point, brief, even, ladder, normal
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


def forecasts(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for p in (0.0, 0.5, 1.0, f.down(1.0), *(x for x in ladder(f, 20) if x < 1)):
        for y in (0.0, 1.0, 0.25):
            yield p, y
    for _ in range(24):
        yield even(rng), even(rng)


def forecasts_of_classes(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[list[float]]:
    if f.bits > 20:
        yield [brief(even(rng) / 50) for _ in range(LONG)]
    for n in LENGTHS:
        for size in (1.0, 0.25, 1e-3, 1e-6):
            for _ in range(4):
                yield [brief(size * even(rng)) for _ in range(n)]
        yield [1.0, *[0.0] * (n - 1)]
        yield [f.down(1.0), *[f.least] * (n - 1)]
        yield [1.0 / n] * n


def of_forecasts_and_labels(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for p in forecasts_of_classes(f, options, rng):
        yield p, 0
        yield p, len(p) - 1


def of_forecasts_and_classes(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for p in forecasts_of_classes(f, options, rng):
        yield p, [float(k == 0) for k in range(len(p))]
        yield p, p
        yield p, [brief(1.001 * x) for x in p]
        yield p, [even(rng) for _ in p]


def ensembles(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """Targets among the members, equal to one, and beyond all of them; members that are equal."""
    for n in LENGTHS:
        for size in (1e-3, 1.0, 1.0, 10.0, 100.0, *(x / 256 for x in ladder(f, 12))):
            row = [normal(rng, 0, 1) * size for _ in range(n)]
            for y in (0.0, row[0], 8.0 * size, -8.0 * size):
                yield row, y
            yield [row[0], *row[:-1]], 0.0
        yield [1.0] * n, 0.0
        yield [0.5] * n, 0.5


def ensembles_of_vectors(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """Vectors far apart and close, some or all of them equal, some at the target."""
    for m, n in ((2, 5), (3, 2), (6, 3)):  # of one length each
        for size in (1e-3, 1.0, 100.0, f.max / 2**12, f.tiny * 2 ** (f.bits + 2)):
            x = [[normal(rng, 0, 1) * size for _ in range(n)] for _ in range(m)]
            near = [x[0], [brief(1.0078125 * a) for a in x[0]], *x[2:]]
            for y in ([normal(rng, 0, 1) * size for _ in range(n)], [0.0] * n, x[0]):
                yield x, y
                yield [x[0], *x[:-1]], y
                yield near, y
            yield [x[0]] * m, x[1]
            yield [x[0]] * m, x[0]


MAKERS = {
    "quantile_loss": errors,
    "quantile_loss (levels)": levels,
    "brier_loss": forecasts,
    "brier_loss (labels)": of_forecasts_and_labels,
    "brier_loss (classes)": of_forecasts_and_classes,
    "crps_loss": ensembles,
    "energy_loss": ensembles_of_vectors,
}
