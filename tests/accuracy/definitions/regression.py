"""Regression."""

from __future__ import annotations

from mpmath import mp

from definitions.common import Number, Term, sign


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


DEFINITIONS = {
    "mse_loss": mse,
    "l1_loss": l1,
    "huber_loss": huber,
    "smooth_l1_loss": smooth_l1,
    "log_cosh_loss": log_cosh,
}
