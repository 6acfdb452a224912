"""Divergences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from formats import Format

from points.common import LENGTHS, LONG, Point, log_softmax


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


MAKERS = {
    "kl_div_loss": pairs_of_log_probabilities,
}
