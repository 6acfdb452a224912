"""Logits or probabilities against yes and no."""

from __future__ import annotations

import math
from typing import Any

from xlosses._core.checks import fraction, is_number, ndim, nonnegative
from xlosses._core.formula import formula
from xlosses._core.numerics import clamped_log, clamped_log1m, product
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction

LEAST_LOG = -100.0  # what the logarithm of a probability is clamped at, as in PyTorch and MLX


def binary_cross_entropy(
    inputs: ArrayT,
    targets: Array | float,
    weights: Array | float | None = None,
    with_logits: bool = True,
    reduction: Reduction = "mean",
    *,
    pos_weight: Array | Number | None = None,
    label_smoothing: Number = 0.0,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Negative log likelihood of yes-or-no targets.

    From logits :math:`x`, or with ``with_logits=False`` from probabilities :math:`p`:

    .. math::
        \ell = \log(1 + e^x) - x y
        \qquad
        \ell = -\left( y \log p + (1 - y) \log (1 - p) \right)

    With `pos_weight` :math:`c` and `label_smoothing` :math:`s`, where :math:`p = 1 / (1 + e^{-x})`:

    .. math::
        \ell = -\left( c\, y' \log p + (1 - y') \log (1 - p) \right),
        \qquad y' = (1 - s)\, y + \frac s2

    Parameters
    ----------
    inputs : array
        Logits, or probabilities in [0, 1], in any shape.
    targets : array or number
        Probabilities of "yes", :math:`y \in [0, 1]`, in the shape of `inputs`.
    weights : array or number, optional
        Weight of each term.
    with_logits : bool
        Whether `inputs` are logits.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms become the result.
    pos_weight : number or array, optional
        What a "yes" weighs beside a "no", :math:`c \ge 0`: a number, or an array in the shape of `inputs`,
        whose values are not checked. One per class is broadcast to that shape first.
    label_smoothing : number
        The share :math:`s \in [0, 1)` of each target that is moved to 1/2.
    where, dtype : optional
        Terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `inputs`, in nats.

    Raises
    ------
    ValueError
        Unequal shapes, a negative `pos_weight`, `label_smoothing` outside [0, 1), or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    From logits the gradient is :math:`\sigma(x) - y` everywhere, infinite logits included: an
    infinite logit on the right side costs 0, on the wrong side inf. From probabilities each
    logarithm is clamped at -100, with gradient 0 where that acts; a probability outside [0, 1]
    gives NaN. `pos_weight` is no weight of a mean: "weighted_mean" divides by `weights` alone.

    References
    ----------
    C. M. Bishop, *Pattern Recognition and Machine Learning*, 2006, eq. 4.90, p. 206.

    Smoothing: C. Szegedy et al., "Rethinking the Inception architecture for computer vision",
    *CVPR*, 2016, section 7.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y = np.asarray([0.0, np.inf, -60.0]), np.asarray([1.0, 1.0, 0.0])
    >>> xlosses.binary_cross_entropy(x, y, reduction="none").tolist()
    [0.6931471805599453, 0.0, 8.75651076269652e-27]
    >>> xlosses.binary_cross_entropy(x, y, pos_weight=3.0, reduction="none").round(6).tolist()
    [2.079442, 0.0, 0.0]
    """
    smoothing = fraction(label_smoothing=label_smoothing)
    arrays: dict[str, Any] = dict(inputs=inputs, targets=targets)
    if pos_weight is None and is_number(smoothing) and smoothing == 0:
        form = binary_from_logits if with_logits else binary_from_probabilities
        return evaluate(form, arrays, {}, reduction, weights, where, dtype)
    form = weighed_from_logits if with_logits else weighed_from_probabilities
    parameters = dict(smoothing=smoothing)
    if ndim(pos_weight) > 0:
        arrays["pos_weight"] = pos_weight
    else:
        parameters["yes"] = nonnegative(pos_weight=1.0 if pos_weight is None else pos_weight)
    return evaluate(form, arrays, parameters, reduction, weights, where, dtype)


@formula
def binary_from_logits(xp: Any, x: Array, y: Array) -> Any:
    # A step function instead of max(x, 0) and |x|, whose first or second derivative at 0 would be wrong.
    side = xp.step(x)
    wrong = side - y
    return product(xp, wrong, x) + xp.log1p(xp.exp((1.0 - 2.0 * side) * x))


@binary_from_logits.slope
def binary_from_logits_slope(xp: Any, x: Array, y: Array) -> Any:
    side = xp.step(x)
    sign = 1.0 - 2.0 * side
    small = xp.exp(sign * x)
    return side - y + sign * (small / (1.0 + small))  # sigmoid(x) - y without cancellation


@binary_from_logits.ordinary
def binary_from_logits_ordinary(xp: Any, x: Array, y: Array) -> Any:
    side = xp.step(x)
    return (side - y) * x + xp.log1p(xp.exp((1.0 - 2.0 * side) * x))


@formula
def binary_from_probabilities(xp: Any, p: Array, y: Array) -> Any:
    return -(y * clamped_log(xp, p, LEAST_LOG) + (1.0 - y) * clamped_log1m(xp, p, LEAST_LOG))


@binary_from_probabilities.slope
def binary_from_probabilities_slope(xp: Any, p: Array, y: Array) -> Any:
    never, certain = p <= math.exp(LEAST_LOG), p == 1  # where one of the logarithms is clamped
    by_q = xp.where(certain, 0.0, (1.0 - y) / xp.where(certain, 1.0, 1.0 - p))
    return by_q - xp.where(never, 0.0, y / xp.where(never, 1.0, p))


@binary_from_probabilities.ordinary
def binary_from_probabilities_ordinary(xp: Any, p: Array, y: Array) -> Any:
    log_p, log_q = xp.clip(xp.log(p), LEAST_LOG, None), xp.clip(xp.log1p(-p), LEAST_LOG, None)
    return -(y * log_p + (1.0 - y) * log_q)


@formula(width=lambda *_: 2)
def weighed_from_logits(xp: Any, x: Array, y: Array, yes: Array | Number, smoothing: Number) -> Any:
    side = xp.step(x)
    sign = 1.0 - 2.0 * side
    yes, no = shares(y, yes, smoothing)
    return product(xp, side * no + (side - 1.0) * yes, x) + (yes + no) * xp.log1p(xp.exp(sign * x))


@weighed_from_logits.slope
def weighed_from_logits_slope(xp: Any, x: Array, y: Array, yes: Array | Number, smoothing: Number) -> Any:
    side = xp.step(x)
    sign = 1.0 - 2.0 * side
    yes, no = shares(y, yes, smoothing)
    small = xp.exp(sign * x)
    least = sign * (small / (1.0 + small))
    return no * (side + least) - yes * ((1.0 - side) - least)  # of the probabilities of both answers


@weighed_from_logits.ordinary
def weighed_from_logits_ordinary(xp: Any, x: Array, y: Array, yes: Array | Number, smoothing: Number) -> Any:
    side = xp.step(x)
    yes, no = shares(y, yes, smoothing)
    # x is multiplied by its side alone: XLA's program for the sum of both shares takes five times as long.
    entropy = (yes + no) * xp.log1p(xp.exp((1.0 - 2.0 * side) * x))
    return no * (side * x) + yes * ((side - 1.0) * x) + entropy


@formula
def weighed_from_probabilities(xp: Any, p: Array, y: Array, yes: Array | Number, smoothing: Number) -> Any:
    yes, no = shares(y, yes, smoothing)
    return -(yes * clamped_log(xp, p, LEAST_LOG) + no * clamped_log1m(xp, p, LEAST_LOG))


@weighed_from_probabilities.slope
def weighed_from_probabilities_slope(
    xp: Any, p: Array, y: Array, yes: Array | Number, smoothing: Number
) -> Any:
    yes, no = shares(y, yes, smoothing)
    never, certain = p <= math.exp(LEAST_LOG), p == 1
    by_q = xp.where(certain, 0.0, no / xp.where(certain, 1.0, 1.0 - p))
    return by_q - xp.where(never, 0.0, yes / xp.where(never, 1.0, p))


def shares(y: Array, weight: Array | Number, smoothing: Number) -> tuple[Any, Any]:
    """What log p and log(1 - p) are multiplied by; each is smoothed itself, so that neither cancels."""
    kept, moved = 1.0 - smoothing, 0.5 * smoothing
    return weight * (kept * y + moved), kept * (1.0 - y) + moved
