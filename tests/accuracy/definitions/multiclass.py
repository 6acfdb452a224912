"""Margins over several classes."""

from __future__ import annotations

from mpmath import mp

from definitions.classification import binary_from_logits
from definitions.common import Number, Row, Term


def multiclass_hinge(x: Row, label: int, margin: int = 1) -> Term:
    best = max(xk for k, xk in enumerate(x) if k != label)
    short = int(margin + best - x[label] > 0)
    ahead = [k for k, xk in enumerate(x) if k != label and xk == best]
    by_x = [
        short * mp.mpf(1) / len(ahead) if k in ahead else mp.mpf(-short * (k == label)) for k in range(len(x))
    ]
    return Term((margin + best - x[label]) * short, (by_x,), max(margin, abs(best - x[label])) * short)


def multiclass_perceptron(x: Row, label: int) -> Term:
    return multiclass_hinge(x, label, 0)


def multiclass_sparsemax(x: Row, label: int) -> Term:
    ranked = sorted(x, reverse=True)
    k = max(k for k in range(1, len(x) + 1) if mp.fsum(ranked[i] - ranked[k - 1] for i in range(k)) < 1)
    tau = (mp.fsum(ranked[:k]) - 1) / k
    by_x = [max(xk - tau, mp.mpf(0)) - (j == label) for j, xk in enumerate(x)]
    value = mp.fsum(d**2 for d in by_x) / 2 + max(tau - x[label], mp.mpf(0))
    # Probabilities are differences of numbers up to 1.
    return Term(value, (by_x,), value - by_x[label], ([mp.mpf(1)] * len(x),))


def multi_margin(x: Row, label: int, p: int = 1, margin: float = 1.0) -> Term:
    m, n = mp.mpf(margin), len(x)
    short = [max(m + xk - x[label], mp.mpf(0)) * (k != label) for k, xk in enumerate(x)]
    size = [max(m, abs(xk - x[label])) * (s > 0) for xk, s in zip(x, short, strict=True)]
    by_x, of_x = ([p * s ** (p - 1) / n if s else mp.mpf(0) for s in parts] for parts in (short, size))
    by_x[label], of_x[label] = -mp.fsum(by_x), mp.fsum(of_x)
    scale = mp.fsum(s ** (p - 1) * z for s, z in zip(short, size, strict=True) if s) / n
    return Term(mp.fsum(s**p for s in short) / n, (by_x,), scale, (of_x,))


def multilabel_margin(x: Row, y: Row) -> Term:
    own = [k for k, yk in enumerate(y) if yk > 0]
    others = [k for k, yk in enumerate(y) if not yk > 0]
    short = [(i, j) for i in others for j in own if 1 + x[i] - x[j] > 0]
    n = len(x)
    value = mp.fsum(1 + x[i] - x[j] for i, j in short) / n
    by_x = [mp.mpf(sum((i == k) - (j == k) for i, j in short)) / n for k in range(n)]
    return Term(value, (by_x,), mp.fsum(max(1, abs(x[i] - x[j])) for i, j in short) / n)


def multilabel_soft_margin(x: Row, y: Row) -> Term:
    terms = [binary_from_logits(xk, yk) for xk, yk in zip(x, y, strict=True)]
    by_x, by_y = ([term.partials[k] / len(x) for term in terms] for k in (0, 1))
    of_x: list[Number] = [term.scales[0] / len(x) for term in terms]
    return Term(mp.fsum(term.value for term in terms) / len(x), (by_x, by_y), None, (of_x, None))


DEFINITIONS = {
    "multiclass_hinge_loss": multiclass_hinge,
    "multiclass_perceptron_loss": multiclass_perceptron,
    "multiclass_sparsemax_loss": multiclass_sparsemax,
    "multi_margin_loss": multi_margin,
    "multilabel_margin_loss": multilabel_margin,
    "multilabel_soft_margin_loss": multilabel_soft_margin,
}
