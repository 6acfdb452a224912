"""Sets."""

from __future__ import annotations

from collections.abc import Sequence

from mpmath import mp

from definitions.common import Number, Row, Term


def dice(
    p: Row, t: Row, kept: Sequence[bool] | None = None, smooth: float = 1.0, squared: bool = False
) -> Term:
    kept, power = kept or [True] * len(p), 1 + squared
    counted = [(a, b) for a, b, keep in zip(p, t, kept, strict=True) if keep]
    above = 2 * mp.fsum(a * b for a, b in counted) + mp.mpf(smooth)
    below = mp.fsum(a**power + b**power for a, b in counted) + mp.mpf(smooth)

    def by(x: Row, other: Row) -> list[tuple[Number, Number]]:
        pairs = zip(x, other, kept, strict=True)
        return [(-2 * b * keep, power * a ** (power - 1) * keep) for a, b, keep in pairs]

    return one_less_quotient(above, below, by(p, t), by(t, p))


def tversky(p: Row, t: Row, alpha: float = 0.5, beta: float = 0.5, smooth: float = 1.0) -> Term:
    alpha, beta = mp.mpf(alpha), mp.mpf(beta)
    both = mp.fsum(a * b for a, b in zip(p, t, strict=True))
    below = both + alpha * (mp.fsum(p) - both) + beta * (mp.fsum(t) - both) + mp.mpf(smooth)
    rest = 1 - alpha - beta
    by_p, by_t = [(-b, rest * b + alpha) for b in t], [(-a, rest * a + beta) for a in p]
    return one_less_quotient(both + mp.mpf(smooth), below, by_p, by_t)


def jaccard(p: Row, t: Row, smooth: float = 1.0) -> Term:
    return tversky(p, t, 1, 1, smooth)


def focal_tversky(
    p: Row, t: Row, gamma: float = 0.75, alpha: float = 0.5, beta: float = 0.5, smooth: float = 1.0
) -> Term:
    term, gamma = tversky(p, t, alpha, beta, smooth), mp.mpf(gamma)
    steep = gamma * term.value ** (gamma - 1) if term.value > 0 else mp.mpf(0)
    partials = tuple([steep * d for d in row] for row in term.partials)
    return Term(term.value**gamma, partials, None, tuple([steep * d for d in row] for row in term.scales))


def generalized_dice(p: Row, t: Row, smooth: float = 0.0) -> Term:
    """Of classes that have one entry each."""
    weights = [1 / b**2 if b else mp.mpf(0) for b in t]
    triples = list(zip(p, t, weights, strict=True))
    above = 2 * mp.fsum(w * a * b for a, b, w in triples) + mp.mpf(smooth)
    below = mp.fsum(w * (a + b) for a, b, w in triples) + mp.mpf(smooth)
    return one_less_quotient(above, below, [(-2 * w * b, w) for _, b, w in triples])


def one_less_quotient(above: Number, below: Number, *by: Sequence[tuple[Number, Number]]) -> Term:
    """1 - above / below and its derivatives, from those of -above and of below; 0 where both are 0.

    The quotient is (below - above) / below, whose two derivatives may cancel: what these are beside
    -above / below is the scale.
    """
    if below == 0:
        return Term(mp.mpf(0), tuple([mp.mpf(0)] * len(x) for x in by))
    partials = tuple([f / below + r * above / below**2 for f, r in x] for x in by)
    return Term(1 - above / below, partials, None, tuple([max(-f, abs(r)) / below for f, r in x] for x in by))


DEFINITIONS = {
    "dice_loss": dice,
    "dice_loss (kept)": dice,
    "tversky_loss": tversky,
    "jaccard_loss": jaccard,
    "focal_tversky_loss": focal_tversky,
    "generalized_dice_loss": generalized_dice,
}
