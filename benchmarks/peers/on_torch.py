"""PyTorch: torch.nn.functional, and the textbook composition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  (its usual name)

from benchmarks.peers import dense
from benchmarks.peers.textbook import terms

Function = Callable[..., Any]


def pick(x, labels):
    return x.gather(1, labels[:, None])[:, 0]


def mean_of(function: Function) -> Function:
    return lambda *arrays: function(*arrays).mean()


def rows(x):
    return x.numel() / x.shape[1]


def gaussian(x, y, var):
    v = var.clamp(min=1e-6)
    return (0.5 * (torch.log(v) + (x - y) ** 2 / v)).mean()


def dice(p, t):
    return (1 - (2 * (p * t).sum((1, 2)) + 1) / (p.sum((1, 2)) + t.sum((1, 2)) + 1)).mean()


def tversky(p, t):
    both = (p * t).sum((1, 2))
    wrong = 0.3 * (p * (1 - t)).sum((1, 2)) + 0.7 * ((1 - p) * t).sum((1, 2))
    return (1 - (both + 1) / (both + wrong + 1)).mean()


def contrastive(x1, x2, y):
    d = torch.linalg.vector_norm(x1 - x2, dim=1)
    return (0.5 * torch.where(y > 0, d**2, torch.relu(20 - d) ** 2)).mean()


def entropies(x, t):
    return F.kl_div(x, t, reduction="sum") / rows(x)


def jensen_shannon(x, t):
    middle = torch.logaddexp(x, t) - 0.6931472
    return 0.5 * (torch.exp(x) * (x - middle) + torch.exp(t) * (t - middle)).sum() / rows(x)


def distillation(x, z):
    log_p, log_q = F.log_softmax(x / 2, 1), F.log_softmax(z / 2, 1)
    return 4 * F.kl_div(log_p, log_q, reduction="sum", log_target=True) / rows(x)


def multiclass_hinge(x, labels):
    others = x.scatter(1, labels[:, None], -torch.inf)
    return torch.relu(1 + others.amax(1) - pick(x, labels)).mean()


def multi_margin(x, labels):
    return (torch.relu(1 + x - pick(x, labels)[:, None]).sum(1) - 1).mean() / x.shape[1]


def multilabel_margin(x, y):
    short = torch.relu(1 + x[:, :, None] - x[:, None, :])
    return (short * (1 - y)[:, :, None] * y[:, None, :]).sum() / x.numel()


def ordinal(x, levels):
    thresholds = torch.arange(x.shape[1], device=x.device).reshape(-1, *(1,) * (x.ndim - 2))
    above = (levels[:, None] > thresholds).to(x.dtype)
    return F.binary_cross_entropy_with_logits(x, above, reduction="sum") / rows(x)


def brier(p, labels):
    return ((p - torch.zeros_like(p).scatter(1, labels[:, None], 1.0)) ** 2).sum() / rows(p)


def info_nce(q, k):
    return F.cross_entropy(q @ k.T / 0.1, torch.arange(len(q), device=q.device))


def siglip(q, k):
    side = 2 * torch.eye(len(q), device=q.device) - 1
    return -F.logsigmoid(side * (10 * (q @ k.T) - 10)).sum() / len(q)


def supervised_contrastive(x, labels):
    itself = torch.eye(len(x), dtype=torch.bool, device=x.device)
    log_p = torch.log_softmax((x @ x.T / 0.1).masked_fill(itself, -torch.inf), 1)
    alike = (labels[:, None] == labels) & ~itself
    return -(log_p.masked_fill(~alike, 0).sum(1) / alike.sum(1).clamp(min=1)).mean()


def negative_binomial(x, t, theta):
    rise = torch.lgamma(t + theta) - torch.lgamma(theta) - torch.lgamma(t + 1)
    terms = (theta + t) * torch.log(theta + x) - theta * torch.log(theta) - t * torch.log(x + 1e-8) - rise
    return terms.mean()


def beta_gaussian(x, y, var):
    v = var.clamp(min=1e-6)
    return (v.detach() ** 0.5 * 0.5 * (torch.log(v) + (x - y) ** 2 / v)).mean()


def robust(x, y, alpha):
    b = abs(alpha - 2)
    return (b / alpha * (((x - y) ** 2 / b + 1) ** (alpha / 2) - 1)).mean()


NATIVE: Mapping[str, Function] = {
    "mse_loss": F.mse_loss,
    "l1_loss": F.l1_loss,
    "huber_loss": F.huber_loss,
    "smooth_l1_loss": F.smooth_l1_loss,
    "gaussian_nll_loss": F.gaussian_nll_loss,
    "poisson_nll_loss": F.poisson_nll_loss,
    "poisson_nll_loss (full)": lambda x, t: F.poisson_nll_loss(x, t, full=True),
    "binary_cross_entropy": F.binary_cross_entropy_with_logits,
    "binary_cross_entropy (probabilities)": F.binary_cross_entropy,
    "margin_ranking_loss": F.margin_ranking_loss,
    "soft_margin_loss": F.soft_margin_loss,
    "hinge_embedding_loss": F.hinge_embedding_loss,
    "brier_loss": F.mse_loss,
    "multilabel_soft_margin_loss": F.binary_cross_entropy_with_logits,
    "kl_div_loss (probabilities)": entropies,
    "cross_entropy": F.cross_entropy,
    "cross_entropy (probabilities)": F.cross_entropy,
    "nll_loss": F.nll_loss,
    "kl_div_loss": lambda x, t: F.kl_div(x, t, reduction="sum", log_target=True) / rows(x),
    "triplet_loss": F.triplet_margin_loss,
    "triplet_loss (swap)": lambda a, b, n: F.triplet_margin_loss(a, b, n, swap=True),
    "cosine_similarity_loss": lambda x1, x2: F.cosine_similarity(x1, x2).mean(),
    "cosine_embedding_loss": F.cosine_embedding_loss,
}
TEXTBOOK: Mapping[str, Function] = {
    "log_cosh_loss": lambda x, y: torch.log(torch.cosh(x - y)).mean(),
    "gaussian_nll_loss": gaussian,  # the native one looks at the variances, which does not compile
    "gaussian_nll_loss (beta 0.5)": beta_gaussian,
    "laplace_nll_loss": lambda x, y, s: (torch.log(2 * s) + torch.abs(x - y) / s).mean(),
    "student_t_nll_loss": lambda x, y, s: (
        torch.log(s) + 2.5 * torch.log1p(((x - y) / s) ** 2 / 4) + 0.9808
    ).mean(),
    "negative_binomial_nll_loss": negative_binomial,
    "poisson_deviance_loss": lambda x, t: (2 * (torch.xlogy(t, t / x) + x - t)).mean(),
    "gamma_deviance_loss": lambda x, t: (2 * (torch.log(x / t) + t / x - 1)).mean(),
    "tweedie_deviance_loss": lambda x, t: (-8 * t**0.5 + 4 * t / x**0.5 + 4 * x**0.5).mean(),
    "mape_loss": lambda x, y: ((x - y).abs() / y.abs().clamp(min=1e-7)).mean(),
    "smape_loss": lambda x, y: (2 * (x - y).abs() / (x.abs() + y.abs()).clamp(min=1e-7)).mean(),
    "msle_loss": lambda x, y: ((torch.log1p(x) - torch.log1p(y)) ** 2).mean(),
    "general_robust_loss": lambda x, y: (torch.sqrt((x - y) ** 2 + 1) - 1).mean(),
    "general_robust_loss (alpha 0.5)": lambda x, y: robust(x, y, 0.5),
    "hinge_loss": lambda x, y: torch.relu(1 - y * x).mean(),
    "kl_div_loss": lambda x, t: (torch.exp(t) * (t - x)).sum() / rows(x),
    "squared_hinge_loss": lambda x, y: (torch.relu(1 - y * x) ** 2).mean(),
    "perceptron_loss": lambda x, y: torch.relu(-y * x).mean(),
    "generalized_kl_div_loss": lambda x, t: entropies(x, t) + (torch.exp(x) - t).sum() / rows(x),
    "js_div_loss": jensen_shannon,
    "distillation_loss": distillation,
    "multiclass_hinge_loss": multiclass_hinge,
    "multiclass_perceptron_loss": lambda x, labels: (x.amax(1) - pick(x, labels)).mean(),
    "multi_margin_loss": multi_margin,  # the native one takes matrices alone
    "multilabel_margin_loss": multilabel_margin,  # the native one takes lists of labels
    "ordinal_loss": ordinal,
    "brier_loss (labels)": brier,
    "contrastive_loss": contrastive,
    "quantile_loss": lambda x, y: torch.maximum(0.9 * (y - x), -0.1 * (y - x)).mean(),
    "dice_loss": dice,
    "tversky_loss": tversky,
    "info_nce_loss": info_nce,
    "info_nce_loss (symmetric)": lambda q, k: 0.5 * (info_nce(q, k) + info_nce(k, q)),
    "siglip_loss": siglip,
    "supervised_contrastive_loss": supervised_contrastive,
    **{loss: mean_of(function) for loss, function in terms(torch, pick, torch.arctan).items()},
}
PEERS: dict[str, dict[str, Function]] = {}
for _name, _table in (("torch.nn.functional", NATIVE), ("textbook", TEXTBOOK)):
    for _loss, _function in _table.items():
        PEERS.setdefault(_loss, {})[_name] = _function
PEERS["ctc_loss"] = {
    "torch.nn.functional": mean_of(lambda x, *rest: F.ctc_loss(x.swapaxes(0, 1), *rest, reduction="none")),
}
PEERS["linear_cross_entropy"] = {
    "dense": lambda h, w, labels: F.cross_entropy(h @ w.T, labels),
    "xlosses, dense": dense,
}


def bare_mse(x, y):
    error = x - y
    return (error * error).mean()


def bare_huber(x, y):
    error = (x - y).abs()
    near = error.clamp(max=1.0)
    return (near * (error - 0.5 * near)).mean()


BARE: Mapping[str, Function] = {
    "mse_loss": bare_mse,
    "l1_loss": lambda x, y: (x - y).abs().mean(),
    "huber_loss": bare_huber,
    "hinge_loss": TEXTBOOK["hinge_loss"],
    "binary_cross_entropy": lambda x, y: (x.relu() - x * y + torch.log1p(torch.exp(-x.abs()))).mean(),
    "cross_entropy": lambda x, k: (torch.logsumexp(x, 1) - x.gather(1, k[:, None])[:, 0]).mean(),
}
