"""Regression."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from formats import Format

from points.common import Point, around, both, ladder, normal


def errors(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """Pairs whose difference matters."""
    thresholds = [options.get("delta", options.get("beta", 1.0)), 40.0, 20.0]
    for e in both([*ladder(f, 16), *(e for t in thresholds if t for e in around(f, t))]):
        yield e, 0.0
    yield f.max, f.max
    for x in (0.0, -0.0, 2.0, -1e3, f.tiny, f.least):
        yield x, x
        yield f.up(x), x
        yield x, -x
    for _ in range(24):
        yield normal(rng, 0, 2), normal(rng, 0, 2)
    for _ in range(6):
        near = f.round(normal(rng, 0, 100))
        yield near, near + normal(rng, 0, 0.1)


MAKERS = {
    "mse_loss": errors,
    "l1_loss": errors,
    "huber_loss": errors,
    "smooth_l1_loss": errors,
    "log_cosh_loss": errors,
}
