"""Embeddings and rankings."""

from __future__ import annotations

import math
from collections.abc import Callable

from xlosses.testing.references.common import (
    Partial,
    Row,
    Term,
    sign,
)


def margin_ranking(x1: float, x2: float, y: float, margin: float = 0.0) -> Term:
    value = -y * (x1 - x2) + margin
    short = value > 0
    return Term(max(0.0, value), (-y * short, y * short, (x2 - x1) * short))


def triplet(
    a: Row, b: Row, n: Row, p: float = 2, margin: float = 1.0, eps: float = 1e-6, swap: bool = False
) -> Term:
    def distance(x1: Row, x2: Row) -> Term:
        length, by = _distance(x1, x2, p, eps)
        return Term(length, (by, [-g for g in by]))

    return _triplet(a, b, n, distance, margin, swap)


def triplet_of_squares(a: Row, b: Row, n: Row, margin: float = 1.0, swap: bool = False) -> Term:
    def distance(x1: Row, x2: Row) -> Term:
        d = [x - y for x, y in zip(x1, x2, strict=True)]
        return Term(math.fsum(dk * dk for dk in d), ([2 * dk for dk in d], [-2 * dk for dk in d]))

    return _triplet(a, b, n, distance, margin, swap)


def triplet_of_cosines(
    a: Row, b: Row, n: Row, margin: float = 1.0, eps: float = 1e-6, swap: bool = False
) -> Term:
    return _triplet(a, b, n, lambda x1, x2: cosine_distance(x1, x2, eps), margin, swap)


def _triplet(a: Row, b: Row, n: Row, distance: Callable[[Row, Row], Term], margin: float, swap: bool) -> Term:
    near, far, other = distance(a, b), distance(a, n), distance(b, n)
    share = (1 + sign(far.value - other.value)) / 2 if swap else 0.0  # of the distance that is swapped in
    value = near.value - (min(far.value, other.value) if swap else far.value) + margin
    short = float(value > 0)

    def mixed(*parts: tuple[float, Partial | None]) -> list[float]:
        rows = [[factor * short * g for g in row] for factor, row in parts if isinstance(row, list)]
        return [math.fsum(column) for column in zip(*rows, strict=True)]

    by_a = mixed((1.0, near.partials[0]), (share - 1, far.partials[0]))
    by_b = mixed((1.0, near.partials[1]), (-share, other.partials[0]))
    by_n = mixed((share - 1, far.partials[1]), (-share, other.partials[1]))
    return Term(max(0.0, value), (by_a, by_b, by_n))


def cosine(x1: Row, x2: Row, eps: float = 1e-8) -> Term:
    n1, n2 = math.hypot(*x1), math.hypot(*x2)
    dot = math.fsum(a * b for a, b in zip(x1, x2, strict=True))
    value = dot / max(n1 * n2, eps)
    if n1 == 0 or n2 == 0:
        return Term(0.0, ([0.0] * len(x1), [0.0] * len(x2)))
    # Each vector's share of the denominator turns with it, unless the denominator is eps.
    turn = value if n1 * n2 > eps else 0.0
    by_1 = [b / max(n1 * n2, eps) - turn * a / n1**2 for a, b in zip(x1, x2, strict=True)]
    by_2 = [a / max(n1 * n2, eps) - turn * b / n2**2 for a, b in zip(x1, x2, strict=True)]
    return Term(value, (by_1, by_2))


def cosine_distance(x1: Row, x2: Row, eps: float = 1e-8) -> Term:
    c = cosine(x1, x2, eps)
    return Term(1 - c.value, tuple([-g for g in x] for x in c.partials if isinstance(x, list)))


def cosine_embedding(x1: Row, x2: Row, y: float, margin: float = 0.0, eps: float = 1e-8) -> Term:
    c = cosine(x1, x2, eps)
    if y > 0:
        value, by_cosine = 1 - c.value, -1.0
    else:
        value, by_cosine = max(0.0, c.value - margin), float(c.value > margin)
    return Term(value, tuple([by_cosine * g for g in x] for x in c.partials if isinstance(x, list)))


def contrastive(x1: Row, x2: Row, y: float, margin: float = 1.0) -> Term:
    apart = [a - b for a, b in zip(x1, x2, strict=True)]
    length = math.hypot(*apart)
    # The derivative of half a square is what is squared, times the unit vector from one to the other.
    paid = length if y > 0 else max(0.0, margin - length)
    pull = (1.0 if y > 0 else -paid / length) if length else 0.0
    by_x1 = [pull * d for d in apart]
    return Term(0.5 * paid**2, (by_x1, [-g for g in by_x1]))


def _distance(a: Row, b: Row, p: float, eps: float) -> tuple[float, list[float]]:
    d = [x - y for x, y in zip(a, b, strict=True)]
    if p == math.inf:
        length = max(map(abs, d))
        ties = sum(abs(dk) == length for dk in d)
        return length, [sign(dk) * (abs(dk) == length) / ties for dk in d]
    length = (math.fsum(abs(dk) ** p for dk in d) + eps) ** (1 / p)
    return length, [sign(dk) * (abs(dk) / length) ** (p - 1) if dk else 0.0 for dk in d]
