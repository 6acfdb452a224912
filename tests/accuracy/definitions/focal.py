"""Classification in which some examples count less, and margins between classes."""

from __future__ import annotations

from collections.abc import Callable

from mpmath import mp

from definitions.classification import cross_entropy_of_labels
from definitions.common import Number, Row, Term, largest, log_softmax


def sigmoid_focal(x: Number, y: Number, gamma: float = 2.0, alpha: float | None = None) -> Term:
    p, q = 1 / (1 + mp.exp(-x)), 1 / (1 + mp.exp(x))
    entropy = y * mp.log1p(mp.exp(-x)) + (1 - y) * mp.log1p(mp.exp(x))
    doubt = y * q + (1 - y) * p
    parts = [
        gamma * doubt ** (gamma - 1) * (1 - 2 * y) * p * q * entropy,
        doubt**gamma * (1 - y) * p,
        -(doubt**gamma) * y * q,
    ]
    balance = 1 if alpha is None else alpha * y + (1 - alpha) * (1 - y)
    value = balance * doubt**gamma * entropy
    return Term(value, (balance * mp.fsum(parts),), None, (balance * largest(parts),))


def of_log_probabilities(x: Row, t: Row, each: Callable[[Number], tuple[Number, ...]]) -> Term:
    """The sum of t f(log p), given f, its derivative, and what that is rounded relative to, if not to 1."""
    log_p = [log_softmax(x, k) for k in range(len(x))]
    terms = [each(lk) for lk in log_p]
    value = mp.fsum(tk * f for tk, (f, *_) in zip(t, terms, strict=True) if tk)
    steep = [tk * d if tk else mp.mpf(0) for tk, (_, d, *_) in zip(t, terms, strict=True)]
    p, top = [mp.exp(lk) for lk in log_p], max(x)
    sizes = [size[0] if size else max(1, abs(d)) for _, d, *size in terms]
    total = mp.fsum(tk * size for tk, size in zip(t, sizes, strict=True) if tk)
    by_x = [d - pk * mp.fsum(steep) for d, pk in zip(steep, p, strict=True)]
    # As in cross entropy: the exponential of a rounded difference, and a sum of them before its logarithm.
    of_x = [
        max(pk * total * max(1, top - xk) if pk else 0, tk * size if tk else 0)
        for pk, tk, size, xk in zip(p, t, sizes, x, strict=True)
    ]
    return Term(value, (by_x,), max(total, mp.fsum(t), abs(value)), (of_x,))


def one_hot(x: Row, label: int) -> Row:
    return [mp.mpf(k == label) for k in range(len(x))]


def softmax_focal_of_probabilities(
    x: Row, t: Row, gamma: float = 2.0, alpha: float = 1.0, label_smoothing: float = 0.0
) -> Term:
    def each(log_p: Number) -> tuple[Number, Number]:
        p, doubt = mp.exp(log_p), -mp.expm1(log_p)
        if not doubt:
            return mp.mpf(0), mp.mpf(-alpha * (gamma == 0))
        p_log_p = p * log_p if p else mp.mpf(0)
        power = alpha * doubt**gamma
        return -power * log_p, alpha * gamma * doubt ** (gamma - 1) * p_log_p - power

    s = mp.mpf(label_smoothing)
    return of_log_probabilities(x, [(1 - s) * tk + s / len(x) for tk in t], each)


def softmax_focal_of_labels(x: Row, label: int, **options: float) -> Term:
    return softmax_focal_of_probabilities(x, one_hot(x, label), **options)


def poly_of_probabilities(x: Row, t: Row, epsilon: float = 2.0) -> Term:
    def each(log_p: Number) -> tuple[Number, Number]:
        p = mp.exp(log_p)
        return -log_p + epsilon * (1 - p), -1 - epsilon * p

    return of_log_probabilities(x, t, each)


def poly_of_labels(x: Row, label: int, **options: float) -> Term:
    return poly_of_probabilities(x, one_hot(x, label), **options)


def generalized(x: Row, label: int, q: float = 0.7) -> Term:
    def each(log_p: Number) -> tuple[Number, Number]:
        power = mp.exp(mp.mpf(q) * log_p)
        return (1 - power) / mp.mpf(q), -power, power * max(1, abs(mp.mpf(q) * log_p)) if power else power

    return of_log_probabilities(x, one_hot(x, label), each)


def arcface(x: Row, label: int, margin: float = 0.5, scale: float = 64.0) -> Term:
    cosine, m = x[label], mp.mpf(margin)
    angle = mp.acos(cosine)
    if angle + m > mp.pi:
        return with_margin(x, label, cosine - m * mp.sin(m), mp.mpf(1), scale)
    if abs(cosine) == 1:
        return with_margin(x, label, cosine * mp.cos(m), mp.cos(m), scale)
    return with_margin(x, label, mp.cos(angle + m), mp.sin(angle + m) / mp.sin(angle), scale)


def cosface(x: Row, label: int, margin: float = 0.35, scale: float = 64.0) -> Term:
    return with_margin(x, label, x[label] - mp.mpf(margin), mp.mpf(1), scale)


def with_margin(x: Row, label: int, target: Number, steep: Number, scale: float) -> Term:
    """Against what the rounding of cosines of size 1 makes of a result, which is nearly all of its error."""
    shifted = [target if k == label else xk for k, xk in enumerate(x)]
    term = cross_entropy_of_labels([scale * xk for xk in shifted], label)
    factors = [scale * (abs(steep) + 1 if k == label else 1) for k in range(len(x))]
    by_x = [scale * d * (steep if k == label else 1) for k, d in enumerate(term.partials[0])]
    p = [mp.exp(log_softmax([scale * xk for xk in shifted], k)) for k in range(len(x))]
    # A cosine that is off by a unit moves the share p of a class by as much as this.
    of_x = [
        f * max(size, scale * min(pk, 1 - pk)) for f, size, pk in zip(factors, term.scales[0], p, strict=True)
    ]
    return Term(term.value, (by_x,), max(term.value, scale), (of_x,))


DEFINITIONS = {
    "sigmoid_focal_loss": sigmoid_focal,
    "softmax_focal_loss": softmax_focal_of_labels,
    "softmax_focal_loss (probabilities)": softmax_focal_of_probabilities,
    "poly_cross_entropy": poly_of_labels,
    "poly_cross_entropy (probabilities)": poly_of_probabilities,
    "generalized_cross_entropy": generalized,
    "arcface_loss": arcface,
    "cosface_loss": cosface,
}
