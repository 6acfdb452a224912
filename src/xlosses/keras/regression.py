"""Errors of real predictions, as Keras has them."""

from __future__ import annotations

from typing import Any

from xlosses._core.checks import positive
from xlosses._typing import Number
from xlosses.keras._formulas import averaged
from xlosses.keras._names import named
from xlosses.keras.base import FormulaLoss
from xlosses.losses.regression import absolute_error, squared_error
from xlosses.losses.regression import huber as huber_terms
from xlosses.losses.regression import log_cosh as log_cosh_terms


@named()
class MeanSquaredError(FormulaLoss):
    r"""Mean of squared errors, as a Keras loss.

    .. math::
        \ell = \frac1D \sum_{k=1}^{D} (x_k - y_k)^2

    Parameters
    ----------
    reduction, name, dtype : optional
        As in `Loss`.

    Returns
    -------
    MeanSquaredError
        Called as ``loss(y_true, y_pred, sample_weight=None)``.

    Raises
    ------
    TypeError, ValueError
        As in `Loss`.

    Notes
    -----
    The gradient is that of `xlosses.mse_loss`.

    References
    ----------
    Keras 3 API, ``keras.losses.MeanSquaredError``.

    Examples
    --------
    >>> from xlosses.keras import MeanSquaredError
    >>> float(MeanSquaredError()([[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 0.0]]))
    0.5
    """

    terms = averaged(squared_error)


@named("mse", "MSE")
def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    r"""Squared errors averaged over the last axis, as a Keras function.

    .. math::
        \ell = \frac1D \sum_{k=1}^{D} (x_k - y_k)^2

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
    The gradient is that of `xlosses.mse_loss`.

    References
    ----------
    Keras 3 API, ``keras.losses.mean_squared_error``.

    Examples
    --------
    >>> from xlosses.keras import mean_squared_error
    >>> mean_squared_error([[0.0, 1.0], [0.0, 0.0]], [[2.0, 1.0], [1.0, 0.0]]).tolist()
    [2.0, 0.5]
    """
    return MeanSquaredError().call(y_true, y_pred)


@named()
class MeanAbsoluteError(FormulaLoss):
    r"""Mean of absolute errors, as a Keras loss.

    .. math::
        \ell = \frac1D \sum_{k=1}^{D} |x_k - y_k|

    Parameters
    ----------
    reduction, name, dtype : optional
        As in `Loss`.

    Returns
    -------
    MeanAbsoluteError
        Called as ``loss(y_true, y_pred, sample_weight=None)``.

    Raises
    ------
    TypeError, ValueError
        As in `Loss`.

    Notes
    -----
    The gradient is that of `xlosses.l1_loss`, 0 at the kink.

    References
    ----------
    Keras 3 API, ``keras.losses.MeanAbsoluteError``.

    Examples
    --------
    >>> from xlosses.keras import MeanAbsoluteError
    >>> float(MeanAbsoluteError()([[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 0.0]]))
    0.5
    """

    terms = averaged(absolute_error)


@named("mae", "MAE")
def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    r"""Absolute errors averaged over the last axis, as a Keras function.

    .. math::
        \ell = \frac1D \sum_{k=1}^{D} |x_k - y_k|

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
    The gradient is that of `xlosses.l1_loss`, 0 at the kink.

    References
    ----------
    Keras 3 API, ``keras.losses.mean_absolute_error``.

    Examples
    --------
    >>> from xlosses.keras import mean_absolute_error
    >>> mean_absolute_error([[0.0, 1.0], [0.0, 0.0]], [[2.0, 1.0], [1.0, 0.0]]).tolist()
    [1.0, 0.5]
    """
    return MeanAbsoluteError().call(y_true, y_pred)


