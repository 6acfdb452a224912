"""What points are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import Any

from formats import Format

Point = tuple[Any, ...]


LENGTHS = (2, 7)  # few, because JAX compiles for each


LONG = 100


def brief(x: float) -> float:
    """About x, with few decimal digits: the tables stay small, the bits are as irregular as before."""
    return float(f"{x:.4g}") if math.isfinite(x) else x


def normal(rng: Random, mean: float, spread: float) -> float:
    return brief(rng.gauss(mean, spread))


def even(rng: Random) -> float:
    return brief(rng.random())


def ladder(f: Format, n: int) -> list[float]:
    """Magnitudes from the smallest number of a dtype to its largest."""
    low, high = math.log(f.least), math.log(f.max)
    steps = [brief(math.exp(low + (high - low) * k / n)) for k in range(1, n)]
    return [f.least, f.down(f.tiny), f.tiny, f.up(f.tiny), *steps, 1e-15, 1.0, f.up(1.0), f.down(1.0), f.max]


def around(f: Format, x: float) -> list[float]:
    """A threshold, its neighbours, and further away."""
    x = f.round(x)
    return [x, f.up(x), f.down(x), 0.75 * x, 1.25 * x]


def both(xs: Sequence[float]) -> list[float]:
    return [s * x for x in xs for s in (1.0, -1.0)]


def log_softmax(rng: Random, n: int, spread: float) -> list[float]:
    x = [normal(rng, 0, spread) for _ in range(n)]
    top = max(x)
    log_sum = top + math.log(math.fsum(math.exp(xk - top) for xk in x))
    return [brief(xk - log_sum) for xk in x]
