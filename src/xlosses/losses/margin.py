"""Hinge loss and its kin: nothing to pay once the margin is kept."""

from __future__ import annotations

from typing import Any

from xlosses._core.formula import formula
from xlosses._evaluate import evaluate
from xlosses._typing import Array, ArrayT, Reduction


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
