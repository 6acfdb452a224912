"""JAX: optax, and the textbook composition where optax has no such loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from benchmarks.peers import dense
from benchmarks.peers.textbook import terms

Function = Callable[..., Any]


def gaussian(x, y, var):
    v = jnp.maximum(var, 1e-6)
    return 0.5 * (jnp.log(v) + (x - y) ** 2 / v)


def negative_binomial(x, t, theta):
    rise = (
        jax.scipy.special.gammaln(t + theta)
        - jax.scipy.special.gammaln(theta)
        - jax.scipy.special.gammaln(t + 1)
    )
    return (theta + t) * jnp.log(theta + x) - theta * jnp.log(theta) - t * jnp.log(x + 1e-8) - rise


def beta_gaussian(x, y, var):
    return jax.lax.stop_gradient(jnp.maximum(var, 1e-6) ** 0.5) * gaussian(x, y, var)


def robust(x, y, alpha):
    b = abs(alpha - 2)
    return b / alpha * (((x - y) ** 2 / b + 1) ** (alpha / 2) - 1)


def cosine_embedding(x1, x2, y):
    distance = optax.cosine_distance(x1, x2, epsilon=1e-8, axis=1)
    return jnp.where(y == 1, distance, jnp.maximum(0, 1 - distance))


def ctc(x, y, frames, lengths):
    """Of log probabilities, which a log softmax leaves as they are."""
    beyond = (jnp.arange(n) >= count[:, None] for n, count in ((x.shape[1], frames), (y.shape[1], lengths)))
    x_padding, y_padding = (padding.astype(x.dtype) for padding in beyond)
    return optax.ctc_loss(x, x_padding, y, y_padding)


def dice(p, t):
    return 1 - (2 * (p * t).sum((1, 2)) + 1) / (p.sum((1, 2)) + t.sum((1, 2)) + 1)


def tversky(p, t):
    both = (p * t).sum((1, 2))
    wrong = 0.3 * (p * (1 - t)).sum((1, 2)) + 0.7 * ((1 - p) * t).sum((1, 2))
    return 1 - (both + 1) / (both + wrong + 1)


def contrastive(x1, x2, y):
    d = jnp.linalg.norm(x1 - x2, axis=1)
    return 0.5 * jnp.where(y > 0, d**2, jnp.maximum(0, 20 - d) ** 2)


def jensen_shannon(x, t):
    middle = jnp.logaddexp(x, t) - jnp.log(2)
    return 0.5 * (jnp.exp(x) * (x - middle) + jnp.exp(t) * (t - middle)).sum(1)


def distillation(x, z):
    log_p, log_q = jax.nn.log_softmax(x / 2, 1), jax.nn.log_softmax(z / 2, 1)
    return 4 * optax.losses.kl_divergence_with_log_targets(log_p, log_q, axis=1)


def best_of_others(x, labels):
    return jnp.where(jax.nn.one_hot(labels, x.shape[1], axis=1) > 0, -jnp.inf, x).max(1)


def multi_margin(x, labels):
    return (jax.nn.relu(1 + x - pick(x, labels)[:, None]).sum(1) - 1) / x.shape[1]


def multilabel_margin(x, y):
    short = jax.nn.relu(1 + x[:, :, None] - x[:, None, :])
    return (short * (1 - y)[:, :, None] * y[:, None, :]).sum((1, 2)) / x.shape[1]


def ordinal(x, levels):
    above = levels[:, None] > jnp.arange(x.shape[1]).reshape(-1, *(1,) * (x.ndim - 2))
    return optax.sigmoid_binary_cross_entropy(x, above.astype(x.dtype)).sum(1)


def brier(p, labels):
    return ((p - jax.nn.one_hot(labels, p.shape[1], axis=1)) ** 2).sum(1)


def pick(x, labels):
    return jnp.take_along_axis(x, labels[:, None], axis=1)[:, 0]


def info_nce(q, k):
    return optax.softmax_cross_entropy_with_integer_labels(q @ k.T / 0.1, jnp.arange(len(q)))


def siglip(q, k):
    return -jax.nn.log_sigmoid((2 * jnp.eye(len(q)) - 1) * (10 * (q @ k.T) - 10)).sum(axis=1)


def supervised_contrastive(x, labels):
    itself = jnp.eye(len(x), dtype=bool)
    scores = jnp.where(itself, -jnp.inf, x @ x.T / 0.1)
    log_p = scores - jax.nn.logsumexp(scores, axis=1, keepdims=True)
    alike = (labels[:, None] == labels) & ~itself
    return -jnp.where(alike, log_p, 0).sum(axis=1) / jnp.maximum(1, alike.sum(axis=1))


# Unreduced.
OPTAX: Mapping[str, Function] = {
    "ctc_loss": ctc,
    "mse_loss": optax.squared_error,
    "huber_loss": optax.huber_loss,
    "smooth_l1_loss": optax.huber_loss,
    "log_cosh_loss": optax.log_cosh,
    "binary_cross_entropy": optax.sigmoid_binary_cross_entropy,
    "hinge_loss": optax.hinge_loss,
    "perceptron_loss": optax.losses.perceptron_loss,
    "kl_div_loss (probabilities)": lambda x, t: optax.losses.kl_divergence(x, t, axis=1),
    "generalized_kl_div_loss": lambda x, t: optax.losses.generalized_kl_divergence(x, t, axis=1),
    "cross_entropy": lambda x, k: optax.softmax_cross_entropy_with_integer_labels(x, k, axis=1),
    "cross_entropy (probabilities)": lambda x, t: optax.softmax_cross_entropy(x, t, axis=1),
    "kl_div_loss": lambda x, t: optax.losses.kl_divergence_with_log_targets(x, t, axis=1),
    "triplet_loss": lambda a, b, n: optax.losses.triplet_margin_loss(a, b, n, axis=1),
    "cosine_similarity_loss": lambda x1, x2: optax.cosine_similarity(x1, x2, epsilon=1e-8, axis=1),
}
TEXTBOOK: Mapping[str, Function] = {
    "l1_loss": lambda x, y: jnp.abs(x - y),
    "mape_loss": lambda x, y: jnp.abs(x - y) / jnp.maximum(jnp.abs(y), 1e-7),
    "smape_loss": lambda x, y: 2 * jnp.abs(x - y) / jnp.maximum(jnp.abs(x) + jnp.abs(y), 1e-7),
    "msle_loss": lambda x, y: (jnp.log1p(x) - jnp.log1p(y)) ** 2,
    "general_robust_loss": lambda x, y: jnp.sqrt((x - y) ** 2 + 1) - 1,
    "general_robust_loss (alpha 0.5)": lambda x, y: robust(x, y, 0.5),
    "gaussian_nll_loss": gaussian,
    "gaussian_nll_loss (beta 0.5)": beta_gaussian,
    "laplace_nll_loss": lambda x, y, s: jnp.log(2 * s) + jnp.abs(x - y) / s,
    "student_t_nll_loss": lambda x, y, s: jnp.log(s) + 2.5 * jnp.log1p(((x - y) / s) ** 2 / 4) + 0.9808,
    "poisson_nll_loss": lambda x, t: jnp.exp(x) - t * x,
    "poisson_nll_loss (full)": lambda x, t: jnp.exp(x) - t * x + jax.scipy.special.gammaln(t + 1),
    "negative_binomial_nll_loss": negative_binomial,
    "poisson_deviance_loss": lambda x, t: 2 * (jax.scipy.special.xlogy(t, t / x) + x - t),
    "gamma_deviance_loss": lambda x, t: 2 * (jnp.log(x / t) + t / x - 1),
    "tweedie_deviance_loss": lambda x, t: -8 * t**0.5 + 4 * t / x**0.5 + 4 * x**0.5,
    "binary_cross_entropy (probabilities)": lambda p, y: -(y * jnp.log(p) + (1 - y) * jnp.log(1 - p)),
    "squared_hinge_loss": lambda x, y: jnp.maximum(0, 1 - y * x) ** 2,
    "soft_margin_loss": lambda x, y: jax.nn.softplus(-y * x),
    "hinge_embedding_loss": lambda x, y: jnp.where(y > 0, x, jnp.maximum(0, 1 - x)),
    "js_div_loss": jensen_shannon,
    "distillation_loss": distillation,
    "multiclass_hinge_loss": lambda x, k: jax.nn.relu(1 + best_of_others(x, k) - pick(x, k)),
    "multiclass_perceptron_loss": lambda x, labels: x.max(1) - pick(x, labels),
    "multi_margin_loss": multi_margin,
    "multilabel_margin_loss": multilabel_margin,
    "multilabel_soft_margin_loss": lambda x, y: optax.sigmoid_binary_cross_entropy(x, y).mean(1),
    "ordinal_loss": ordinal,
    "brier_loss": lambda p, y: (p - y) ** 2,
    "brier_loss (labels)": brier,
    "contrastive_loss": contrastive,
    "margin_ranking_loss": lambda x1, x2, y: jnp.maximum(0, -y * (x1 - x2)),
    "nll_loss": lambda x, labels: -pick(x, labels),
    "cosine_embedding_loss": cosine_embedding,
    "quantile_loss": lambda x, y: jnp.maximum(0.9 * (y - x), -0.1 * (y - x)),
    "dice_loss": dice,
    "tversky_loss": tversky,
    "info_nce_loss": info_nce,
    "info_nce_loss (symmetric)": lambda q, k: 0.5 * (info_nce(q, k) + info_nce(k, q)),
    "siglip_loss": siglip,
    "supervised_contrastive_loss": supervised_contrastive,
    **terms(jnp, pick, jnp.arctan),
}


def mean_of(terms: Function) -> Function:
    return lambda *arrays: terms(*arrays).mean()


PEERS: dict[str, dict[str, Function]] = {
    loss: {name: mean_of(terms)}
    for name, table in (("optax", OPTAX), ("textbook", TEXTBOOK))
    for loss, terms in table.items()
}
PEERS["linear_cross_entropy"] = {
    "dense": mean_of(
        lambda h, w, labels: optax.softmax_cross_entropy_with_integer_labels(h @ w.T, labels),
    ),
    "xlosses, dense": dense,
}


def huber(x, y):
    error = jnp.abs(x - y)
    near = jnp.minimum(error, 1.0)
    return near * (error - 0.5 * near)


# Compiled: what is left is JAX's own dispatch.
BARE: Mapping[str, Function] = {
    loss: jax.jit(mean_of(terms))
    for loss, terms in {
        "mse_loss": lambda x, y: (x - y) ** 2,
        "l1_loss": lambda x, y: jnp.abs(x - y),
        "huber_loss": huber,
        "hinge_loss": lambda x, y: jnp.maximum(1 - y * x, 0),
        "binary_cross_entropy": lambda x, y: jnp.maximum(x, 0) - x * y + jnp.log1p(jnp.exp(-jnp.abs(x))),
        "cross_entropy": lambda x, k: jax.nn.logsumexp(x, axis=1) - pick(x, k),
    }.items()
}
