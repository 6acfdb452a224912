"""What the errors are to stay below, and the reasons of those that do not: data for tests and docs."""

from __future__ import annotations

import math
from fnmatch import fnmatchcase
from typing import NamedTuple

from xlosses.testing import CASES, KINDS

IN_HALF = (1e-6, 1e-5)  # relative: what the computation in float32 may be off, MLX's in second place

PRIMITIVES = (
    "exp",
    "log",
    "log1p",
    "sinh",
    "tanh",
    "sqrt",
    "x^3",
    "x^(1/3)",
    "number / array",
    "rows / column",
    *(SPECIAL := ("log_gamma", "log_factorial", "digamma", "less_log1p", "less_expm1")),
    "gradient of x / y",
    "gradient of where",
)

# Losses over rows: sums of many terms. The others are element by element.
ROWS = [name for name, case in CASES.items() if any(KINDS[kind].row for kind in case.arrays.values())]


def target(loss: str, backend: str, dtype: str, what: str) -> float:
    """The largest error that needs no reason, in the unit of the row."""
    if loss in SPECIAL:  # which are this library's
        return 8.0 if dtype == "float32" else 4.0
    if loss in PRIMITIVES:
        return math.inf  # a primitive is as good as its framework makes it
    if dtype in ("float16", "bfloat16"):
        return 0.5  # rounded once
    spacing = 2.0**-23 if dtype == "float32" else 2.0**-52
    if backend == "mlx":
        return 1e-5 if loss in ROWS else 1e-5 / spacing
    return 1e-6 * spacing / 2.0**-23 if loss in ROWS else 4.0


def over(error: float, loss: str, backend: str, dtype: str, what: str) -> bool:
    """Whether this error misses its target by more than the tables are rounded."""
    return error > 1.01 * target(loss, backend, dtype, what)


class Reason(NamedTuple):
    """Why some figures miss their target: patterns of a row's fields, the primitive, a sentence."""

    loss: str
    backend: str
    dtype: str
    what: str
    primitive: str  # measured itself, in rows of its own; "" where xlosses is to blame
    text: str


