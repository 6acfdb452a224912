"""Sets."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xlosses.testing.references.common import (
    Row,
    Term,
)


def dice(
    p: Row, t: Row, kept: Sequence[bool] | None = None, smooth: float = 1.0, squared: bool = False
) -> Term:
    power = 2 if squared else 1
    pairs = [(a, b) for a, b, keep in zip(p, t, kept or [True] * len(p), strict=True) if keep]
    below = math.fsum([a**power + b**power for a, b in pairs] + [smooth])
    apart = math.fsum(a**power + b**power - 2 * a * b for a, b in pairs)
    if below == 0:
        return Term(0.0, ([0.0] * len(p), [0.0] * len(p)))
    near = math.fsum([2 * a * b for a, b in pairs] + [smooth]) / below

    def by(x: Row, other: Row) -> list[float]:
        slopes = [(near * power * a ** (power - 1) - 2 * b) / below for a, b in zip(x, other, strict=True)]
        return [slope * keep for slope, keep in zip(slopes, kept or [True] * len(p), strict=True)]

    return Term(apart / below, (by(p, t), by(t, p)))


def tversky(p: Row, t: Row, alpha: float = 0.5, beta: float = 0.5, smooth: float = 1.0) -> Term:
    pairs = list(zip(p, t, strict=True))
    apart = math.fsum(alpha * a + beta * b - (alpha + beta) * a * b for a, b in pairs)
    below = math.fsum([a * b for a, b in pairs] + [apart, smooth])
    if below == 0:
        return Term(0.0, ([0.0] * len(p), [0.0] * len(p)))
    near, rest = math.fsum([a * b for a, b in pairs] + [smooth]) / below, 1 - alpha - beta
    by_p = [(near * (rest * b + alpha) - b) / below for b in t]
    by_t = [(near * (rest * a + beta) - a) / below for a in p]
    return Term(apart / below, (by_p, by_t))


def jaccard(p: Row, t: Row, smooth: float = 1.0) -> Term:
    return tversky(p, t, 1.0, 1.0, smooth)


def focal_tversky(
    p: Row, t: Row, gamma: float = 0.75, alpha: float = 0.5, beta: float = 0.5, smooth: float = 1.0
) -> Term:
    value, (by_p, by_t), _ = tversky(p, t, alpha, beta, smooth)
    assert isinstance(by_p, list)
    assert isinstance(by_t, list)
    steep = gamma * value ** (gamma - 1) if value > 0 else 0.0
    return Term(max(value, 0.0) ** gamma, ([steep * g for g in by_p], [steep * g for g in by_t]))


def generalized_dice(p: Row, t: Row, smooth: float = 0.0) -> Term:
    """Of classes that have one entry each: a class that has none weighs nothing."""
    triples = [(a, b, b**-2 if b else 0.0) for a, b in zip(p, t, strict=True)]
    below = math.fsum([w * (a + b) for a, b, w in triples] + [smooth])
    if below == 0:
        return Term(0.0, ([0.0] * len(p),))
    near = math.fsum([2 * w * a * b for a, b, w in triples] + [smooth]) / below
    apart = math.fsum(w * (a * (1 - b) + b * (1 - a)) for a, b, w in triples)
    return Term(apart / below, ([w * (near - 2 * b) / below for _, b, w in triples],))


def lovasz_hinge(x: Row, t: Row, kept: Sequence[bool] | None = None) -> Term:
    sides = [1 - 2 * b for b in t]
    # Sorted by what 1 is added to, of which the sums may be equal.
    steps = _jaccard_by_rank([a * side for a, side in zip(x, sides, strict=True)], t, kept)
    errors = [1 + a * side for a, side in zip(x, sides, strict=True)]
    value = math.fsum(errors[i] * step for i, step in steps.items() if errors[i] > 0)
    slopes = [sides[i] * steps.get(i, 0.0) if errors[i] > 0 else 0.0 for i in range(len(x))]
    return Term(value, (slopes,))


def lovasz_softmax(p: Row, t: Row, absent: bool = False) -> Term:
    """Of one class."""
    if not absent and not math.fsum(t) > 0:
        return Term(0.0, ([0.0] * len(p),))
    steps = _jaccard_by_rank([abs(b - a) for a, b in zip(p, t, strict=True)], t, None)
    value = math.fsum(abs(t[i] - p[i]) * step for i, step in steps.items())
    return Term(value, ([((p[i] > t[i]) - (p[i] < t[i])) * steps[i] for i in range(len(p))],))


def lovasz_softmax_of_single_entries(p: Row, t: Row, absent: bool = False) -> Term:
    """Of classes that have one entry each, whose error takes the IoU from 1 to what is common."""
    counted = [absent or b > 0 for b in t]
    n = max(sum(counted), 1)
    value = math.fsum(abs(a - b) for a, b, counts in zip(p, t, counted, strict=True) if counts)
    slopes = [((a > b) - (a < b)) * counts / n for a, b, counts in zip(p, t, counted, strict=True)]
    return Term(value / n, (slopes,))


def _jaccard_by_rank(errors: Row, t: Row, kept: Sequence[bool] | None) -> dict[int, float]:
    """By how much 1 - IoU grows with each entry that is got wrong, those of the largest errors first."""
    items = [i for i in range(len(t)) if kept is None or kept[i]]
    steps, before = {}, 0.0
    ranked = sorted(items, key=lambda i: -errors[i])
    for k, i in enumerate(ranked):
        union = math.fsum([*(t[j] for j in items), *(1 - t[j] for j in ranked[: k + 1])])
        after = math.fsum([union, *(-t[j] for j in ranked[k + 1 :])]) / union if union else 0.0
        steps[i], before = after - before, after
    return steps
