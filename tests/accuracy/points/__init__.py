"""Where the losses are measured: points that are exact in a dtype, from its one end to the other.

`points(name, options, format)` gives the arguments of one term each. Beside ordinary values there
are both sides of every threshold, kinks and ties, tails, and the neighbourhood of 0; no point lies
so close to a kink that a rounded difference falls on its other side, where the gradient is another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from formats import Format

from points import (
    boxes,
    classification,
    contrastive,
    divergence,
    embedding,
    focal,
    likelihood,
    margin,
    multiclass,
    regression,
    scoring,
    segmentation,
)
from points.common import LONG, Point, both, brief, ladder

__all__ = ["LONG", "Point", "points"]

_FAMILIES = (
    regression,
    likelihood,
    classification,
    divergence,
    margin,
    multiclass,
    embedding,
    scoring,
    segmentation,
    contrastive,
    focal,
    boxes,
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
    "number / array": magnitudes,
    "rows / column": magnitudes,
    "gradient of x / y": magnitudes,
    "gradient of where": magnitudes,
}
