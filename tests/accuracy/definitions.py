"""Every loss by its definition in mpmath: no shift, no clip, no formula of the library.

A definition takes the entries of one term as exact numbers (a number each, a list for a row) and
the options of the loss. Beside value and partial derivatives it says what their errors are
measured against: the largest term that has to be added, where that is not the result itself.
Partial derivatives at kinks are those of the contract; NaN stands for what it leaves open.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from definitions_of_batches import DEFINITIONS_OF_BATCHES
from mpmath import mp

Number = Any
Row = Sequence[Number]
Partial = Any  # a number, or a list for a row


class Term(NamedTuple):
    value: Number
    partials: tuple[Partial, ...]
    scale: Number = None  # None: the value itself
    scales: tuple[Partial, ...] = ()  # one per partial; () and None: the partial itself


def sign(x: Number) -> int:
    return int(x > 0) - int(x < 0)


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


def binary_from_logits(x: Number, y: Number) -> Term:
    """-y log s(x) - (1 - y) log s(-x), where s(x) = 1 / (1 + e^-x)."""
    yes, no = mp.log1p(mp.exp(-x)), mp.log1p(mp.exp(x))
    by_x = [(1 - y) / (1 + mp.exp(-x)), -y / (1 + mp.exp(x))]
    return Term(y * yes + (1 - y) * no, (mp.fsum(by_x), -x), None, (largest(by_x), None))


def binary_from_probabilities(p: Number, y: Number) -> Term:
    (log_p, by_p), (log_q, by_q) = clamped_log(p), clamped_log(1 - p)
    by_x = [(1 - y) * by_q, -y * by_p]
    by_y = [log_q, -log_p]
    value = -(y * log_p + (1 - y) * log_q)
    return Term(value, (mp.fsum(by_x), mp.fsum(by_y)), None, (largest(by_x), largest(by_y)))


def cross_entropy_of_labels(x: Row, label: int, label_smoothing: float = 0.0) -> Term:
    t = [mp.mpf(k == label) for k in range(len(x))]
    term = cross_entropy_of_probabilities(x, t, label_smoothing)
    return term._replace(partials=term.partials[:1], scales=term.scales[:1])


def cross_entropy_of_probabilities(x: Row, t: Row, label_smoothing: float = 0.0) -> Term:
    s = mp.mpf(label_smoothing)
    q = [(1 - s) * tk + s / len(x) for tk in t]
    log_p = [log_softmax(x, k) for k in range(len(x))]
    value = -mp.fsum(qk * lk for qk, lk in zip(q, log_p, strict=True) if qk)
    total, top = mp.fsum(q), max(x)
    p = [mp.exp(lk) for lk in log_p]
    by_x = [pk * total - qk for pk, qk in zip(p, q, strict=True)]
    # The exponential of a rounded difference is off by that difference's rounding.
    of_x = [max(pk * total * max(1, top - xk), qk) if pk else qk for pk, qk, xk in zip(p, q, x, strict=True)]
    by_t = [-(1 - s) * lk if mp.isfinite(lk) else mp.nan for lk in log_p]
    of_t = [max(1, abs(g)) if mp.isfinite(g) else 1 for g in by_t]
    # The sum of exponentials is about 1 or more, and rounded, before its logarithm is taken.
    return Term(value, (by_x, by_t), max(total, value), (of_x, of_t))


def linear_cross_entropy(
    h: Row,
    w: Sequence[Row],
    label: int,
    b: Row,
    label_smoothing: float = 0.0,
    softcap: float | None = None,
    z_loss: float = 0.0,
) -> Term:
    """Against what the rounding of the products makes of a result, which is all of its error."""
    raw = [
        mp.fsum([wj * hj for wj, hj in zip(row, h, strict=True)]) + bk for row, bk in zip(w, b, strict=True)
    ]
    x = raw if softcap is None else [softcap * mp.tanh(r / softcap) for r in raw]
    entropy, z = cross_entropy_of_labels(x, label, label_smoothing), mp.mpf(z_loss)
    p = [mp.exp(log_softmax(x, k)) for k in range(len(x))]
    partition = x[0] - log_softmax(x, 0)
    by_cap = [1 - mp.tanh(r / softcap) ** 2 if softcap else mp.mpf(1) for r in raw]
    slope = [
        (d + 2 * z * partition * pk) * c for d, pk, c in zip(entropy.partials[0], p, by_cap, strict=True)
    ]
    by_h = [mp.fsum(d * row[j] for d, row in zip(slope, w, strict=True)) for j in range(len(h))]
    size = max(
        mp.fsum([abs(wj * hj) for wj, hj in zip(row, h, strict=True)]) + abs(bk)
        for row, bk in zip(w, b, strict=True)
    )
    least = [1 + 2 * z * (1 + size) for _ in h]
    of_h = [max(1, size) * n * max(abs(row[j]) for row in w) for j, n in enumerate(least)]
    value = entropy.value + z * partition**2
    return Term(value, (by_h,), max(1, size) * (1 + 2 * z * (1 + abs(partition))) + value, (of_h,))


def nll(x: Row, label: int) -> Term:
    return Term(-x[label], ([-int(k == label) for k in range(len(x))],))


def kl_divergence(x: Row, t: Row) -> Term:
    p = [mp.exp(tk) for tk in t]
    terms = [pk * (tk - xk) if pk else mp.mpf(0) for pk, tk, xk in zip(p, t, x, strict=True)]
    by_t = [term + pk if pk else mp.mpf(0) for term, pk in zip(terms, p, strict=True)]
    of_t = [max(abs(term), pk) for term, pk in zip(terms, p, strict=True)]
    scale = mp.fsum(map(abs, terms))
    return Term(mp.fsum(terms), ([-pk for pk in p], by_t), scale, (None, of_t))


def hinge(x: Number, y: Number) -> Term:
    short = int(1 - y * x > 0)
    scale = max(1, abs(y * x)) if short else 0
    return Term((1 - y * x) * short, (-y * short, -x * short), scale, (None, None))


def margin_ranking(x1: Number, x2: Number, y: Number, margin: float = 0.0) -> Term:
    value = margin - y * (x1 - x2)
    short = int(value > 0)
    scale = largest([mp.mpf(margin), y * (x1 - x2)]) * short
    return Term(value * short, (-y * short, y * short, (x2 - x1) * short), scale)


def triplet(a: Row, b: Row, n: Row, p: float = 2, margin: float = 1.0, eps: float = 1e-6) -> Term:
    (near, by_near), (far, by_far) = distance(a, b, p, eps), distance(a, n, p, eps)
    value = near - far + margin
    short = int(value > 0)
    by_a = [(g - h) * short for g, h in zip(by_near, by_far, strict=True)]
    of_a = [max(abs(g), abs(h)) * short for g, h in zip(by_near, by_far, strict=True)]
    return Term(
        value * short,
        (by_a, [-g * short for g in by_near], [h * short for h in by_far]),
        largest([near, far, mp.mpf(margin)]),
        (of_a, None, None),
    )


def cosine(x1: Row, x2: Row, eps: float = 1e-8) -> Term:
    n1, n2 = (mp.sqrt(mp.fsum(a**2 for a in x)) for x in (x1, x2))
    if not n1 or not n2:
        return Term(mp.mpf(0), ([mp.mpf(0)] * len(x1), [mp.mpf(0)] * len(x2)))
    below = max(n1 * n2, mp.mpf(eps))
    parts = [a * b / below for a, b in zip(x1, x2, strict=True)]
    value, scale = mp.fsum(parts), mp.fsum(map(abs, parts))
    turns = int(n1 * n2 > eps)  # not where the denominator is eps
    by_1 = [b / below - turns * value * a / n1**2 for a, b in zip(x1, x2, strict=True)]
    by_2 = [a / below - turns * value * b / n2**2 for a, b in zip(x1, x2, strict=True)]
    of_1 = [max(abs(b) / below, turns * scale * abs(a) / n1**2) for a, b in zip(x1, x2, strict=True)]
    of_2 = [max(abs(a) / below, turns * scale * abs(b) / n2**2) for a, b in zip(x1, x2, strict=True)]
    return Term(value, (by_1, by_2), scale, (of_1, of_2))


def cosine_embedding(x1: Row, x2: Row, y: Number, margin: float = 0.0, eps: float = 1e-8) -> Term:
    c = cosine(x1, x2, eps)
    short = int(c.value > margin)
    by_c = -1 if y > 0 else short
    value = 1 - c.value if y > 0 else (c.value - margin) * short
    scale = max(1 if y > 0 else margin, c.scale or 0)
    partials = tuple([by_c * g for g in by] for by in c.partials)
    return Term(value, partials, scale, c.scales if by_c and c.scales else (None, None))


def quantile(x: Number, y: Number, quantile: float = 0.5) -> Term:
    q = mp.mpf(quantile)
    by_x = {1: 1 - q, 0: mp.mpf(0), -1: -q}[sign(x - y)]
    return Term(max(q * (y - x), (q - 1) * (y - x)), (by_x, -by_x))


def quantiles(x: Row, y: Number, levels: Row) -> Term:
    terms = [quantile(xk, y, q) for xk, q in zip(x, levels, strict=True)]
    by_x = [term.partials[0] / len(x) for term in terms]
    value = mp.fsum(term.value for term in terms) / len(x)
    return Term(value, (by_x, -mp.fsum(by_x)), None, (None, mp.fsum(map(abs, by_x))))


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


def one_less_quotient(above: Number, below: Number, *by: Sequence[tuple[Number, Number]]) -> Term:
    """1 - above / below and its derivatives, from those of -above and of below; 0 where both are 0.

    The quotient is (below - above) / below, whose two derivatives may cancel: what these are beside
    -above / below is the scale.
    """
    if below == 0:
        return Term(mp.mpf(0), tuple([mp.mpf(0)] * len(x) for x in by))
    partials = tuple([f / below + r * above / below**2 for f, r in x] for x in by)
    return Term(1 - above / below, partials, None, tuple([max(-f, abs(r)) / below for f, r in x] for x in by))


def distance(a: Row, b: Row, p: float, eps: float) -> tuple[Number, list[Number]]:
    d = [x - y for x, y in zip(a, b, strict=True)]
    if p == mp.inf:
        length = max(map(abs, d))
        ties = sum(abs(dk) == length for dk in d)
        return length, [mp.mpf(sign(dk) * (abs(dk) == length)) / ties for dk in d]
    length = (mp.fsum(abs(dk) ** p for dk in d) + mp.mpf(eps)) ** (1 / mp.mpf(p))
    return length, [sign(dk) * (abs(dk) / length) ** (p - 1) if dk else mp.mpf(0) for dk in d]


def log_softmax(x: Row, k: int) -> Number:
    """log(e^x_k / sum e^x_j), with numerator and denominator divided by e^x_k."""
    if x[k] == -mp.inf:
        return -mp.inf
    return -mp.log1p(mp.fsum(mp.exp(xj - x[k]) for j, xj in enumerate(x) if j != k))


def clamped_log(p: Number) -> tuple[Number, Number]:
    """max(log p, -100) and its derivative."""
    if p == 0 or mp.log(p) <= -100:
        return mp.mpf(-100), mp.mpf(0)
    return mp.log(p), 1 / p


def largest(parts: Row) -> Number:
    return max(map(abs, parts))


DEFINITIONS = {
    "mse_loss": mse,
    "l1_loss": l1,
    "huber_loss": huber,
    "smooth_l1_loss": smooth_l1,
    "log_cosh_loss": log_cosh,
    "gaussian_nll_loss": gaussian_nll,
    "binary_cross_entropy": binary_from_logits,
    "binary_cross_entropy (probabilities)": binary_from_probabilities,
    "cross_entropy": cross_entropy_of_labels,
    "linear_cross_entropy": linear_cross_entropy,
    "cross_entropy (probabilities)": cross_entropy_of_probabilities,
    "nll_loss": nll,
    "kl_div_loss": kl_divergence,
    "hinge_loss": hinge,
    "margin_ranking_loss": margin_ranking,
    "triplet_loss": triplet,
    "cosine_similarity_loss": cosine,
    "cosine_embedding_loss": cosine_embedding,
    "quantile_loss": quantile,
    "quantile_loss (levels)": quantiles,
    "dice_loss": dice,
    "dice_loss (kept)": dice,
    "tversky_loss": tversky,
    **DEFINITIONS_OF_BATCHES,
}

# What the losses are made of, measured as well: a row over its target names what is to blame.
PRIMITIVES = {
    "exp": mp.exp,
    "log": mp.log,
    "log1p": mp.log1p,
    "sinh": mp.sinh,
    "tanh": mp.tanh,
    "sqrt": mp.sqrt,
    "x^3": lambda x: x**3,
    "x^(1/3)": lambda x: x ** (mp.mpf(1) / 3),
    "number / array": lambda x: mp.mpf(2) ** -20 / x,
    "rows / column": lambda x: x / x,
    "gradient of x / y": lambda x: -1 / x,  # by y, where y is x
    "gradient of where": lambda x: 0 * x,  # of the branch that is not taken
}
