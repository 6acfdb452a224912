"""Sets of pixels, as Keras has them."""

from __future__ import annotations

from typing import Any

from xlosses._core.checks import nonnegative
from xlosses._core.formula import formula
from xlosses._typing import Array, Number
from xlosses.keras._formulas import EPSILON
from xlosses.keras._names import named
from xlosses.keras.base import FormulaLoss
from xlosses.losses.overlap import one_less
from xlosses.losses.segmentation import right_and_wrong, tversky_slopes


@formula("rows", "rows")
def tversky_terms(xp: Any, p: Array, t: Array, alpha: Number, beta: Number, smooth: Number) -> Any:
    right, wrong = right_and_wrong(xp, p, t, None, beta, alpha)
    return one_less(xp, right, wrong + smooth, wrong + right + smooth)


@tversky_terms.slope
def tversky_slope(xp: Any, p: Array, t: Array, alpha: Number, beta: Number, smooth: Number) -> Any:
    right, wrong = right_and_wrong(xp, p, t, None, beta, alpha)
    return next(tversky_slopes(xp, p, t, right, wrong + smooth, beta, alpha, 0.0))


class OverlapLoss(FormulaLoss):
    """A loss of sets along axes: what both of these take."""

    terms = tversky_terms

    def _take(self, axis: Any) -> None:
        self.axis = tuple(axis) if isinstance(axis, (list, tuple)) else axis


@named()
class Dice(OverlapLoss):
    r"""How far two sets fail to overlap, as a Keras loss.

    .. math::
        \ell = 1 - \frac{2 \sum_k x_k y_k}{\sum_k x_k + \sum_k y_k + 10^{-7}}

    Parameters
    ----------
    axis : int, tuple of int or None
        The axes that the entries of one set lie along; None for all, so that the batch is one set.
    reduction, name, dtype : optional
        As in `Loss`.

    Returns
    -------
    Dice
        Called as ``loss(y_true, y_pred, sample_weight=None)``, with
        probabilities in `y_pred`.

    Raises
    ------
    ValueError
        Weights of samples with `axis=None`, and as in `Loss`.
    TypeError
        As in `Loss`.

    Notes
    -----
    Two empty sets cost 1, because the 1e-7 is in the denominator alone, as Keras has it; in
    `xlosses.dice_loss` they cost 0. The gradient is that of the formula, without a kink. With `axis=None`
    there is no loss of a sample for weights to count.

    References
    ----------
    Keras 3 API, ``keras.losses.Dice``.

    Examples
    --------
    >>> from xlosses.keras import Dice
    >>> print(f"{Dice(axis=-1)([[0, 1], [1, 1]], [[0.0, 1.0], [1.0, 0.0]]):.6f}")
    0.166667
    """

    options = ("axis",)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "dice",
        axis: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self._take(axis)

    def parameters(self) -> dict[str, Any]:
        return {"alpha": 0.5, "beta": 0.5, "smooth": 0.5 * EPSILON}


@named()
def dice(y_true: Any, y_pred: Any, axis: Any = None) -> Any:
    r"""How far two sets fail to overlap, as a Keras function.

    .. math::
        \ell = 1 - \frac{2 \sum_k x_k y_k}{\sum_k x_k + \sum_k y_k + 10^{-7}}

    Parameters
    ----------
    y_true : array or list
        0 and 1, or probabilities.
    y_pred : array or list
        Probabilities in the shape of `y_true`, up to a trailing axis of length one.
    axis : int, tuple of int or None
        The axes that the entries of one set lie along; None for all, so that the batch is one set.

    Returns
    -------
    array
        One value per set, in the shape of `y_pred` without `axis`.

    Raises
    ------
    TypeError, ValueError
        As in `Loss`.

    Notes
    -----
    Two empty sets cost 1, because the 1e-7 is in the denominator alone, as Keras has it; in
    `xlosses.dice_loss` they cost 0. The gradient is that of the formula, without a kink.

    References
    ----------
    Keras 3 API, ``keras.losses.dice``.

    Examples
    --------
    >>> from xlosses.keras import dice
    >>> dice([[0, 1], [1, 1]], [[0.0, 1.0], [0.0, 0.0]], axis=-1).round(6).tolist()
    [0.0, 1.0]
    """
    return Dice(axis=axis).call(y_true, y_pred)


