"""Divergences."""

from __future__ import annotations

import math

from xlosses.testing.references.common import (
    Row,
    Term,
    log_softmax,
)


def kl_divergence(x: Row, t: Row) -> Term:
    p = [math.exp(tk) for tk in t]
    value = math.fsum(pk * (tk - xk) for pk, tk, xk in zip(p, t, x, strict=True) if pk)
    by_t = [pk * (tk - xk + 1) if pk else 0.0 for pk, tk, xk in zip(p, t, x, strict=True)]
    return Term(value, ([-pk for pk in p], by_t))


def kl_divergence_of_probabilities(x: Row, p: Row) -> Term:
    value = math.fsum(pk * (math.log(pk) - xk) for pk, xk in zip(p, x, strict=True) if pk)
    by_p = [math.log(pk) - xk + 1 if pk else 0.0 for pk, xk in zip(p, x, strict=True)]
    return Term(value, ([-pk for pk in p], by_p))


def generalized_kl(x: Row, p: Row) -> Term:
    kl = kl_divergence_of_probabilities(x, p)
    q = [math.exp(xk) for xk in x]
    by_x = [qk - pk for qk, pk in zip(q, p, strict=True)]
    return Term(math.fsum((kl.value, *by_x)), (by_x,))


def jensen_shannon(x: Row, t: Row, beta: float = 0.5) -> Term:
    def shares(these: Row, others: Row, share: float) -> list[float]:
        """share p log(p / mixture) for each of these; by the difference of the two where they are near."""
        found = []
        for a, b in zip(these, others, strict=True):
            p, q = math.exp(a), math.exp(b)
            if not p:
                found.append(0.0)
            elif q < 2 * p:
                found.append(-share * p * math.log1p((1 - share) * (q - p) / p))
            else:
                found.append(share * p * (a - math.log(share * p + (1 - share) * q)))
        return found

    by_x, by_t = shares(x, t, 1 - beta), shares(t, x, beta)
    return Term(math.fsum(by_x + by_t), (by_x, by_t))


def distillation(x: Row, z: Row, temperature: float = 1.0) -> Term:
    log_p, log_q = (log_softmax([v / temperature for v in row]) for row in (x, z))
    kl = kl_divergence(log_p, log_q)
    slope = [temperature * (math.exp(a) - math.exp(b)) for a, b in zip(log_p, log_q, strict=True)]
    return Term(temperature**2 * kl.value, (slope,))
