"""What each loss is whose terms compare an entry with all of its batch, in Python floats.

A reference takes the number of the term, all arrays whole, and the options of the loss; its partial
derivatives are by whole arrays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from xlosses.testing.references.common import Row, Term

Rows = Sequence[Row]
Matrix = list[list[float]]


def info_nce(i: int, q: Rows, k: Rows, temperature: float = 0.1, symmetric: bool = False) -> Term:
    value, by_q, by_k, by_t = _one_way(i, q, k, temperature)
    if symmetric:
        other, by_k_too, by_q_too, by_t_too = _one_way(i, k, q, temperature)
        value, by_t = (value + other) / 2, (by_t + by_t_too) / 2
        by_q, by_k = _mean(by_q, by_q_too), _mean(by_k, by_k_too)
    return Term(value, (by_q, by_k, by_t))


def info_nce_of_negatives(q: Row, k: Row, n: Rows, temperature: float = 0.1) -> Term:
    """A batch of one, whose keys are its own and the negatives."""
    value, by_q, by_k, _ = _one_way(0, [q], [k, *n], temperature)
    return Term(value, (by_q[0], by_k[0], by_k[1:]))


def _one_way(i: int, q: Rows, k: Rows, t: float) -> tuple[float, Matrix, Matrix, float]:
    """-log of the softmax at the own key, written as log(1 + sum of the odds against it)."""
    x = [dot(q[i], kj) for kj in k]
    odds = [math.exp((xj - x[i]) / t) for xj in x]
    total = math.fsum(odds)
    value = math.log1p(math.fsum(odds[:i] + odds[i + 1 :]))
    by_x = [o / total / t - (j == i) / t for j, o in enumerate(odds)]
    by_t = -math.fsum(g * (xj - x[i]) for g, xj in zip(by_x, x, strict=True)) / t
    return value, *_by_rows(i, q, k, by_x), by_t


def siglip(i: int, q: Rows, k: Rows, scale: float = 10.0, bias: float = -10.0) -> Term:
    products = [dot(q[i], kj) for kj in k]
    z = [1.0 if j == i else -1.0 for j in range(len(k))]
    odds = [math.exp(-zj * (scale * x + bias)) for zj, x in zip(z, products, strict=True)]
    by_logit = [-zj * o / (1 + o) for zj, o in zip(z, odds, strict=True)]
    by_q, by_k = _by_rows(i, q, k, [scale * g for g in by_logit])
    by_scale = math.fsum(g * x for g, x in zip(by_logit, products, strict=True))
    value = math.fsum(map(math.log1p, odds))
    return Term(value, (by_q, by_k, by_scale, math.fsum(by_logit)))


def supervised_contrastive(i: int, x: Rows, labels: Sequence[int], temperature: float = 0.1) -> Term:
    term = supervised_contrastive_by_temperature(i, x, temperature, labels)
    return term._replace(partials=term.partials[:1])


def supervised_contrastive_by_temperature(i: int, x: Rows, t: float, labels: Sequence[int]) -> Term:
    others = [j for j in range(len(x)) if j != i]
    alike = [j for j in others if labels[j] == labels[i]]
    by_product, value, by_t = [0.0] * len(x), 0.0, 0.0
    for p in alike:
        away = {j: dot(x[i], x[j]) - dot(x[i], x[p]) for j in others}
        odds = {j: math.exp(d / t) for j, d in away.items()}
        total = math.fsum(odds.values())
        value += math.log(total) / len(alike)
        by_t -= math.fsum(odds[j] * away[j] for j in others) / total / t**2 / len(alike)
        for j in others:
            by_product[j] += (odds[j] / total - (j == p)) / t / len(alike)
    by_row, by_others = _by_rows(i, x, x, by_product)
    by_x = [[a + b for a, b in zip(*rows, strict=True)] for rows in zip(by_row, by_others, strict=True)]
    return Term(value, (by_x, by_t))


def dot(x: Row, y: Row) -> float:
    return math.fsum(a * b for a, b in zip(x, y, strict=True))


def _by_rows(i: int, q: Rows, k: Rows, by_product: Row) -> tuple[Matrix, Matrix]:
    """The derivatives by all q and all k of what has these derivatives by the products of q[i]."""
    by_q = [[0.0] * len(row) for row in q]
    by_q[i] = [math.fsum(g * kj[d] for g, kj in zip(by_product, k, strict=True)) for d in range(len(q[i]))]
    return by_q, [[g * a for a in q[i]] for g in by_product]


def _mean(x: Matrix, y: Matrix) -> Matrix:
    return [[(a + b) / 2 for a, b in zip(*rows, strict=True)] for rows in zip(x, y, strict=True)]
