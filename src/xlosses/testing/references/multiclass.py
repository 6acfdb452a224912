"""Margins over several classes."""

from __future__ import annotations

import math
from fractions import Fraction

from xlosses.testing.references.classification import binary_from_logits
from xlosses.testing.references.common import (
    Row,
    Term,
)


def multiclass_hinge(x: Row, label: int, margin: float = 1.0) -> Term:
    rivals = {k: xk for k, xk in enumerate(x) if k != label}
    best = max(rivals.values())
    value = margin + best - x[label]
    if not value > 0:
        return Term(0.0, ([0.0] * len(x),))
    ahead = [k for k, xk in rivals.items() if xk == best]
    return Term(value, ([1 / len(ahead) if k in ahead else -float(k == label) for k in range(len(x))],))


def multiclass_perceptron(x: Row, label: int) -> Term:
    return multiclass_hinge(x, label, 0.0)


def multiclass_sparsemax(x: Row, label: int) -> Term:
    z = [Fraction(xk) for xk in x]  # exactly, because squares of scores cancel
    ranked = sorted(z, reverse=True)
    k = max(k for k in range(1, len(z) + 1) if 1 + k * ranked[k - 1] > sum(ranked[:k]))
    tau = (sum(ranked[:k]) - 1) / k
    value = sum(zk**2 - tau**2 for zk in ranked[:k]) / 2 + Fraction(1, 2) - z[label]
    return Term(float(value), ([float(max(zk - tau, 0) - (j == label)) for j, zk in enumerate(z)],))


def multi_margin(
    x: Row, label: int, class_weights: Row | None = None, p: int = 1, margin: float = 1.0
) -> Term:
    c = class_weights[label] if class_weights else 1.0
    short = [max(0.0, margin + xk - x[label]) * (k != label) for k, xk in enumerate(x)]
    slope = [c * p * s ** (p - 1) / len(x) if s else 0.0 for s in short]
    slope[label] = -math.fsum(slope)
    return Term(c * math.fsum(s**p for s in short) / len(x), (slope,), c)


def multilabel_margin(x: Row, y: Row) -> Term:
    terms, slope = [], [0.0] * len(x)
    for i, (xi, yi) in enumerate(zip(x, y, strict=True)):
        for j, (xj, yj) in enumerate(zip(x, y, strict=True)):
            if yi <= 0 < yj and 1 + xi - xj > 0:
                terms.append(1 + xi - xj)
                slope[i] += 1 / len(x)
                slope[j] -= 1 / len(x)
    return Term(math.fsum(terms) / len(x), (slope,))


def multilabel_soft_margin(x: Row, y: Row, class_weights: Row | None = None) -> Term:
    c = class_weights or [1.0] * len(x)
    terms = [binary_from_logits(xk, yk) for xk, yk in zip(x, y, strict=True)]
    value = math.fsum(ck * term.value for ck, term in zip(c, terms, strict=True)) / len(x)
    slopes = zip(*(term.partials for term in terms), strict=True)
    return Term(value, tuple([ck * g / len(x) for ck, g in zip(c, by, strict=True)] for by in slopes))
