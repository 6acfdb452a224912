"""Lists of scores."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xlosses.testing.references.common import Row, Term, sigmoid, softplus


def ranking_softmax(s: Row, y: Row, kept: Sequence[bool] | None = None) -> Term:
    """-y log p of each item, written as log(1 + sum of the odds against it)."""
    items = [k for k in range(len(s)) if kept is None or kept[k]]
    value, slope = 0.0, [0.0] * len(s)
    for k in items:
        odds = {j: math.exp(s[j] - s[k]) for j in items if j != k}
        against = math.fsum(odds.values())
        value += y[k] * math.log1p(against)
        slope[k] -= y[k] * against / (1 + against)
        for j, o in odds.items():
            slope[j] += y[k] * o / (1 + against)
    return Term(value, (slope,))


def pairwise_logistic(s: Row, y: Row, kept: Sequence[bool] | None = None) -> Term:
    items = [k for k in range(len(s)) if kept is None or kept[k]]
    pairs = [(i, j) for i in items for j in items if y[i] > y[j]]
    slope = [0.0] * len(s)
    for i, j in pairs:
        slope[i] -= sigmoid(s[j] - s[i])
        slope[j] += sigmoid(s[j] - s[i])
    return Term(math.fsum(softplus(s[j] - s[i]) for i, j in pairs), (slope,), float(len(pairs)))
