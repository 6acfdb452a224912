"""NumPy: the textbook formula, SciPy, scikit-learn's metrics, Keras on its NumPy backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy.special as special
import sklearn.metrics as sklearn
from keras import losses as keras
from sklearn.metrics.pairwise import paired_cosine_distances

from benchmarks.peers import dense
from benchmarks.peers.textbook import ctc, terms

Function = Callable[..., Any]


def huber(x, y):
    error = np.abs(x - y)
    return np.where(error <= 1, 0.5 * error**2, error - 0.5)


def gaussian(x, y, var):
    v = np.maximum(var, 1e-6)
    return 0.5 * (np.log(v) + (x - y) ** 2 / v)


def binary(x, y):
    return np.maximum(x, 0) - x * y + np.log1p(np.exp(-np.abs(x)))


def log_softmax(x):
    shifted = x - x.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def pick(x, labels):
    return np.take_along_axis(x, labels[:, None], axis=1)[:, 0]


def cross_entropy(x, labels):
    largest = x.max(axis=1)
    return np.log(np.exp(x - largest[:, None]).sum(axis=1)) + largest - pick(x, labels)


def distance(a, b):
    return np.sqrt(((a - b) ** 2).sum(axis=1) + 1e-6)


def triplet(a, b, n):
    return np.maximum(0, distance(a, b) - distance(a, n) + 1)


def cosine(x1, x2):
    lengths = np.linalg.norm(x1, axis=1) * np.linalg.norm(x2, axis=1)
    return (x1 * x2).sum(axis=1) / np.maximum(lengths, 1e-8)


def cosine_embedding(x1, x2, y):
    c = cosine(x1, x2)
    return np.where(y == 1, 1 - c, np.maximum(0, c))


def dice(p, t):
    return 1 - (2 * (p * t).sum(axis=(1, 2)) + 1) / (p.sum(axis=(1, 2)) + t.sum(axis=(1, 2)) + 1)


def tversky(p, t):
    both = (p * t).sum(axis=(1, 2))
    wrong = 0.3 * (p * (1 - t)).sum(axis=(1, 2)) + 0.7 * ((1 - p) * t).sum(axis=(1, 2))
    return 1 - (both + 1) / (both + wrong + 1)


def contrastive(x1, x2, y):
    d = np.linalg.norm(x1 - x2, axis=1)
    return 0.5 * np.where(y > 0, d**2, np.maximum(0, 20 - d) ** 2)


def entropies(x, t):
    return (t * (np.log(t) - x)).sum(axis=1)


def jensen_shannon(x, t):
    middle = np.logaddexp(x, t) - np.float32(np.log(2))
    return 0.5 * (np.exp(x) * (x - middle) + np.exp(t) * (t - middle)).sum(axis=1)


def distillation(x, z):
    log_p, log_q = log_softmax(x / 2), log_softmax(z / 2)
    return 4 * (np.exp(log_q) * (log_q - log_p)).sum(axis=1)


def best_of_others(x, labels):
    others = x.copy()
    np.put_along_axis(others, labels[:, None], -np.inf, axis=1)
    return others.max(axis=1)


def multi_margin(x, labels):
    short = np.maximum(0, 1 + x - pick(x, labels)[:, None])
    return (short.sum(axis=1) - 1) / x.shape[1]


def multilabel_margin(x, y):
    short = np.maximum(0, 1 + x[:, :, None] - x[:, None, :])
    return (short * (1 - y)[:, :, None] * y[:, None, :]).sum(axis=(1, 2)) / x.shape[1]


def above(x, levels):
    return (levels[:, None] > np.arange(x.shape[1]).reshape(-1, *(1,) * (x.ndim - 2))).astype(x.dtype)


def one_hot(x, labels):
    found = np.zeros_like(x)
    np.put_along_axis(found, labels[:, None], 1, axis=1)
    return found


def info_nce(q, k):
    return cross_entropy(q @ k.T / 0.1, np.arange(len(q)))


def siglip(q, k):
    x = 10 * (q @ k.T) - 10
    return np.logaddexp(0, np.where(np.eye(len(q), dtype=bool), -x, x)).sum(axis=1)


def supervised_contrastive(x, labels):
    scores = x @ x.T / 0.1
    np.fill_diagonal(scores, -np.inf)
    alike = labels[:, None] == labels
    np.fill_diagonal(alike, False)
    return -np.where(alike, log_softmax(scores), 0).sum(axis=1) / np.maximum(1, alike.sum(axis=1))


def negative_binomial(x, t, theta):
    rise = special.gammaln(t + theta) - special.gammaln(theta) - special.gammaln(t + 1)
    return (theta + t) * np.log(theta + x) - theta * np.log(theta) - t * np.log(x + 1e-8) - rise


def beta_gaussian(x, y, var):
    return np.maximum(var, 1e-6) ** 0.5 * gaussian(x, y, var)


def robust(x, y, alpha):
    b = abs(alpha - 2)
    return b / alpha * (((x - y) ** 2 / b + 1) ** (alpha / 2) - 1)


# The textbook's terms, unreduced.
TERMS: Mapping[str, Function] = {
    "mse_loss": lambda x, y: (x - y) ** 2,
    "l1_loss": lambda x, y: np.abs(x - y),
    "huber_loss": huber,
    "smooth_l1_loss": huber,
    "log_cosh_loss": lambda x, y: np.log(np.cosh(x - y)),
    "mape_loss": lambda x, y: np.abs(x - y) / np.maximum(np.abs(y), 1e-7),
    "smape_loss": lambda x, y: 2 * np.abs(x - y) / np.maximum(np.abs(x) + np.abs(y), 1e-7),
    "msle_loss": lambda x, y: (np.log1p(x) - np.log1p(y)) ** 2,
    "general_robust_loss": lambda x, y: np.sqrt((x - y) ** 2 + 1) - 1,
    "general_robust_loss (alpha 0.5)": lambda x, y: robust(x, y, 0.5),
    "gaussian_nll_loss": gaussian,
    "gaussian_nll_loss (beta 0.5)": beta_gaussian,
    "laplace_nll_loss": lambda x, y, s: np.log(2 * s) + np.abs(x - y) / s,
    "student_t_nll_loss": lambda x, y, s: np.log(s) + 2.5 * np.log1p(((x - y) / s) ** 2 / 4) + 0.9808,
    "poisson_nll_loss": lambda x, t: np.exp(x) - t * x,
    "poisson_nll_loss (full)": lambda x, t: np.exp(x) - t * x + special.gammaln(t + 1),
    "negative_binomial_nll_loss": negative_binomial,
    "poisson_deviance_loss": lambda x, t: 2 * (special.xlogy(t, t / x) + x - t),
    "gamma_deviance_loss": lambda x, t: 2 * (np.log(x / t) + t / x - 1),
    "tweedie_deviance_loss": lambda x, t: -8 * t**0.5 + 4 * t / x**0.5 + 4 * x**0.5,
    "binary_cross_entropy": binary,
    "binary_cross_entropy (probabilities)": lambda p, y: -(y * np.log(p) + (1 - y) * np.log(1 - p)),
    "hinge_loss": lambda x, y: np.maximum(0, 1 - y * x),
    "squared_hinge_loss": lambda x, y: np.maximum(0, 1 - y * x) ** 2,
    "perceptron_loss": lambda x, y: np.maximum(0, -y * x),
    "soft_margin_loss": lambda x, y: np.logaddexp(0, -y * x),
    "hinge_embedding_loss": lambda x, y: np.where(y > 0, x, np.maximum(0, 1 - x)),
    "margin_ranking_loss": lambda x1, x2, y: np.maximum(0, -y * (x1 - x2)),
    "cross_entropy": cross_entropy,
    "cross_entropy (probabilities)": lambda x, t: -(t * log_softmax(x)).sum(axis=1),
    "nll_loss": lambda x, labels: -pick(x, labels),
    "kl_div_loss": lambda x, t: (np.exp(t) * (t - x)).sum(axis=1),
    "kl_div_loss (probabilities)": entropies,
    "generalized_kl_div_loss": lambda x, t: entropies(x, t) + (np.exp(x) - t).sum(axis=1),
    "js_div_loss": jensen_shannon,
    "distillation_loss": distillation,
    "multiclass_hinge_loss": lambda x, k: np.maximum(0, 1 + best_of_others(x, k) - pick(x, k)),
    "multiclass_perceptron_loss": lambda x, labels: x.max(axis=1) - pick(x, labels),
    "multi_margin_loss": multi_margin,
    "multilabel_margin_loss": multilabel_margin,
    "multilabel_soft_margin_loss": lambda x, y: binary(x, y).mean(axis=1),
    "ordinal_loss": lambda x, levels: binary(x, above(x, levels)).sum(axis=1),
    "brier_loss": lambda p, y: (p - y) ** 2,
    "brier_loss (labels)": lambda p, labels: ((p - one_hot(p, labels)) ** 2).sum(axis=1),
    "contrastive_loss": contrastive,
    "triplet_loss": triplet,
    "cosine_similarity_loss": cosine,
    "cosine_embedding_loss": cosine_embedding,
    "quantile_loss": lambda x, y: np.maximum(0.9 * (y - x), -0.1 * (y - x)),
    "dice_loss": dice,
    "tversky_loss": tversky,
    "info_nce_loss": info_nce,
    "info_nce_loss (symmetric)": lambda q, k: 0.5 * (info_nce(q, k) + info_nce(k, q)),
    "siglip_loss": siglip,
    "supervised_contrastive_loss": supervised_contrastive,
    "ctc_loss": ctc(np),
    **terms(np, pick, np.arctan),
    "linear_cross_entropy": lambda h, w, labels: cross_entropy(h @ w.T, labels),
}


def mean_of(terms: Function) -> Function:
    return lambda *arrays: terms(*arrays).mean()


def keras_of(loss: Function, **options: Any) -> Function:
    return lambda x, y: loss(y, x, **options).mean()


PEERS: dict[str, dict[str, Function]] = {loss: {"textbook": mean_of(terms)} for loss, terms in TERMS.items()}
OTHERS: Mapping[str, Mapping[str, Function]] = {
    "mse_loss": {
        "scikit-learn": lambda x, y: sklearn.mean_squared_error(y, x),
        "keras": keras_of(keras.mean_squared_error),
    },
    "l1_loss": {
        "scikit-learn": lambda x, y: sklearn.mean_absolute_error(y, x),
        "keras": keras_of(keras.mean_absolute_error),
    },
    "huber_loss": {
        "scipy": lambda x, y: special.huber(np.float32(1), x - y).mean(),
        "keras": keras_of(keras.huber),
    },
    "smooth_l1_loss": {"scipy": lambda x, y: special.huber(np.float32(1), x - y).mean()},
    "log_cosh_loss": {"keras": keras_of(keras.log_cosh)},
    "mape_loss": {
        "scikit-learn": lambda x, y: sklearn.mean_absolute_percentage_error(y, x),
        "keras": lambda x, y: keras.mean_absolute_percentage_error(y, x).mean() / 100,
    },
    "msle_loss": {
        "scikit-learn": lambda x, y: sklearn.mean_squared_log_error(y, x),
        "keras": keras_of(keras.mean_squared_logarithmic_error),
    },
    "general_robust_loss": {"scipy": lambda x, y: special.pseudo_huber(np.float32(1), x - y).mean()},
    "poisson_deviance_loss": {"scikit-learn": lambda x, t: sklearn.mean_poisson_deviance(t, x)},
    "gamma_deviance_loss": {"scikit-learn": lambda x, t: sklearn.mean_gamma_deviance(t, x)},
    "tweedie_deviance_loss": {"scikit-learn": lambda x, t: sklearn.mean_tweedie_deviance(t, x, power=1.5)},
    "binary_cross_entropy": {"keras": keras_of(keras.binary_crossentropy, from_logits=True)},
    "binary_cross_entropy (probabilities)": {
        "scipy": lambda p, y: -(special.xlogy(y, p) + special.xlog1py(1 - y, -p)).mean(),
        "scikit-learn": lambda p, y: sklearn.log_loss(y, p),
        "keras": keras_of(keras.binary_crossentropy),
    },
    "hinge_loss": {
        "scikit-learn": lambda x, y: sklearn.hinge_loss(y, x),
        "keras": keras_of(keras.hinge),
    },
    "cross_entropy": {
        "scipy": lambda x, labels: (special.logsumexp(x, axis=1) - pick(x, labels)).mean(),
        "keras": keras_of(keras.sparse_categorical_crossentropy, from_logits=True, axis=1),
    },
    "cross_entropy (probabilities)": {
        "scipy": lambda x, t: -(t * special.log_softmax(x, axis=1)).sum(axis=1).mean(),
        "keras": keras_of(keras.categorical_crossentropy, from_logits=True, axis=1),
    },
    "cosine_similarity_loss": {
        "scikit-learn": lambda x1, x2: 1 - paired_cosine_distances(x1, x2).mean(),
        "keras": lambda x1, x2: -keras.cosine_similarity(x2, x1, axis=1).mean(),
    },
    "squared_hinge_loss": {"keras": keras_of(keras.squared_hinge)},
    "kl_div_loss (probabilities)": {
        "scipy": lambda x, t: special.rel_entr(t, np.exp(x)).sum(axis=1).mean(),
    },
    "generalized_kl_div_loss": {"scipy": lambda x, t: special.kl_div(t, np.exp(x)).sum(axis=1).mean()},
    "brier_loss": {"scikit-learn": lambda p, y: sklearn.brier_score_loss(y, p)},
    "quantile_loss": {"scikit-learn": lambda x, y: sklearn.mean_pinball_loss(y, x, alpha=0.9)},
}
for _loss, _others in OTHERS.items():
    PEERS[_loss].update(_others)
PEERS["linear_cross_entropy"] = {"dense": mean_of(TERMS["linear_cross_entropy"]), "xlosses, dense": dense}


def bare_mse(x, y):
    error = x - y
    return (error * error).mean()


def bare_huber(x, y):
    error = np.abs(x - y)
    near = np.minimum(error, 1.0)
    return (near * (error - 0.5 * near)).mean()


BARE: Mapping[str, Function] = {
    "mse_loss": bare_mse,
    "l1_loss": lambda x, y: np.abs(x - y).mean(),
    "huber_loss": bare_huber,
    "hinge_loss": lambda x, y: np.maximum(1 - y * x, 0).mean(),
    "binary_cross_entropy": mean_of(binary),
    "cross_entropy": mean_of(cross_entropy),
}
