"""Likelihoods."""

from __future__ import annotations

import math

from xlosses.testing.references.common import Row, Term, log_softmax, sign


def gaussian_nll(
    x: float, y: float, var: float, full: bool = False, eps: float = 1e-6, beta: float = 0.0
) -> Term:
    v = max(var, eps)
    value = math.log(math.sqrt(v)) + (y - x) ** 2 / (2 * v) + full * math.log(math.sqrt(2 * math.pi))
    by_v = (1 / v - ((y - x) / v) ** 2) / 2 if var > eps else 0.0
    weight = v**beta  # a constant to the derivatives
    return Term(weight * value, (weight * (x - y) / v, weight * (y - x) / v, weight * by_v))


def laplace_nll(x: float, y: float, s: float) -> Term:
    by_x = sign(x - y) / s
    return Term(math.log(2 * s) + abs(x - y) / s, (by_x, -by_x, (1 - abs(x - y) / s) / s))


def student_t_nll(x: float, y: float, s: float, df: float = 4.0) -> Term:
    z, k = (x - y) / s, (df + 1) / 2
    constant = math.lgamma(df / 2) - math.lgamma(k) + math.log(df * math.pi) / 2
    by_x = 2 * k * z / (df + z * z) / s
    by_s = (1 - 2 * k * z * z / (df + z * z)) / s
    return Term(math.log(s) + k * math.log1p(z * z / df) + constant, (by_x, -by_x, by_s))


def mixture_nll(a: Row, means: Row, log_scales: Row, y: float) -> Term:
    scales = [math.exp(s) for s in log_scales]
    z = [(y - m) / s for m, s in zip(means, scales, strict=True)]
    log_p = [w - s - zk * zk / 2 for w, s, zk in zip(log_softmax(a), log_scales, z, strict=True)]
    top = max(log_p)
    value = -top - math.log(math.fsum(math.exp(x - top) for x in log_p)) + math.log(2 * math.pi) / 2
    share = [math.exp(x) for x in log_softmax(log_p)]
    by_a = [math.exp(w) - g for w, g in zip(log_softmax(a), share, strict=True)]
    by_mean = [-g * zk / s if g else 0.0 for g, zk, s in zip(share, z, scales, strict=True)]
    by_scale = [g * (1 - zk * zk) if g else 0.0 for g, zk in zip(share, z, strict=True)]
    return Term(value, (by_a, by_mean, by_scale, -math.fsum(by_mean)))


def cox_ph(x: Row, times: Row, events: Row) -> Term:
    terms, by_x = [], [-event for event in events]
    for i, event in enumerate(events):
        at_risk = [j for j, t in enumerate(times) if t >= times[i]]
        log_p = dict(zip(at_risk, log_softmax([x[j] for j in at_risk]), strict=True))
        terms.append(-log_p[i])
        for j in at_risk:
            by_x[j] += event * math.exp(log_p[j])
    value = math.fsum(event * term for event, term in zip(events, terms, strict=True))
    return Term(value, (by_x, [0.0] * len(x)), math.fsum(events))
