"""Margins."""

from __future__ import annotations

from xlosses.testing.references.common import (
    Term,
    sigmoid,
    softplus,
)


def hinge(x: float, y: float) -> Term:
    short = 1 - y * x > 0
    return Term(max(0.0, 1 - y * x), (-y * short, -x * short))


def squared_hinge(x: float, y: float) -> Term:
    short = max(0.0, 1 - y * x)
    return Term(short**2, (-2 * y * short, -2 * x * short))


def perceptron(x: float, y: float) -> Term:
    wrong = x < 0 if y > 0 else x > 0
    return Term(abs(y * x) * wrong, (-y * wrong, -x * wrong))


def soft_margin(x: float, y: float) -> Term:
    steep = sigmoid(-y * x)
    return Term(softplus(-y * x), (-y * steep, -x * steep))


def hinge_embedding(x: float, y: float, margin: float = 1.0) -> Term:
    if y > 0:
        return Term(x, (1.0,))
    return Term(max(0.0, margin - x), (-float(x < margin),))


def sparsemax(x: float, y: float) -> Term:
    p = min(max((x + 1) / 2, 0.0), 1.0)
    value = (p - y) ** 2 + (1 - y) * max(0.0, x - 1) + y * max(0.0, -1 - x)
    return Term(value, (p - y, 2 * y - 1 - x))
