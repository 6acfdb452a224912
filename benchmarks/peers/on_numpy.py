"""NumPy: the textbook formula, SciPy, scikit-learn's metrics, Keras on its NumPy backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy.special as special
import sklearn.metrics as sklearn
from keras import losses as keras
from sklearn.metrics.pairwise import paired_cosine_distances

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


# The textbook's terms, unreduced.
TERMS: Mapping[str, Function] = {
    "mse_loss": lambda x, y: (x - y) ** 2,
    "l1_loss": lambda x, y: np.abs(x - y),
    "huber_loss": huber,
    "smooth_l1_loss": huber,
    "log_cosh_loss": lambda x, y: np.log(np.cosh(x - y)),
    "gaussian_nll_loss": gaussian,
    "binary_cross_entropy": binary,
    "binary_cross_entropy (probabilities)": lambda p, y: -(y * np.log(p) + (1 - y) * np.log(1 - p)),
    "hinge_loss": lambda x, y: np.maximum(0, 1 - y * x),
    "margin_ranking_loss": lambda x1, x2, y: np.maximum(0, -y * (x1 - x2)),
    "cross_entropy": cross_entropy,
    "cross_entropy (probabilities)": lambda x, t: -(t * log_softmax(x)).sum(axis=1),
    "nll_loss": lambda x, labels: -pick(x, labels),
    "kl_div_loss": lambda x, t: (np.exp(t) * (t - x)).sum(axis=1),
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
    "quantile_loss": {"scikit-learn": lambda x, y: sklearn.mean_pinball_loss(y, x, alpha=0.9)},
}
for _loss, _others in OTHERS.items():
    PEERS[_loss].update(_others)


# The mean and its gradient by the first array, as one writes them by hand.


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
    return 0.5 * (np.log(v) + error**2 / v).mean(), error / v / error.size


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
    return np.maximum(0, slack).mean(), -y * (slack > 0) / x1.size


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
    by_a = (a - b) / near[:, None] - (a - n) / far[:, None]
    return np.maximum(0, slack).mean(), by_a * (slack > 0)[:, None] / slack.size


def cosine_step(x1, x2):
    length = np.linalg.norm(x1, axis=1)
    both = np.maximum(length * np.linalg.norm(x2, axis=1), 1e-8)
    similar = (x1 * x2).sum(axis=1) / both
    return similar.mean(), (x2 / both[:, None] - x1 * (similar / length**2)[:, None]) / len(x1)


def cosine_embedding_step(x1, x2, y):
    length = np.linalg.norm(x1, axis=1)
    both = np.maximum(length * np.linalg.norm(x2, axis=1), 1e-8)
    c = (x1 * x2).sum(axis=1) / both
    by_c = np.where(y == 1, -1, c > 0).astype(c.dtype) / len(x1)
    by_x1 = x2 / both[:, None] - x1 * (c / length**2)[:, None]
    return np.where(y == 1, 1 - c, np.maximum(0, c)).mean(), by_x1 * by_c[:, None]


def quantile_step(x, y):
    error = y - x
    return np.maximum(0.9 * error, -0.1 * error).mean(), np.where(error > 0, -0.9, 0.1) / error.size


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
    return loss, by_scores @ k / 0.1


def symmetric_info_nce_step(q, k):
    (to_keys, by_keys), (to_queries, by_queries) = (
        cross_entropy_step(x @ y.T / 0.1, np.arange(len(q))) for x, y in ((q, k), (k, q))
    )
    return 0.5 * (to_keys + to_queries), 0.5 * (by_keys + by_queries.T) @ k / 0.1


def siglip_step(q, k):
    x, side = 10 * (q @ k.T) - 10, 1 - 2 * np.eye(len(q), dtype=q.dtype)
    by_x = side / (1 + np.exp(-side * x))
    return np.logaddexp(0, side * x).sum() / len(q), 10 * by_x @ k / len(q)


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


STEPS: Mapping[str, dict[str, Function]] = {
    "mse_loss": {"textbook": mse_step},
    "l1_loss": {"textbook": l1_step},
    "huber_loss": {"textbook": huber_step},
    "smooth_l1_loss": {"textbook": huber_step},
    "log_cosh_loss": {"textbook": log_cosh_step},
    "gaussian_nll_loss": {"textbook": gaussian_step},
    "binary_cross_entropy": {"textbook": binary_step},
    "binary_cross_entropy (probabilities)": {"textbook": binary_probabilities_step},
    "hinge_loss": {"textbook": hinge_step},
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
}


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
