"""NumPy: the mean and its gradients by what is trained, as one writes them by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy.special as special

import xlosses
from benchmarks.peers.on_numpy import (
    TERMS,
    above,
    binary,
    distance,
    entropies,
    huber,
    log_softmax,
    one_hot,
    pick,
)

Function = Callable[..., Any]


def mse_step(x, y):
    error = x - y
    return (error**2).mean(), (2 / error.size) * error


def l1_step(x, y):
    error = x - y
    return np.abs(error).mean(), np.sign(error) / error.size


def huber_step(x, y):
    return huber(x, y).mean(), np.clip(x - y, -1, 1) / x.size


def log_cosh_step(x, y):
    error = x - y
    return np.log(np.cosh(error)).mean(), np.tanh(error) / error.size


def gaussian_step(x, y, var):
    v, error = np.maximum(var, 1e-6), x - y
    by_x = error / v
    loss = 0.5 * (np.log(v) + error * by_x).mean()
    return loss, (by_x / x.size, (1 / v - by_x**2) / (2 * x.size))


def mape_step(x, y):
    error, size = x - y, np.maximum(np.abs(y), 1e-7)
    return (np.abs(error) / size).mean(), np.sign(error) / size / x.size


def smape_step(x, y):
    error, size = x - y, np.maximum(np.abs(x) + np.abs(y), 1e-7)
    share = np.abs(error) / size
    return 2 * share.mean(), 2 * (np.sign(error) - share * np.sign(x)) / size / x.size


def msle_step(x, y):
    error = np.log1p(x) - np.log1p(y)
    return (error**2).mean(), 2 * error / (1 + x) / x.size


def charbonnier_step(x, y):
    error = x - y
    root = np.sqrt(error**2 + 1)
    return (root - 1).mean(), error / root / x.size


def robust_step(x, y):
    error = x - y
    base = error**2 / 1.5 + 1
    return (1.5 / 0.5 * (base**0.25 - 1)).mean(), error * base**-0.75 / x.size


def beta_gaussian_step(x, y, var):
    v, error = np.maximum(var, 1e-6), x - y
    by_x, weight = error / v, v**0.5
    loss = 0.5 * (weight * (np.log(v) + error * by_x)).mean()
    return loss, (weight * by_x / x.size, weight * (1 / v - by_x**2) / (2 * x.size))


def laplace_step(x, y, s):
    error = x - y
    share = np.abs(error) / s
    return (np.log(2 * s) + share).mean(), (np.sign(error) / s / x.size, (1 - share) / s / x.size)


def student_step(x, y, s):
    z = (x - y) / s
    base = 1 + z**2 / 4
    loss = (np.log(s) + 2.5 * np.log(base) + 0.9808).mean()
    return loss, (1.25 * z / base / s / x.size, (1 - 1.25 * z**2 / base) / s / x.size)


def poisson_step(x, t):
    rate = np.exp(x)
    return (rate - t * x).mean(), (rate - t) / x.size


def full_poisson_step(x, t):
    rate = np.exp(x)
    return (rate - t * x + special.gammaln(t + 1)).mean(), (rate - t) / x.size


def negative_binomial_step(x, t, theta):
    total = theta + x
    by_theta = np.log(total / theta) + (t - x) / total + special.psi(theta) - special.psi(theta + t)
    loss = TERMS["negative_binomial_nll_loss"](x, t, theta).mean()
    return loss, (theta * (x - t) / (x * total) / x.size, by_theta / x.size)


def deviance_step(name, power):
    return lambda x, t: (TERMS[name](x, t).mean(), 2 * (x - t) * x**-power / x.size)


def binary_step(x, y):
    return binary(x, y).mean(), (1 / (1 + np.exp(-x)) - y) / x.size


def binary_probabilities_step(p, y):
    loss = TERMS["binary_cross_entropy (probabilities)"](p, y).mean()
    return loss, (p - y) / (p * (1 - p)) / p.size


def hinge_step(x, y):
    slack = 1 - y * x
    return np.maximum(0, slack).mean(), -y * (slack > 0) / x.size


def margin_ranking_step(x1, x2, y):
    slack = -y * (x1 - x2)
    by_x2 = y * (slack > 0) / x1.size
    return np.maximum(0, slack).mean(), (-by_x2, by_x2)


def cross_entropy_step(x, labels):
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    p = powers / powers.sum(axis=1, keepdims=True)
    likelihood = pick(p, labels)
    np.put_along_axis(p, labels[:, None], likelihood[:, None] - 1, axis=1)
    return -np.log(likelihood).mean(), p / labels.size


def cross_entropy_probabilities_step(x, t):
    log_p, rows = log_softmax(x), x.size / x.shape[1]
    return -(t * log_p).sum() / rows, (np.exp(log_p) - t) / rows


def nll_step(x, labels):
    gradient = np.zeros_like(x)
    np.put_along_axis(gradient, labels[:, None], -1 / labels.size, axis=1)
    return -pick(x, labels).mean(), gradient


def kl_step(x, t):
    p, rows = np.exp(t), x.size / x.shape[1]
    return (p * (t - x)).sum() / rows, -p / rows


def triplet_step(a, b, n):
    near, far = distance(a, b), distance(a, n)
    slack = near - far + 1
    on = (slack > 0).astype(a.dtype) / slack.size
    by_b = (b - a) * (on / near)[:, None]
    by_n = (a - n) * (on / far)[:, None]
    return np.maximum(0, slack).mean(), (-by_b - by_n, by_b, by_n)


def cosine_and_slopes(x1, x2):
    length1, length2 = np.linalg.norm(x1, axis=1), np.linalg.norm(x2, axis=1)
    both = np.maximum(length1 * length2, 1e-8)
    c = (x1 * x2).sum(axis=1) / both
    by_x1 = x2 / both[:, None] - x1 * (c / length1**2)[:, None]
    by_x2 = x1 / both[:, None] - x2 * (c / length2**2)[:, None]
    return c, by_x1, by_x2


def cosine_step(x1, x2):
    c, by_x1, by_x2 = cosine_and_slopes(x1, x2)
    return c.mean(), (by_x1 / len(x1), by_x2 / len(x1))


def cosine_embedding_step(x1, x2, y):
    c, by_x1, by_x2 = cosine_and_slopes(x1, x2)
    by_c = (np.where(y == 1, -1, c > 0).astype(c.dtype) / len(x1))[:, None]
    return np.where(y == 1, 1 - c, np.maximum(0, c)).mean(), (by_x1 * by_c, by_x2 * by_c)


def quantile_step(x, y):
    error = y - x
    return np.maximum(0.9 * error, -0.1 * error).mean(), np.where(error > 0, -0.9, 0.1) / error.size


def squared_hinge_step(x, y):
    short = np.maximum(0, 1 - y * x)
    return (short**2).mean(), -2 * y * short / x.size


def perceptron_step(x, y):
    wrong = -y * x
    return np.maximum(0, wrong).mean(), -y * (wrong > 0) / x.size


def soft_margin_step(x, y):
    return np.logaddexp(0, -y * x).mean(), -y / (1 + np.exp(y * x)) / x.size


def hinge_embedding_step(x, y):
    loss = np.where(y > 0, x, np.maximum(0, 1 - x)).mean()
    return loss, np.where(y > 0, 1, -(x < 1).astype(x.dtype)) / x.size


def contrastive_step(x1, x2, y):
    apart = x1 - x2
    d = np.linalg.norm(apart, axis=1)
    short = np.maximum(0, 20 - d)
    by_x1 = apart * (np.where(y > 0, 1, -short / d) / len(x1))[:, None]
    return (0.5 * np.where(y > 0, d**2, short**2)).mean(), (by_x1, -by_x1)


def entropies_step(x, t):
    return entropies(x, t).mean(), -t / (x.size // x.shape[1])


def generalized_kl_step(x, t):
    q = np.exp(x)
    n = x.size // x.shape[1]
    return entropies(x, t).mean() + (q - t).sum() / n, (q - t) / n


def jensen_shannon_step(x, t):
    middle = np.logaddexp(x, t) - np.float32(np.log(2))
    n = 2 * (x.size // x.shape[1])
    by_x, by_t = np.exp(x) * (x - middle) / n, np.exp(t) * (t - middle) / n
    return by_x.sum() + by_t.sum(), (by_x, by_t)


def distillation_step(x, z):
    log_p, log_q = log_softmax(x / 2), log_softmax(z / 2)
    p, q, n = np.exp(log_p), np.exp(log_q), x.size // x.shape[1]
    return 4 * (q * (log_q - log_p)).sum() / n, 2 * (p - q) / n


def over_the_best_step(x, labels, margin, rivals):
    best = rivals.max(axis=1)
    short = margin + best - pick(x, labels)
    on = (short > 0).astype(x.dtype) / labels.size
    gradient = (rivals == best[:, None]) * on[:, None]
    label = labels[:, None]
    np.put_along_axis(gradient, label, np.take_along_axis(gradient, label, 1) - on[:, None], 1)
    return np.maximum(0, short).mean(), gradient


def multiclass_hinge_step(x, labels):
    others = x.copy()
    np.put_along_axis(others, labels[:, None], -np.inf, axis=1)
    return over_the_best_step(x, labels, 1, others)


def multi_margin_step(x, labels):
    short = np.maximum(0, 1 + x - pick(x, labels)[:, None])
    slope = (short > 0).astype(x.dtype) / x.size
    np.put_along_axis(slope, labels[:, None], 0, 1)
    np.put_along_axis(slope, labels[:, None], -slope.sum(axis=1, keepdims=True), 1)
    return (short.sum(axis=1) - 1).mean() / x.shape[1], slope


def multilabel_margin_step(x, y):
    compared = (1 - y)[:, :, None] * y[:, None, :]
    short = (1 + x[:, :, None] - x[:, None, :]) * compared
    on = (short > 0).astype(x.dtype)
    return np.maximum(0, short).sum() / x.size, (on.sum(axis=2) - on.sum(axis=1)) / x.size


def ordinal_step(x, levels):
    y, n = above(x, levels), x.size // x.shape[1]
    return binary(x, y).sum() / n, (1 / (1 + np.exp(-x)) - y) / n


def brier_step(p, labels):
    error, n = p - one_hot(p, labels), labels.size
    return (error**2).sum() / n, 2 * error / n


def dice_step(p, t):
    above = 2 * (p * t).sum(axis=(1, 2), keepdims=True) + 1
    below = p.sum(axis=(1, 2), keepdims=True) + t.sum(axis=(1, 2), keepdims=True) + 1
    return (1 - above / below).mean(), (above / below - 2 * t) / below / len(p)


def tversky_step(p, t):
    above = (p * t).sum(axis=(1, 2), keepdims=True) + 1
    wrong = 0.3 * (p * (1 - t)).sum(axis=(1, 2), keepdims=True)
    below = above + wrong + 0.7 * ((1 - p) * t).sum(axis=(1, 2), keepdims=True)
    return (1 - above / below).mean(), (0.3 * above / below - t) / below / len(p)


def info_nce_step(q, k):
    loss, by_scores = cross_entropy_step(q @ k.T / 0.1, np.arange(len(q)))
    return loss, (by_scores @ k / 0.1, by_scores.T @ q / 0.1)


def symmetric_info_nce_step(q, k):
    scores, labels = q @ k.T / 0.1, np.arange(len(q))
    (to_keys, by_keys), (to_queries, by_queries) = (cross_entropy_step(x, labels) for x in (scores, scores.T))
    by_scores = by_keys + by_queries.T
    return 0.5 * (to_keys + to_queries), (by_scores @ k * 5, by_scores.T @ q * 5)


def siglip_step(q, k):
    x, side = 10 * (q @ k.T) - 10, 1 - 2 * np.eye(len(q), dtype=q.dtype)
    by_x = side / (1 + np.exp(-side * x))
    scale = 10 / len(q)
    return np.logaddexp(0, side * x).sum() / len(q), (by_x @ k * scale, by_x.T @ q * scale)


def supervised_contrastive_step(x, labels):
    scores = x @ x.T / np.float32(0.1)
    np.fill_diagonal(scores, -np.inf)
    alike = (labels[:, None] == labels).astype(x.dtype)
    np.fill_diagonal(alike, 0)
    alike /= np.maximum(1, alike.sum(axis=1, keepdims=True))
    log_p = log_softmax(scores)
    by_scores = np.exp(log_p) * alike.sum(axis=1, keepdims=True) - alike
    loss = -(alike * np.where(alike > 0, log_p, 0)).sum() / len(x)
    return loss, (by_scores + by_scores.T) @ x / np.float32(0.1) / len(x)


def linear_step(h, w, labels):
    loss, by_logits = cross_entropy_step(h @ w.T, labels)
    return loss, (by_logits @ w, by_logits.T @ h)


def our_linear_step(h, w, labels):
    loss, by_logits = xlosses.value_and_grad(xlosses.cross_entropy)(h @ w.T, labels)
    return loss, (by_logits @ w, by_logits.T @ h)


STEPS: Mapping[str, dict[str, Function]] = {
    "mse_loss": {"textbook": mse_step},
    "l1_loss": {"textbook": l1_step},
    "huber_loss": {"textbook": huber_step},
    "smooth_l1_loss": {"textbook": huber_step},
    "log_cosh_loss": {"textbook": log_cosh_step},
    "mape_loss": {"textbook": mape_step},
    "smape_loss": {"textbook": smape_step},
    "msle_loss": {"textbook": msle_step},
    "general_robust_loss": {"textbook": charbonnier_step},
    "general_robust_loss (alpha 0.5)": {"textbook": robust_step},
    "gaussian_nll_loss": {"textbook": gaussian_step},
    "gaussian_nll_loss (beta 0.5)": {"textbook": beta_gaussian_step},
    "laplace_nll_loss": {"textbook": laplace_step},
    "student_t_nll_loss": {"textbook": student_step},
    "poisson_nll_loss": {"textbook": poisson_step},
    "poisson_nll_loss (full)": {"textbook": full_poisson_step},
    "negative_binomial_nll_loss": {"textbook": negative_binomial_step},
    "poisson_deviance_loss": {"textbook": deviance_step("poisson_deviance_loss", 1.0)},
    "gamma_deviance_loss": {"textbook": deviance_step("gamma_deviance_loss", 2.0)},
    "tweedie_deviance_loss": {"textbook": deviance_step("tweedie_deviance_loss", 1.5)},
    "binary_cross_entropy": {"textbook": binary_step},
    "binary_cross_entropy (probabilities)": {"textbook": binary_probabilities_step},
    "hinge_loss": {"textbook": hinge_step},
    "squared_hinge_loss": {"textbook": squared_hinge_step},
    "perceptron_loss": {"textbook": perceptron_step},
    "soft_margin_loss": {"textbook": soft_margin_step},
    "hinge_embedding_loss": {"textbook": hinge_embedding_step},
    "contrastive_loss": {"textbook": contrastive_step},
    "kl_div_loss (probabilities)": {"textbook": entropies_step},
    "generalized_kl_div_loss": {"textbook": generalized_kl_step},
    "js_div_loss": {"textbook": jensen_shannon_step},
    "distillation_loss": {"textbook": distillation_step},
    "multiclass_hinge_loss": {"textbook": multiclass_hinge_step},
    "multiclass_perceptron_loss": {"textbook": lambda x, labels: over_the_best_step(x, labels, 0, x)},
    "multi_margin_loss": {"textbook": multi_margin_step},
    "multilabel_margin_loss": {"textbook": multilabel_margin_step},
    "multilabel_soft_margin_loss": {"textbook": binary_step},
    "ordinal_loss": {"textbook": ordinal_step},
    "brier_loss": {"textbook": mse_step},
    "brier_loss (labels)": {"textbook": brier_step},
    "margin_ranking_loss": {"textbook": margin_ranking_step},
    "cross_entropy": {"textbook": cross_entropy_step},
    "cross_entropy (probabilities)": {"textbook": cross_entropy_probabilities_step},
    "nll_loss": {"textbook": nll_step},
    "kl_div_loss": {"textbook": kl_step},
    "triplet_loss": {"textbook": triplet_step},
    "cosine_similarity_loss": {"textbook": cosine_step},
    "cosine_embedding_loss": {"textbook": cosine_embedding_step},
    "quantile_loss": {"textbook": quantile_step},
    "dice_loss": {"textbook": dice_step},
    "tversky_loss": {"textbook": tversky_step},
    "info_nce_loss": {"textbook": info_nce_step},
    "info_nce_loss (symmetric)": {"textbook": symmetric_info_nce_step},
    "siglip_loss": {"textbook": siglip_step},
    "supervised_contrastive_loss": {"textbook": supervised_contrastive_step},
    "linear_cross_entropy": {"dense": linear_step, "xlosses, dense": our_linear_step},
}
