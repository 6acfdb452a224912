"""Negative log likelihood of real targets under a predicted distribution."""

from __future__ import annotations

import math
from typing import Any

from xlosses._core.checks import positive
from xlosses._core.formula import formula
from xlosses._core.numerics import at_least
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction


def gaussian_nll_loss(
    inputs: ArrayT,
    targets: Array | float,
    vars: Array | float,
    full: bool = False,
    eps: Number = 1e-6,
    reduction: Reduction = "mean",
    *,
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Negative log likelihood of a normal distribution with a predicted mean and variance.

    .. math::
        \ell = \tfrac12 \left( \log v + \frac{(y - x)^2}{v} \right), \quad v = \max(\sigma^2, \epsilon)

    Parameters
    ----------
    inputs : array
        Predicted means, :math:`x`, real, in any shape.
    targets : array or number
        What was to be predicted, :math:`y`, in the shape and unit of `inputs`.
    vars : array or number
        Predicted variances, :math:`\sigma^2 \ge 0`, in the shape of `inputs` and its squared unit.
    full : bool
        Whether to add the constant :math:`\tfrac12 \log 2\pi`.
    eps : number
        The least variance, :math:`\epsilon > 0`, in the unit of `vars`.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms become the result.
    weights, where, dtype : optional
        Weight of each term, terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `inputs`, in nats.

    Raises
    ------
    ValueError
        `eps` that is not positive, unequal shapes, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Differentiated by `inputs` and `vars`. The gradient by `vars` is 0 where `vars <= eps`. A negative
    variance gives NaN.

    References
    ----------
    D. A. Nix, A. S. Weigend, "Estimating the mean and variance of the target probability
    distribution", *ICNN*, vol. 1, 1994, pp. 55-60.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y, v = np.asarray([0.0, 2.0]), np.asarray([0.0, 0.0]), np.asarray([1.0, 4.0])
    >>> xlosses.gaussian_nll_loss(x, y, v, reduction="none").round(6).tolist()
    [0.0, 1.193147]
    """
    eps = positive(eps=eps)
    arrays = dict(inputs=inputs, targets=targets, vars=vars)
    parameters = dict(eps=eps, constant=0.5 * math.log(2.0 * math.pi) if full else 0.0)
    return evaluate(gaussian_nll, arrays, parameters, reduction, weights, where, dtype)


@formula
def gaussian_nll(xp: Any, x: Array, y: Array, var: Array, eps: Number, constant: float) -> Any:
    v = variance(xp, var, eps)
    error = x - y
    return 0.5 * xp.log(v) + 0.5 * error * (error / v) + constant  # error * error could overflow


@gaussian_nll.slope(by=("x", "var"))
def gaussian_nll_slope(xp: Any, x: Array, y: Array, var: Array, eps: Number, constant: float) -> Any:
    v = variance(xp, var, eps)
    share = (x - y) / v
    yield share
    yield xp.where(v <= eps, 0.0, 0.5 * (1.0 / v - share * share))


@gaussian_nll.ordinary
def gaussian_nll_ordinary(xp: Any, x: Array, y: Array, var: Array, eps: Number, constant: float) -> Any:
    error = x - y
    # Clamped after the logarithm, which shows a negative variance as NaN.
    log_v = xp.clip(xp.log(var), math.log(eps) if isinstance(eps, float) else xp.log(eps), None)
    return 0.5 * log_v + 0.5 * error * (error / xp.clip(var, eps, None)) + constant


@gaussian_nll_ordinary.slope(by=("x", "var"))
def gaussian_nll_ordinary_slope(xp: Any, x: Array, y: Array, var: Array, eps: Number, constant: float) -> Any:
    nan_if_negative = 0.0 * xp.sqrt(xp.min(var))  # NaN if any variance is negative, else 0
    v = xp.clip(var, eps, None)
    share = (x - y + nan_if_negative) / v
    yield share
    yield xp.where(v <= eps, 0.0, 0.5 * (1.0 / v - share * share))


def variance(xp: Any, var: Array, eps: Number) -> Any:
    """max(var, eps), and NaN for a negative variance."""
    return at_least(xp, xp.where(var < 0, float("nan"), var), eps)
