"""Divergences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from formats import Format

from points.classification import rows
from points.common import LENGTHS, LONG, Point, brief, even, log_softmax, normal


def pairs_of_log_probabilities(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    inf = math.inf
    for spread in (0.5, 3.0) if f.bits > 20 else ():
        yield log_softmax(rng, LONG, spread), log_softmax(rng, LONG, spread)
    for n in LENGTHS:
        for spread in (0.01, 0.5, 1.0, 3.0, 10.0, 30.0):
            for _ in range(4):
                yield log_softmax(rng, n, spread), log_softmax(rng, n, spread)
        same = log_softmax(rng, n, 1.0)
        yield same, same
        yield [f.up(f.round(x)) for x in same], same
        some = log_softmax(rng, n, 2.0)
        yield [x if k % 2 else -inf for k, x in enumerate(some)], [0.0 if k == 1 else -inf for k in range(n)]
        yield some, [-inf if k % 2 else x for k, x in enumerate(same)]
        yield same, [-inf] * n
        yield [0.0] + [-inf] * (n - 1), [-0.5] * n
        yield [-f.max] * n, same
        yield [f.least] * n, [-f.least] * n
        yield [-100.0] * n, [-69.0] * n  # about 1e-30 each
        yield same, [-200.0] * n


def of_probabilities(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    inf = math.inf

    def proportions(n: int, spread: float) -> list[float]:
        return [brief(math.exp(x)) for x in log_softmax(rng, n, spread)]

    for spread in (0.5, 3.0) if f.bits > 20 else ():
        yield log_softmax(rng, LONG, spread), proportions(LONG, spread)
    for n in LENGTHS:
        one = [float(k == 1) for k in range(n)]
        for spread in (0.01, 0.5, 1.0, 3.0, 10.0, 30.0):
            for _ in range(4):
                yield log_softmax(rng, n, spread), proportions(n, spread)
            same = log_softmax(rng, n, spread)
            yield same, [brief(math.exp(x)) for x in same]
            yield same, one
            yield same, [0.0] * n
        yield [x if k % 2 else -inf for k, x in enumerate(same)], one
        yield [-inf, *same[1:]], [1.0 / n] * n
        yield [-f.max] * n, one
        yield same, [f.least, f.tiny, *[0.5] * (n - 2)]
        yield [-200.0] * n, one


def of_amounts(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    yield from of_probabilities(f, options, rng)
    for n in LENGTHS:
        for size in (1e-3, 0.1, 1.0, 10.0, 100.0):
            amounts = [brief(size * even(rng)) for _ in range(n)]
            yield [brief(math.log(a)) for a in amounts], amounts
            yield [normal(rng, math.log(size), 1.0) for _ in range(n)], amounts
        yield [f.max, *[0.0] * (n - 1)], [1.0] * n
        yield [10.0] * n, [f.tiny] * n


def pairs_of_likely_ones(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """Without probabilities that are subnormal: they have no more than a few bits."""
    for x, t in pairs_of_log_probabilities(f, options, rng):
        if f.bits == 53 or not any(-150 < v < -80 for v in (*x, *t)):
            yield x, t


def of_two_models(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for row in rows(f, options, rng):
        other = [normal(rng, 0, 2) for _ in row]
        yield row, other
        yield other, row
        yield row, row[::-1]
        yield row, [brief(x + 1e-3 * even(rng)) for x in row]


MAKERS = {
    "kl_div_loss": pairs_of_log_probabilities,
    "kl_div_loss (probabilities)": of_probabilities,
    "generalized_kl_div_loss": of_amounts,
    "js_div_loss": pairs_of_likely_ones,
    "distillation_loss": of_two_models,
}
