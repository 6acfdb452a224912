"""Divergences."""

from __future__ import annotations

from mpmath import mp

from definitions.common import Number, Row, Term, log_softmax


def kl_divergence(x: Row, t: Row) -> Term:
    p = [mp.exp(tk) for tk in t]
    terms = [pk * (tk - xk) if pk else mp.mpf(0) for pk, tk, xk in zip(p, t, x, strict=True)]
    by_t = [term + pk if pk else mp.mpf(0) for term, pk in zip(terms, p, strict=True)]
    of_t = [max(abs(term), pk) for term, pk in zip(terms, p, strict=True)]
    scale = mp.fsum(map(abs, terms))
    return Term(mp.fsum(terms), ([-pk for pk in p], by_t), scale, (None, of_t))


def kl_divergence_of_probabilities(x: Row, p: Row) -> Term:
    pairs = list(zip(x, p, strict=True))
    terms = [pk * (mp.log(pk) - xk) if pk else mp.mpf(0) for xk, pk in pairs]
    # Of the logarithm a rounding is lost before it is subtracted.
    sizes = [max(abs(mp.log(pk)), abs(xk)) if pk else mp.mpf(0) for xk, pk in pairs]
    by_p = [mp.log(pk) - xk + 1 if pk else mp.nan for xk, pk in pairs]
    scale = mp.fsum(pk * size for pk, size in zip(p, sizes, strict=True) if pk)
    return Term(mp.fsum(terms), ([-pk for pk in p], by_p), scale, (None, [max(1, size) for size in sizes]))


def generalized_kl(x: Row, p: Row) -> Term:
    kl, q = kl_divergence_of_probabilities(x, p), [mp.exp(xk) for xk in x]
    by_x = [qk - pk for qk, pk in zip(q, p, strict=True)]
    of_x = [max(qk, pk) for qk, pk in zip(q, p, strict=True)]
    return Term(kl.value + mp.fsum(by_x), (by_x,), kl.scale + mp.fsum(of_x), (of_x,))


def jensen_shannon(x: Row, t: Row, beta: float = 0.5) -> Term:
    b = mp.mpf(beta)
    p, q = ([mp.exp(v) for v in row] for row in (x, t))

    def shares(these: Row, others: Row, share: Number) -> list[Number]:
        """share e^x log(e^x / mixture), which is 0 where e^x is."""
        return [
            share * u * -mp.log(share + (1 - share) * (v / u)) if u else mp.mpf(0)
            for u, v in zip(these, others, strict=True)
        ]

    by_x, by_t = shares(p, q, 1 - b), shares(q, p, b)
    return Term(mp.fsum(by_x + by_t), (by_x, by_t), mp.fsum(map(abs, by_x + by_t)))


def distillation(x: Row, z: Row, temperature: float = 1.0) -> Term:
    heat = mp.mpf(temperature)

    def softened(row: Row) -> tuple[list[Number], list[Number]]:
        """Log probabilities, and what their exponentials' errors are measured by."""
        row = [v / heat for v in row]
        log_p = [log_softmax(row, k) for k in range(len(row))]
        # The exponential of a rounded difference is off by that difference's rounding.
        return log_p, [
            mp.exp(v) * max(1, max(row) - u) if mp.exp(v) else mp.mpf(0)
            for u, v in zip(row, log_p, strict=True)
        ]

    (log_p, of_p), (log_q, of_q) = softened(x), softened(z)
    kl = kl_divergence(log_p, log_q)
    sizes = [mp.exp(b) * max(1, abs(a), abs(b)) for a, b in zip(log_p, log_q, strict=True) if mp.exp(b)]
    slope = [heat * (mp.exp(a) - mp.exp(b)) for a, b in zip(log_p, log_q, strict=True)]
    of_slope = [heat * max(a, b) for a, b in zip(of_p, of_q, strict=True)]
    return Term(heat**2 * kl.value, (slope,), heat**2 * mp.fsum(sizes), (of_slope,))


DEFINITIONS = {
    "kl_div_loss": kl_divergence,
    "kl_div_loss (probabilities)": kl_divergence_of_probabilities,
    "generalized_kl_div_loss": generalized_kl,
    "js_div_loss": jensen_shannon,
    "distillation_loss": distillation,
}
