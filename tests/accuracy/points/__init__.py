"""Where the losses are measured: points that are exact in a dtype, from its one end to the other.

`points(name, options, format)` gives the arguments of one term each. Beside ordinary values there
are both sides of every threshold, kinks and ties, tails, and the neighbourhood of 0; no point lies
so close to a kink that a rounded difference falls on its other side, where the gradient is another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from formats import Format

from points import (
    batch_statistics,
    boxes,
    classification,
    contrastive,
    counts,
    divergence,
    embedding,
    focal,
    likelihood,
    listwise,
    margin,
    mining,
    multiclass,
    regression,
    scoring,
    segmentation,
    sequence,
)
from points.common import LONG, Point, around, both, brief, ladder

__all__ = ["LONG", "Point", "points"]

_FAMILIES = (
    regression,
    likelihood,
    counts,
    classification,
    divergence,
    margin,
    multiclass,
    embedding,
    listwise,
    scoring,
    segmentation,
    sequence,
    contrastive,
    mining,
    focal,
    boxes,
    batch_statistics,
)


def points(name: str, options: Mapping[str, Any], f: Format) -> list[Point]:
    """The points of one case of the catalogue, or of one primitive, without repetition."""
    rng = Random(f"{name} {sorted(options.items())} {f.name}")
    found = [_rounded(point, f) for point in MAKERS[name](f, options, rng)]
    return list({repr(point): point for point in found}.values())


def _rounded(x: Any, f: Format) -> Any:
    if isinstance(x, (tuple, list)):
        return type(x)(_rounded(entry, f) for entry in x)
    return x if isinstance(x, int) else f.round(x)


def magnitudes(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for x in ladder(f, 60):
        yield (x,)


def anywhere(low: float, high: float) -> Callable[..., Iterator[Point]]:
    """Points of a primitive on its domain: the ends, the ladder, and evenly between `low` and `high`."""

    def make(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
        if f.bits == 53:  # the ends of float64 are eight times as far away
            ends = (low if low > -2 else 7 * low, 7 * high if high > 80 else high)
        else:
            ends = (low, high)
        for x in both(ladder(f, 20)):
            if ends[0] <= x <= ends[1]:
                yield (x,)
        for scale in (1.0, 0.1, 0.01):
            for _ in range(100):
                yield (max(low, brief(scale * rng.uniform(*ends))),)

    return make


def around_zeros(*zeros: float) -> Callable[..., Iterator[Point]]:
    """Points above 0 of a special function: its zeros, the thresholds 1 and 8, and their neighbours."""

    def make(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
        for zero in (*zeros, 1.0, 7.0, 8.0):
            nearest = f.round(zero)
            yield (nearest,)
            for size in range(2, f.bits):
                yield (nearest * (1 + 2.0**-size),)
                yield (nearest * (1 - 2.0**-size),)
        for x in ladder(f, 30):
            if 2.0 * f.tiny < x < f.max / 1024:
                yield (x,)
        for _ in range(300):
            yield (brief(rng.uniform(0, 10)),)
            yield (brief(math.exp(rng.gauss(0, 4))),)

    return make


def both_sides(low: float) -> Callable[..., Iterator[Point]]:
    """Points of a function whose zero is 0, down to `low`."""

    def make(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
        for x in both([*(10.0**-k for k in range(1, 15)), *around(f, 0.6), *around(f, 1.5), *around(f, 1.0)]):
            if x > low:
                yield (x,)
        for _ in range(200):
            yield (max(0.99 * low, brief(rng.uniform(-2, 5))),)

    return make


MAKERS: Mapping[str, Callable[[Format, Mapping[str, Any], Random], Iterator[Point]]] = {
    **{name: maker for family in _FAMILIES for name, maker in family.MAKERS.items()},
    "exp": anywhere(-100, 88),
    "log": anywhere(0, 1e3),
    "log1p": anywhere(-1 + 1e-6, 1),
    "sinh": anywhere(-85, 85),
    "tanh": anywhere(-30, 30),
    "sqrt": anywhere(0, 1e3),
    "x^3": anywhere(0, 1e3),
    "x^(1/3)": anywhere(0.1, 1e3),
    "log_gamma": around_zeros(2.0),
    "log_factorial": around_zeros(),
    "digamma": around_zeros(1.4616321449683623),
    "less_log1p": both_sides(-1.0),
    "less_expm1": both_sides(-20.0),
    "number / array": magnitudes,
    "rows / column": magnitudes,
    "gradient of x / y": magnitudes,
    "gradient of where": magnitudes,
}
