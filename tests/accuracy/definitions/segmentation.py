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


def lovasz_hinge(x: Row, t: Row, kept: Sequence[bool] | None = None) -> Term:
    """The larger of two numbers that are subtracted is the scale, of the value that of each error."""
    wrong = [a * (1 - 2 * b) for a, b in zip(x, t, strict=True)]
    steps = steps_of_iou(wrong, t, kept)
    short = {i: step for i, step in steps.items() if 1 + wrong[i] > 0}
    value = mp.fsum(step * (1 + wrong[i]) for i, step in short.items())
    scale = mp.fsum(step * max(1, abs(wrong[i])) for i, step in short.items())
    return Term(value, ([(1 - 2 * t[i]) * short.get(i, mp.mpf(0)) for i in range(len(x))],), scale)


def lovasz_softmax(p: Row, t: Row, absent: bool = False) -> Term:
    if not absent and not any(t):
        return Term(mp.mpf(0), ([mp.mpf(0)] * len(p),))
    errors = [abs(b - a) for a, b in zip(p, t, strict=True)]
    steps = steps_of_iou(errors, t)
    by_p = [mp.sign(a - b) * steps[i] for i, (a, b) in enumerate(zip(p, t, strict=True))]
    return Term(mp.fsum(steps[i] * errors[i] for i in steps), (by_p,))


def lovasz_softmax_of_single_entries(p: Row, t: Row, absent: bool = False) -> Term:
    terms = [lovasz_softmax([a], [b], absent) for a, b in zip(p, t, strict=True)]
    n = max(sum(absent or b > 0 for b in t), 1)
    return Term(mp.fsum(term.value for term in terms) / n, ([term.partials[0][0] / n for term in terms],))


def steps_of_iou(errors: Row, t: Row, kept: Sequence[bool] | None = None) -> dict[int, Number]:
    """By how much 1 - IoU grows as one entry after the other is got wrong, the largest errors first."""
    items = [i for i in range(len(t)) if kept is None or kept[i]]
    steps, before, common, union = {}, mp.mpf(0), *[mp.fsum(t[i] for i in items)] * 2
    for i in sorted(items, key=lambda i: -errors[i]):
        common, union = common - t[i], union + 1 - t[i]
        steps[i], before = 1 - common / union - before, 1 - common / union
    return steps


DEFINITIONS = {
    "lovasz_hinge_loss": lovasz_hinge,
    "lovasz_hinge_loss (kept)": lovasz_hinge,
    "lovasz_softmax_loss": lovasz_softmax,
    "lovasz_softmax_loss (classes)": lovasz_softmax_of_single_entries,
    "dice_loss": dice,
    "dice_loss (kept)": dice,
    "tversky_loss": tversky,
    "jaccard_loss": jaccard,
    "focal_tversky_loss": focal_tversky,
    "generalized_dice_loss": generalized_dice,
}
