"""Sequences that are labelled without saying when."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

from xlosses.testing.references.common import Row, Term


def ctc(
    x: Sequence[Row],
    labels: Sequence[int],
    frames: int,
    length: int,
    blank: int = 0,
    zero_infinity: bool = False,
) -> Term:
    """Frame by frame what can be read: how many labels there were, and the class of the last frame."""
    p = [[math.exp(xk) for xk in row] for row in x[:frames]]

    def after(read: tuple[int, int], k: int) -> tuple[int, int] | None:
        count, last = read
        if k in (blank, last):
            return count, k
        return (count + 1, k) if count < length and labels[count] == k else None

    @cache
    def chance(t: int, read: tuple[int, int]) -> float:
        """Of the frames from t on, that they complete what was read."""
        if t == frames:
            return float(read[0] == length)
        return math.fsum(p[t][k] * chance(t + 1, new) for k in range(len(p[t])) if (new := after(read, k)))

    total = chance(0, (0, blank))
    if total < 1e-280 and any(-math.inf < xk < -50 for row in x[:frames] for xk in row):
        raise OverflowError("probabilities that leave double precision")
    slope = [[0.0] * len(row) for row in x]
    reads = {(0, blank): 1.0}
    for t in range(frames if total else 0):
        following: dict[tuple[int, int], float] = {}
        for read, so_far in reads.items():
            for k, pk in enumerate(p[t]):
                if new := after(read, k):
                    following[new] = following.get(new, 0.0) + so_far * pk
                    slope[t][k] -= so_far * pk * chance(t + 1, new) / total
        reads = following
    value = -math.log(total) if total else 0.0 if zero_infinity else math.inf
    return Term(value, (slope,), float(length))
