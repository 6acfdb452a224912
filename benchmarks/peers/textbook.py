"""Formulas as textbooks have them, the same on every framework: losses that few libraries have."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

Function = Callable[..., Any]


def terms(xp: Any, pick: Function, arctan: Function) -> Mapping[str, Function]:  # noqa: C901
    """The terms of each loss, by the functions of one framework."""

    top = getattr(xp, "amax", None) or xp.max

    def softplus(x):
        return xp.maximum(x, 0 * x) + xp.log1p(xp.exp(-xp.abs(x)))

    def binary(x, y, pos_weight=1.0):
        small = xp.log1p(xp.exp(-xp.abs(x)))
        up = xp.maximum(x, 0 * x)
        return pos_weight * y * (small + up - x) + (1 - y) * (small + up)

    def sigmoid_focal(x, y):
        p = 1 / (1 + xp.exp(-x))
        away = p + y - 2 * p * y
        return (0.25 * y + 0.75 * (1 - y)) * away**2 * binary(x, y)

    def log_p(x, labels):
        shifted = x - top(x, 1)[:, None]
        return pick(shifted, labels) - xp.log(xp.exp(shifted).sum(1))

    def softmax_focal(x, labels):
        found = log_p(x, labels)
        return -((1 - xp.exp(found)) ** 2) * found

    def margin(x, labels, moved):
        at = pick(x, labels)
        others = xp.exp(64 * x).sum(1) - xp.exp(64 * at)
        moved = moved(at)
        return xp.log(xp.exp(64 * moved) + others) - 64 * moved

    def arcface(x, labels):
        cos, sin = math.cos(0.5), math.sin(0.5)
        return margin(
            x, labels, lambda c: xp.where(c > -cos, c * cos - sin * (1 - c * c) ** 0.5, c - 0.5 * sin)
        )

    def parts(a, b):
        low, high = xp.maximum(a[:, :2], b[:, :2]), xp.minimum(a[:, 2:], b[:, 2:])
        around = xp.maximum(a[:, 2:], b[:, 2:]) - xp.minimum(a[:, :2], b[:, :2])
        size1, size2, both = a[:, 2:] - a[:, :2], b[:, 2:] - b[:, :2], xp.maximum(high - low, 0 * low)
        common = both[:, 0] * both[:, 1]
        union = size1[:, 0] * size1[:, 1] + size2[:, 0] * size2[:, 1] - common
        return size1, size2, 1 - common / (union + 1e-7), union, around

    def giou(a, b):
        _, _, loss, union, around = parts(a, b)
        hull = around[:, 0] * around[:, 1]
        return loss + (hull - union) / (hull + 1e-7)

    def diou(a, b):
        _, _, loss, _, around = parts(a, b)
        shift = (a[:, :2] + a[:, 2:] - b[:, :2] - b[:, 2:]) / 2
        return loss + (shift * shift).sum(1) / ((around * around).sum(1) + 1e-7)

    def ciou(a, b):
        size1, size2, loss, _, _ = parts(a, b)
        angles = [arctan(size[:, 0] / size[:, 1]) for size in (size1, size2)]
        unlike = 4 / math.pi**2 * (angles[1] - angles[0]) ** 2
        return diou(a, b) + unlike * unlike / (loss + unlike + 1e-7)

    def jaccard(p, t):
        both = (p * t).sum((1, 2))
        return 1 - (both + 1) / (p.sum((1, 2)) + t.sum((1, 2)) - both + 1)

    def focal_tversky(p, t):
        return (1 - (2 * (p * t).sum((1, 2)) + 2) / (p.sum((1, 2)) + t.sum((1, 2)) + 2)) ** 0.75

    def cosine_distance(x1, x2):
        return 1 - (x1 * x2).sum(1) / ((x1 * x1).sum(1) * (x2 * x2).sum(1)) ** 0.5

    def swapped_triplet(a, b, n):
        near, far, other = ((((x - y) ** 2).sum(1) + 1e-6) ** 0.5 for x, y in ((a, b), (a, n), (b, n)))
        beyond = near - xp.minimum(far, other) + 1
        return xp.maximum(beyond, 0 * beyond)

    def ranking_softmax(s, y):
        shifted = s - top(s, 1)[:, None]
        return (y * (xp.log(xp.exp(shifted).sum(1))[:, None] - shifted)).sum(1)

    def pairwise_logistic(s, y):
        ahead = y[:, :, None] * (1 - y)[:, None, :]
        return (ahead * xp.log1p(xp.exp(s[:, None, :] - s[:, :, None]))).sum((1, 2))

    def generalized_dice(p, t):
        weight = t.sum(2) ** -2.0
        return 1 - 2 * (weight * (p * t).sum(2)).sum(1) / (weight * (p + t).sum(2)).sum(1)

    def lovasz(errors, t):
        along = getattr(xp, "take_along_axis", None) or xp.take_along_dim
        fixed = getattr(xp, "stop_gradient", lambda x: x)  # which MLX needs
        order = xp.argsort(-fixed(errors), 1)
        ranked, size = along(t, order, 1), t.sum(1)[:, None]
        iou = (size - xp.cumsum(ranked, 1)) / (size + xp.cumsum(1 - ranked, 1))
        steps = xp.concatenate([1 - iou[:, :1], iou[:, :-1] - iou[:, 1:]], 1)
        return (along(errors, order, 1) * steps).sum(1)

    def lovasz_hinge(x, t):
        x, t = x.reshape(x.shape[0], -1), t.reshape(x.shape[0], -1)
        errors = 1 - x * (2 * t - 1)
        return lovasz(xp.maximum(errors, 0 * errors), t)

    def lovasz_softmax(p, t):
        n, classes, entries = p.shape
        p, t = p.reshape(n * classes, entries), t.reshape(n * classes, entries)
        return lovasz(xp.abs(t - p), t).reshape(n, classes).mean(1)

    def crps(x, y):
        m = x.shape[1]
        pairs = xp.abs(x[:, :, None] - x[:, None, :]).sum((1, 2))
        return xp.abs(x - y[:, None]).sum(1) / m - pairs / (2 * m * m)

    def energy(x, y):
        m = x.shape[1]
        away = ((x - y[:, None, :]) ** 2).sum(2) ** 0.5
        apart = (((x[:, :, None, :] - x[:, None, :, :]) ** 2).sum(3) + 1e-12) ** 0.5
        return away.sum(1) / m - apart.sum((1, 2)) / (2 * m * m)

    def sparsemax(x, y):
        s = (1 - 2 * y) * x
        return xp.where(s > 1, s, (xp.maximum(s, 0 * s - 1) + 1) ** 2 / 4)

    def multiclass_sparsemax(x, labels):
        ranked = xp.sort(-x, 1)
        ranked = -getattr(ranked, "values", ranked)
        rank, total = xp.cumsum(xp.ones_like(x), 1), xp.cumsum(ranked, 1)
        inside = 1 + rank * ranked > total
        tau = (xp.where(inside, ranked, 0 * ranked).sum(1) - 1) / inside.sum(1)
        p = xp.maximum(x - tau[:, None], 0 * x)
        return (p * x).sum(1) - (p * p).sum(1) / 2 + 0.5 - pick(x, labels)

    def cox(x, t, events):
        hazards = xp.exp(x - top(x, 1)[:, None])
        at_risk = xp.where(t[:, None, :] >= t[:, :, None], hazards[:, None, :], 0 * hazards[:, None, :])
        return (events * (xp.log(at_risk.sum(2)) - xp.log(hazards))).sum(1)

    def mixture(a, mean, log_scale, y):
        z = (y[:, None] - mean) * xp.exp(-log_scale)
        a = a - top(a, 1)[:, None]
        found = a - xp.log(xp.exp(a).sum(1))[:, None] - log_scale - z * z / 2 - math.log(2 * math.pi) / 2
        best = top(found, 1)
        return -best - xp.log(xp.exp(found - best[:, None]).sum(1))

    def by_label(x, labels):
        s = x @ x.T
        itself = xp.tril(0 * s + 1) * xp.triu(0 * s + 1)
        same = 1.0 * (labels[:, None] == labels[None, :])
        return s, same - itself, 1 - same

    def log_sum(x, mask):
        x = x - 1e9 * (1 - mask)
        largest = top(x, 1)
        return xp.log(xp.exp(x - largest[:, None]).sum(1)) + largest

    def nt_xent(x, labels):
        s, alike, unlike = by_label(x, labels)
        return (alike * softplus(log_sum(s / 0.07, unlike)[:, None] - s / 0.07)).sum(1)

    def info_nce_of_negatives(q, k, n):
        s = q @ n.T / 0.1
        return softplus(log_sum(s, 0 * s + 1) - (q * k).sum(1) / 0.1)

    def off_diagonal(c):
        return c * (1 - xp.tril(0 * c + 1) * xp.triu(0 * c + 1))

    def vicreg(x1, x2):
        n, cost = len(x1), 25 * ((x1 - x2) ** 2).mean()
        for x in (x1 - x1.mean(0), x2 - x2.mean(0)):
            lacking = 1 - ((x * x).sum(0) / (n - 1) + 1e-4) ** 0.5
            cost = cost + 25 * xp.maximum(lacking, 0 * lacking).mean()
            cost = cost + (off_diagonal(x.T @ x / (n - 1)) ** 2).sum() / x.shape[1]
        return cost

    def barlow_twins(x1, x2):
        views = [x - x.mean(0) for x in (x1, x2)]
        u1, u2 = (x / ((x * x).mean(0) + 1e-5) ** 0.5 for x in views)
        c = u1.T @ u2 / len(x1)
        return ((1 - (u1 * u2).mean(0)) ** 2).sum() + 0.0051 * (off_diagonal(c) ** 2).sum()

    def circle(x, labels):
        s, alike, unlike = by_label(x, labels)
        far, near = xp.maximum(1.4 - s, 0 * s), xp.maximum(s + 0.4, 0 * s)
        return softplus(log_sum(80 * far * (0.6 - s), alike) + log_sum(80 * near * (s - 0.4), unlike))

    def hard_triplet(x, labels):
        s, alike, unlike = by_label(x, labels)
        square = (x * x).sum(1)
        squares = square[:, None] + square[None, :] - 2 * s
        distance = xp.maximum(squares, 0 * s + 1e-12) ** 0.5
        gap = 1 + top(distance * alike, 1) + top(-distance - 1e9 * (1 - unlike), 1)
        return xp.maximum(gap, 0 * gap)

    def multi_similarity(x, labels):
        s, alike, unlike = by_label(x, labels)
        lost = softplus(log_sum(2 * (0.5 - s), alike)) / 2
        return lost + softplus(log_sum(50 * (s - 0.5), unlike)) / 50

    return {
        "mixture_nll_loss": mixture,
        "cox_ph_loss": cox,
        "sparsemax_loss": sparsemax,
        "multiclass_sparsemax_loss": multiclass_sparsemax,
        "info_nce_loss (negatives)": info_nce_of_negatives,
        "vicreg_loss": vicreg,
        "barlow_twins_loss": barlow_twins,
        "nt_xent_loss": nt_xent,
        "circle_loss": circle,
        "hard_triplet_loss": hard_triplet,
        "multi_similarity_loss": multi_similarity,
        "crps_loss": crps,
        "energy_loss": energy,
        "binary_cross_entropy (weighed)": lambda x, y: binary(x, 0.9 * y + 0.05, 3.0),
        "sigmoid_focal_loss": sigmoid_focal,
        "softmax_focal_loss": softmax_focal,
        "poly_cross_entropy": lambda x, k: 2 * (1 - xp.exp(log_p(x, k))) - log_p(x, k),
        "generalized_cross_entropy": lambda x, k: (1 - xp.exp(0.7 * log_p(x, k))) / 0.7,
        "arcface_loss": arcface,
        "cosface_loss": lambda x, k: margin(x, k, lambda c: c - 0.35),
        "box_iou_loss": lambda a, b: parts(a, b)[2],
        "giou_loss": giou,
        "diou_loss": diou,
        "ciou_loss": ciou,
        "jaccard_loss": jaccard,
        "focal_tversky_loss": focal_tversky,
        "generalized_dice_loss": generalized_dice,
        "lovasz_hinge_loss": lovasz_hinge,
        "lovasz_softmax_loss": lovasz_softmax,
        "triplet_loss (swap)": swapped_triplet,
        "cosine_distance_loss": cosine_distance,
        "ranking_softmax_loss": ranking_softmax,
        "pairwise_logistic_loss": pairwise_logistic,
    }


def ctc(xp: Any) -> Callable[..., Any]:
    """Labels with blanks between, and a step for each frame."""

    def terms(x, y, frames, lengths):
        n, t_max, _ = x.shape
        blank = 0 * y[:, :1]
        states = xp.concatenate([xp.stack([0 * y, y], axis=2).reshape(n, -1), blank], axis=1)
        skips = xp.concatenate([0 * states[:, :2], states[:, 2:] != states[:, :-2]], axis=1) * states != 0
        p = xp.take_along_axis(x, xp.broadcast_to(states[:, None], (n, t_max, states.shape[1])), axis=2)
        low = 0 * p[:, 0, :2] - 1e30
        a = xp.where(xp.arange(states.shape[1]) < 2, p[:, 0], -1e30)
        for t in range(1, t_max):
            one = xp.concatenate([low[:, :1], a[:, :-1]], axis=1)
            two = xp.where(skips, xp.concatenate([low, a[:, :-2]], axis=1), -1e30)
            new = xp.logaddexp(xp.logaddexp(a, one), two) + p[:, t]
            a = xp.where(t < frames[:, None], new, a)
        ends = xp.take_along_axis(a, xp.stack([2 * lengths, 2 * lengths - 1], axis=1), axis=1)
        return -xp.logaddexp(ends[:, 0], ends[:, 1])

    return terms
