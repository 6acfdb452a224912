"""Regression."""

from __future__ import annotations

from mpmath import mp

from definitions.common import Number, Term, largest, sign


def mse(x: Number, y: Number) -> Term:
    return Term((x - y) ** 2, (2 * (x - y), 2 * (y - x)))


def l1(x: Number, y: Number) -> Term:
    return Term(abs(x - y), (sign(x - y), sign(y - x)))


def huber(x: Number, y: Number, delta: float = 1.0) -> Term:
    e = x - y
    if abs(e) <= delta:
        return Term(e**2 / 2, (e, -e))
    return Term(mp.mpf(delta) * (abs(e) - mp.mpf(delta) / 2), (delta * sign(e), -delta * sign(e)))


def smooth_l1(x: Number, y: Number, beta: float = 1.0) -> Term:
    e = x - y
    if abs(e) < beta:
        return Term(e**2 / (2 * mp.mpf(beta)), (e / beta, -e / beta))
    return Term(abs(e) - mp.mpf(beta) / 2, (sign(e), -sign(e)))


def log_cosh(x: Number, y: Number) -> Term:
    e = x - y
    return Term(mp.log(mp.cosh(e)), (mp.tanh(e), -mp.tanh(e)))


def mape(x: Number, y: Number, eps: float = 1e-7) -> Term:
    size = max(abs(y), mp.mpf(eps))
    by_y = [-sign(x - y) / size, -abs(x - y) * sign(y) / size**2 if abs(y) > eps else mp.mpf(0)]
    return Term(abs(x - y) / size, (sign(x - y) / size, mp.fsum(by_y)), None, (None, largest(by_y)))


def smape(x: Number, y: Number, eps: float = 1e-7) -> Term:
    size = max(abs(x) + abs(y), mp.mpf(eps))
    acts = abs(x) + abs(y) <= eps
    parts = [
        (2 * sign(a - b) / size, mp.mpf(0) if acts else -2 * abs(a - b) * sign(a) / size**2)
        for a, b in ((x, y), (y, x))
    ]
    return Term(2 * abs(x - y) / size, tuple(map(mp.fsum, parts)), None, tuple(map(largest, parts)))


def msle(x: Number, y: Number) -> Term:
    error = mp.log((1 + x) / (1 + y))
    return Term(error**2, (2 * error / (1 + x), -2 * error / (1 + y)))


def general_robust(x: Number, y: Number, alpha: float = 1.0, c: float = 1.0) -> Term:
    z, a = ((x - y) / mp.mpf(c)) ** 2, mp.mpf(alpha)
    if a == 2:
        value, slope = z / 2, mp.mpf(1)
    elif a == 0:
        value, slope = mp.log1p(z / 2), 1 / (1 + z / 2)
    elif a == -mp.inf:
        value, slope = -mp.expm1(-z / 2), mp.exp(-z / 2)
    else:
        b = abs(a - 2)
        value, slope = b / a * mp.expm1(a / 2 * mp.log1p(z / b)), (z / b + 1) ** (a / 2 - 1)
    by_x = (x - y) / mp.mpf(c) ** 2 * slope
    return Term(value, (by_x, -by_x))


DEFINITIONS = {
    "mse_loss": mse,
    "l1_loss": l1,
    "huber_loss": huber,
    "smooth_l1_loss": smooth_l1,
    "log_cosh_loss": log_cosh,
    "mape_loss": mape,
    "smape_loss": smape,
    "msle_loss": msle,
    "general_robust_loss": general_robust,
}
