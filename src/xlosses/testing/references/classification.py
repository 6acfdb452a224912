"""Classification."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xlosses.testing.references.common import (
    Row,
    Term,
    clamped_log,
    log_softmax,
    sigmoid,
    softplus,
)


def binary_from_logits(x: float, y: float, pos_weight: float = 1.0, label_smoothing: float = 0.0) -> Term:
    # log(1 + e^x) - x y = y log(1 + e^-x) + (1 - y) log(1 + e^x), which does not cancel
    yes, no = softplus(-x), softplus(x)
    s, c = label_smoothing, pos_weight
    y, z = y - s * (y - 0.5), (1 - y) - s * (0.5 - y)
    by_x = z * sigmoid(x) - c * y * sigmoid(-x)
    by_y = -x if c == 1 and not s else (1 - s) * (c * yes - no)
    return Term(c * y * yes + z * no, (by_x, by_y, y * yes))


def binary_from_probabilities(
    p: float, y: float, pos_weight: float = 1.0, label_smoothing: float = 0.0
) -> Term:
    log_p, by_p = clamped_log(p)
    log_q, by_q = (math.log1p(-p), 1 / (1 - p)) if p < 1 else (-100.0, 0.0)
    s, c = label_smoothing, pos_weight
    y, z = y - s * (y - 0.5), (1 - y) - s * (0.5 - y)
    by_y = (1 - s) * (log_q - c * log_p)
    return Term(-(c * y * log_p + z * log_q), (z * by_q - c * y * by_p, by_y))


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
    log_p = log_softmax(x)
    smooth = [(1 - label_smoothing) * tk + label_smoothing / len(x) for tk in t]
    q = [ck * tk for ck, tk in zip(c, smooth, strict=True)]
    value = -math.fsum(qk * lk for qk, lk in zip(q, log_p, strict=True) if qk)
    by_x = [math.exp(lk) * math.fsum(q) - qk for lk, qk in zip(log_p, q, strict=True)]
    by_t = [-(1 - label_smoothing) * ck * lk for ck, lk in zip(c, log_p, strict=True)]
    return Term(value, (by_x, by_t), math.fsum(ck * tk for ck, tk in zip(c, t, strict=True)))


def nll(x: Row, label: int, class_weights: Row | None = None) -> Term:
    c = class_weights[label] if class_weights else 1.0
    return Term(-c * x[label], ([-c * (k == label) for k in range(len(x))],), c)


def ordinal(x: Row, level: int) -> Term:
    terms = [binary_from_logits(xk, float(level > k)) for k, xk in enumerate(x)]
    by_x = [term.partials[0] for term in terms]
    return Term(math.fsum(term.value for term in terms), (by_x,))


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
