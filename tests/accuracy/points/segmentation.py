"""Sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from formats import Format

from points.common import LENGTHS, LONG, Point, around, both, brief, even, normal


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


def hard_sets(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """Scores beside both sides of the kink, equal ones, huge ones, and sets of one kind alone."""
    for n in (*LENGTHS, LONG) if f.bits > 20 else LENGTHS:
        for share in (0.5, 0.2, 1.0, 0.0):
            for spread in (0.3, 0.5, 1.0, 1.5, 2.0, 3.0):
                yield (
                    [normal(rng, 0, spread) for _ in range(n)],
                    [float(rng.random() < share) for _ in range(n)],
                )
    n = LENGTHS[-1]
    for x in both([0.0, *around(f, 1.0), 1e-6, 1e3, 1e30, f.max / 4]):
        yield [x, *[0.25] * (n - 1)], [1.0, 0.0] * (n // 2) + [1.0]
        yield [x] * n, [0.0, 1.0] * (n // 2) + [0.0]


def parts_of_hard_sets(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for x, t in hard_sets(f, options, rng):
        yield x, t, [rng.random() < 0.7 for _ in x]


def memberships(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    for n in (*LENGTHS, LONG) if f.bits > 20 else LENGTHS:
        for share in (0.5, 0.2, 1.0, 0.0):
            p, t = [even(rng) for _ in range(n)], [float(rng.random() < share) for _ in range(n)]
            yield p, t
            yield [abs(b - brief(1e-3 * even(rng))) for b in t], t
    n = LENGTHS[-1]
    for size in (0.0, f.least, f.tiny, 1e-9, 1e-3, 0.5, f.down(1.0), 1.0):
        yield [size] * n, [1.0] * n
        yield [size] * n, [0.0] * n
        yield [size, *[0.0] * (n - 1)], [0.0, *[1.0] * (n - 1)]


MAKERS = {
    "lovasz_hinge_loss": hard_sets,
    "lovasz_hinge_loss (kept)": parts_of_hard_sets,
    "lovasz_softmax_loss": memberships,
    "lovasz_softmax_loss (classes)": memberships,
    "dice_loss": sets,
    "dice_loss (kept)": parts_of_sets,
    "tversky_loss": sets,
    "jaccard_loss": sets,
    "focal_tversky_loss": sets,
    "generalized_dice_loss": sets,
}
