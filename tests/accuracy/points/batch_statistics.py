"""Where the losses are measured that compare the statistics of two views of a batch: 5 rows of 3 columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from formats import Format

Point = tuple[Any, ...]
Rows = list[list[float]]
N, D = 5, 3


def rows(rng: Random, *spreads: float, offset: float = 0.0) -> Rows:
    return [[float(f"{rng.gauss(offset, spread):.3g}") for spread in spreads] for _ in range(N)]


def views(rng: Random) -> Iterator[tuple[Rows, Rows]]:
    """Columns that spread little, much and differently, or not at all; close, unlike and opposite views."""
    for spreads in ((0.1, 0.1, 0.1), (0.5, 0.5, 0.5), (0.25, 1.0, 4.0), (2.0, 2.0, 2.0), (8.0, 8.0, 8.0)):
        for _ in range(5):
            x = rows(rng, *spreads)
            yield x, rows(rng, *spreads)
            yield x, [[float(f"{1.015625 * a:.3g}") for a in row] for row in x]
        yield x, [[-a for a in row] for row in x]
    for _ in range(4):
        yield rows(rng, 0.5, 1.0, 2.0, offset=1.0), rows(rng, 0.5, 1.0, 2.0, offset=-1.0)
        x = rows(rng, 0.5, 1.0, 2.0)
        yield [[0.0, *row[1:]] for row in x], rows(rng, 0.5, 1.0, 2.0)
        yield [[row[0], row[0], row[2]] for row in x], x


def of_all(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    yield from views(rng)


def of_kept(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for k, (x1, x2) in enumerate(views(rng)):
        yield x1, x2, [int(i not in (k % N, k // N % N)) for i in range(N)]


MAKERS: Mapping[str, Callable[..., Iterator[Point]]] = {
    "vicreg_loss": of_all,
    "vicreg_loss (kept)": of_kept,
    "barlow_twins_loss": of_all,
    "barlow_twins_loss (kept)": of_kept,
}
