"""What each loss is that compares an embedding with its positives and negatives, in Python floats."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xlosses.testing.references.common import Row, Term, sigmoid, softplus
from xlosses.testing.references.contrastive import Matrix, Rows, dot


def nt_xent(i: int, x: Rows, labels: Sequence[int], temperature: float = 0.07) -> Term:
    term = nt_xent_by_temperature(i, x, temperature, labels)
    return term._replace(partials=term.partials[:1])


def nt_xent_by_temperature(i: int, x: Rows, t: float, labels: Sequence[int]) -> Term:
    alike, unlike = sides(i, labels)
    by_product, value, by_t = [0.0] * len(x), 0.0, 0.0
    for p in alike:
        ahead = {n: dot(x[i], x[n]) - dot(x[i], x[p]) for n in unlike}
        odds = {n: math.exp(a / t) for n, a in ahead.items()}
        total = 1 + math.fsum(odds.values())
        value += math.log(total)
        for n, o in odds.items():
            by_product[n] += o / total / t
            by_product[p] -= o / total / t
            by_t -= o / total * ahead[n] / t**2
    return Term(value, (by_rows(i, x, by_product), by_t), float(len(alike)))


def circle(i: int, x: Rows, labels: Sequence[int], gamma: float = 80.0, margin: float = 0.4) -> Term:
    alike, unlike = sides(i, labels)
    if not alike or not unlike:
        return Term(0.0, (by_rows(i, x, [0.0] * len(x)),))
    s = [dot(x[i], xj) for xj in x]
    up = {p: gamma * max(0.0, 1 + margin - s[p]) for p in alike}
    down = {n: gamma * max(0.0, s[n] + margin) for n in unlike}
    logits = {(p, n): down[n] * (s[n] - margin) - up[p] * (s[p] - 1 + margin) for p in alike for n in unlike}
    top = max(logits.values())
    odds = {pair: math.exp(z - top) for pair, z in logits.items()}
    total = math.fsum(odds.values())
    by_product, z = [0.0] * len(x), top + math.log(total)
    for (p, n), o in odds.items():
        by_product[p] -= sigmoid(z) * o / total * up[p]
        by_product[n] += sigmoid(z) * o / total * down[n]
    return Term(softplus(z), (by_rows(i, x, by_product),))


def hard_triplet(i: int, x: Rows, labels: Sequence[int], margin: float = 1.0) -> Term:
    alike, unlike = sides(i, labels)
    by_x = [[0.0] * len(row) for row in x]
    if not alike or not unlike:
        return Term(0.0, (by_x,))
    far, p = max((math.dist(x[i], x[j]), j) for j in alike)
    near, n = min((math.dist(x[i], x[j]), j) for j in unlike)
    if margin + far - near > 0:
        for d in range(len(x[i])):
            by_x[p][d] = (x[p][d] - x[i][d]) / far
            by_x[n][d] = (x[i][d] - x[n][d]) / near
            by_x[i][d] = -by_x[p][d] - by_x[n][d]
    return Term(max(0.0, margin + far - near), (by_x,))


def multi_similarity(
    i: int, x: Rows, labels: Sequence[int], alpha: float = 2.0, beta: float = 50.0, base: float = 0.5
) -> Term:
    by_product, value = [0.0] * len(x), 0.0
    for js, factor in zip(sides(i, labels), (-alpha, beta), strict=True):
        odds = {j: math.exp(factor * (dot(x[i], x[j]) - base)) for j in js}
        total = math.fsum(odds.values())
        value += math.log1p(total) / abs(factor)
        for j, o in odds.items():
            by_product[j] = math.copysign(o / (1 + total), factor)
    return Term(value, (by_rows(i, x, by_product),))


def sides(i: int, labels: Sequence[int]) -> tuple[list[int], list[int]]:
    """The places of the positives and of the negatives of the embedding i."""
    others = [j for j in range(len(labels)) if j != i]
    return [j for j in others if labels[j] == labels[i]], [j for j in others if labels[j] != labels[i]]


def by_rows(i: int, x: Rows, by_product: Row) -> Matrix:
    """The derivatives by all x of what has these derivatives by the products of x[i] with all, but itself."""
    found = [[g * a for a in x[i]] for g in by_product]
    found[i] = [math.fsum(g * xj[d] for g, xj in zip(by_product, x, strict=True)) for d in range(len(x[i]))]
    return found
