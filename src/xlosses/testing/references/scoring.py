"""Quantiles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from xlosses.testing.references.common import (
    Row,
    Term,
    sign,
)


def quantile(x: float, y: float, quantile: float = 0.5) -> Term:
    below, above = float(x < y), float(x > y)
    by_x = (1 - quantile) * above - quantile * below
    return Term(by_x * (x - y), (by_x, -by_x))


def quantiles(x: Row, y: float, levels: Row) -> Term:
    terms = [quantile(xk, y, q) for xk, q in zip(x, levels, strict=True)]
    by_x = [term.partials[0] / len(x) for term in terms if isinstance(term.partials[0], float)]
    return Term(math.fsum(term.value for term in terms) / len(x), (by_x, -math.fsum(by_x)))


def brier(p: float, y: float) -> Term:
    return Term((p - y) ** 2, (2 * (p - y), 2 * (y - p)))


def brier_of_classes(p: Row, y: Row) -> Term:
    terms = [brier(a, b) for a, b in zip(p, y, strict=True)]
    by_p = [2 * (a - b) for a, b in zip(p, y, strict=True)]
    return Term(math.fsum(term.value for term in terms), (by_p, [-g for g in by_p]))


def brier_of_labels(p: Row, label: int) -> Term:
    term = brier_of_classes(p, [float(k == label) for k in range(len(p))])
    return Term(term.value, term.partials[:1])


def crps(x: Row, y: float, fair: bool = False) -> Term:
    m = len(x)
    pairs = 2 * m * (m - 1 if fair else m)
    members, target = [Fraction(a) for a in x], Fraction(y)  # exactly, because the two sums cancel
    spread = sum(abs(a - b) for a in members for b in members) / pairs
    by_x = [sign(a - y) and sign(a - y) / m - 2 * math.fsum(sign(a - b) for b in x) / pairs for a in x]
    return Term(float(sum(abs(a - target) for a in members) / m - spread), (by_x, -math.fsum(by_x)))


def energy(x: Sequence[Row], y: Row, fair: bool = False) -> Term:
    m = len(x)
    pairs = m * (m - 1 if fair else m)
    value = math.fsum(math.dist(a, y) for a in x) / m
    value -= math.fsum(math.dist(a, b) for a in x for b in x) / 2 / pairs

    def unit(a: Row, b: Row, k: int) -> float:
        return (a[k] - b[k]) / math.dist(a, b) if a != b else 0.0

    by_x = [
        [unit(a, y, k) / m - math.fsum(unit(a, b, k) for b in x) / pairs for k in range(len(y))] for a in x
    ]
    by_y = [-math.fsum(unit(a, y, k) for a in x) / m for k in range(len(y))]
    return Term(value, (by_x, by_y))
