"""How far a result may be from the exact one, relative to the largest entry of its array.

Data, each with its reason. float32: a formula of a dozen operations, each off by half a unit in the
last place (6e-8), on arrays whose entries cancel at most tenfold. The half types are computed in
float32 and rounded once: half a unit of 11 or 8 bits, and a unit where that rounding is near a tie.
"""

USUAL = {"float16": 4.9e-4, "bfloat16": 3.95e-3, "float32": 2e-6, "float64": 1e-14}

MLX = {
    **USUAL,
    "float32": 2e-5,  # its exp is off by up to 64 units in the last place
    "float64": 1e-6,  # its exp and erf are computed in little more than float32
}

CANCELS = {
    "linear_cross_entropy": 4.0,  # logits are sums of products that are several times as large as the loss
    "negative_binomial_nll_loss": 2.0,  # its gradient by the dispersion is a difference of digammas
    "hard_triplet_loss": 2.0,  # two parts of the gradient, of which each is rounded to a half type
    "multi_similarity_loss": 2.0,  # the same
    "triplet_loss": 10.0,  # the difference of two distances that are up to ten times as large
}

CANCELS_TWICE = {
    "cosface_loss": 100.0,  # p - p p, where one class has nearly everything, times the square of the scale
}


def tolerance(backend: str, dtype: str = "float32", loss: str = "") -> float:
    """The largest difference that passes."""
    return (MLX if backend == "mlx" else USUAL)[dtype] * CANCELS.get(loss, 1.0)


def second_tolerance(loss: str, by_products: bool) -> float:
    """The same of second derivatives in float32; products are rounded, and differentiated twice."""
    return (1e-4 if by_products else 2e-5) * CANCELS_TWICE.get(loss, 1.0)
