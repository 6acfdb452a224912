"""One family of losses from squares to those that outliers do not move."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from xlosses._core.checks import plain, positive
from xlosses._core.formula import formula
from xlosses._core.numerics import hypotenuse, largest, log_hypotenuse
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction

NEARLY_ZERO = 1e-9  # shapes up to here are computed by a series
ENDLESS = -1e15  # shapes below this differ from -inf by less than rounding


def general_robust_loss(
    inputs: ArrayT,
    targets: Array | float,
    *,
    alpha: float = 1.0,
    c: Number = 1.0,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Squared error near the target, and in the tails what `alpha` makes of it.

    .. math::
        \ell = \frac{|\alpha - 2|}{\alpha}
            \left( \left( \frac{(x - y)^2 / c^2}{|\alpha - 2|} + 1 \right)^{\alpha / 2} - 1 \right)

    Parameters
    ----------
    inputs : array
        What was predicted, :math:`x`, real, in any shape.
    targets : array or number
        What was to be predicted, :math:`y`, in the shape and unit of `inputs`.
    alpha : float
        The shape, :math:`\alpha < \infty`, a plain number: 2 is half of the squared error, 1 Charbonnier's
        loss, 0 Cauchy's, -2 that of Geman and McClure, ``-math.inf`` Welsch's; at 2, 0 and
        :math:`-\infty` the limit is taken.
    c : number
        How wide the squared part is, :math:`c > 0`, in the unit of the inputs.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms become the result.
    weights, where, dtype : optional
        Weight of each term, terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `inputs`, without a unit.

    Raises
    ------
    ValueError
        `alpha` that is NaN or infinite upwards, `c` that is not positive, unequal shapes, or an unknown
        `reduction`.
    TypeError
        `alpha` that is an array, arrays of two frameworks, or of complex dtype.

    Notes
    -----
    The gradient is :math:`(x - y) / c^2 \cdot ((x - y)^2 / (c^2 |\alpha - 2|) + 1)^{\alpha / 2 - 1}`, smooth
    everywhere. Up to :math:`\alpha = 1` no error has one larger than :math:`1 / c`; below that, the
    gradient of outliers vanishes. Nothing cancels on the way, also near the limits, or overflows while
    :math:`(x - y) / c` is a number of the dtype; beyond, the error counts as infinite. Every `alpha` is
    another program where programs are compiled.

    References
    ----------
    J. T. Barron, "A general and adaptive robust loss function", *CVPR*, 2019, pp. 4331-4339.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y = np.asarray([0.1, 100.0]), np.asarray([0.0, 0.0])
    >>> xlosses.general_robust_loss(x, y, alpha=2.0, reduction="none").round(6).tolist()
    [0.005, 5000.0]
    >>> xlosses.general_robust_loss(x, y, alpha=0.0, reduction="none").round(6).tolist()
    [0.004988, 8.517393]
    """
    alpha = plain("a number below infinity", lambda a: a < math.inf, alpha=alpha)
    arrays, parameters = dict(inputs=inputs, targets=targets), dict(alpha=alpha, c=positive(c=c))
    return evaluate(general_robust, arrays, parameters, reduction, weights, where, dtype)


@formula(static=("alpha",))
def general_robust(xp: Any, x: Array, y: Array, alpha: float, c: Number) -> Any:
    error = xp.absolute(x - y) / c
    if alpha == 2.0:
        return 0.5 * error * error
    if alpha == 1.0:
        near = xp.clip(error, None, 1e30)  # infinity over infinity is NaN
        return error * (near / (1.0 + hypotenuse(xp, near)))
    if alpha < ENDLESS:
        near = xp.clip(error, None, 40.0)  # the rest is 1 to the last digit, its square could overflow
        return -xp.expm1(-0.5 * near * near)
    return power_of_error(xp, error, alpha)


@general_robust.ordinary
def general_robust_ordinary(xp: Any, x: Array, y: Array, alpha: float, c: Number) -> Any:
    if alpha not in (0.0, 1.0):
        return general_robust(xp, x, y, alpha, c)
    error = (x - y) / c
    square = error * error
    return square / (1.0 + xp.sqrt(1.0 + square)) if alpha else xp.log1p(0.5 * square)


@general_robust.slope(by=("x", "y"))
def general_robust_slope(xp: Any, x: Array, y: Array, alpha: float, c: Number) -> Any:
    by_x = slope_of_error(xp, (x - y) / c, alpha) / c
    yield by_x
    yield -by_x


@general_robust_ordinary.slope(by=("x", "y"))
def general_robust_ordinary_slope(xp: Any, x: Array, y: Array, alpha: float, c: Number) -> Iterator[Any]:
    if not (0.0 < alpha < 2.0 or 2.0 < alpha <= 8.0):
        yield from general_robust_slope(xp, x, y, alpha, c)
        return
    error = (x - y) / c
    base = 1.0 + error * error / abs(alpha - 2.0)
    power = xp.sqrt(base) if alpha == 1.0 else base ** (0.5 * alpha)
    by_x = error * power / (base * c)  # NaN where they are infinite
    yield by_x
    yield -by_x


def slope_of_error(xp: Any, error: Array, alpha: float) -> Any:
    if alpha == 2.0:
        return error
    if alpha < ENDLESS:
        near = xp.clip(error, -40.0, 40.0)
        return near * xp.exp(-0.5 * near * near)
    error = xp.clip(error, -largest(xp, error), largest(xp, error))  # infinity times 0 is NaN
    size, leg = sides(xp.absolute(error), alpha)
    # A power multiplies the error of its base, exp that of its exponent, which is small beside large powers.
    if abs(alpha - 2.0) > 6.0:
        return error * xp.exp((alpha - 2.0) * log_hypotenuse(xp, size))
    h = hypotenuse(xp, size, leg)
    if alpha > 1.0:
        return error * (leg ** (2.0 - alpha) * h ** (alpha - 2.0))
    return error / h * h ** (alpha - 1.0)  # whose power does not vanish before the product does


def sides(size: Array, alpha: float) -> tuple[Any, float]:
    """(r, leg), of which 1 + size^2 / |alpha - 2| is (leg^2 + r^2) / leg^2, and neither is large."""
    root = math.sqrt(abs(alpha - 2.0))
    return (size, root) if root < 1.0 else (size / root, 1.0)


def power_of_error(xp: Any, size: Array, alpha: float) -> Any:
    """b / alpha (h^alpha - 1), with b = |alpha - 2| and h = sqrt(1 + size^2 / b)."""
    b, (r, leg) = abs(alpha - 2.0), sides(size, alpha)
    log_h = log_hypotenuse(xp, r / leg)
    if abs(alpha) < NEARLY_ZERO:
        exponent = alpha * xp.clip(log_h, None, 1e3)  # infinity times 0 is NaN
        return b * log_h * (1.0 + exponent / 2.0 * (1.0 + exponent / 3.0))
    exponent = alpha * log_h
    if alpha < 0.0:
        return b / alpha * xp.expm1(exponent)
    near = b / alpha * xp.expm1(xp.clip(exponent, None, 1.0))
    # exp would multiply the error of a large exponent. A factor inside the power lets it overflow later.
    inside, outside = ((b / alpha) ** (1.0 / alpha), 1.0) if alpha > 1.0 else (leg, b / alpha)
    far = outside * hypotenuse(xp, (inside / leg) * r, inside) ** alpha - b / alpha
    return xp.where(exponent > 1.0, far, near)
