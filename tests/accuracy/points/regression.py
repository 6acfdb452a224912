"""Regression."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from formats import Format

from points.common import Point, around, both, brief, ladder, normal


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


def sizes(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """Pairs whose sizes matter, both signs of them, and both sides of eps."""
    eps = options.get("eps", 1e-7)
    for _ in range(32):
        yield normal(rng, 0, 2), normal(rng, 0, 2)
    edges = [y for e in (eps, 0.5 * eps) for y in around(f, e) if y != f.round(e) or y == e]
    for y in both([*ladder(f, 12), *edges]):
        yield 0.0, y
        yield y, 0.0
        yield 0.75 * y, y
        yield 0.5 * y, -0.25 * y
    for x in (1.0, -3.0, f.round(1e3)):
        yield x, x
        yield f.up(x), x
    yield 0.0, 0.0


def rates(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """Pairs of numbers above -1, far apart and close."""
    for _ in range(32):
        yield brief(math.exp(rng.gauss(0, 2))), brief(math.exp(rng.gauss(0, 2)))
    for x in (*ladder(f, 12), 0.0, -0.5, -0.75, 10.0):
        yield x, 0.0
        yield 1.0, x
        yield x, x
        yield f.down(f.round(x)) if x else f.least, x
        yield x, 0.75 * x
    yield f.down(-1.0), 1.0
    yield 1.0, f.down(-1.0)


def outliers(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """Errors on both sides of where the form changes: at 1 in units of c, and where the power begins."""
    alpha, c = options.get("alpha", 1.0), options.get("c", 1.0)
    root = c * math.sqrt(abs(alpha - 2)) if math.isfinite(alpha) else c
    edges = [root, 40.0 * c, *([root * math.sqrt(math.expm1(2 / alpha))] if 0.25 < alpha < 2 else [])]
    for e in both([*ladder(f, 16), *(x for edge in edges for x in around(f, edge))]):
        yield min(root, c, 1.0) * e, 0.0  # in units of the root it is still finite
        if abs(e) < 1e3:
            yield e, 0.0
    for x in (0.0, 2.0, -1e3):
        yield x, x
        yield f.up(f.round(x)) if x else 0.0, x
    for _ in range(32):
        yield normal(rng, 0, 2), normal(rng, 0, 2)


MAKERS = {
    "mse_loss": errors,
    "l1_loss": errors,
    "huber_loss": errors,
    "smooth_l1_loss": errors,
    "log_cosh_loss": errors,
    "mape_loss": sizes,
    "smape_loss": sizes,
    "msle_loss": rates,
    "general_robust_loss": outliers,
}
