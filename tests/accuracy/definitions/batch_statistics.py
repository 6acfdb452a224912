"""The losses by their definition in mpmath that compare the statistics of two views of a batch.

Errors are measured against what the rounding of centred entries makes of a result: an entry is off by a part
of itself and of its column's mean, a covariance by the sizes of the products that it is a sum of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mpmath import mp

from definitions.common import Number, Row, Term

Rows = Sequence[Row]


def vicreg(
    x1: Rows,
    x2: Rows,
    kept: Sequence[bool] | None = None,
    invariance: float = 25.0,
    variance: float = 25.0,
    covariance: float = 1.0,
    eps: float = 1e-4,
) -> Term:
    def of_rows(x1: Rows, x2: Rows) -> Any:
        n, d = len(x1), len(x1[0])
        apart = [[a - b for a, b in zip(*rows, strict=True)] for rows in zip(x1, x2, strict=True)]
        value = scale = invariance * mp.fsum(a * a for row in apart for a in row) / n / d
        partials, scales = [], []
        for side, x in ((1, x1), (-1, x2)):
            columns, sizes = centred(x)
            c = [[dot(a, b) / (n - 1) for b in columns] for a in columns]
            of_c = [[dot(a, b) / (n - 1) for b in sizes] for a in sizes]
            by, of = zeros(x), zeros(x)
            for k in range(d):
                deviation = mp.sqrt(c[k][k] + mp.mpf(eps))
                others = [j for j in range(d) if j != k]
                value += variance * max(0, 1 - deviation) / d
                value += covariance * mp.fsum(c[k][j] ** 2 for j in others) / d
                scale += (variance + covariance * mp.fsum(of_c[k][j] ** 2 for j in others)) / d
                for i in range(n):
                    pull, wide = 2 * invariance * apart[i][k] / n / d, variance / deviation * (deviation < 1)
                    together = 4 * covariance * mp.fsum(c[k][j] * columns[j][i] for j in others)
                    by[i][k] = side * pull + (together - wide * columns[k][i]) / d / (n - 1)
                    together = 4 * covariance * mp.fsum(of_c[k][j] * sizes[j][i] for j in others)
                    of[i][k] = abs(pull) + (together + wide * sizes[k][i]) / d / (n - 1)
            partials.append(by)
            scales.append(of)
        return value, scale, partials, scales

    return of_kept(of_rows, x1, x2, kept)


def barlow_twins(
    x1: Rows, x2: Rows, kept: Sequence[bool] | None = None, off_diagonal: float = 0.0051, eps: float = 1e-5
) -> Term:
    price = mp.mpf(off_diagonal)

    def of_rows(x1: Rows, x2: Rows) -> Any:
        n, d = len(x1), len(x1[0])
        units, sizes, deviations = [], [], []
        for x in (x1, x2):
            columns, of = centred(x)
            deviation = [mp.sqrt(dot(a, a) / n + mp.mpf(eps)) for a in columns]
            deviations.append(deviation)
            units.append([[a / s for a in column] for column, s in zip(columns, deviation, strict=True)])
            sizes.append([[a / s for a in column] for column, s in zip(of, deviation, strict=True)])
        c = [[dot(a, b) / n for b in units[1]] for a in units[0]]
        of_c = [[dot(a, b) / n for b in sizes[1]] for a in sizes[0]]
        pairs = [(k, j) for k in range(d) for j in range(d) if j != k]
        value = mp.fsum((1 - c[k][k]) ** 2 for k in range(d))
        value += price * mp.fsum(c[k][j] ** 2 for k, j in pairs)
        scale = mp.fsum((1 - c[k][k]) * (1 + of_c[k][k]) for k in range(d))
        scale += price * mp.fsum(of_c[k][j] ** 2 for k, j in pairs)
        by_c, of = ([[2 * price * entry for entry in row] for row in matrix] for matrix in (c, of_c))
        for k in range(d):
            by_c[k][k], of[k][k] = 2 * (c[k][k] - 1), 2 * (1 + of_c[k][k])
        partials, scales = [], []
        for side in range(2):
            found, scale_of = zeros(x1), zeros(x1)
            if side:
                by_c, of = ([*zip(*matrix, strict=True)] for matrix in (by_c, of))
            for k in range(d):
                u, size, deviation = units[side][k], sizes[side][k], deviations[side][k]
                g, w = (
                    [mp.fsum(by[k][j] * other[j][i] for j in range(d)) / n for i in range(n)]
                    for by, other in ((by_c, units[1 - side]), (of, sizes[1 - side]))
                )
                for i in range(n):
                    found[i][k] = (g[i] - u[i] * dot(g, u) / n) / deviation
                    scale_of[i][k] = (w[i] + size[i] * dot(w, size) / n) / deviation
            partials.append(found)
            scales.append(scale_of)
        return value, scale, partials, scales

    return of_kept(of_rows, x1, x2, kept)


def of_kept(of_rows: Any, x1: Rows, x2: Rows, kept: Sequence[bool] | None) -> Term:
    """The loss of the rows that are kept; by the others it has the derivative 0."""
    places = [i for i in range(len(x1)) if kept is None or kept[i]]
    value, scale, *derivatives = of_rows([x1[i] for i in places], [x2[i] for i in places])
    wide = []
    for pair in derivatives:
        found = [zeros(x1) for _ in pair]
        for rows, by in zip(found, pair, strict=True):
            for i, row in zip(places, by, strict=True):
                rows[i] = row
        wide.append(tuple(found))
    return Term(value, wide[0], scale, wide[1])


def centred(x: Rows) -> tuple[list[list[Number]], list[list[Number]]]:
    """The columns less their mean, and the sizes of what they are differences of."""
    columns = list(zip(*x, strict=True))
    means = [mp.fsum(column) / len(column) for column in columns]
    found = [[a - mean for a in column] for column, mean in zip(columns, means, strict=True)]
    sizes = [[abs(a) + abs(mean) for a in column] for column, mean in zip(columns, means, strict=True)]
    return found, sizes


def dot(x: Row, y: Row) -> Number:
    return mp.fsum(a * b for a, b in zip(x, y, strict=True))


def zeros(x: Rows) -> list[list[Number]]:
    return [[mp.mpf(0)] * len(row) for row in x]


DEFINITIONS = {
    "vicreg_loss": vicreg,
    "vicreg_loss (kept)": vicreg,
    "barlow_twins_loss": barlow_twins,
    "barlow_twins_loss (kept)": barlow_twins,
}
