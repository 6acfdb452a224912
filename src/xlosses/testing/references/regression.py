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


def mape(x: float, y: float, eps: float = 1e-7) -> Term:
    size = max(abs(y), eps)
    by_y = -sign(x - y) / size - (abs(x - y) * sign(y) / size**2 if abs(y) > eps else 0.0)
    return Term(abs(x - y) / size, (sign(x - y) / size, by_y))


def smape(x: float, y: float, eps: float = 1e-7) -> Term:
    size = max(abs(x) + abs(y), eps)
    if abs(x) + abs(y) <= eps:
        return Term(2 * abs(x - y) / size, (2 * sign(x - y) / size, 2 * sign(y - x) / size))
    by_x, by_y = (2 * (sign(a - b) * size - abs(a - b) * sign(a)) / size**2 for a, b in ((x, y), (y, x)))
    return Term(2 * abs(x - y) / size, (by_x, by_y))


def msle(x: float, y: float) -> Term:
    error = math.log1p(x) - math.log1p(y)
    return Term(error**2, (2 * error / (1 + x), -2 * error / (1 + y)))


def general_robust(x: float, y: float, alpha: float = 1.0, c: float = 1.0) -> Term:
    z = (x - y) ** 2 / c**2
    if alpha == 2:
        value, slope = z / 2, 1.0
    elif alpha == 0:
        value, slope = math.log1p(z / 2), 1 / (1 + z / 2)
    elif alpha == -math.inf:
        value, slope = -math.expm1(-z / 2), math.exp(-z / 2)
    else:
        k, u = alpha / 2, z / abs(alpha - 2)
        small = k * u * (1 + (k - 1) * u / 2 * (1 + (k - 2) * u / 3))
        value = abs(alpha - 2) / alpha * (small if u < 1e-4 else (u + 1) ** k - 1)
        slope = (u + 1) ** (k - 1)
    by_x = (x - y) / c**2 * slope
    return Term(value, (by_x, -by_x))
