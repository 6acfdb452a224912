"""What the parts of a term or a slope are as large as, where they cancel: errors are in proportion to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

Scale = Callable[..., Any]

TINY = float(np.finfo(np.float32).tiny)


def sizes(x: Any) -> Any:
    """The sum of the absolute values of each row."""
    return np.sum(np.abs(x), axis=-1, where=np.isfinite(x))


def kept_of(batch: Mapping[str, Any]) -> list[Any]:
    """Which entries count, where a loss is told."""
    return [batch["kept"]] if "kept" in batch else []


def distance(x1: Any, x2: Any) -> Any:
    return np.linalg.norm(np.abs(x1) + np.abs(x2), axis=-1)


def of_power(scores: Any, margin: float = 1.0, p: int = 1) -> Any:
    return (2 * sizes(scores) + margin) ** p


def logarithms(x: Any, p: Any) -> Any:
    """The sum of p (|log p| + |x|), and of p."""
    of_log = np.abs(np.log(np.where(p > 0, p, 1.0))) + np.abs(np.where(np.isinf(x), 0.0, x)) + 1
    return np.sum(p * of_log, axis=-1)


def mixed(x: Any, t: Any) -> Any:
    """The sum of the probabilities times how far their logarithms are apart."""
    d = np.nan_to_num(np.abs(t - x), posinf=0.0)
    return np.sum((np.exp(x) + np.exp(t)) * (d + 1e-30), axis=-1)


def of_frames(x: Any, labels: Any, **_: Any) -> Any:
    """Of probabilities that need not add up to 1: logarithms, and what each frame rounds."""
    return np.sum(sizes(x), axis=-1) + 2 * x.shape[-2]


def heat(x: Any, z: Any, temperature: float = 1.0) -> Any:
    return temperature**2 + temperature * (sizes(x) + sizes(z))


def weighed(p: Any, t: Any, smooth: float = 0.0) -> Any:
    """The derivative of each part of a generalized Dice loss, where every entry is a class."""
    size = np.where(t > 0, t, np.inf)
    smallest = np.minimum(np.min(size, axis=-1, keepdims=True), 1e30)
    weight = (smallest / size) ** 2
    total = np.sum(weight * (p + t), axis=-1, keepdims=True) + smooth * smallest**2
    return weight * (1 + 2 * t) / np.where(total == 0, 1.0, total)


def of_squares(p: Any, t: Any, squared: bool = False, smooth: float = 1.0) -> Any:
    """The two parts of the derivative of a Dice loss of squares."""
    total = np.sum(p * p + t * t, axis=-1, keepdims=True) + smooth
    return 2 * (p + t) / np.where(total == 0, 1.0, total) if squared else 0.0 * p


def of_sets(
    p: Any, t: Any, *kept: Any, alpha: float = 0.5, beta: float = 0.5, smooth: float = 1.0, gamma: float = 1.0
) -> Any:
    """The derivatives of the numerator and the denominator of a loss of overlap, each over the latter."""
    p, t = (np.where(kept[0], x, 0.0) if kept else x for x in (p, t))
    wrong = np.sum(alpha * p * (1 - t) + beta * (1 - p) * t, axis=-1, keepdims=True)
    total = np.sum(p * t, axis=-1, keepdims=True) + wrong + smooth
    total = np.where(total == 0, 1.0, total)
    return gamma * (wrong / total) ** (gamma - 1) * (alpha + (alpha + beta + 1) * t) / total


def of_dice(p: Any, t: Any, *kept: Any, squared: bool = False, smooth: float = 1.0) -> Any:
    return of_squares(p, t, squared, smooth) if squared else of_sets(p, t, *kept, smooth=smooth / 2)


def focused(x: Any, y: Any, alpha: Any = 0.25, gamma: float = 2.0) -> Any:
    """The derivatives of a focal loss's factor and of its entropy."""
    p = 1 / (1 + np.exp(-x))
    doubt = np.maximum(p + y - 2 * p * y, TINY)
    entropy = np.logaddexp(0, x) - np.nan_to_num(x * y)
    return doubt**gamma * (p + y) + gamma * doubt ** (gamma - 1) * p * (1 - p) * entropy


def of_counts(rate: Any, y: Any) -> Any:
    size = np.abs(np.log(np.minimum(rate, 1e300) + 1e-8))  # a rate may be infinite
    return rate + y * (size + np.log1p(y) + 1) + 1


def slope_of_counts(rate: Any, y: Any, eps: float = 1e-8, **_: Any) -> Any:
    return 1 + y / (rate + eps)


def deviance(mean: Any, y: Any, power: float = 1.5) -> Any:
    """The parts of a deviance's derivative; times the mean they are those of the deviance."""
    return 10 * (mean + y) * mean**-power


