"""What definitions are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from mpmath import mp

Number = Any


Row = Sequence[Number]


Partial = Any  # a number, or a list for a row


class Term(NamedTuple):
    value: Number
    partials: tuple[Partial, ...]
    scale: Number = None  # None: the value itself
    scales: tuple[Partial, ...] = ()  # one per partial; () and None: the partial itself


def sign(x: Number) -> int:
    return int(x > 0) - int(x < 0)


def log_softmax(x: Row, k: int) -> Number:
    """log(e^x_k / sum e^x_j), with numerator and denominator divided by e^x_k."""
    if x[k] == -mp.inf:
        return -mp.inf
    return -mp.log1p(mp.fsum(mp.exp(xj - x[k]) for j, xj in enumerate(x) if j != k))


def clamped_log(p: Number) -> tuple[Number, Number]:
    """max(log p, -100) and its derivative."""
    if p == 0 or mp.log(p) <= -100:
        return mp.mpf(-100), mp.mpf(0)
    return mp.log(p), 1 / p


def largest(parts: Row) -> Number:
    return max(map(abs, parts))
