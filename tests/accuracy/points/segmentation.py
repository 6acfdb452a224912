"""Sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from formats import Format

from points.common import LENGTHS, LONG, Point, brief, even


def sets(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """Not below 1e-9: without `smooth` MLX divides by the square of a sum of squares, which would be 0."""
    if f.bits > 20 and not options:
        yield [even(rng) for _ in range(LONG)], [float(rng.random() < 0.5) for _ in range(LONG)]
    for n in LENGTHS:
        for _ in range(3):
            p, t = [even(rng) for _ in range(n)], [float(rng.random() < 0.5) for _ in range(n)]
            yield p, t
            yield p, [even(rng) for _ in range(n)]
            yield [abs(b - brief(1e-3 * even(rng))) for b in t], t
        yield p, p
        yield t, t
        for size in (1.0, f.down(1.0), 0.5, 1e-3, 1e-6, 1e-9):
            yield [size] * n, [1.0] * n
            yield [size] * n, [0.0] * n
            yield [0.0] * n, [size] * n
            yield [size, *[0.0] * (n - 1)], [0.0, *[1.0] * (n - 1)]
        yield [0.0] * n, [0.0] * n


def parts_of_sets(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for p, t in [*sets(f, {}, rng), *sets(f, options, rng)]:
        yield p, t, [rng.random() < 0.7 for _ in p]


MAKERS = {
    "dice_loss": sets,
    "dice_loss (kept)": parts_of_sets,
    "tversky_loss": sets,
    "jaccard_loss": sets,
    "focal_tversky_loss": sets,
    "generalized_dice_loss": sets,
}
