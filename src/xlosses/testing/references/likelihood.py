"""Likelihoods."""

from __future__ import annotations

import math

from xlosses.testing.references.common import (
    Term,
)


def gaussian_nll(x: float, y: float, var: float, full: bool = False, eps: float = 1e-6) -> Term:
    v = max(var, eps)
    value = math.log(math.sqrt(v)) + (y - x) ** 2 / (2 * v) + full * math.log(math.sqrt(2 * math.pi))
    by_v = (1 / v - ((y - x) / v) ** 2) / 2 if var > eps else 0.0
    return Term(value, ((x - y) / v, (y - x) / v, by_v))
