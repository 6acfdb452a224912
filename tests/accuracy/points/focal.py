"""Classification in which some examples count less, and margins between classes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from formats import Format

from points.classification import logits, of_distributions, of_labels
from points.common import LENGTHS, LONG, Point, brief


def cosines(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """Also right beside 1 and -1, on both sides of where angle and margin make half a turn, and tied."""
    if f.bits > 20 and not options:
        yield [brief(rng.uniform(-0.3, 0.3)) for _ in range(LONG)], rng.randrange(LONG)
    turn = brief(math.cos(math.pi - options.get("margin", 0.5)))
    for n in LENGTHS:
        for spread in (0.05, 0.3, 0.9):
            for label in (0, n - 1):
                yield [brief(rng.uniform(-spread, spread)) for _ in range(n)], label
        for cosine in (1.0, -1.0, f.down(1.0), 0.999, -0.999, 0.0, -0.5, -0.9, 0.5, 1e-3):
            yield [cosine, *(brief(rng.uniform(-0.5, 0.5)) for _ in range(n - 1))], 0
        yield [0.25] * n, 0
        yield [turn + 0.02, *[0.1] * (n - 1)], 0
        yield [turn - 0.02, *[0.1] * (n - 1)], 0


MAKERS = {
    "sigmoid_focal_loss": logits,
    "softmax_focal_loss": of_labels,
    "softmax_focal_loss (probabilities)": of_distributions,
    "poly_cross_entropy": of_labels,
    "poly_cross_entropy (probabilities)": of_distributions,
    "generalized_cross_entropy": of_labels,
    "arcface_loss": cosines,
    "cosface_loss": cosines,
}
