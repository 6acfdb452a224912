"""Classification in which some examples count less, and margins between classes."""

from __future__ import annotations

import math
from collections.abc import Callable

from xlosses.testing.references.classification import cross_entropy_of_labels
from xlosses.testing.references.common import Row, Term, log_softmax, sigmoid, softplus


def sigmoid_focal(x: float, y: float, gamma: float = 2.0, alpha: float | None = None) -> Term:
    p, q = sigmoid(x), sigmoid(-x)
    entropy = y * softplus(-x) + (1 - y) * softplus(x)
    doubt = y * q + (1 - y) * p
    steep = gamma * doubt ** (gamma - 1) * entropy if gamma else 0.0
    by_x = steep * (1 - 2 * y) * p * q + doubt**gamma * ((1 - y) * p - y * q)
    by_y = steep * (q - p) - doubt**gamma * x
    if alpha is None:
        return Term(doubt**gamma * entropy, (by_x, by_y))
    balance = alpha * y + (1 - alpha) * (1 - y)
    value = balance * doubt**gamma * entropy
    return Term(value, (balance * by_x, balance * by_y + (2 * alpha - 1) * doubt**gamma * entropy))


def of_log_probabilities(x: Row, t: Row, c: Row | None, each: Callable[[float], tuple[float, float]]) -> Term:
    """The sum of c t f(log p), given f and its derivative."""
    c, log_p = c or [1.0] * len(x), log_softmax(x)
    terms = [each(lk) for lk in log_p]
    steep = [ck * tk * d if tk else 0.0 for ck, tk, (_, d) in zip(c, t, terms, strict=True)]
    value = math.fsum(ck * tk * f for ck, tk, (f, _) in zip(c, t, terms, strict=True) if tk)
    by_x = [d - math.exp(lk) * math.fsum(steep) for d, lk in zip(steep, log_p, strict=True)]
    weight = math.fsum(ck * tk for ck, tk in zip(c, t, strict=True))
    return Term(value, (by_x, [ck * f for ck, (f, _) in zip(c, terms, strict=True)]), weight)


def one_hot(x: Row, label: int) -> list[float]:
    return [float(k == label) for k in range(len(x))]


def softmax_focal_of_labels(
    x: Row,
    label: int,
    class_weights: Row | None = None,
    gamma: float = 2.0,
    alpha: float = 1.0,
    label_smoothing: float = 0.0,
) -> Term:
    term = softmax_focal_of_probabilities(x, one_hot(x, label), class_weights, gamma, alpha, label_smoothing)
    return term._replace(partials=term.partials[:1])


def softmax_focal_of_probabilities(
    x: Row,
    t: Row,
    class_weights: Row | None = None,
    gamma: float = 2.0,
    alpha: float = 1.0,
    label_smoothing: float = 0.0,
) -> Term:
    def each(log_p: float) -> tuple[float, float]:
        doubt = -math.expm1(log_p)
        if doubt == 0:
            return 0.0, -alpha * float(gamma == 0)
        p_log_p = math.exp(log_p) * log_p if log_p > -math.inf else 0.0
        power = alpha * doubt**gamma
        return -power * log_p, power * (gamma * p_log_p / doubt - 1)

    smooth = [(1 - label_smoothing) * tk + label_smoothing / len(x) for tk in t]
    term = of_log_probabilities(x, smooth, class_weights, each)
    c = class_weights or [1.0] * len(x)
    by_x, by_t = term.partials
    assert isinstance(by_t, list)
    by_t = [(1 - label_smoothing) * d for d in by_t]
    return Term(term.value, (by_x, by_t), math.fsum(ck * tk for ck, tk in zip(c, t, strict=True)))


def poly_of_labels(x: Row, label: int, class_weights: Row | None = None, epsilon: float = 2.0) -> Term:
    term = poly_of_probabilities(x, one_hot(x, label), class_weights, epsilon)
    return term._replace(partials=term.partials[:1])


def poly_of_probabilities(x: Row, t: Row, class_weights: Row | None = None, epsilon: float = 2.0) -> Term:
    def each(log_p: float) -> tuple[float, float]:
        return -log_p - epsilon * math.expm1(log_p), -1 - epsilon * math.exp(log_p)

    return of_log_probabilities(x, t, class_weights, each)


def generalized(x: Row, label: int, class_weights: Row | None = None, q: float = 0.7) -> Term:
    def each(log_p: float) -> tuple[float, float]:
        return -math.expm1(q * log_p) / q, -math.exp(q * log_p)

    term = of_log_probabilities(x, one_hot(x, label), class_weights, each)
    return term._replace(partials=term.partials[:1])


def arcface(
    x: Row, label: int, class_weights: Row | None = None, margin: float = 0.5, scale: float = 64.0
) -> Term:
    angle = math.acos(max(-1.0, min(1.0, x[label])))
    if angle + margin > math.pi:
        return margin_term(x, label, class_weights, scale, x[label] - margin * math.sin(margin), 1.0)
    if not -1 < x[label] < 1:
        cos = math.cos(margin)
        return margin_term(x, label, class_weights, scale, x[label] * cos, cos)
    steep = math.sin(angle + margin) / math.sin(angle)
    return margin_term(x, label, class_weights, scale, math.cos(angle + margin), steep)


def cosface(
    x: Row, label: int, class_weights: Row | None = None, margin: float = 0.35, scale: float = 64.0
) -> Term:
    return margin_term(x, label, class_weights, scale, x[label] - margin, 1.0)


def margin_term(x: Row, label: int, c: Row | None, scale: float, target: float, steep: float) -> Term:
    """Cross entropy with another cosine at the label, and the derivative of that by the given one."""
    logits = [scale * (target if k == label else xk) for k, xk in enumerate(x)]
    term = cross_entropy_of_labels(logits, label, c)
    (by_logits,) = term.partials
    assert isinstance(by_logits, list)
    by_x = [scale * d * (steep if k == label else 1.0) for k, d in enumerate(by_logits)]
    return Term(term.value, (by_x,), term.weight)
