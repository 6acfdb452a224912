"""What references are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

Partial: TypeAlias = "float | list[Any]"


Row: TypeAlias = Sequence[float]


class Term(NamedTuple):
    """One term of a loss, exact to double precision."""

    value: float
    partials: tuple[Partial | None, ...]  # None by labels
    weight: float = 1.0


def sign(x: float) -> float:
    """-1, 0 or 1: the derivative of |x|."""
    return float((x > 0) - (x < 0))


def log_softmax(x: Row) -> list[float]:
    top = max(x)
    log_sum = math.log(math.fsum(math.exp(xk - top) for xk in x))
    return [xk - top - log_sum for xk in x]


def softplus(x: float) -> float:
    return math.log1p(math.exp(x)) if x < 30 else x + math.exp(-x)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x))


def clamped_log(p: float) -> tuple[float, float]:
    if p < math.exp(-100):
        return -100.0, 0.0
    return math.log(p), 1 / p
