"""Hinge loss and its kin: nothing to pay once the margin is kept."""

from __future__ import annotations

from typing import Any

from xlosses._core.checks import finite
from xlosses._core.formula import formula
from xlosses._core.numerics import nan_if_nan
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Number, Reduction
from xlosses.losses.binary import (
    binary_from_logits,
    binary_from_logits_ordinary,
)


def hinge_loss(
    inputs: ArrayT,
    targets: Array | float,
    reduction: Reduction = "none",
    *,
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""How far a score falls short of a margin of 1 on its target's side.

    .. math::
        \ell = \max(0, 1 - y x)

    Parameters
    ----------
    inputs : array
        Scores, :math:`x`, real, in any shape.
    targets : array or number
        Sides, :math:`y \in \{-1, 1\}`, in the shape of `inputs`.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms become the result.
    weights, where, dtype : optional
        Weight of each term, terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `inputs`.

    Raises
    ------
    ValueError
        Unequal shapes, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    The gradient is :math:`-y` short of the margin, and 0 at the kink :math:`y x = 1` and beyond.
    Targets other than -1 and 1 are not checked; `xlosses.keras.hinge` takes 0 and 1 as well.

    References
    ----------
    T. Hastie, R. Tibshirani, J. Friedman, *The Elements of Statistical Learning*, 2nd ed., 2009,
    eq. 12.25, p. 426.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> xlosses.hinge_loss(np.asarray([0.25, 2.0]), np.asarray([-1.0, 1.0])).tolist()
    [1.25, 0.0]
    """
    return evaluate(hinge, dict(inputs=inputs, targets=targets), {}, reduction, weights, where, dtype)


@formula
def hinge(xp: Any, x: Array, y: Array) -> Any:
    return xp.relu(1.0 - y * x)


@hinge.slope
def hinge_slope(xp: Any, x: Array, y: Array) -> Any:
    return -y * xp.step(1.0 - y * x)


def squared_hinge_loss(
    inputs: ArrayT,
    targets: Array | float,
    *,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Square of how far a score falls short of a margin of 1 on its target's side.

    .. math::
        \ell = \max(0, 1 - y x)^2

    Parameters
    ----------
    inputs : array
        Scores, :math:`x`, real, in any shape.
    targets : array or number
        Sides, :math:`y \in \{-1, 1\}`, in the shape of `inputs`.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms become the result.
    weights, where, dtype : optional
        Weight of each term, terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `inputs`.

    Raises
    ------
    ValueError
        Unequal shapes, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    The gradient is :math:`-2 y (1 - y x)` short of the margin, and 0 beyond: there is no kink. Targets other
    than -1 and 1 are not checked.

    References
    ----------
    R.-E. Fan et al., "LIBLINEAR: A library for large linear classification", *Journal of Machine Learning
    Research* 9, 2008, section 2, pp. 1871-1874.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> xlosses.squared_hinge_loss(np.asarray([0.5, 2.0]), np.asarray([-1.0, 1.0]), reduction="none").tolist()
    [2.25, 0.0]
    """
    return evaluate(squared_hinge, dict(inputs=inputs, targets=targets), {}, reduction, weights, where, dtype)


@formula
def squared_hinge(xp: Any, x: Array, y: Array) -> Any:
    short = xp.relu(1.0 - y * x)
    return short * short


@squared_hinge.slope
def squared_hinge_slope(xp: Any, x: Array, y: Array) -> Any:
    return -2.0 * y * xp.relu(1.0 - y * x)


def perceptron_loss(
    inputs: ArrayT,
    targets: Array | float,
    *,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""How far a score lies on the wrong side.

    .. math::
        \ell = \max(0, -y x)

    Parameters
    ----------
    inputs : array
        Scores, :math:`x`, real, in any shape.
    targets : array or number
        Sides, :math:`y \in \{-1, 1\}`, in the shape of `inputs`.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms become the result.
    weights, where, dtype : optional
        Weight of each term, terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `inputs`.

    Raises
    ------
    ValueError
        Unequal shapes, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    The gradient is :math:`-y` on the wrong side, and 0 at the kink :math:`x = 0` and on the right side.
    Targets other than -1 and 1 are not checked.

    References
    ----------
    C. M. Bishop, *Pattern Recognition and Machine Learning*, 2006, eq. 4.54, p. 193.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> xlosses.perceptron_loss(np.asarray([0.5, 2.0]), np.asarray([-1.0, 1.0]), reduction="none").tolist()
    [0.5, 0.0]
    """
    return evaluate(perceptron, dict(inputs=inputs, targets=targets), {}, reduction, weights, where, dtype)


@formula
def perceptron(xp: Any, x: Array, y: Array) -> Any:
    return xp.relu(-y * x)


@perceptron.slope
def perceptron_slope(xp: Any, x: Array, y: Array) -> Any:
    return -y * xp.step(-y * x)


def soft_margin_loss(
    inputs: ArrayT,
    targets: Array | float,
    *,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""Negative log likelihood of a side: a hinge without a kink, which is never quite 0.

    .. math::
        \ell = \log(1 + e^{-y x})

    Parameters
    ----------
    inputs : array
        Scores, :math:`x`, real, in any shape.
    targets : array or number
        Sides, :math:`y \in \{-1, 1\}`, in the shape of `inputs`.
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
        Unequal shapes, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    The gradient is :math:`-y / (1 + e^{y x})`, finite for scores of any size, infinite ones included. With
    :math:`y = 2 t - 1` this is `binary_cross_entropy` of logits for targets :math:`t` of 0 and 1. Targets
    other than -1 and 1 are not checked.

    References
    ----------
    T. Hastie, R. Tibshirani, J. Friedman, *The Elements of Statistical Learning*, 2nd ed., 2009,
    table 12.1, p. 427.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y = np.asarray([0.0, 1e4, 1e4]), np.asarray([1.0, 1.0, -1.0])
    >>> xlosses.soft_margin_loss(x, y, reduction="none").tolist()
    [0.6931471805599453, 0.0, 10000.0]
    """
    return evaluate(soft_margin, dict(inputs=inputs, targets=targets), {}, reduction, weights, where, dtype)


@formula
def soft_margin(xp: Any, x: Array, y: Array) -> Any:
    return binary_from_logits(xp, -y * x, 0.0)


@soft_margin.slope
def soft_margin_slope(xp: Any, x: Array, y: Array) -> Any:
    return -y * xp.sigmoid(-y * x)


@soft_margin.ordinary
def soft_margin_ordinary(xp: Any, x: Array, y: Array) -> Any:
    return binary_from_logits_ordinary(xp, -y * x, 0.0)


def hinge_embedding_loss(
    inputs: ArrayT,
    targets: Array | float,
    *,
    margin: Number = 1.0,
    reduction: Reduction = "mean",
    weights: Array | float | None = None,
    where: Array | bool | None = None,
    dtype: Any = None,
) -> ArrayT:
    r"""A distance where two things are alike, and how far it falls short of a margin where they are not.

    .. math::
        \ell = \begin{cases}
            x              & y > 0 \\
            \max(0, m - x) & \text{else}
        \end{cases}

    Parameters
    ----------
    inputs : array
        Distances, :math:`x`, real, in any shape.
    targets : array or number
        :math:`y`, in the shape of `inputs`: 1 for two that are alike, -1 (or 0) for two that are not.
    margin : number
        :math:`m`, the distance from which two that are not alike cost nothing.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms become the result.
    weights, where, dtype : optional
        Weight of each term, terms to keep, dtype of the result: as in `evaluate`.

    Returns
    -------
    array
        One number, or for "none" the shape of `inputs`, in their unit.

    Raises
    ------
    ValueError
        `margin` that is not finite, unequal shapes, or an unknown `reduction`.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    The gradient is 1 for two that are alike, else -1 short of the margin, and 0 at the kink :math:`x = m` and
    beyond. The sign of a target decides; a target of NaN gives NaN. Distances below 0 are not checked.

    References
    ----------
    R. Hadsell, S. Chopra, Y. LeCun, "Dimensionality reduction by learning an invariant mapping", *CVPR*,
    2006, eq. 4, of squares.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y = np.asarray([0.25, 0.25, 2.0]), np.asarray([1, -1, -1])
    >>> xlosses.hinge_embedding_loss(x, y, reduction="none").tolist()
    [0.25, 0.75, 0.0]
    """
    parameters = dict(margin=finite(margin=margin))
    arrays = dict(inputs=inputs, targets=targets)
    return evaluate(hinge_embedding, arrays, parameters, reduction, weights, where, dtype)


@formula
def hinge_embedding(xp: Any, x: Array, y: Array, margin: Number) -> Any:
    return xp.where(y > 0, x, xp.relu(margin - x)) * nan_if_nan(xp, y)


@hinge_embedding.slope
def hinge_embedding_slope(xp: Any, x: Array, y: Array, margin: Number) -> Any:
    return xp.where(y > 0, 1.0, -xp.step(margin - x)) * nan_if_nan(xp, y)
