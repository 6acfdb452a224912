"""Lists of scores."""

from __future__ import annotations

from collections.abc import Sequence

from mpmath import mp

from definitions.common import Row, Term


def ranking_softmax(s: Row, y: Row, kept: Sequence[bool] | None = None) -> Term:
    items = [k for k in range(len(s)) if kept is None or kept[k]]
    by, of = ([mp.mpf(0)] * len(s) for _ in range(2))
    if not items:
        return Term(mp.mpf(0), (by,), None, (of,))
    total, relevant = mp.fsum(mp.exp(s[k]) for k in items), mp.fsum(y[k] for k in items)
    top = max(s[k] for k in items)
    for k in items:
        p = mp.exp(s[k]) / total
        by[k] = p * relevant - y[k]
        of[k] = max(p * relevant * max(1, top - s[k]), y[k])  # which is rounded before it is the exponent
    value = mp.fsum(y[k] * (mp.log(total) - s[k]) for k in items)
    return Term(value, (by,), max(value, mp.fsum(y[k] * max(1, top - s[k]) for k in items)), (of,))


def pairwise_logistic(s: Row, y: Row, kept: Sequence[bool] | None = None) -> Term:
    items = [k for k in range(len(s)) if kept is None or kept[k]]
    by, of = ([mp.mpf(0)] * len(s) for _ in range(2))
    value, scale = mp.mpf(0), mp.mpf(0)
    for i, j in ((i, j) for i in items for j in items if y[i] > y[j]):
        d = s[j] - s[i]
        chance = 1 / (1 + mp.exp(-d))
        for k, side in ((i, -1), (j, 1)):
            by[k] += side * chance
            of[k] += chance * max(1, abs(d))  # which is rounded before it is the exponent
        value += mp.log1p(mp.exp(d))
        scale += mp.log1p(mp.exp(d)) + chance * abs(d)
    return Term(value, (by,), scale, (of,))


DEFINITIONS = {
    "ranking_softmax_loss": ranking_softmax,
    "ranking_softmax_loss (kept)": ranking_softmax,
    "pairwise_logistic_loss": pairwise_logistic,
    "pairwise_logistic_loss (kept)": pairwise_logistic,
}
