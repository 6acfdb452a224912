"""Regression."""

from __future__ import annotations

import math

from xlosses.testing.references.common import (
    Term,
    sign,
)


def mse(x: float, y: float) -> Term:
    return Term((x - y) ** 2, (2 * (x - y), 2 * (y - x)))


def l1(x: float, y: float) -> Term:
    return Term(abs(x - y), (sign(x - y), sign(y - x)))


def huber(x: float, y: float, delta: float = 1.0) -> Term:
    e = x - y
    if abs(e) <= delta:
        return Term(e * e / 2, (e, -e))
    return Term(delta * (abs(e) - delta / 2), (delta * sign(e), -delta * sign(e)))


def smooth_l1(x: float, y: float, beta: float = 1.0) -> Term:
    e = x - y
    if abs(e) < beta:
        return Term(e * e / (2 * beta), (e / beta, -e / beta))
    return Term(abs(e) - beta / 2, (sign(e), -sign(e)))


def log_cosh(x: float, y: float) -> Term:
    e = x - y
    if abs(e) < 1e-2:
        value = e**2 / 2 - e**4 / 12 + e**6 / 45
    elif abs(e) < 300:
        value = math.log(math.cosh(e))
    else:
        value = abs(e) - math.log(2)
    return Term(value, (math.tanh(e), -math.tanh(e)))
