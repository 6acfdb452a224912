"""Embeddings and rankings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import combinations
from operator import sub
from random import Random
from typing import Any

from formats import Format

from points.common import LENGTHS, LONG, Point, around, both, brief, even, ladder, normal


def rankings(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    margin = options.get("margin", 0.0)
    for x in both([0.0, *ladder(f, 14), *(around(f, margin) if margin else [])]):
        for y in (1.0, -1.0):
            yield x, 0.0, y
    for _ in range(12):
        yield normal(rng, 0, 2), normal(rng, 0, 2), rng.choice([-1.0, 1.0])
    for x in (0.0, 2.0, f.max / 2):
        yield x, x, 1.0
        yield f.up(x), x, -1.0
        yield x, -x, 1.0


def triplets(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for a, b, n in all_triplets(f, options, rng):
        far, other = (math.hypot(*map(sub, x, n), 1e-3) for x in (a, b))
        if not options.get("swap") or a == b or abs(far - other) > 1e-3 * far:
            yield a, b, n


def all_triplets(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    def vector(n: int, spread: float) -> list[float]:
        return [normal(rng, 0, spread) for _ in range(n)]

    for _ in range(0 if options or f.bits < 20 else 2):
        yield vector(LONG, 1.0), vector(LONG, 1.0), vector(LONG, 1.0)
    for n in LENGTHS:
        for spread in (1e-3, 0.1, 0.5, 1.0, 2.0, 10.0):
            for _ in range(2):
                yield vector(n, spread), vector(n, spread), vector(n, spread)
        a, unit = vector(n, 1.0), [1.0, *[0.0] * (n - 1)]
        zero = [0.0] * n
        yield a, a, a
        yield a, a, vector(n, 3.0)
        yield a, vector(n, 3.0), a
        yield zero, [4.0, -4.0, *[1.0] * (n - 2)], [0.0, 1.0, *[0.5] * (n - 2)]
        yield zero, zero, unit
        yield zero, unit, zero
        for size in (f.max / 4 / n, math.sqrt(f.max) / 4, 1e-4, math.sqrt(f.tiny), f.tiny * 8, f.least * 5):
            yield (
                [brief(size * even(rng)) for _ in range(n)],
                [-brief(size * even(rng)) for _ in range(n)],
                zero,
            )
        yield [f.max / 8, *[f.tiny] * (n - 1)], zero, zero


def triplets_of_squares(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """Also as large as squares allow."""
    for n in LENGTHS:
        for spread in (1e-3, 0.1, 0.5, 1.0, 2.0, 10.0, min(100.0, math.sqrt(f.max) / 64)):
            for _ in range(4):
                yield tuple([normal(rng, 0, spread) for _ in range(n)] for _ in range(3))
        a, unit = [normal(rng, 0, 1.0) for _ in range(n)], [1.0, *[0.0] * (n - 1)]
        yield a, a, a
        yield a, a, [-x for x in a]
        yield a, [2 * x for x in a], a
        yield [0.0] * n, [0.0] * n, unit


def triplets_of_directions(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """Lengths of which the smallest product is above eps; ties; a zero vector in each place."""
    for a, b in vectors(f, options, rng):
        turned = [*b[1:], -b[0]]
        if 1e-2 < min(math.hypot(*x) for x in (a, b)) and max(map(abs, (*a, *b))) < 1e3:
            found = [(a, b, turned), (a, turned, b), (a, [-x for x in b], a), (b, a, [0.0] * len(a))]
            for point in [*found, ([0.0] * len(a), a, b)]:
                near, far, other = (1 - cosine(*pair) for pair in combinations(point, 2))
                least = min(far, other) if options.get("swap") else far
                apart = not options.get("swap") or abs(far - other) > 1e-2
                if apart and abs(near - least + options.get("margin", 1.0)) > 1e-2:
                    yield point


def cosine(x1: list[float], x2: list[float]) -> float:
    length = math.hypot(*x1) * math.hypot(*x2)
    return math.fsum(a * b for a, b in zip(x1, x2, strict=True)) / length if length else 0.0


def vectors(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    def vector(n: int, size: float = 1.0) -> list[float]:
        return [brief(size * max(-4.0, min(4.0, rng.gauss(0, 1)))) for _ in range(n)]

    for _ in range(0 if options or f.bits < 20 else 2):
        yield vector(LONG), vector(LONG)
    for n in LENGTHS:
        for size in (1.0, 1.0, 1.0, 5.0, 20.0, 1e-3):
            yield vector(n, size), vector(n, size)
        a, unit, zero = vector(n), [1.0, *[0.0] * (n - 1)], [0.0] * n
        yield a, a
        yield a, [-x for x in a]
        yield a, [brief(x * (1 + 1e-3 * even(rng))) for x in a]
        yield unit, [0.0, *a[1:]]
        if (eps := options.get("eps", 0.0)) >= 1:  # the clamp begins
            yield [0.6 * eps, 0.8 * eps, *zero[2:]], unit
        yield zero, zero
        yield zero, a
        yield a, zero
        large, small = f.max / 8, math.sqrt(f.tiny)
        for one, other in (
            (large, 1.0),
            (large, large),
            (small, 1 / small),
            (f.tiny * 1e5, f.tiny * 1e5),
            (f.tiny * 16, large),
            (1e-4, 1e-4),
        ):
            yield vector(n, one), vector(n, other)
        yield [f.least * rng.randrange(1, 9) for _ in range(n)], a
        yield [1.0, *[f.tiny] * (n - 1)], [f.tiny, *[1.0] * (n - 1)]


def pairs_of_vectors(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for x1, x2 in vectors(f, {k: x for k, x in options.items() if k != "margin"}, rng):
        yield x1, x2, 1.0
        yield x1, x2, -1.0


def pairs_apart(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """Up to where squares end; the margin is met from both sides."""
    margin = options.get("margin", 1.0)

    def vector(n: int, spread: float) -> list[float]:
        return [normal(rng, 0, spread) for _ in range(n)]

    for _ in range(0 if options or f.bits < 20 else 2):
        for y in (-1.0, 1.0):
            yield vector(LONG, 0.05), vector(LONG, 0.05), y
    for n in LENGTHS:
        a, zero = vector(n, 1.0), [0.0] * n
        for y in (1.0, -1.0):
            for spread in (1e-3, 0.1, 0.25, 0.5, 1.0, 2.0, 10.0):
                for _ in range(2):
                    yield vector(n, spread), vector(n, spread), y
            yield a, a, y
            yield zero, zero, y
            for share in (0.25, 0.75, 0.9375, 1.0, 1.0625, 4.0):
                yield [share * margin, *zero[1:]], zero, y
            for size in (math.sqrt(f.max) / 4 / n, 1e-4, math.sqrt(f.tiny) * 4, f.tiny * 8):
                yield [brief(size * even(rng)) for _ in range(n)], zero, y


MAKERS = {
    "margin_ranking_loss": rankings,
    "triplet_loss": triplets,
    "triplet_loss (squared)": triplets_of_squares,
    "triplet_loss (cosine)": triplets_of_directions,
    "cosine_similarity_loss": vectors,
    "cosine_distance_loss": vectors,
    "cosine_embedding_loss": pairs_of_vectors,
    "contrastive_loss": pairs_apart,
}