REASONS = (
    *(
        Reason(
            loss,
            "jax",
            "*",
            "*gradient*",
            "gradient of x / y",
            "JAX differentiates x / y by y as -x y^-2: a number beyond the square root of the largest one "
            "has y^-2 = 0, and products with it underflow before. The slope does not.",
        )
        for loss in ("mape_loss", "smape_loss", "msle_loss")
    ),
    Reason(
        "general_robust_loss",
        "jax",
        "float64",
        "value",
        "log1p",
        "XLA's float64 log1p is off by 128 ULP between -0.42 and -0.3.",
    ),
    Reason(
        "general_robust_loss",
        "*",
        "*",
        "value at the ends",
        "",
        "Near alpha = 0 a logarithm is divided by alpha that is subnormal where the loss is 1e-38.",
    ),
    Reason(
        "general_robust_loss",
        "mlx",
        "float64",
        "[!v]*",
        "exp",
        "MLX's exp of float64 has the range and precision of float32: 0 below -87, inf above 88.",
    ),
    Reason(
        "general_robust_loss",
        "*",
        "*",
        "[!v]*",
        "",
        "The gradient of outliers with alpha far below 0 is an exponential, which multiplies the rounding of "
        "its exponent; and autodiff takes the derivative of expm1 as its result plus 1, which cancels where "
        "the gradient is below 1e-7. The slope does not.",
    ),
    Reason(
        "ctc_loss*",
        "mlx",
        "float64",
        "[!v]*",
        "exp",
        "MLX's exp of float64 has the range and precision of float32: 0 below -87, inf above 88.",
    ),
    Reason(
        "negative_binomial_nll_loss",
        "*",
        "*",
        "*",
        "",
        "Below a dispersion of 8 logarithms of gamma functions up to 8.5 are subtracted from each other; the "
        "slope by the dispersion subtracts digammas.",
    ),
    Reason(
        "student_t_nll_loss",
        "*",
        "float*",
        "*gradient* at the ends",
        "",
        "Autodiff divides the smallest numbers by the root of the degrees of freedom before it multiplies by "
        "these, and they round; the slope does not.",
    ),
    Reason(
        "student_t_nll_loss",
        "*",
        "float64",
        "slope",
        "",
        "4.2: divided by h twice it would be 3.6, but XLA would square h, which overflows.",
    ),
    Reason(
        "tweedie_deviance_loss",
        "*",
        "float*",
        "*",
        "",
        "Beside the mean a power is subtracted from its tangent, several times as large as what is left.",
    ),
    Reason(
        "gamma_deviance_loss",
        "*",
        "float*",
        "gradient",
        "",
        "Autodiff adds up the derivatives of products with the mean that the slope has simplified.",
    ),
    *(
        Reason(
            loss,
            "*",
            "*float16",
            "[!v]*",
            "",
            "An array that is compared with itself, or in both directions, has a gradient of two parts, each "
            "of which is rounded to the half type before they are added.",
        )
        for loss in (
            *("info_nce_loss*", "supervised_contrastive_loss*", "nt_xent_loss*", "circle_loss"),
            *("hard_triplet_loss", "multi_similarity_loss"),
        )
    ),
    *(
        Reason(
            "sigmoid_focal_loss",
            "*",
            dtype,
            "*",
            "",
            "What the target lacks is a quotient of sums, and is squared, which doubles its rounding.",
        )
        for dtype in ("float32", "float64")
    ),
    Reason(
        "generalized_cross_entropy",
        "*",
        "*",
        "gradient*",
        "",
        "The derivative of expm1 is taken from its result, which is -1 for a small probability; that of the "
        "slope is not.",
    ),
    *(
        Reason(
            loss,
            "*",
            "float64",
            "*gradient*",
            "",
            "Autodiff adds up more parts than the slope, which cancel where boxes are far apart.",
        )
        for loss in ("diou_loss", "ciou_loss")
    ),
    Reason("log_cosh_loss", "jax", "float*", "value", "sinh", "XLA's sinh is off by many ULP."),
    Reason(
        "binary_cross_entropy (probabilities)",
        "jax",
        "float64",
        "*",
        "log1p",
        "XLA's float64 log1p is off by 128 ULP between -0.42 and -0.3.",
    ),
    Reason(
        "gaussian_nll_loss",
        "jax",
        "*",
        "other gradients*",
        "gradient of x / y",
        "JAX differentiates x / y by y as -x y^-2, and y^-2 is 0 for a variance beyond the square root "
        "of the largest number (1e19 in float32).",
    ),
    *(
        Reason(
            loss,
            "mlx",
            "float64",
            "*",
            "exp",
            "MLX's exp of float64 has the range and precision of float32: 0 below -87, inf above 88.",
        )
        for loss in (
            *("*cross_entropy*", "kl_div_loss", "generalized_kl_div_loss", "*focal_loss*", "arcface_loss"),
            *("distillation_loss", "soft_margin_loss", "multilabel_soft_margin_loss", "ordinal_loss"),
            *("nt_xent_loss*", "mixture_nll_loss", "cox_ph_loss", "info_nce_loss (*negatives)"),
        )
    ),
    Reason(
        "js_div_loss",
        "*",
        "*",
        "*gradient*",
        "",
        "Autodiff adds up the derivatives by the mixture, which sum to 0 but for rounding; the slope leaves "
        "them out.",
    ),
    Reason(
        "js_div_loss",
        "jax",
        "float64",
        "[sv]*",
        "log1p",
        "XLA's float64 log1p is off by 128 ULP between -0.42 and -0.3.",
    ),
    Reason(
        "js_div_loss",
        "mlx",
        "float64",
        "[sv]*",
        "exp",
        "MLX's exp of float64 has the range and precision of float32: 0 below -87, inf above 88.",
    ),
    *(
        Reason(
            loss,
            "mlx",
            "*",
            "* at the ends",
            "exp",
            "MLX's exp is 0 where it would be subnormal, and the factor beside it may be large.",
        )
        for loss in (
            "kl_div_loss",
            "binary_cross_entropy (weight each)",
            "poly_*",
            "softmax_focal_loss*",
            "mixture_nll_loss",
            "info_nce_loss (*negatives)",
        )
    ),
    Reason(
        "gaussian_nll_loss",
        "torch",
        "*",
        "*gradient* at the ends",
        "",
        "Autodiff halves the smallest numbers, which rounds, before it divides them by eps; the slope "
        "does not.",
    ),
    Reason(
        "gaussian_nll_loss",
        "torch",
        "float64",
        "other gradients",
        "",
        "With beta autodiff goes through two roots and a power of the variance, the slope through the power.",
    ),
    Reason(
        "info_nce_loss (own negatives)",
        "jax",
        "float64",
        "other gradients",
        "",
        "JAX differentiates softplus at x as exp(x - softplus(x)), a difference of numbers that are rounded.",
    ),
    Reason(
        "barlow_twins_loss*",
        "*",
        "float*",
        "*gradient*",
        "",
        "Autodiff adds up the derivatives of the differences of views and of what their squares lack to 1, "
        "which cancel where one column is constant; the slope does not.",
    ),
    Reason(
        "triplet_loss",
        "torch",
        "*",
        "*gradient* at the ends",
        "",
        "Autodiff multiplies by the scale of a distance before it divides by it: among the smallest "
        "numbers the product rounds. The slope does not.",
    ),
)


def reason(loss: str, backend: str, dtype: str, what: str) -> Reason | None:
    """Why this figure may miss its target: the first that fits."""
    for found in REASONS:
        if all(fnmatchcase(x, y) for x, y in zip((loss, backend, dtype, what), found[:4], strict=True)):
            return found
    return None
