"""Likelihoods."""

from __future__ import annotations

from mpmath import mp

from definitions.common import Number, Term, largest


def gaussian_nll(x: Number, y: Number, var: Number, full: bool = False, eps: float = 1e-6) -> Term:
    v, e = max(var, mp.mpf(eps)), x - y
    parts = [mp.log(v) / 2, e**2 / (2 * v), mp.log(2 * mp.pi) / 2 if full else mp.mpf(0)]
    acts = var <= eps
    by_v = [1 / (2 * v), -(e**2) / (2 * v**2)]
    return Term(
        mp.fsum(parts),
        (e / v, -e / v, mp.mpf(0) if acts else mp.fsum(by_v)),
        largest(parts),
        (None, None, None if acts else largest(by_v)),
    )


DEFINITIONS = {
    "gaussian_nll_loss": gaussian_nll,
}
