"""What is measured: the losses, what their arrays hold, how large these are, and the ways to run them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

Shape = tuple[int, ...]

ELEMENTS: Mapping[str, Shape] = {
    "64": (64,),
    "10k": (10_000,),
    "100k": (100_000,),
    "500k": (500_000,),
    "2M": (2_000_000,),
    "20M": (20_000_000,),
}
# The classes lie along axis 1, the vectors too.
LOGITS: Mapping[str, Shape] = {
    "64x10": (64, 10),
    "4096x1000": (4096, 1000),
    "8x21x256x256": (8, 21, 256, 256),
    "2048x32000": (2048, 32000),
}
# Rows of which all pairs of entries are compared.
TAGS: Mapping[str, Shape] = {"64x10": (64, 10), "65536x20": (65536, 20)}
# Ensembles: rows, members, and the numbers of a member.
ENSEMBLES: Mapping[str, Shape] = {"64x10x4": (64, 10, 4), "4096x20x8": (4096, 20, 8)}
VECTORS: Mapping[str, Shape] = {
    "64x16": (64, 16),
    "4096x128": (4096, 128),
    "16384x128": (16384, 128),
    "32768x512": (32768, 512),
}
# Masks, whose pixels lie along the last two axes.
SETS: Mapping[str, Shape] = {
    "4x8x8": (4, 8, 8),
    "8x256x256": (8, 256, 256),
    "32x256x256": (32, 256, 256),
    "64x512x512": (64, 512, 512),
}
# Boxes, whose edges lie along axis 1.
BOXES: Mapping[str, Shape] = {"64x4": (64, 4), "10kx4": (10_000, 4), "500kx4": (500_000, 4)}
# Vectors of which every one is compared with all others.
BATCHES: Mapping[str, Shape] = {
    "64x16 pairs": (64, 16),
    "1024x128 pairs": (1024, 128),
    "4096x256 pairs": (4096, 256),
    "8192x256 pairs": (8192, 256),
}
# Rows, their features, and the classes that a linear layer makes of these.
LAYERS: Mapping[str, Shape] = {
    "64x16 to 10": (64, 16, 10),
    "1024x128 to 8000": (1024, 128, 8000),
    "4096x256 to 32000": (4096, 256, 32000),
}
# Sequences, their frames, classes and labels.
SEQUENCES: Mapping[str, Shape] = {
    "4x20x8 of 4": (4, 20, 8, 4),
    "32x100x64 of 20": (32, 100, 64, 20),
    "128x400x64 of 50": (128, 400, 64, 50),
}
SHAPES: Mapping[str, Shape] = {
    **ELEMENTS,
    **LOGITS,
    **TAGS,
    **ENSEMBLES,
    **VECTORS,
    **SETS,
    **BOXES,
    **BATCHES,
    **LAYERS,
    **SEQUENCES,
}


def elements(size: str) -> int:
    """How many numbers the textbook computes with: of the products of vectors there are more than inputs."""
    rows, *rest = SHAPES[size]
    if size in BATCHES:
        return rows * rows
    if size in SEQUENCES:
        return rows * rest[0] * (rest[1] + 2 * rest[2] + 1)
    return rows * rest[-1] if size in LAYERS else math.prod(SHAPES[size])


ROWS_64 = ("64x10", "64x16", "64x4", "64x10x4", "64x16 pairs", "64x16 to 10")
SMALL = ("64", *ROWS_64, "4x8x8", "4x20x8 of 4")
MIDDLING = ("10k", "100k", "500k", "2M")
FROM_2M = tuple(size for size in SHAPES if elements(size) >= 2_000_000)
LARGE_ROWS = ("8x21x256x256", "2048x32000", "32768x512", "64x512x512")
LARGE_LAYERS = ("1024x128 to 8000", "4096x256 to 32000")
# Also measured in memory.
LARGE = ("20M", "2048x32000", "32768x512", "64x512x512", "4096x256 pairs", "8192x256 pairs", LARGE_LAYERS[-1])
TOO_SLOW = {"mlx": LARGE_LAYERS[-1:]}  # its products of matrices take minutes
LARGE_INSTEAD = {"mlx": LARGE_LAYERS[:1]}


@dataclass(frozen=True)
class Loss:
    """A loss as it is called here: what its arrays hold (see data.py), their shapes, its parameters.

    Training differentiates by the arrays at the places `trained`. The last arrays may be given by keyword.
    """

    arrays: tuple[str, ...]
    shapes: Mapping[str, Shape]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    trained: tuple[int, ...] = (0,)
    by_keyword: tuple[str, ...] = ()

    @property
    def argnums(self) -> int | tuple[int, ...]:
        """As functions that differentiate take them: one place is a number, and gives no tuple."""
        return self.trained if len(self.trained) > 1 else self.trained[0]


AXIS = {"axis": 1}
BOTH = (0, 1)

# The key is the name of the function, and what else there is to say of the call.
LOSSES: Mapping[str, Loss] = {
    "mse_loss": Loss(("prediction", "target"), ELEMENTS),
    "l1_loss": Loss(("prediction", "target"), ELEMENTS),
    "huber_loss": Loss(("prediction", "target"), ELEMENTS),
    "smooth_l1_loss": Loss(("prediction", "target"), ELEMENTS),
    "log_cosh_loss": Loss(("prediction", "target"), ELEMENTS),
    "mape_loss": Loss(("prediction", "target"), ELEMENTS),
    "smape_loss": Loss(("prediction", "target"), ELEMENTS),
    "msle_loss": Loss(("variance", "variance"), ELEMENTS),
    "general_robust_loss": Loss(("prediction", "target"), ELEMENTS),
    "general_robust_loss (alpha 0.5)": Loss(("prediction", "target"), ELEMENTS, {"alpha": 0.5}),
    "gaussian_nll_loss": Loss(("prediction", "target", "variance"), ELEMENTS, trained=(0, 2)),
    "gaussian_nll_loss (beta 0.5)": Loss(
        ("prediction", "target", "variance"), ELEMENTS, {"beta": 0.5}, trained=(0, 2)
    ),
    "laplace_nll_loss": Loss(("prediction", "target", "variance"), ELEMENTS, trained=(0, 2)),
    "student_t_nll_loss": Loss(("prediction", "target", "variance"), ELEMENTS, {"df": 4.0}, (0, 2)),
    "mixture_nll_loss": Loss(("logits", "prediction", "score", "target of rows"), TAGS, AXIS, (0, 1, 2)),
    "cox_ph_loss": Loss(("logits", "variance", "yes or no"), TAGS, AXIS),
    "poisson_nll_loss": Loss(("prediction", "count"), ELEMENTS),
    "poisson_nll_loss (full)": Loss(("prediction", "count"), ELEMENTS, {"full": True}),
    "negative_binomial_nll_loss": Loss(("variance", "count", "variance"), ELEMENTS, trained=(0, 2)),
    "poisson_deviance_loss": Loss(("variance", "count"), ELEMENTS),
    "gamma_deviance_loss": Loss(("variance", "variance"), ELEMENTS),
    "tweedie_deviance_loss": Loss(("variance", "count"), ELEMENTS),
    "binary_cross_entropy": Loss(("logits", "yes or no"), ELEMENTS),
    "binary_cross_entropy (probabilities)": Loss(
        ("probability", "yes or no"), ELEMENTS, {"with_logits": False}
    ),
    "hinge_loss": Loss(("score", "side"), ELEMENTS),
    "squared_hinge_loss": Loss(("score", "side"), ELEMENTS),
    "perceptron_loss": Loss(("score", "side"), ELEMENTS),
    "soft_margin_loss": Loss(("score", "side"), ELEMENTS),
    "hinge_embedding_loss": Loss(("score", "side"), ELEMENTS),
    "sparsemax_loss": Loss(("score", "yes or no"), ELEMENTS),
    "margin_ranking_loss": Loss(("score", "score", "side"), ELEMENTS, trained=BOTH),
    "cross_entropy": Loss(("logits", "labels"), LOGITS, AXIS),
    "cross_entropy (probabilities)": Loss(("logits", "distribution"), LOGITS, AXIS),
    "nll_loss": Loss(("log probabilities", "labels"), LOGITS, AXIS),
    "kl_div_loss": Loss(("log probabilities", "log probabilities"), LOGITS, AXIS),
    "kl_div_loss (probabilities)": Loss(
        ("log probabilities", "distribution"), LOGITS, {**AXIS, "log_target": False}
    ),
    "generalized_kl_div_loss": Loss(("log probabilities", "distribution"), LOGITS, AXIS),
    "js_div_loss": Loss(("log probabilities", "log probabilities"), LOGITS, AXIS, BOTH),
    "distillation_loss": Loss(("logits", "logits"), LOGITS, {**AXIS, "temperature": 2.0}),
    "multiclass_hinge_loss": Loss(("logits", "labels"), LOGITS, AXIS),
    "multiclass_perceptron_loss": Loss(("logits", "labels"), LOGITS, AXIS),
    "multiclass_sparsemax_loss": Loss(("logits", "labels"), LOGITS, AXIS),
    "multi_margin_loss": Loss(("logits", "labels"), LOGITS, AXIS),
    "multilabel_margin_loss": Loss(("logits", "yes or no"), TAGS, AXIS),
    "multilabel_soft_margin_loss": Loss(("logits", "yes or no"), LOGITS, AXIS),
    "ordinal_loss": Loss(("logits", "labels"), LOGITS, AXIS),
    "triplet_loss": Loss(("vector", "vector", "vector"), VECTORS, AXIS, (0, 1, 2)),
    "triplet_loss (swap)": Loss(("vector",) * 3, VECTORS, {**AXIS, "swap": True}, (0, 1, 2)),
    "cosine_similarity_loss": Loss(("vector", "vector"), VECTORS, AXIS, BOTH),
    "cosine_distance_loss": Loss(("vector", "vector"), VECTORS, AXIS, BOTH),
    "ranking_softmax_loss": Loss(("logits", "distribution"), LOGITS, AXIS),
    "pairwise_logistic_loss": Loss(("logits", "yes or no"), TAGS, AXIS),
    "cosine_embedding_loss": Loss(("vector", "vector", "likeness"), VECTORS, AXIS, BOTH),
    "contrastive_loss": Loss(("vector", "vector", "likeness"), VECTORS, {**AXIS, "margin": 20.0}, BOTH),
    "quantile_loss": Loss(("prediction", "target"), ELEMENTS, {"quantile": 0.9}),
    "binary_cross_entropy (weighed)": Loss(
        ("logits", "yes or no"), ELEMENTS, {"pos_weight": 3.0, "label_smoothing": 0.1}
    ),
    "sigmoid_focal_loss": Loss(("logits", "yes or no"), ELEMENTS, {"alpha": 0.25}),
    "softmax_focal_loss": Loss(("logits", "labels"), LOGITS, AXIS),
    "poly_cross_entropy": Loss(("logits", "labels"), LOGITS, AXIS),
    "generalized_cross_entropy": Loss(("logits", "labels"), LOGITS, AXIS),
    "arcface_loss": Loss(("cosine", "labels"), LOGITS, AXIS),
    "cosface_loss": Loss(("cosine", "labels"), LOGITS, AXIS),
    "box_iou_loss": Loss(("box", "box"), BOXES, trained=BOTH),
    "giou_loss": Loss(("box", "box"), BOXES, trained=BOTH),
    "diou_loss": Loss(("box", "box"), BOXES, trained=BOTH),
    "ciou_loss": Loss(("box", "box"), BOXES, trained=BOTH),
    "jaccard_loss": Loss(("probability", "yes or no"), SETS, {"axis": (1, 2)}),
    "focal_tversky_loss": Loss(("probability", "yes or no"), SETS, {"axis": (1, 2)}),
    "generalized_dice_loss": Loss(("probability", "yes or no"), SETS, {"axis": 2, "class_axis": 1}),
    "lovasz_hinge_loss": Loss(("logits", "yes or no"), SETS, {"axis": (1, 2)}),
    "lovasz_softmax_loss": Loss(("probability", "yes or no"), SETS, {"axis": 2, "class_axis": 1}),
    "brier_loss": Loss(("probability", "yes or no"), ELEMENTS),
    "brier_loss (labels)": Loss(("distribution", "labels"), LOGITS, AXIS),
    "crps_loss": Loss(("prediction", "target of rows"), TAGS, AXIS),
    "energy_loss": Loss(("prediction", "target of vectors"), ENSEMBLES),
    "dice_loss": Loss(("probability", "yes or no"), SETS, {"axis": (1, 2)}),
    "tversky_loss": Loss(("probability", "yes or no"), SETS, {"axis": (1, 2), "alpha": 0.3, "beta": 0.7}),
    "info_nce_loss": Loss(("unit vector", "unit vector"), BATCHES, trained=BOTH),
    "info_nce_loss (symmetric)": Loss(("unit vector", "unit vector"), BATCHES, {"symmetric": True}, BOTH),
    "info_nce_loss (negatives)": Loss(("unit vector",) * 3, BATCHES, {}, (0, 1, 2), ("negatives",)),
    "siglip_loss": Loss(("unit vector", "unit vector"), BATCHES, trained=BOTH),
    "supervised_contrastive_loss": Loss(("unit vector", "identity"), BATCHES),
    "nt_xent_loss": Loss(("unit vector", "identity"), BATCHES),
    "circle_loss": Loss(("unit vector", "identity"), BATCHES),
    "hard_triplet_loss": Loss(("unit vector", "identity"), BATCHES),
    "multi_similarity_loss": Loss(("unit vector", "identity"), BATCHES),
    "ctc_loss": Loss(("frames", "labelling", "frame counts", "label counts"), SEQUENCES, {"axis": (1, 2)}),
    "vicreg_loss": Loss(("vector", "vector"), VECTORS, trained=BOTH),
    "barlow_twins_loss": Loss(("vector", "vector"), VECTORS, trained=BOTH),
    "linear_cross_entropy": Loss(("hidden", "class vectors", "classes of rows"), LAYERS, trained=BOTH),
}

# The cost of a call is that of losses whose formula is the same arithmetic by hand.
CALLED = ("mse_loss", "l1_loss", "huber_loss", "hinge_loss", "binary_cross_entropy", "cross_entropy")

FORWARD, TRAINING = "forward", "forward+backward"
COMPILED, COMPILED_TRAINING = "compiled forward", "compiled forward+backward"
UNREDUCED = "unreduced"  # reduction="none", measured in memory alone
EAGER_WAYS = (FORWARD, TRAINING)
COMPILED_WAYS = (COMPILED, COMPILED_TRAINING)
WAYS = (*EAGER_WAYS, *COMPILED_WAYS)

BACKENDS = {"numpy": "NumPy", "torch": "PyTorch", "jax": "JAX", "mlx": "MLX"}


def heading(backend: str, device: str, threads: int) -> str:
    where = f"{threads} thread{'s' * (threads > 1)}" if device == "cpu" else device
    return f"{BACKENDS[backend]}, {where}"


Point = tuple[str, str, str]  # loss, size, way
Patterns = Sequence[Sequence[str]]  # of the parts of a point

QUICK_LOSSES = ("mse_loss", "huber_loss", "binary_cross_entropy", "hinge_loss", "cross_entropy")
QUICK_SIZES = ("64", "2M", "64x10", "4096x1000")


def points(backend: str, quick: bool, patterns: Patterns) -> list[Point]:
    """What is timed on one backend, arrays of one shape together, small ones first."""
    ways = EAGER_WAYS if backend == "numpy" else WAYS
    found = [point for point in every(ways, patterns) if point[1] not in TOO_SLOW.get(backend, ())]
    return [point for point in found if in_quick(backend, *point)] if quick else found


def memory_points(backend: str, quick: bool, patterns: Patterns) -> list[Point]:
    """What is measured in memory: the largest arrays, not compiled."""
    ways = (FORWARD, UNREDUCED, TRAINING) if backend == "numpy" else EAGER_WAYS
    found = every(ways, patterns)
    if quick:
        one = ("torch", "cross_entropy", "4096x1000", TRAINING)
        return [point for point in found if (backend, *point) == one]
    sizes = {*LARGE, *LARGE_INSTEAD.get(backend, ())} - {*TOO_SLOW.get(backend, ())}
    return [point for point in found if point[1] in sizes]


def every(ways: Sequence[str], patterns: Patterns) -> list[Point]:
    found = [(loss, size, way) for loss, told in LOSSES.items() for size in told.shapes for way in ways]
    return [point for point in found if all(map(matches, point, patterns))]


def in_quick(backend: str, loss: str, size: str, way: str) -> bool:
    """Small arrays and middling ones; PyTorch takes seconds to compile, so one loss must do."""
    if backend == "torch" and way in COMPILED_WAYS:
        return (loss, size) == ("huber_loss", "2M")
    return loss in QUICK_LOSSES and size in QUICK_SIZES


def matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
