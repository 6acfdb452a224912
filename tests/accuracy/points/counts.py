"""Counts and deviances."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from formats import Format

from points.common import Point, around, brief, ladder, normal

COUNTS = (0.0, 1.0, 2.0, 3.0, 6.0, 7.0, 8.0, 12.0, 100.0, 1e4)


def spread(rng: Random, middle: float, width: float) -> float:
    return brief(math.exp(rng.gauss(middle, width)))


def logarithms(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """Logarithms of rates, and counts on both sides of 1 and of where log t! changes its form."""
    for t in (*COUNTS, *around(f, 1.0), *around(f, 7.0), 1e-3, 0.46, 1e-20):
        for x in (-10.0, -1.0, 0.0, 0.5, brief(math.log(t)) if t else -80.0, 5.0):
            yield x, t
    for x in ladder(f, 12):
        yield (x if x < 80 else 80.0), 3.0
        yield -x, 0.0
    yield -math.inf, 0.0
    yield -math.inf, 2.0
    for _ in range(24):
        yield normal(rng, 0, 2), spread(rng, 1, 2)


def rates(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for t in (*COUNTS, *around(f, 1.0), *around(f, 7.0), 1e-3, 0.46):
        for x in (0.0, 1e-3, 0.5, 1.0, t, 1.25 * t, 200.0):
            yield x, t
    for x in ladder(f, 12):
        yield x, 0.0
        yield min(x, 1e30), 3.0
    for _ in range(24):
        yield spread(rng, 0, 2), spread(rng, 1, 2)


def dispersed(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """Both sides of a dispersion of 8 and of a count of 7, where the forms change."""
    for t in (*COUNTS, *around(f, 7.0), 0.46):
        for theta in (1e-3, 0.5, 1.0, 2.0, *around(f, 8.0), 100.0, 3e4):
            yield spread(rng, 1, 2), t, theta
            yield t, t, theta
    for _ in range(40):
        yield spread(rng, 1, 2), float(int(spread(rng, 1, 2))), spread(rng, 2, 3)


def amounts(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """Targets beside their means, far off, and on both sides of where the form changes."""
    for mean in (1.0, 3.0, 0.1, 250.0, 1e-3):
        for share in (1.0, *around(f, 0.4), *around(f, 2.5), 0.9, 1.1, 1e-3, 1e3, 1.5, 0.75, 0.02, 60.0):
            yield f.round(mean), f.round(share * mean)
        yield f.round(mean), f.up(f.round(mean))
        yield f.round(mean), f.down(f.round(mean))
    for _ in range(40):
        yield spread(rng, 0, 2), spread(rng, 0, 2)


def amounts_and_zeros(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    yield from amounts(f, options, rng)
    for mean in (1.0, 1e-3, 7.5, 1e4):
        yield mean, 0.0
        for t in (1.0, 7.0, 1e4, 1e-7):
            yield mean, t


MAKERS = {
    "poisson_nll_loss": logarithms,
    "poisson_nll_loss (rates)": rates,
    "negative_binomial_nll_loss": dispersed,
    "poisson_deviance_loss": amounts_and_zeros,
    "gamma_deviance_loss": amounts,
    "tweedie_deviance_loss": amounts,
}
