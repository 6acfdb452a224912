"""Likelihoods."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from formats import Format

from points.common import LENGTHS, Point, around, brief, ladder, normal


def gaussian(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    eps = options.get("eps", 1e-6)
    for _ in range(24):
        yield normal(rng, 0, 2), normal(rng, 0, 2), brief(math.exp(rng.gauss(0, 2)))
    for var in (0.0, *ladder(f, 10), *around(f, eps), *around(f, 1.0)):
        yield 0.5, 0.5, var
        yield 1.5, 0.25, var
    for error in ladder(f, 12):
        for var in (1.0, eps, error, 1e4):
            share = math.log(error) + 0.5 * (options.get("beta", 1.0) - 1.0) * math.log(max(var, eps))
            if (
                "beta" not in options or 2.0 * share < math.log(f.max) - 1.0
            ):  # else the weighed loss is infinite
                yield error, 0.0, var


def scaled(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """Errors and scales on both sides of where they are equal, and of the root of the degrees of freedom."""
    for _ in range(24):
        yield normal(rng, 0, 2), normal(rng, 0, 2), brief(math.exp(rng.gauss(0, 2)))
    scales = [x for x in ladder(f, 12) if f.round(x) >= f.tiny]
    for scale in (*scales, *around(f, 0.5), *around(f, 1.0)):
        yield 0.5, 0.5, scale
        yield 0.25 * scale, -0.5 * scale, scale
        if 1.5 / scale < f.max / 128:  # else the share is infinite
            yield 1.5, 0.25, scale
    for error in (*scales, *around(f, math.sqrt(options.get("df", 4.0)))):
        for scale in (1.0, 1e-3, error, 1e4):
            if error / scale < f.max / 128:
                yield error, 0.0, scale


def mixtures(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """Targets within and far from all means, wide and narrow components, shares that hardly count."""
    for n in LENGTHS:
        for spread in (0.1, 1.0, 3.0, 20.0):
            for far in (0.0, 0.0, 1.0, 1.0, 10.0, 100.0):
                logits, means = ([normal(rng, 0, s) for _ in range(n)] for s in (spread, 2.0))
                yield logits, means, [normal(rng, 0, 0.5) for _ in range(n)], normal(rng, far, 1)
        for log_scale in (-40.0, -10.0, -3.0, 3.0, 10.0, 40.0):
            logits, z = ([normal(rng, 0, 1) for _ in range(n)] for _ in range(2))
            scale = math.exp(log_scale)
            if f.tiny < scale * 1e-3 < f.max:
                yield logits, [scale * x for x in z], [log_scale + x for x in logits], 0.0
        yield [0.0] * n, [0.0] * n, [0.0] * n, 0.0
        yield [0.0] * n, [0.0] * n, [0.0] * n, 1.0
        yield [1e4 + 0.5 * k for k in range(n)], [float(k) for k in range(n)], [0.0] * n, 0.5
        yield [0.0] * n, [1.0, *[0.0] * (n - 1)], [-8.0, *[0.0] * (n - 1)], 1.0


def cohorts(f: Format, options: Mapping[str, Any], rng: Random) -> Iterator[Point]:
    """With and without ties; all, some, one, and none with the event."""
    for n in LENGTHS:
        for spread in (0.01, 0.5, 1.0, 2.0, 5.0, 20.0, 80.0):
            for times in (range(n), [rng.randrange(3) for _ in range(n)], [1] * n):
                row = [normal(rng, 0, spread) for _ in range(n)]
                yield row, [float(t) for t in times], [float(rng.random() < 0.6) for _ in range(n)]
        for offset in (-1e3, 1e4, f.max / 4):
            row = [offset + normal(rng, 0, 1) for _ in range(n)]
            yield row, [normal(rng, 0, 1) for _ in range(n)], [1.0] * n
        for event in range(n):
            row = [normal(rng, 0, 1) for _ in range(n)]
            yield row, [float(t) for t in range(n)], [float(k == event) for k in range(n)]
        yield [0.0] * n, [float(t) for t in range(n)], [1.0] * n
        yield [1.0] * n, [1.0] * n, [0.0] * n


MAKERS = {
    "gaussian_nll_loss": gaussian,
    "laplace_nll_loss": scaled,
    "student_t_nll_loss": scaled,
    "mixture_nll_loss": mixtures,
    "cox_ph_loss": cohorts,
}
