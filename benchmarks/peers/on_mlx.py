"""MLX: mlx.nn.losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import mlx.core as mx
from mlx.nn import losses

from benchmarks.peers import dense
from benchmarks.peers.textbook import ctc, terms

Function = Callable[..., Any]

NATIVE: Mapping[str, Function] = {
    "mse_loss": losses.mse_loss,
    "l1_loss": losses.l1_loss,
    "huber_loss": losses.huber_loss,
    "smooth_l1_loss": losses.smooth_l1_loss,
    "log_cosh_loss": losses.log_cosh_loss,
    "gaussian_nll_loss": losses.gaussian_nll_loss,
    "binary_cross_entropy": losses.binary_cross_entropy,
    "binary_cross_entropy (probabilities)": partial(losses.binary_cross_entropy, with_logits=False),
    "hinge_loss": losses.hinge_loss,
    "margin_ranking_loss": losses.margin_ranking_loss,
    "cross_entropy": partial(losses.cross_entropy, axis=1),
    "cross_entropy (probabilities)": partial(losses.cross_entropy, axis=1),
    "nll_loss": partial(losses.nll_loss, axis=1),
    "kl_div_loss": partial(losses.kl_div_loss, axis=1),
    "triplet_loss": losses.triplet_loss,
    "cosine_similarity_loss": losses.cosine_similarity_loss,
}


LANCZOS = (
    *(676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905),
    *(-0.13857109526572012, 9.984369578019572e-06, 1.5056327351493116e-07),
)


def lgamma(x):
    total = 0.9999999999998099
    for k, c in enumerate(LANCZOS):
        total = total + c / (x + k)
    t = x + 6.5
    return 0.9189385332 + (x - 0.5) * mx.log(t) - t + mx.log(total)


def negative_binomial(x, t, theta):
    rise = lgamma(t + theta) - lgamma(theta) - lgamma(t + 1)
    terms = (theta + t) * mx.log(theta + x) - theta * mx.log(theta) - t * mx.log(x + 1e-8) - rise
    return terms.mean()


def beta_gaussian(x, y, var):
    terms = losses.gaussian_nll_loss(x, y, var, reduction="none")
    return (mx.stop_gradient(mx.maximum(var, 1e-6) ** 0.5) * terms).mean()


def robust(x, y, alpha):
    b = abs(alpha - 2)
    return (b / alpha * (((x - y) ** 2 / b + 1) ** (alpha / 2) - 1)).mean()


def cosine_embedding(x1, x2, y):
    c = losses.cosine_similarity_loss(x1, x2, reduction="none")
    return mx.where(y == 1, 1 - c, mx.maximum(0, c)).mean()


def dice(p, t):
    return (1 - (2 * (p * t).sum((1, 2)) + 1) / (p.sum((1, 2)) + t.sum((1, 2)) + 1)).mean()


def tversky(p, t):
    both = (p * t).sum((1, 2))
    wrong = 0.3 * (p * (1 - t)).sum((1, 2)) + 0.7 * ((1 - p) * t).sum((1, 2))
    return (1 - (both + 1) / (both + wrong + 1)).mean()


def contrastive(x1, x2, y):
    d = mx.linalg.norm(x1 - x2, axis=1)
    return (0.5 * mx.where(y > 0, d * d, mx.maximum(0, 20 - d) ** 2)).mean()


def rows(x):
    return x.size // x.shape[1]


def entropies(x, t):
    return (t * (mx.log(t) - x)).sum() / rows(x)


def jensen_shannon(x, t):
    middle = mx.logaddexp(x, t) - 0.6931472
    return 0.5 * (mx.exp(x) * (x - middle) + mx.exp(t) * (t - middle)).sum() / rows(x)


def log_softmax(x):
    return x - mx.logsumexp(x, axis=1, keepdims=True)


def distillation(x, z):
    return 4 * losses.kl_div_loss(log_softmax(x / 2), log_softmax(z / 2), axis=1, reduction="mean")


def pick(x, labels):
    return mx.take_along_axis(x, labels[:, None], axis=1)[:, 0]


def classes(x):
    return mx.arange(x.shape[1]).reshape(-1, *(1,) * (x.ndim - 2))


def multiclass_hinge(x, labels):
    others = mx.where(labels[:, None] == classes(x), -mx.inf, x)
    return mx.maximum(0, 1 + others.max(axis=1) - pick(x, labels)).mean()


def multi_margin(x, labels):
    return (mx.maximum(0, 1 + x - pick(x, labels)[:, None]).sum(axis=1) - 1).mean() / x.shape[1]


def multilabel_margin(x, y):
    short = mx.maximum(0, 1 + x[:, :, None] - x[:, None, :])
    return (short * (1 - y)[:, :, None] * y[:, None, :]).sum() / x.size


def ordinal(x, levels):
    above = (levels[:, None] > classes(x)).astype(x.dtype)
    return losses.binary_cross_entropy(x, above, reduction="sum") / rows(x)


def brier(p, labels):
    return ((p - (labels[:, None] == classes(p))) ** 2).sum() / rows(p)


def info_nce(q, k):
    return losses.cross_entropy(q @ k.T / 0.1, mx.arange(len(q)), reduction="mean")


def siglip(q, k):
    side = 2 * mx.eye(len(q)) - 1
    return mx.logaddexp(0, -side * (10 * (q @ k.T) - 10)).sum() / len(q)


def supervised_contrastive(x, labels):
    itself = mx.eye(len(x)) > 0
    scores = mx.where(itself, -mx.inf, x @ x.T / 0.1)
    log_p = scores - mx.logsumexp(scores, axis=1, keepdims=True)
    alike = mx.logical_and(labels[:, None] == labels, mx.logical_not(itself))
    return -(mx.where(alike, log_p, 0).sum(axis=1) / mx.maximum(1, alike.sum(axis=1))).mean()


def mean_of(function: Function) -> Function:
    return lambda *arrays: function(*arrays).mean()


TEXTBOOK: Mapping[str, Function] = {
    "gaussian_nll_loss (beta 0.5)": beta_gaussian,
    "laplace_nll_loss": lambda x, y, s: (mx.log(2 * s) + mx.abs(x - y) / s).mean(),
    "student_t_nll_loss": lambda x, y, s: (
        mx.log(s) + 2.5 * mx.log1p(((x - y) / s) ** 2 / 4) + 0.9808
    ).mean(),
    "poisson_nll_loss": lambda x, t: (mx.exp(x) - t * x).mean(),
    "poisson_nll_loss (full)": lambda x, t: (mx.exp(x) - t * x + lgamma(t + 1)).mean(),
    "negative_binomial_nll_loss": negative_binomial,
    "poisson_deviance_loss": lambda x, t: (
        2 * (mx.where(t > 0, t * mx.log(mx.maximum(t, 1) / x), 0) + x - t)
    ).mean(),
    "gamma_deviance_loss": lambda x, t: (2 * (mx.log(x / t) + t / x - 1)).mean(),
    "tweedie_deviance_loss": lambda x, t: (-8 * t**0.5 + 4 * t / x**0.5 + 4 * x**0.5).mean(),
    "mape_loss": lambda x, y: (mx.abs(x - y) / mx.maximum(mx.abs(y), 1e-7)).mean(),
    "smape_loss": lambda x, y: (2 * mx.abs(x - y) / mx.maximum(mx.abs(x) + mx.abs(y), 1e-7)).mean(),
    "msle_loss": lambda x, y: ((mx.log1p(x) - mx.log1p(y)) ** 2).mean(),
    "general_robust_loss": lambda x, y: (mx.sqrt((x - y) ** 2 + 1) - 1).mean(),
    "general_robust_loss (alpha 0.5)": lambda x, y: robust(x, y, 0.5),
    "cosine_embedding_loss": cosine_embedding,
    "squared_hinge_loss": lambda x, y: (mx.maximum(0, 1 - y * x) ** 2).mean(),
    "perceptron_loss": lambda x, y: mx.maximum(0, -y * x).mean(),
    "soft_margin_loss": lambda x, y: mx.logaddexp(0, -y * x).mean(),
    "hinge_embedding_loss": lambda x, y: mx.where(y > 0, x, mx.maximum(0, 1 - x)).mean(),
    "kl_div_loss (probabilities)": entropies,
    "generalized_kl_div_loss": lambda x, t: entropies(x, t) + (mx.exp(x) - t).sum() / rows(x),
    "js_div_loss": jensen_shannon,
    "distillation_loss": distillation,
    "multiclass_hinge_loss": multiclass_hinge,
    "multiclass_perceptron_loss": lambda x, labels: (x.max(axis=1) - pick(x, labels)).mean(),
    "multi_margin_loss": multi_margin,
    "multilabel_margin_loss": multilabel_margin,
    "multilabel_soft_margin_loss": partial(losses.binary_cross_entropy, reduction="mean"),
    "ordinal_loss": ordinal,
    "brier_loss": partial(losses.mse_loss, reduction="mean"),
    "brier_loss (labels)": brier,
    "contrastive_loss": contrastive,
    "quantile_loss": lambda x, y: mx.maximum(0.9 * (y - x), -0.1 * (y - x)).mean(),
    "dice_loss": dice,
    "tversky_loss": tversky,
    "info_nce_loss": info_nce,
    "info_nce_loss (symmetric)": lambda q, k: 0.5 * (info_nce(q, k) + info_nce(k, q)),
    "siglip_loss": siglip,
    "supervised_contrastive_loss": supervised_contrastive,
    "ctc_loss": mean_of(ctc(mx)),
    **{loss: mean_of(function) for loss, function in terms(mx, pick, mx.arctan).items()},
}
PEERS: dict[str, dict[str, Function]] = {
    **{loss: {"mlx.nn.losses": partial(function, reduction="mean")} for loss, function in NATIVE.items()},
    **{loss: {"textbook": function} for loss, function in TEXTBOOK.items()},
    "linear_cross_entropy": {
        "dense": lambda h, w, labels: losses.cross_entropy(h @ w.T, labels, reduction="mean"),
        "xlosses, dense": dense,
    },
}


def bare_mse(x, y):
    error = x - y
    return (error * error).mean()


def bare_huber(x, y):
    error = mx.abs(x - y)
    near = mx.minimum(error, 1.0)
    return (near * (error - 0.5 * near)).mean()


def bare_cross_entropy(x, labels):
    return (mx.logsumexp(x, axis=1) - mx.take_along_axis(x, labels[:, None], axis=1)[:, 0]).mean()


BARE: Mapping[str, Function] = {
    "mse_loss": bare_mse,
    "l1_loss": lambda x, y: mx.abs(x - y).mean(),
    "huber_loss": bare_huber,
    "hinge_loss": lambda x, y: mx.maximum(1 - y * x, 0).mean(),
    "binary_cross_entropy": lambda x, y: (mx.maximum(x, 0) - x * y + mx.log1p(mx.exp(-mx.abs(x)))).mean(),
    "cross_entropy": bare_cross_entropy,
}
