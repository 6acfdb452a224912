"""What each loss is that compares the statistics of two views of a batch, in Python floats."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from xlosses.testing.references.common import Row, Term

Rows = Sequence[Row]
Matrix = list[list[float]]


def vicreg(
    x1: Rows,
    x2: Rows,
    kept: Sequence[bool] | None = None,
    invariance: float = 25.0,
    variance: float = 25.0,
    covariance: float = 1.0,
    eps: float = 1e-4,
) -> Term:
    def of_rows(x1: Rows, x2: Rows) -> tuple[float, Matrix, Matrix]:
        n, d = len(x1), len(x1[0])
        apart = [[a - b for a, b in zip(*rows, strict=True)] for rows in zip(x1, x2, strict=True)]
        value = invariance * math.fsum(a * a for row in apart for a in row) / n / d
        pull = [[2 * invariance * a / n / d for a in row] for row in apart]
        found = []
        for side, x in ((1, x1), (-1, x2)):
            columns = [_centred(column) for column in zip(*x, strict=True)]
            c = [[_dot(a, b) / max(n - 1, 1) for b in columns] for a in columns]
            by = [[0.0] * d for _ in x]
            for k in range(d):
                deviation = math.sqrt(c[k][k] + eps)
                value += variance * max(0.0, 1 - deviation) / d
                value += covariance * math.fsum(c[k][j] ** 2 for j in range(d) if j != k) / d
                for i in range(n):
                    wider = variance * columns[k][i] / deviation * (deviation < 1)
                    other = math.fsum(4 * covariance * c[k][j] * columns[j][i] for j in range(d) if j != k)
                    by[i][k] = side * pull[i][k] + (other - wider) / d / max(n - 1, 1)
            found.append(by)
        return value, found[0], found[1]

    return _of_kept(of_rows, x1, x2, kept)


def barlow_twins(
    x1: Rows, x2: Rows, kept: Sequence[bool] | None = None, off_diagonal: float = 0.0051, eps: float = 1e-5
) -> Term:
    def of_rows(x1: Rows, x2: Rows) -> tuple[float, Matrix, Matrix]:
        n, d = len(x1), len(x1[0])
        sides = [[_centred(column) for column in zip(*x, strict=True)] for x in (x1, x2)]
        deviations = [[math.sqrt(_dot(a, a) / n + eps) for a in columns] for columns in sides]
        u, v = (
            [[a / s for a in column] for column, s in zip(columns, of, strict=True)]
            for columns, of in zip(sides, deviations, strict=True)
        )
        c = [[_dot(a, b) / n for b in v] for a in u]
        value = math.fsum((1 - c[k][k]) ** 2 for k in range(d))
        value += off_diagonal * math.fsum(c[k][j] ** 2 for k in range(d) for j in range(d) if j != k)
        by_c = [[2 * off_diagonal * entry for entry in row] for row in c]
        for k in range(d):
            by_c[k][k] = 2 * (c[k][k] - 1)
        by_u = [[math.fsum(by_c[k][j] * v[j][i] for j in range(d)) / n for i in range(n)] for k in range(d)]
        by_v = [[math.fsum(by_c[j][k] * u[j][i] for j in range(d)) / n for i in range(n)] for k in range(d)]
        found = []
        for by, units, of in ((by_u, u, deviations[0]), (by_v, v, deviations[1])):
            turned = [
                [(g - a * _dot(b, units[k]) / n) / of[k] for g, a in zip(b, units[k], strict=True)]
                for k, b in enumerate(by)
            ]
            found.append([list(row) for row in zip(*turned, strict=True)])
        return value, found[0], found[1]

    return _of_kept(of_rows, x1, x2, kept)


def _of_kept(
    of_rows: Callable[[Rows, Rows], tuple[float, Matrix, Matrix]],
    x1: Rows,
    x2: Rows,
    kept: Sequence[bool] | None,
) -> Term:
    """The same of the rows that are kept alone, with a gradient of 0 by the others."""
    places = [i for i in range(len(x1)) if kept is None or kept[i]]
    value, *gradients = of_rows([x1[i] for i in places], [x2[i] for i in places])
    nothing = [0.0] * len(x1[0])
    partials = [[by[places.index(i)] if i in places else nothing for i in range(len(x1))] for by in gradients]
    return Term(value, tuple(partials))


def _centred(column: Row) -> list[float]:
    mean = math.fsum(column) / len(column)
    return [a - mean for a in column]


def _dot(x: Row, y: Row) -> float:
    return math.fsum(a * b for a, b in zip(x, y, strict=True))
