"""What each loss is, by its definition: one term at a time, in Python floats, without any array.

A reference takes the entries of the arrays for one term (a float each, a list for a row) and the
options of the loss. It returns a `Term`: the value, its partial derivatives by the first arrays,
and what the term counts for in "weighted_mean" beside `weights`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

Partial: TypeAlias = "float | list[Any]"
Row: TypeAlias = Sequence[float]


class Term(NamedTuple):
    """One term of a loss, exact to double precision."""

    value: float
    partials: tuple[Partial | None, ...]  # None by labels
    weight: float = 1.0


def sign(x: float) -> float:
    """-1, 0 or 1: the derivative of |x|."""
    return float((x > 0) - (x < 0))


def mse(x: float, y: float) -> Term:
    return Term((x - y) ** 2, (2 * (x - y), 2 * (y - x)))


def l1(x: float, y: float) -> Term:
    return Term(abs(x - y), (sign(x - y), sign(y - x)))


def huber(x: float, y: float, delta: float = 1.0) -> Term:
    e = x - y
    if abs(e) <= delta:
        return Term(e * e / 2, (e, -e))
    return Term(delta * (abs(e) - delta / 2), (delta * sign(e), -delta * sign(e)))


def smooth_l1(x: float, y: float, beta: float = 1.0) -> Term:
    e = x - y
    if abs(e) < beta:
        return Term(e * e / (2 * beta), (e / beta, -e / beta))
    return Term(abs(e) - beta / 2, (sign(e), -sign(e)))


def log_cosh(x: float, y: float) -> Term:
    e = x - y
    if abs(e) < 1e-2:
        value = e**2 / 2 - e**4 / 12 + e**6 / 45
    elif abs(e) < 300:
        value = math.log(math.cosh(e))
    else:
        value = abs(e) - math.log(2)
    return Term(value, (math.tanh(e), -math.tanh(e)))


def gaussian_nll(x: float, y: float, var: float, full: bool = False, eps: float = 1e-6) -> Term:
    v = max(var, eps)
    value = math.log(math.sqrt(v)) + (y - x) ** 2 / (2 * v) + full * math.log(math.sqrt(2 * math.pi))
    by_v = (1 / v - ((y - x) / v) ** 2) / 2 if var > eps else 0.0
    return Term(value, ((x - y) / v, (y - x) / v, by_v))


def binary_from_logits(x: float, y: float) -> Term:
    # log(1 + e^x) - x y = y log(1 + e^-x) + (1 - y) log(1 + e^x), which does not cancel
    yes, no = _softplus(-x), _softplus(x)
    by_x = (1 - y) * _sigmoid(x) - y * _sigmoid(-x)
    return Term(y * yes + (1 - y) * no, (by_x, -x))


def binary_from_probabilities(p: float, y: float) -> Term:
    log_p, by_p = _clamped_log(p)
    log_q, by_q = (math.log1p(-p), 1 / (1 - p)) if p < 1 else (-100.0, 0.0)
    return Term(-(y * log_p + (1 - y) * log_q), ((1 - y) * by_q - y * by_p, log_q - log_p))


def cross_entropy_of_labels(
    x: Row, label: int, class_weights: Row | None = None, label_smoothing: float = 0.0
) -> Term:
    t = [float(k == label) for k in range(len(x))]
    term = cross_entropy_of_probabilities(x, t, class_weights, label_smoothing)
    return term._replace(partials=term.partials[:1])


def cross_entropy_of_probabilities(
    x: Row, t: Row, class_weights: Row | None = None, label_smoothing: float = 0.0
) -> Term:
    c = class_weights or [1.0] * len(x)
    log_p = _log_softmax(x)
    smooth = [(1 - label_smoothing) * tk + label_smoothing / len(x) for tk in t]
    q = [ck * tk for ck, tk in zip(c, smooth, strict=True)]
    value = -math.fsum(qk * lk for qk, lk in zip(q, log_p, strict=True) if qk)
    by_x = [math.exp(lk) * math.fsum(q) - qk for lk, qk in zip(log_p, q, strict=True)]
    by_t = [-(1 - label_smoothing) * ck * lk for ck, lk in zip(c, log_p, strict=True)]
    return Term(value, (by_x, by_t), math.fsum(ck * tk for ck, tk in zip(c, t, strict=True)))


def nll(x: Row, label: int, class_weights: Row | None = None) -> Term:
    c = class_weights[label] if class_weights else 1.0
    return Term(-c * x[label], ([-c * (k == label) for k in range(len(x))],), c)


def kl_divergence(x: Row, t: Row) -> Term:
    p = [math.exp(tk) for tk in t]
    value = math.fsum(pk * (tk - xk) for pk, tk, xk in zip(p, t, x, strict=True) if pk)
    by_t = [pk * (tk - xk + 1) if pk else 0.0 for pk, tk, xk in zip(p, t, x, strict=True)]
    return Term(value, ([-pk for pk in p], by_t))


def hinge(x: float, y: float) -> Term:
    short = 1 - y * x > 0
    return Term(max(0.0, 1 - y * x), (-y * short, -x * short))


def margin_ranking(x1: float, x2: float, y: float, margin: float = 0.0) -> Term:
    value = -y * (x1 - x2) + margin
    short = value > 0
    return Term(max(0.0, value), (-y * short, y * short, (x2 - x1) * short))


def triplet(a: Row, b: Row, n: Row, p: float = 2, margin: float = 1.0, eps: float = 1e-6) -> Term:
    near, by_near = _distance(a, b, p, eps)
    far, by_far = _distance(a, n, p, eps)
    value = near - far + margin
    short = value > 0
    by_a = [(g - h) * short for g, h in zip(by_near, by_far, strict=True)]
    return Term(max(0.0, value), (by_a, [-g * short for g in by_near], [h * short for h in by_far]))


def cosine(x1: Row, x2: Row, eps: float = 1e-8) -> Term:
    n1, n2 = math.hypot(*x1), math.hypot(*x2)
    dot = math.fsum(a * b for a, b in zip(x1, x2, strict=True))
    value = dot / max(n1 * n2, eps)
    if n1 == 0 or n2 == 0:
        return Term(0.0, ([0.0] * len(x1), [0.0] * len(x2)))
    # Each vector's share of the denominator turns with it, unless the denominator is eps.
    turn = value if n1 * n2 > eps else 0.0
    by_1 = [b / max(n1 * n2, eps) - turn * a / n1**2 for a, b in zip(x1, x2, strict=True)]
    by_2 = [a / max(n1 * n2, eps) - turn * b / n2**2 for a, b in zip(x1, x2, strict=True)]
    return Term(value, (by_1, by_2))


def cosine_embedding(x1: Row, x2: Row, y: float, margin: float = 0.0, eps: float = 1e-8) -> Term:
    c = cosine(x1, x2, eps)
    if y > 0:
        value, by_cosine = 1 - c.value, -1.0
    else:
        value, by_cosine = max(0.0, c.value - margin), float(c.value > margin)
    return Term(value, tuple([by_cosine * g for g in x] for x in c.partials if isinstance(x, list)))


def quantile(x: float, y: float, quantile: float = 0.5) -> Term:
    below, above = float(x < y), float(x > y)
    by_x = (1 - quantile) * above - quantile * below
    return Term(by_x * (x - y), (by_x, -by_x))


def quantiles(x: Row, y: float, levels: Row) -> Term:
    terms = [quantile(xk, y, q) for xk, q in zip(x, levels, strict=True)]
    by_x = [term.partials[0] / len(x) for term in terms if isinstance(term.partials[0], float)]
    return Term(math.fsum(term.value for term in terms) / len(x), (by_x, -math.fsum(by_x)))


def dice(
    p: Row, t: Row, kept: Sequence[bool] | None = None, smooth: float = 1.0, squared: bool = False
) -> Term:
    power = 2 if squared else 1
    pairs = [(a, b) for a, b, keep in zip(p, t, kept or [True] * len(p), strict=True) if keep]
    below = math.fsum([a**power + b**power for a, b in pairs] + [smooth])
    apart = math.fsum(a**power + b**power - 2 * a * b for a, b in pairs)
    if below == 0:
        return Term(0.0, ([0.0] * len(p), [0.0] * len(p)))
    near = math.fsum([2 * a * b for a, b in pairs] + [smooth]) / below

    def by(x: Row, other: Row) -> list[float]:
        slopes = [(near * power * a ** (power - 1) - 2 * b) / below for a, b in zip(x, other, strict=True)]
        return [slope * keep for slope, keep in zip(slopes, kept or [True] * len(p), strict=True)]

    return Term(apart / below, (by(p, t), by(t, p)))


def tversky(p: Row, t: Row, alpha: float = 0.5, beta: float = 0.5, smooth: float = 1.0) -> Term:
    pairs = list(zip(p, t, strict=True))
    apart = math.fsum(alpha * a + beta * b - (alpha + beta) * a * b for a, b in pairs)
    below = math.fsum([a * b for a, b in pairs] + [apart, smooth])
    if below == 0:
        return Term(0.0, ([0.0] * len(p), [0.0] * len(p)))
    near, rest = math.fsum([a * b for a, b in pairs] + [smooth]) / below, 1 - alpha - beta
    by_p = [(near * (rest * b + alpha) - b) / below for b in t]
    by_t = [(near * (rest * a + beta) - a) / below for a in p]
    return Term(apart / below, (by_p, by_t))


def _distance(a: Row, b: Row, p: float, eps: float) -> tuple[float, list[float]]:
    d = [x - y for x, y in zip(a, b, strict=True)]
    if p == math.inf:
        length = max(map(abs, d))
        ties = sum(abs(dk) == length for dk in d)
        return length, [sign(dk) * (abs(dk) == length) / ties for dk in d]
    length = (math.fsum(abs(dk) ** p for dk in d) + eps) ** (1 / p)
    return length, [sign(dk) * (abs(dk) / length) ** (p - 1) if dk else 0.0 for dk in d]


def _log_softmax(x: Row) -> list[float]:
    top = max(x)
    log_sum = math.log(math.fsum(math.exp(xk - top) for xk in x))
    return [xk - top - log_sum for xk in x]


def _softplus(x: float) -> float:
    return math.log1p(math.exp(x)) if x < 30 else x + math.exp(-x)


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x))


def _clamped_log(p: float) -> tuple[float, float]:
    if p < math.exp(-100):
        return -100.0, 0.0
    return math.log(p), 1 / p


def linear_cross_entropy(
    h: Row,
    w: Sequence[Row],
    label: int,
    b: Row,
    label_smoothing: float = 0.0,
    softcap: float | None = None,
    z_loss: float = 0.0,
) -> Term:
    raw = [
        math.fsum((*(wk * hk for wk, hk in zip(row, h, strict=True)), bk))
        for row, bk in zip(w, b, strict=True)
    ]
    x = raw if softcap is None else [softcap * math.tanh(r / softcap) for r in raw]
    entropy = cross_entropy_of_labels(x, label, None, label_smoothing)
    largest = max(x)
    partition = largest + math.log(math.fsum(math.exp(v - largest) for v in x))
    by_x = entropy.partials[0]
    assert isinstance(by_x, list)
    slope = [d + 2.0 * z_loss * partition * math.exp(v - partition) for d, v in zip(by_x, x, strict=True)]
    if softcap is not None:
        slope = [d * (1.0 - (v / softcap) ** 2) for d, v in zip(slope, x, strict=True)]
    by_h = [math.fsum(d * row[k] for d, row in zip(slope, w, strict=True)) for k in range(len(h))]
    by_w = [[d * hk for hk in h] for d in slope]
    return Term(entropy.value + z_loss * partition**2, (by_h, by_w, None, slope))