@named()
class LogCosh(FormulaLoss):
    r"""Mean logarithm of the hyperbolic cosine of errors, as a Keras loss.

    .. math::
        \ell = \frac1D \sum_{k=1}^{D} \log\cosh(x_k - y_k)

    Parameters
    ----------
    reduction, name, dtype : optional
        As in `Loss`.

    Returns
    -------
    LogCosh
        Called as ``loss(y_true, y_pred, sample_weight=None)``.

    Raises
    ------
    TypeError, ValueError
        As in `Loss`.

    Notes
    -----
    Accurate for small errors, too, where Keras cancels. The gradient is that of `xlosses.log_cosh_loss`.

    References
    ----------
    Keras 3 API, ``keras.losses.LogCosh``.

    Examples
    --------
    >>> from xlosses.keras import LogCosh
    >>> print(f"{LogCosh()([[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [0.0, 0.0]]):.6f}")
    0.108445
    """

    terms = averaged(log_cosh_terms)


@named()
def log_cosh(y_true: Any, y_pred: Any) -> Any:
    r"""Logarithm of the hyperbolic cosine of errors, averaged over the last axis, as a Keras function.

    .. math::
        \ell = \frac1D \sum_{k=1}^{D} \log\cosh(x_k - y_k)

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
    Accurate for small errors, too, where Keras cancels. The gradient is that of `xlosses.log_cosh_loss`.

    References
    ----------
    Keras 3 API, ``keras.losses.log_cosh``.

    Examples
    --------
    >>> from xlosses.keras import log_cosh
    >>> log_cosh([[0.0, 1.0]], [[0.0, 1.0]]).tolist()
    [0.0]
    """
    return LogCosh().call(y_true, y_pred)


@named()
class Huber(FormulaLoss):
    r"""Mean of errors squared where they are small and linear beyond, as a Keras loss.

    .. math::
        \ell = \frac1D \sum_{k=1}^{D} \begin{cases} e_k^2 / 2 & |e_k| \le \delta \\
        \delta\, (|e_k| - \delta / 2) & \text{else} \end{cases}, \qquad e = x - y

    Parameters
    ----------
    delta : number
        :math:`\delta > 0`, the error from which on the loss is linear.
    reduction, name, dtype : optional
        As in `Loss`.

    Returns
    -------
    Huber
        Called as ``loss(y_true, y_pred, sample_weight=None)``.

    Raises
    ------
    ValueError
        `delta` that is not above 0, and as in `Loss`.
    TypeError
        As in `Loss`.

    Notes
    -----
    The gradient is that of `xlosses.huber_loss`. `get_config` has `delta`, which
    that of Keras leaves out.

    References
    ----------
    Keras 3 API, ``keras.losses.Huber``.

    Examples
    --------
    >>> from xlosses.keras import Huber
    >>> float(Huber(delta=0.5)([[0.0, 0.0]], [[0.5, 2.0]]))
    0.5
    """

    terms = averaged(huber_terms)
    options = ("delta",)

    def __init__(
        self,
        delta: Number = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.delta = positive(delta=delta)

    def parameters(self) -> dict[str, Any]:
        return {"delta": self.delta}


@named()
def huber(y_true: Any, y_pred: Any, delta: Number = 1.0) -> Any:
    r"""Errors squared where small and linear beyond, averaged over the last axis, as a Keras function.

    .. math::
        \ell = \frac1D \sum_{k=1}^{D} \begin{cases} e_k^2 / 2 & |e_k| \le \delta \\
        \delta\, (|e_k| - \delta / 2) & \text{else} \end{cases}, \qquad e = x - y

    Parameters
    ----------
    y_true : array or list
        Targets.
    y_pred : array or list
        Predictions in the shape of `y_true`, up to a trailing axis of length one.
    delta : number
        :math:`\delta > 0`, the error from which on the loss is linear.

    Returns
    -------
    array
        One value per sample, in the shape of `y_pred` without its last axis.

    Raises
    ------
    ValueError
        `delta` that is not above 0, and as in `Loss`.
    TypeError
        As in `Loss`.

    Notes
    -----
    The gradient is that of `xlosses.huber_loss`.

    References
    ----------
    Keras 3 API, ``keras.losses.huber``.

    Examples
    --------
    >>> from xlosses.keras import huber
    >>> huber([[0.0, 0.0]], [[0.5, 2.0]], delta=0.5).tolist()
    [0.5]
    """
    return Huber(delta).call(y_true, y_pred)
