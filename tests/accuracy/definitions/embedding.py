"""Embeddings and rankings."""

from __future__ import annotations

from typing import Any

from mpmath import mp

from definitions.common import Number, Row, Term, largest, sign


def margin_ranking(x1: Number, x2: Number, y: Number, margin: float = 0.0) -> Term:
    value = margin - y * (x1 - x2)
    short = int(value > 0)
    scale = largest([mp.mpf(margin), y * (x1 - x2)]) * short
    return Term(value * short, (-y * short, y * short, (x2 - x1) * short), scale)


def triplet(
    a: Row, b: Row, n: Row, p: float = 2, margin: float = 1.0, eps: float = 1e-6, swap: bool = False
) -> Term:
    def apart(x1: Row, x2: Row) -> Term:
        length, by = distance(x1, x2, p, eps)
        return Term(length, (by, [-g for g in by]))

    return triplet_of(apart, a, b, n, margin, swap)


def triplet_of_squares(a: Row, b: Row, n: Row, margin: float = 1.0, swap: bool = False) -> Term:
    def apart(x1: Row, x2: Row) -> Term:
        d = [x - y for x, y in zip(x1, x2, strict=True)]
        return Term(mp.fsum(dk * dk for dk in d), ([2 * dk for dk in d], [-2 * dk for dk in d]))

    return triplet_of(apart, a, b, n, margin, swap)


def triplet_of_cosines(
    a: Row, b: Row, n: Row, margin: float = 1.0, eps: float = 1e-6, swap: bool = False
) -> Term:
    return triplet_of(lambda x1, x2: cosine_distance(x1, x2, eps), a, b, n, margin, swap)


def triplet_of(apart: Any, a: Row, b: Row, n: Row, margin: float, swap: bool) -> Term:
    """Of a tie of the distances to the negative each has half of the derivative."""
    near, far, other = apart(a, b), apart(a, n), apart(b, n)
    share = mp.mpf(1 + sign(far.value - other.value)) / 2 if swap else mp.mpf(0)
    value = near.value - (min(far.value, other.value) if swap else far.value) + margin
    short = int(value > 0)
    parts = (
        ((near, 0, 1), (far, 0, share - 1)),
        ((near, 1, 1), (other, 0, -share)),
        ((far, 1, share - 1), (other, 1, -share)),
    )
    partials, scales = [], []
    for several in parts:
        rows = [[factor * short * g for g in of.partials[k]] for of, k, factor in several]
        sizes = [
            [abs(factor) * short * abs(g) for g in (of.scales and of.scales[k]) or of.partials[k]]
            for of, k, factor in several
        ]
        partials.append([mp.fsum(column) for column in zip(*rows, strict=True)])
        scales.append([max(column) for column in zip(*sizes, strict=True)])
    return Term(
        value * short,
        tuple(partials),
        largest([*((d.scale or d.value) for d in (near, far)), mp.mpf(margin)]),
        tuple(scales),
    )


def cosine(x1: Row, x2: Row, eps: float = 1e-8) -> Term:
    n1, n2 = (mp.sqrt(mp.fsum(a**2 for a in x)) for x in (x1, x2))
    if not n1 or not n2:
        return Term(mp.mpf(0), ([mp.mpf(0)] * len(x1), [mp.mpf(0)] * len(x2)))
    below = max(n1 * n2, mp.mpf(eps))
    parts = [a * b / below for a, b in zip(x1, x2, strict=True)]
    value, scale = mp.fsum(parts), mp.fsum(map(abs, parts))
    turns = int(n1 * n2 > eps)  # not where the denominator is eps
    by_1 = [b / below - turns * value * a / n1**2 for a, b in zip(x1, x2, strict=True)]
    by_2 = [a / below - turns * value * b / n2**2 for a, b in zip(x1, x2, strict=True)]
    of_1 = [max(abs(b) / below, turns * scale * abs(a) / n1**2) for a, b in zip(x1, x2, strict=True)]
    of_2 = [max(abs(a) / below, turns * scale * abs(b) / n2**2) for a, b in zip(x1, x2, strict=True)]
    return Term(value, (by_1, by_2), scale, (of_1, of_2))


def cosine_distance(x1: Row, x2: Row, eps: float = 1e-8) -> Term:
    c = cosine(x1, x2, eps)
    partials = tuple([-g for g in by] for by in c.partials)
    if not c.scales:
        return Term(1 - c.value, partials, 1, (None, None))
    # By the unit vectors the derivative is that of one itself, less its part along it.
    squares = [mp.fsum(a**2 for a in x) for x in (x1, x2)]
    of_1, of_2 = (
        [max(of, abs(a) / square) for of, a in zip(scale, x, strict=True)]
        for scale, x, square in zip(c.scales, (x1, x2), squares, strict=True)
    )
    return Term(1 - c.value, partials, max(1, c.scale), (of_1, of_2))


def cosine_embedding(x1: Row, x2: Row, y: Number, margin: float = 0.0, eps: float = 1e-8) -> Term:
    c = cosine(x1, x2, eps)
    short = int(c.value > margin)
    by_c = -1 if y > 0 else short
    value = 1 - c.value if y > 0 else (c.value - margin) * short
    scale = max(1 if y > 0 else margin, c.scale or 0)
    partials = tuple([by_c * g for g in by] for by in c.partials)
    return Term(value, partials, scale, c.scales if by_c and c.scales else (None, None))


def contrastive(x1: Row, x2: Row, y: Number, margin: float = 1.0) -> Term:
    length, unit = distance(x1, x2, 2, 0.0)
    if y > 0:
        by = [length * u for u in unit]
        return Term(length**2 / 2, (by, [-g for g in by]))
    short, scale = max(mp.mpf(margin) - length, mp.mpf(0)), max(mp.mpf(margin), length)
    by = [-short * u for u in unit]
    of_by = [scale * abs(u) * (short > 0) for u in unit]
    return Term(short**2 / 2, (by, [-g for g in by]), short * scale, (of_by, of_by))


def distance(a: Row, b: Row, p: float, eps: float) -> tuple[Number, list[Number]]:
    d = [x - y for x, y in zip(a, b, strict=True)]
    if p == mp.inf:
        length = max(map(abs, d))
        ties = sum(abs(dk) == length for dk in d)
        return length, [mp.mpf(sign(dk) * (abs(dk) == length)) / ties for dk in d]
    length = (mp.fsum(abs(dk) ** p for dk in d) + mp.mpf(eps)) ** (1 / mp.mpf(p))
    return length, [sign(dk) * (abs(dk) / length) ** (p - 1) if dk else mp.mpf(0) for dk in d]


DEFINITIONS = {
    "margin_ranking_loss": margin_ranking,
    "triplet_loss": triplet,
    "triplet_loss (squared)": triplet_of_squares,
    "triplet_loss (cosine)": triplet_of_cosines,
    "cosine_similarity_loss": cosine,
    "cosine_distance_loss": cosine_distance,
    "cosine_embedding_loss": cosine_embedding,
    "contrastive_loss": contrastive,
}
