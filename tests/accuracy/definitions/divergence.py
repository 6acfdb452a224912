"""Divergences."""

from __future__ import annotations

from mpmath import mp

from definitions.common import Row, Term


def kl_divergence(x: Row, t: Row) -> Term:
    p = [mp.exp(tk) for tk in t]
    terms = [pk * (tk - xk) if pk else mp.mpf(0) for pk, tk, xk in zip(p, t, x, strict=True)]
    by_t = [term + pk if pk else mp.mpf(0) for term, pk in zip(terms, p, strict=True)]
    of_t = [max(abs(term), pk) for term, pk in zip(terms, p, strict=True)]
    scale = mp.fsum(map(abs, terms))
    return Term(mp.fsum(terms), ([-pk for pk in p], by_t), scale, (None, of_t))


DEFINITIONS = {
    "kl_div_loss": kl_divergence,
}