@named()
class Tversky(OverlapLoss):
    r"""How far two sets fail to overlap, misses and false alarms weighed apart, as a Keras loss.

    .. math::
        \ell = 1 - \frac{T}{T + \alpha M + \beta F + \epsilon},
        \qquad T = \sum_k x_k y_k, \quad M = \sum_k (1 - x_k) y_k, \quad F = \sum_k x_k (1 - y_k)

    Parameters
    ----------
    alpha : number
        :math:`\alpha \ge 0`, what an entry counts that is missed.
    beta : number
        :math:`\beta \ge 0`, what a false alarm counts.
    axis : int, tuple of int or None
        The axes that the entries of one set lie along; None for all, so that the batch is one set.
    reduction, name, dtype : optional
        As in `Loss`.

    Returns
    -------
    Tversky
        Called as ``loss(y_true, y_pred, sample_weight=None)``, with
        probabilities in `y_pred`.

    Raises
    ------
    ValueError
        `alpha` or `beta` below 0, weights of samples with `axis=None`, and as in `Loss`.
    TypeError
        As in `Loss`.

    Notes
    -----
    Here :math:`\alpha` weighs what is missed, as Keras has it; in the paper and in `xlosses.tversky_loss` it
    weighs false alarms. :math:`\epsilon = 10^{-7}`, so that two empty sets cost 1. The gradient has no kink.

    References
    ----------
    Keras 3 API, ``keras.losses.Tversky``.

    Examples
    --------
    >>> from xlosses.keras import Tversky
    >>> print(f"{Tversky(alpha=0.75, beta=0.25)([[1, 1]], [[1.0, 0.0]]):.6f}")
    0.428571
    """

    options = ("alpha", "beta", "axis")

    def __init__(
        self,
        alpha: Number = 0.5,
        beta: Number = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self._take(axis)
        self.alpha, self.beta = nonnegative(alpha=alpha), nonnegative(beta=beta)

    def parameters(self) -> dict[str, Any]:
        return {"alpha": self.alpha, "beta": self.beta, "smooth": EPSILON}


@named()
def tversky(y_true: Any, y_pred: Any, alpha: Number = 0.5, beta: Number = 0.5, axis: Any = None) -> Any:
    r"""How far two sets fail to overlap, misses and false alarms weighed apart, as a Keras function.

    .. math::
        \ell = 1 - \frac{T}{T + \alpha M + \beta F + \epsilon},
        \qquad T = \sum_k x_k y_k, \quad M = \sum_k (1 - x_k) y_k, \quad F = \sum_k x_k (1 - y_k)

    Parameters
    ----------
    y_true : array or list
        0 and 1, or probabilities.
    y_pred : array or list
        Probabilities in the shape of `y_true`, up to a trailing axis of length one.
    alpha : number
        :math:`\alpha \ge 0`, what an entry counts that is missed.
    beta : number
        :math:`\beta \ge 0`, what a false alarm counts.
    axis : int, tuple of int or None
        The axes that the entries of one set lie along; None for all, so that the batch is one set.

    Returns
    -------
    array
        One value per set, in the shape of `y_pred` without `axis`.

    Raises
    ------
    ValueError
        `alpha` or `beta` below 0, and as in `Loss`.
    TypeError
        As in `Loss`.

    Notes
    -----
    Here :math:`\alpha` weighs what is missed, as Keras has it; in the paper and in `xlosses.tversky_loss` it
    weighs false alarms. :math:`\epsilon = 10^{-7}`, so that two empty sets cost 1. The gradient has no kink.

    References
    ----------
    Keras 3 API, ``keras.losses.tversky``.

    Examples
    --------
    >>> from xlosses.keras import tversky
    >>> tversky([[1, 1]], [[1.0, 0.0]], alpha=1.0, beta=0.0, axis=-1).round(6).tolist()
    [0.5]
    """
    return Tversky(alpha, beta, axis=axis).call(y_true, y_pred)
