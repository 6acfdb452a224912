"""Classification."""

from __future__ import annotations

from collections.abc import Sequence

from mpmath import mp

from definitions.common import Number, Row, Term, clamped_log, largest, log_softmax


def binary_from_logits(
    x: Number, y: Number, pos_weight: Number | None = None, label_smoothing: float = 0.0
) -> Term:
    """-c y log s(x) - (1 - y) log s(-x), where s(x) = 1 / (1 + e^-x)."""
    plain = pos_weight is None and not label_smoothing
    s, c = mp.mpf(label_smoothing), mp.mpf(1 if pos_weight is None else pos_weight)
    yes, no = mp.log1p(mp.exp(-x)), mp.log1p(mp.exp(x))
    of_yes, of_no = c * ((1 - s) * y + s / 2), (1 - s) * (1 - y) + s / 2
    by_x = [of_no / (1 + mp.exp(-x)), -of_yes / (1 + mp.exp(x))]
    by_y = -x if plain else (1 - s) * (c * yes - no)
    of_y = None if plain else (1 - s) * largest([c * yes, no])
    value = of_yes * yes + of_no * no
    return Term(value, (mp.fsum(by_x), by_y), None, (largest(by_x), of_y))


def binary_from_probabilities(
    p: Number, y: Number, pos_weight: float = 1.0, label_smoothing: float = 0.0
) -> Term:
    s, c = mp.mpf(label_smoothing), mp.mpf(pos_weight)
    (log_p, by_p), (log_q, by_q) = clamped_log(p), clamped_log(1 - p)
    of_yes, of_no = c * ((1 - s) * y + s / 2), (1 - s) * (1 - y) + s / 2
    by_x = [of_no * by_q, -of_yes * by_p]
    by_y = [(1 - s) * log_q, -(1 - s) * c * log_p]
    value = -(of_yes * log_p + of_no * log_q)
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


def ordinal(x: Row, level: int) -> Term:
    terms = [binary_from_logits(xk, mp.mpf(level > k)) for k, xk in enumerate(x)]
    return Term(mp.fsum(term.value for term in terms), ([term.partials[0] for term in terms],))


def nll(x: Row, label: int) -> Term:
    return Term(-x[label], ([-int(k == label) for k in range(len(x))],))


DEFINITIONS = {
    "binary_cross_entropy": binary_from_logits,
    "binary_cross_entropy (probabilities)": binary_from_probabilities,
    "binary_cross_entropy (weight each)": binary_from_logits,
    "cross_entropy": cross_entropy_of_labels,
    "linear_cross_entropy": linear_cross_entropy,
    "cross_entropy (probabilities)": cross_entropy_of_probabilities,
    "nll_loss": nll,
    "ordinal_loss": ordinal,
}
