"""Where the losses are measured whose terms compare an entry with all of its batch: whole batches.

A batch is the arguments of one call. Products over the temperature stay below about a thousand; what
their rounding makes of a loss is in its scale (`definitions/contrastive.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from formats import Format

Batch = tuple[Any, ...]
Rows = list[list[float]]
N, D = 6, 3  # of all, because JAX compiles for each


def rows(rng: Random, spread: float, offset: float = 0.0) -> Rows:
    return [[float(f"{rng.gauss(offset, spread):.4g}") for _ in range(D)] for _ in range(N)]


def units(rng: Random) -> Rows:
    found = rows(rng, 1.0)
    return [[float(f"{x / sum(y * y for y in row) ** 0.5:.4g}") for x in row] for row in found]


def pairs(f: Format, rng: Random) -> Iterator[tuple[Rows, Rows]]:
    """Queries and keys: of all sizes, ties, equal ones, zero vectors, right and wrong sides."""
    for spread in (1e-3, 0.1, 0.4, 1.0, 3.0):
        yield rows(rng, spread), rows(rng, spread)
    one, zero = units(rng), [[0.0] * D] * N
    yield one, units(rng)
    yield one, one
    yield one, [[-x for x in row] for row in one]
    yield one, [one[0]] * N
    yield zero, one
    yield one, zero
    yield rows(rng, 0.1, 2.0), rows(rng, 0.1, 2.0)
    yield rows(rng, 4.0), rows(rng, 0.1)
    yield [[f.tiny * 2.0**f.bits * x for x in row] for row in one], rows(rng, 1.0)


def trained(*values: float) -> Callable[..., Iterator[Batch]]:
    """Pairs, and 0-d arrays for parameters."""

    def make(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Batch]:
        for q, k in pairs(f, rng):
            yield q, k, *values

    return make


def features(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Batch]:
    """One feature vector beside the vectors of all classes, which are the same for all points of a size."""
    for n in (D, 4 * D):
        classes = [[float(f"{rng.gauss(0.0, 1.0):.3g}") for _ in range(n)] for _ in range(N)]
        biases = [float(f"{rng.gauss(0.0, 1.0):.3g}") for _ in range(N)]
        for spread in (1e-3, 0.1, 0.5, 1.0, 3.0, 10.0, 30.0):
            for label in range(N):
                yield [float(f"{rng.gauss(0.0, spread):.4g}") for _ in range(n)], classes, label, biases
        yield [0.0] * n, classes, 0, biases


def beside_negatives(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Batch]:
    """Queries with their keys, and negatives that are the same for all; on both sides, ties, zero vectors."""
    negatives = units(rng)
    for q, k in pairs(f, rng):
        for query, key in zip(q, k, strict=True):
            yield query, key, negatives
    for query in units(rng):
        for key in (negatives[0], [-x for x in query], query, [8 * x for x in query], [0.0] * D):
            yield query, key, negatives


def with_own_negatives(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Batch]:
    for k, (query, key, negatives) in enumerate(beside_negatives(f, options, rng)):
        yield query, key, rows(rng, (0.3, 1.0)[k % 2])
        if k % 8 == 0:
            yield query, key, [key] * N
            yield query, key, [[2 * x for x in row] for row in negatives]


def labelled(*values: float) -> Callable[..., Iterator[Batch]]:
    """Embeddings with labels: few, many, one of each, all the same."""

    def make(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Batch]:
        for x, _ in pairs(f, rng):
            yield x, *values, [rng.randrange(rng.choice([2, 5])) for _ in range(N)]
        yield units(rng), *values, list(range(N))
        yield units(rng), *values, [-7] * N

    return make


MAKERS: Mapping[str, Callable[..., Iterator[Batch]]] = {
    "linear_cross_entropy": features,
    "info_nce_loss": trained(),
    "info_nce_loss (trained temperature)": trained(0.25),
    "info_nce_loss (negatives)": beside_negatives,
    "info_nce_loss (own negatives)": with_own_negatives,
    "siglip_loss": trained(),
    "siglip_loss (trained scale and bias)": trained(4.0, -1.5),
    "supervised_contrastive_loss": labelled(),
    "supervised_contrastive_loss (trained temperature)": labelled(0.25),
}
