"""Quantiles."""

from __future__ import annotations

from collections.abc import Sequence

from mpmath import mp

from definitions.common import Number, Row, Term, sign
from definitions.embedding import distance


def quantile(x: Number, y: Number, quantile: float = 0.5) -> Term:
    q = mp.mpf(quantile)
    by_x = {1: 1 - q, 0: mp.mpf(0), -1: -q}[sign(x - y)]
    return Term(max(q * (y - x), (q - 1) * (y - x)), (by_x, -by_x))


def quantiles(x: Row, y: Number, levels: Row) -> Term:
    terms = [quantile(xk, y, q) for xk, q in zip(x, levels, strict=True)]
    by_x = [term.partials[0] / len(x) for term in terms]
    value = mp.fsum(term.value for term in terms) / len(x)
    return Term(value, (by_x, -mp.fsum(by_x)), None, (None, mp.fsum(map(abs, by_x))))


def brier(p: Number, y: Number) -> Term:
    return Term((p - y) ** 2, (2 * (p - y), 2 * (y - p)))


def brier_of_classes(p: Row, y: Row) -> Term:
    error = [a - b for a, b in zip(p, y, strict=True)]
    return Term(mp.fsum(e**2 for e in error), ([2 * e for e in error], [-2 * e for e in error]))


def brier_of_labels(p: Row, label: int) -> Term:
    term = brier_of_classes(p, [mp.mpf(k == label) for k in range(len(p))])
    return term._replace(partials=term.partials[:1])


def crps(x: Row, y: Number, fair: bool = False) -> Term:
    m = len(x)
    pairs = mp.mpf(2 * m * (m - fair))
    value = mp.fsum(abs(a - y) for a in x) / m - mp.fsum(abs(a - b) for a in x for b in x) / pairs
    by_x = [
        mp.mpf(sign(a - y)) / m - 2 * sum(sign(a - b) for b in x) / pairs if a != y else mp.mpf(0) for a in x
    ]
    one = mp.mpf(1) / m  # what is subtracted
    return Term(value, (by_x, -mp.fsum(by_x)), None, ([one] * m, mp.mpf(1)))


def energy(x: Sequence[Row], y: Row, fair: bool = False) -> Term:
    m, d = len(x), len(y)
    pairs = mp.mpf(m * (m - fair))
    away = [distance(a, y, 2, 0.0) for a in x]
    apart = [[distance(a, b, 2, 0.0) for b in x] for a in x]
    near, spread = mp.fsum(r for r, _ in away) / m, mp.fsum(r for row in apart for r, _ in row) / 2 / pairs
    pulls = [[u[k] / m for _, u in away] for k in range(d)]
    pushes = [[[u[k] / pairs for _, u in row] for row in apart] for k in range(d)]
    by_x = [[pulls[k][i] - mp.fsum(pushes[k][i]) for k in range(d)] for i in range(m)]
    of_x = [[abs(pulls[k][i]) + mp.fsum(map(abs, pushes[k][i])) for k in range(d)] for i in range(m)]
    by_y, of_y = (
        [f(pulls[k]) for k in range(d)] for f in (lambda p: -mp.fsum(p), lambda p: mp.fsum(map(abs, p)))
    )
    return Term(near - spread, (by_x, by_y), max(near, spread), (of_x, of_y))


DEFINITIONS = {
    "quantile_loss": quantile,
    "quantile_loss (levels)": quantiles,
    "brier_loss": brier,
    "brier_loss (labels)": brier_of_labels,
    "brier_loss (classes)": brier_of_classes,
    "crps_loss": crps,
    "energy_loss": energy,
}