# Of the first two arrays, `kept`, and the options. Losses that are not here have parts that do not cancel.
OF_TERMS: Mapping[str, Scale] = {
    "ctc_loss (batch first)": of_frames,
    # Of targets that are neither 0 nor 1, whose sums round.
    **dict.fromkeys(
        ("lovasz_hinge_loss", "lovasz_hinge_loss (kept)"), lambda x, _: 2 + np.max(np.abs(x), axis=-1)
    ),
    # Beside a product of weights and targets below 1e-38, which is made 0, or of weights and an exponential
    # below it, which has few digits or is made 0; by a tolerance of 1e-7.
    "binary_cross_entropy (weight each)": lambda x, _, pos_weight: 1e-31 * (np.abs(x) + pos_weight),
    "sigmoid_focal_loss": lambda x, *_, **__: 1e-31 * np.abs(x),
    "squared_hinge_loss": lambda x, y: np.maximum(0, 1 - x * y) * (1 + np.abs(x)),
    "hinge_embedding_loss": lambda x, y, margin=1.0: np.abs(x) + margin,
    "contrastive_loss": lambda x1, x2, margin=1.0: margin * (margin + np.minimum(margin, distance(x1, x2))),
    "multiclass_hinge_loss": lambda x, _: of_power(x),
    "multiclass_perceptron_loss": lambda x, _: of_power(x),
    "multi_margin_loss": lambda x, _, **options: of_power(x, **options),
    "multiclass_sparsemax_loss": lambda x, _: of_power(x),
    "sparsemax_loss": lambda x, y: 4 * (1 + np.abs(x)),
    "multilabel_margin_loss": lambda x, _: 4 * of_power(x),
    **dict.fromkeys(
        ("ranking_softmax_loss", "ranking_softmax_loss (kept)"), lambda s, y: sizes(y) * (sizes(s) + 2)
    ),
    **dict.fromkeys(
        ("pairwise_logistic_loss", "pairwise_logistic_loss (kept)"), lambda s, _: 4 * of_power(s)
    ),
    "kl_div_loss (probabilities)": logarithms,
    "generalized_kl_div_loss": lambda x, p: logarithms(x, p) + np.sum(np.exp(x), axis=-1),
    "js_div_loss": lambda x, t, beta=0.5: mixed(x, t),
    "distillation_loss": heat,
    "cox_ph_loss": lambda x, _: 4 * of_power(x),
    "mixture_nll_loss": lambda a, *_: of_power(a),
    "poisson_nll_loss": lambda x, y, **_: of_counts(np.exp(x), y),
    "poisson_nll_loss (rates)": lambda x, y, **_: of_counts(x, y),
    "negative_binomial_nll_loss": lambda x, y, **_: of_counts(x, y),
    "tweedie_deviance_loss": lambda x, y, **options: x * deviance(x, y, **options),
}
OF_SLOPES: Mapping[str, Scale] = {
    "squared_hinge_loss": lambda x, y: 2 * (1 + np.abs(x)),
    "contrastive_loss": lambda x1, x2, margin=1.0: (margin + distance(x1, x2))[:, None],
    "multi_margin_loss": lambda x, _, **options: of_power(x, **options)[:, None],
    "generalized_kl_div_loss": lambda x, p: np.exp(x) + p,
    **dict.fromkeys(
        ("ranking_softmax_loss", "ranking_softmax_loss (kept)"), lambda s, y, *_: sizes(y)[:, None] + 1
    ),
    **dict.fromkeys(("pairwise_logistic_loss", "pairwise_logistic_loss (kept)"), lambda *_: 4.0),
    # What autodiff adds to it, and takes off again; to the derivative of expm1 it adds 1.
    "js_div_loss": lambda x, t, beta=0.5: np.exp(x) + np.exp(t),
    "distillation_loss": lambda x, z, temperature=1.0: temperature,
    "generalized_dice_loss": weighed,
    **dict.fromkeys(("dice_loss", "dice_loss (kept)"), of_dice),
    "jaccard_loss": partial(of_sets, alpha=1.0, beta=1.0),
    "tversky_loss": of_sets,
    "focal_tversky_loss": partial(of_sets, gamma=0.75),
    "sigmoid_focal_loss": focused,
    # Of outliers it is an exponential, which multiplies the error of a square.
    "general_robust_loss": lambda x, y, c=1.0, **_: np.minimum(np.abs(x - y) / c, 1.0) / c,
    # Autodiff subtracts them where both have one sign.
    "smape_loss": lambda x, y, eps=1e-7: 2 / np.maximum(np.abs(x) + np.abs(y), eps),
    "poisson_nll_loss": lambda x, y, **_: np.exp(x) + y,
    "poisson_nll_loss (rates)": slope_of_counts,
    "negative_binomial_nll_loss": slope_of_counts,
    "poisson_deviance_loss": lambda x, y: deviance(x, y, 1.0),
    "gamma_deviance_loss": lambda x, y: deviance(x, y, 2.0),
    "tweedie_deviance_loss": deviance,
    "soft_margin_loss": lambda x, y: 1.0,
    "crps_loss": lambda x, y, **_: 1.0,
    "cox_ph_loss": lambda x, _: 8.0,
    "mixture_nll_loss": lambda a, mean: (
        8 * (10 + sizes(mean)[:, None]) ** 2
    ),  # a share is an exponential of squares
    "sparsemax_loss": lambda x, y: 4.0,
    "multiclass_sparsemax_loss": lambda x, _: 4.0,
    "multilabel_soft_margin_loss": lambda x, y: 1.0,
}
# Of rows whose sums go another way in another layout: probabilities, times a derivative by them, less what
# the target has of it.
OF_SUMS: Mapping[str, Scale] = {
    **dict.fromkeys(("softmax_focal_loss", "poly_cross_entropy"), lambda *_, **__: 4.0),
    **dict.fromkeys(
        ("softmax_focal_loss (probabilities)", "poly_cross_entropy (probabilities)"),
        lambda x, t, label_smoothing=0.0, **_: 4 * (sizes(t)[:, None] + label_smoothing),
    ),
}
