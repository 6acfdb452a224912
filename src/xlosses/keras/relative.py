"""Errors in proportion to what was to be predicted, as Keras has them."""

from __future__ import annotations

from typing import Any

from xlosses.keras._formulas import EPSILON, averaged, clipped, through
from xlosses.keras._names import named
from xlosses.keras.base import FormulaLoss
from xlosses.losses.relative import percentage, squared_log_error


@named()
class MeanAbsolutePercentageError(FormulaLoss):
    r"""Mean of absolute errors in percent of the targets, as a Keras loss.

    .. math::
        \ell = \frac{100}{D} \sum_{k=1}^{D} \frac{|x_k - y_k|}{\max(|y_k|, 10^{-7})}

    Parameters
    ----------
    reduction, name, dtype : optional
        As in `Loss`.

    Returns
    -------
    MeanAbsolutePercentageError
        Called as ``loss(y_true, y_pred, sample_weight=None)``.

    Raises
    ------
    TypeError, ValueError
        As in `Loss`.

    Notes
    -----
    In percent, where `xlosses.mape_loss` is a share. The gradient at the kink is 0.

    References
    ----------
    Keras 3 API, ``keras.losses.MeanAbsolutePercentageError``.

    Examples
    --------
    >>> from xlosses.keras import MeanAbsolutePercentageError
    >>> float(MeanAbsolutePercentageError()([[2.0, 4.0]], [[1.0, 5.0]]))
    37.5
    """

    terms = averaged(percentage, 100.0, eps=EPSILON)


@named("mape", "MAPE")
def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    r"""Absolute errors in percent of the targets, averaged over the last axis, as a Keras function.

    .. math::
        \ell = \frac{100}{D} \sum_{k=1}^{D} \frac{|x_k - y_k|}{\max(|y_k|, 10^{-7})}

    Parameters
    ----------
    y_true : array or list
        Targets.
    y_pred : array or list
        Predictions in the shape of `y_true`, up to a trailing axis of length one.

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
    In percent, where `xlosses.mape_loss` is a share. The gradient at the kink is 0.

    References
    ----------
    Keras 3 API, ``keras.losses.mean_absolute_percentage_error``.

    Examples
    --------
    >>> from xlosses.keras import mean_absolute_percentage_error
    >>> mean_absolute_percentage_error([[2.0, 4.0]], [[1.0, 5.0]]).tolist()
    [37.5]
    """
    return MeanAbsolutePercentageError().call(y_true, y_pred)


@named()
class MeanSquaredLogarithmicError(FormulaLoss):
    r"""Mean of squared errors of logarithms, as a Keras loss.

    .. math::
        \ell = \frac1D \sum_{k=1}^{D} \log^2 \frac{1 + \max(x_k, \epsilon)}{1 + \max(y_k, \epsilon)},
        \qquad \epsilon = 10^{-7}

    Parameters
    ----------
    reduction, name, dtype : optional
        As in `Loss`.

    Returns
    -------
    MeanSquaredLogarithmicError
        Called as ``loss(y_true, y_pred, sample_weight=None)``.

    Raises
    ------
    TypeError, ValueError
        As in `Loss`.

    Notes
    -----
    Negative numbers count as 1e-7, with gradient 0; `xlosses.msle_loss` takes them down to -1.

    References
    ----------
    Keras 3 API, ``keras.losses.MeanSquaredLogarithmicError``.

    Examples
    --------
    >>> from xlosses.keras import MeanSquaredLogarithmicError
    >>> print(f"{MeanSquaredLogarithmicError()([[1.0, 0.0]], [[3.0, 0.0]]):.6f}")
    0.240227
    """

    terms = averaged(through(clipped(EPSILON, None), squared_log_error, of_both=True))


@named("msle", "MSLE")
def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    r"""Squared errors of logarithms, averaged over the last axis, as a Keras function.

    .. math::
        \ell = \frac1D \sum_{k=1}^{D} \log^2 \frac{1 + \max(x_k, \epsilon)}{1 + \max(y_k, \epsilon)},
        \qquad \epsilon = 10^{-7}

    Parameters
    ----------
    y_true : array or list
        Targets.
    y_pred : array or list
        Predictions in the shape of `y_true`, up to a trailing axis of length one.

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
    Negative numbers count as 1e-7, with gradient 0; `xlosses.msle_loss` takes them down to -1.

    References
    ----------
    Keras 3 API, ``keras.losses.mean_squared_logarithmic_error``.

    Examples
    --------
    >>> from xlosses.keras import mean_squared_logarithmic_error
    >>> mean_squared_logarithmic_error([[1.0, 0.0]], [[1.0, -0.5]]).tolist()
    [0.0]
    """
    return MeanSquaredLogarithmicError().call(y_true, y_pred)
