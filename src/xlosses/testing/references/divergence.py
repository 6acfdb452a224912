"""Divergences."""

from __future__ import annotations

import math

from xlosses.testing.references.common import (
    Row,
    Term,
)


def kl_divergence(x: Row, t: Row) -> Term:
    p = [math.exp(tk) for tk in t]
    value = math.fsum(pk * (tk - xk) for pk, tk, xk in zip(p, t, x, strict=True) if pk)
    by_t = [pk * (tk - xk + 1) if pk else 0.0 for pk, tk, xk in zip(p, t, x, strict=True)]
    return Term(value, ([-pk for pk in p], by_t))
