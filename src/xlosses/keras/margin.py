"""Hinge losses, as Keras has them."""

from __future__ import annotations

from typing import Any

from xlosses._backends import Namespace
from xlosses._core.formula import formula
from xlosses._typing import Array
from xlosses.keras._arrays import real, same_rank
from xlosses.keras._formulas import averaged
from xlosses.keras._names import named
from xlosses.keras.base import FormulaLoss
from xlosses.losses.margin import hinge as hinge_terms
from xlosses.losses.margin import hinge_slope as slope_of_hinge
from xlosses.losses.margin import squared_hinge as squared_hinge_terms


@named()
class Hinge(FormulaLoss):
    r"""Hinge loss between labels and scores, as a Keras loss.

    .. math::
        \ell = \frac1D \sum_{k=1}^{D} \max(0, 1 - y_k x_k)

    Parameters
    ----------
    reduction, name, dtype : optional
        As in `Loss`.

    Returns
    -------
    Hinge
        Called as ``loss(y_true, y_pred, sample_weight=None)``. `y_true` holds -1 and 1, or 0 and 1,
        which are converted when no other value occurs.

    Raises
    ------
    TypeError, ValueError
        As in `Loss`.

    Notes
    -----
    The gradient is that of `xlosses.hinge_loss`, 0 at the kink.

    References
    ----------
    Keras 3 API, ``keras.losses.Hinge``.

    Examples
    --------
    >>> from xlosses.keras import Hinge
    >>> y_true, y_pred = [[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]]
    >>> print(f"{Hinge()(y_true, y_pred):.2f}")
    1.30
    >>> print(f"{Hinge()(y_true, y_pred, sample_weight=[1, 0]):.2f}")
    0.55
    """

    terms = averaged(hinge_terms)

    def prepared(self, xp: Namespace, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        y_true, y_pred = same_rank(y_true, y_pred)
        return as_signs(xp, y_true, y_pred), y_pred


@named()
def hinge(y_true: Any, y_pred: Any) -> Any:
    r"""Hinge loss averaged over the last axis, as a Keras function.

    .. math::
        \ell = \frac1D \sum_{k=1}^{D} \max(0, 1 - y_k x_k)

    Parameters
    ----------
    y_true : array or list
        -1 and 1, or 0 and 1, which are converted when no other value occurs.
    y_pred : array or list
        Scores in the shape of `y_true`, up to a trailing axis of length one.

    Returns
    -------
    array
        One value per sample, in the shape of `y_pred` without its last axis.

    Raises
    ------
    TypeError, ValueError
        As in `Loss`.

    Notes
    -----
    The gradient is that of `xlosses.hinge_loss`, 0 at the kink.

    References
    ----------
    Keras 3 API, ``keras.losses.hinge``.

    Examples
    --------
    >>> import numpy as np
    >>> from xlosses.keras import hinge
    >>> hinge(np.asarray([[0.0, 1.0], [0.0, 0.0]]), np.asarray([[0.5, 0.5], [0.25, 0.25]])).tolist()
    [1.0, 1.25]
    """
    return Hinge().call(y_true, y_pred)


@named()
class SquaredHinge(Hinge):
    r"""Squared hinge loss between labels and scores, as a Keras loss.

    .. math::
        \ell = \frac1D \sum_{k=1}^{D} \max(0, 1 - y_k x_k)^2

    Parameters
    ----------
    reduction, name, dtype : optional
        As in `Loss`.

    Returns
    -------
    SquaredHinge
        Called as ``loss(y_true, y_pred, sample_weight=None)``, with labels as `Hinge` takes them.

    Raises
    ------
    TypeError, ValueError
        As in `Loss`.

    Notes
    -----
    The gradient is that of `xlosses.squared_hinge_loss`.

    References
    ----------
    Keras 3 API, ``keras.losses.SquaredHinge``.

    Examples
    --------
    >>> from xlosses.keras import SquaredHinge
    >>> float(SquaredHinge()([[0, 1], [1, 1]], [[-0.5, 0.5], [1.0, 2.0]]))
    0.125
    """

    terms = averaged(squared_hinge_terms)


@named()
def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    r"""Squared hinge loss averaged over the last axis, as a Keras function.

    .. math::
        \ell = \frac1D \sum_{k=1}^{D} \max(0, 1 - y_k x_k)^2

    Parameters
    ----------
    y_true : array or list
        -1 and 1, or 0 and 1, which are converted when no other value occurs.
    y_pred : array or list
        Scores in the shape of `y_true`, up to a trailing axis of length one.

    Returns
    -------
    array
        One value per sample, in the shape of `y_pred` without its last axis.

    Raises
    ------
    TypeError, ValueError
        As in `Loss`.

    Notes
    -----
    The gradient is that of `xlosses.squared_hinge_loss`.

    References
    ----------
    Keras 3 API, ``keras.losses.squared_hinge``.

    Examples
    --------
    >>> from xlosses.keras import squared_hinge
    >>> squared_hinge([[0, 1], [1, 1]], [[-0.5, 0.5], [1.0, 2.0]]).tolist()
    [0.25, 0.0]
    """
    return SquaredHinge().call(y_true, y_pred)


@formula("rows", "rows")
def categorical_hinge_terms(xp: Any, x: Array, y: Array) -> Any:
    return hinge_terms(xp, lead(xp, x, y), 1.0)


@categorical_hinge_terms.slope
def categorical_hinge_slope(xp: Any, x: Array, y: Array) -> Any:
    rivals = (1.0 - y) * x
    best = xp.astype(rivals == xp.max(rivals, axis=-1, keepdims=True), x.dtype)
    by_lead = y - (1.0 - y) * best / xp.sum(best, axis=-1, keepdims=True)
    return slope_of_hinge(xp, lead(xp, x, y), 1.0)[..., None] * by_lead


def lead(xp: Any, x: Array, y: Array) -> Any:
    """How far the score of the class is above the best of the others and 0."""
    return xp.sum(y * x, axis=-1) - xp.max((1.0 - y) * x, axis=-1)


@named()
class CategoricalHinge(FormulaLoss):
    r"""Hinge loss of the score of a class against the best of the others, as a Keras loss.

    .. math::
        \ell = \max\left(0, 1 + \max_k (1 - y_k) x_k - \sum_k y_k x_k\right)

    Parameters
    ----------
    reduction, name, dtype : optional
        As in `Loss`.

    Returns
    -------
    CategoricalHinge
        Called as ``loss(y_true, y_pred, sample_weight=None)``, where `y_true` is 1 for the class and 0 for
        the others.

    Raises
    ------
    TypeError, ValueError
        As in `Loss`.

    Notes
    -----
    The best of the others is at least 0, because the class itself counts as 0 among them: so Keras has
    it. `xlosses.multiclass_hinge_loss` compares with the others alone. The gradient at the kink is 0; of
    equal scores each has its share.

    References
    ----------
    Keras 3 API, ``keras.losses.CategoricalHinge``.

    Examples
    --------
    >>> from xlosses.keras import CategoricalHinge
    >>> float(CategoricalHinge()([[0, 1, 0]], [[0.25, 0.5, 0.0]]))
    0.75
    """

    terms = categorical_hinge_terms


@named()
def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    r"""Hinge loss of the score of a class against the best of the others, as a Keras function.

    .. math::
        \ell = \max\left(0, 1 + \max_k (1 - y_k) x_k - \sum_k y_k x_k\right)

    Parameters
    ----------
    y_true : array or list
        1 for the class and 0 for the others, along the last axis.
    y_pred : array or list
        Scores in the shape of `y_true`.

    Returns
    -------
    array
        One value per sample, in the shape of `y_pred` without its last axis.

    Raises
    ------
    TypeError, ValueError
        As in `Loss`.

    Notes
    -----
    The best of the others is at least 0, as in `CategoricalHinge`. The gradient at the kink is 0.

    References
    ----------
    Keras 3 API, ``keras.losses.categorical_hinge``.

    Examples
    --------
    >>> from xlosses.keras import categorical_hinge
    >>> categorical_hinge([[0, 1, 0], [1, 0, 0]], [[0.25, 0.5, 0.0], [2.0, -1.0, -1.0]]).tolist()
    [0.75, 0.0]
    """
    return CategoricalHinge().call(y_true, y_pred)


def as_signs(xp: Namespace, y: Any, like: Any) -> Any:
    """-1 and 1 for labels that are all 0 or 1; other labels as they are."""
    y = real(xp, y, like)
    return xp.where(xp.all(xp.logical_or(y == 0, y == 1)), 2.0 * y - 1.0, y)
