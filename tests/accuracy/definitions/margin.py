"""Margins."""

from __future__ import annotations

from mpmath import mp

from definitions.common import Number, Term


def hinge(x: Number, y: Number) -> Term:
    short = int(1 - y * x > 0)
    scale = max(1, abs(y * x)) if short else 0
    return Term((1 - y * x) * short, (-y * short, -x * short), scale, (None, None))


def squared_hinge(x: Number, y: Number) -> Term:
    short = max(1 - y * x, mp.mpf(0))
    scale = max(1, abs(y * x))  # of which a rounding is lost, and short doubles it
    return Term(short**2, (-2 * y * short, -2 * x * short), short * scale, (2 * scale * (short > 0), None))


def perceptron(x: Number, y: Number) -> Term:
    wrong = int(y * x < 0)
    return Term(-y * x * wrong, (-y * wrong, -x * wrong))


def soft_margin(x: Number, y: Number) -> Term:
    steep = 1 / (1 + mp.exp(y * x))
    return Term(mp.log1p(mp.exp(-y * x)), (-y * steep,))


def hinge_embedding(x: Number, y: Number, margin: float = 1.0) -> Term:
    if y > 0:
        return Term(x, (mp.mpf(1),))
    short = int(mp.mpf(margin) > x)
    return Term((mp.mpf(margin) - x) * short, (mp.mpf(-short),), max(mp.mpf(margin), abs(x)) * short)


def sparsemax(x: Number, y: Number) -> Term:
    p = min(max((x + 1) / 2, mp.mpf(0)), mp.mpf(1))
    value = (p - y) ** 2 + (1 - y) * max(mp.mpf(0), x - 1) + y * max(mp.mpf(0), -1 - x)
    by_y = 2 * y - 1 - x
    if y in (0, 1):
        return Term(value, (p - y, by_y))
    size = max(1, abs(x))  # of what is subtracted
    return Term(value, (p - y, by_y), (abs(p - y) + abs(by_y)) * size, (size, size))


DEFINITIONS = {
    "hinge_loss": hinge,
    "squared_hinge_loss": squared_hinge,
    "perceptron_loss": perceptron,
    "soft_margin_loss": soft_margin,
    "hinge_embedding_loss": hinge_embedding,
    "sparsemax_loss": sparsemax,
}
