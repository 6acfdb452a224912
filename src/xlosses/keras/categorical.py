"""Probabilities or logits against classes one-hot, as Keras has them."""

from __future__ import annotations

from typing import Any

from xlosses._backends import Namespace
from xlosses._core.checks import axes_of, is_number, nonnegative, positive
from xlosses._core.formula import formula
from xlosses._core.numerics import sum_of_products
from xlosses._typing import Array, Number
from xlosses.keras._arrays import real, same_rank
from xlosses.keras._formulas import certain, shares, softmax, through
from xlosses.keras._names import named
from xlosses.keras.binary import EntropyLoss, focal, focal_slope
from xlosses.losses.classification import cross_entropy_of_probabilities


@formula("rows", "rows")
def surprise(xp: Any, p: Array, t: Array) -> Any:
    return sum_of_products(xp, t, -xp.log(p))


@surprise.slope
def surprise_slope(xp: Any, p: Array, t: Array) -> Any:
    return -t / p


@formula("rows", "rows")
def of_logits(xp: Any, x: Array, t: Array) -> Any:
    return cross_entropy_of_probabilities(xp, x, t, None)


@of_logits.slope
def of_logits_slope(xp: Any, x: Array, t: Array) -> Any:
    return cross_entropy_of_probabilities.slopes(xp, (x, t, None), {}, (0,))[0]


@formula("rows", "rows")
def focal_surprise(xp: Any, p: Array, t: Array, gamma: Number, alpha: Number) -> Any:
    return xp.sum(alpha * t * focal(xp, p, 1.0, gamma), axis=-1)


@focal_surprise.slope
def focal_surprise_slope(xp: Any, p: Array, t: Array, gamma: Number, alpha: Number) -> Any:
    return alpha * t * focal_slope(xp, p, 1.0, gamma)


class CategoricalLoss(EntropyLoss):
    """The same of classes along an axis."""

    def prepared(self, xp: Namespace, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        y_true, y_pred = same_rank(y_true, y_pred)
        share = self.label_smoothing
        if (is_number(share) and share == 0) or not y_true.shape:
            return y_true, y_pred
        (axis,) = axes_of(len(y_true.shape), self.axis)
        return (1.0 - share) * real(xp, y_true, y_pred) + share / y_true.shape[axis], y_pred


@named()
class CategoricalCrossentropy(CategoricalLoss):
    r"""Cross entropy of classes that are given one-hot, as a Keras loss.

    .. math::
        \ell = -\sum_{k=1}^{C} t_k \log p_k, \qquad t = (1 - s)\, y + s / C

    Parameters
    ----------
    from_logits : bool
        Whether `y_pred` holds logits rather than probabilities.
    label_smoothing : number
        :math:`s \in [0, 1)`, the share of each target that is spread evenly over the classes.
    axis : int
        The axis that the classes lie along.
    reduction, name, dtype : optional
        As in `Loss`.

    Returns
    -------
    CategoricalCrossentropy
        Called as ``loss(y_true, y_pred, sample_weight=None)``.

    Raises
    ------
    ValueError
        `label_smoothing` outside [0, 1), and as in `Loss`.
    TypeError
        As in `Loss`.

    Notes
    -----
    Probabilities are divided by their sum over `axis`, and then kept 1e-7 away from 0 and 1, with gradient 0
    beyond, as Keras does it; the softmax of logits is not. Smoothing spreads over the classes of `axis`;
    Keras counts those of the last axis. The gradient by logits is that of `xlosses.cross_entropy`.

    References
    ----------
    Keras 3 API, ``keras.losses.CategoricalCrossentropy``.

    Examples
    --------
    >>> from xlosses.keras import CategoricalCrossentropy
    >>> print(f"{CategoricalCrossentropy()([[0, 1, 0]], [[0.25, 0.5, 0.25]]):.6f}")
    0.693147
    """

    terms = through(shares, through(certain, surprise))
    of_logits = of_logits

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: Number = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self._take(from_logits, label_smoothing, axis)


@named()
def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: Number = 0.0, axis: int = -1
) -> Any:
    r"""Cross entropy of classes that are given one-hot, as a Keras function.

    .. math::
        \ell = -\sum_{k=1}^{C} t_k \log p_k, \qquad t = (1 - s)\, y + s / C

    Parameters
    ----------
    y_true : array or list
        1 for the class and 0 for the others, or probabilities.
    y_pred : array or list
        Probabilities or logits in the shape of `y_true`.
    from_logits : bool
        Whether `y_pred` holds logits rather than probabilities.
    label_smoothing : number
        :math:`s \in [0, 1)`, the share of each target that is spread evenly over the classes.
    axis : int
        The axis that the classes lie along.

    Returns
    -------
    array
        One value per sample, in the shape of `y_pred` without `axis`.

    Raises
    ------
    ValueError
        `label_smoothing` outside [0, 1), and as in `Loss`.
    TypeError
        As in `Loss`.

    Notes
    -----
    Probabilities are divided by their sum over `axis`, and then kept 1e-7 away from 0 and 1, with gradient 0
    beyond, as Keras does it; the softmax of logits is not. Smoothing spreads over the classes of `axis`;
    Keras counts those of the last axis. The gradient by logits is that of `xlosses.cross_entropy`.

    References
    ----------
    Keras 3 API, ``keras.losses.categorical_crossentropy``.

    Examples
    --------
    >>> from xlosses.keras import categorical_crossentropy
    >>> categorical_crossentropy([[0, 1, 0]], [[0.25, 0.5, 0.25]])
    array([0.6931472], dtype=float32)
    """
    return CategoricalCrossentropy(from_logits, label_smoothing, axis).call(y_true, y_pred)


@named()
class CategoricalFocalCrossentropy(CategoricalLoss):
    r"""Cross entropy of classes in which what is certain counts less, as a Keras loss.

    .. math::
        \ell = -\alpha \sum_{k=1}^{C} t_k (1 - p_k)^\gamma \log p_k, \qquad t = (1 - s)\, y + s / C

    Parameters
    ----------
    alpha : number
        :math:`\alpha > 0`, a factor.
    gamma : number
        :math:`\gamma \ge 0`, how much less what is certain counts.
    from_logits : bool
        Whether `y_pred` holds logits rather than probabilities.
    label_smoothing : number
        :math:`s \in [0, 1)`, the share of each target that is spread evenly over the classes.
    axis : int
        The axis that the classes lie along.
    reduction, name, dtype : optional
        As in `Loss`.

    Returns
    -------
    CategoricalFocalCrossentropy
        Called as ``loss(y_true, y_pred, sample_weight=None)``.

    Raises
    ------
    ValueError
        `label_smoothing` outside [0, 1), `alpha` not above 0, `gamma` below 0, and as in `Loss`.
    TypeError
        As in `Loss`.

    Notes
    -----
    Probabilities are divided by their sum over `axis`, and then kept 1e-7 away from 0 and 1, with gradient 0
    beyond, the softmax of logits, too, as Keras does it. `xlosses.softmax_focal_loss` has no such end.
    Smoothing spreads over the classes of `axis`; Keras counts those of the last axis.

    References
    ----------
    Keras 3 API, ``keras.losses.CategoricalFocalCrossentropy``.

    Examples
    --------
    >>> from xlosses.keras import CategoricalFocalCrossentropy
    >>> print(f"{CategoricalFocalCrossentropy(alpha=1.0)([[0, 1, 0]], [[0.25, 0.5, 0.25]]):.6f}")
    0.173287
    """

    terms = through(shares, through(certain, focal_surprise))
    of_logits = through(softmax, through(certain, focal_surprise))
    options = (*CategoricalLoss.options, "alpha", "gamma")

    def __init__(
        self,
        alpha: Number = 0.25,
        gamma: Number = 2.0,
        from_logits: bool = False,
        label_smoothing: Number = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self._take(from_logits, label_smoothing, axis)
        self.alpha, self.gamma = positive(alpha=alpha), nonnegative(gamma=gamma)

    def parameters(self) -> dict[str, Any]:
        return {"gamma": self.gamma, "alpha": self.alpha}


@named()
def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: Number = 0.25,
    gamma: Number = 2.0,
    from_logits: bool = False,
    label_smoothing: Number = 0.0,
    axis: int = -1,
) -> Any:
    r"""Cross entropy of classes in which what is certain counts less, as a Keras function.

    .. math::
        \ell = -\alpha \sum_{k=1}^{C} t_k (1 - p_k)^\gamma \log p_k, \qquad t = (1 - s)\, y + s / C

    Parameters
    ----------
    y_true : array or list
        1 for the class and 0 for the others, or probabilities.
    y_pred : array or list
        Probabilities or logits in the shape of `y_true`.
    alpha : number
        :math:`\alpha > 0`, a factor.
    gamma : number
        :math:`\gamma \ge 0`, how much less what is certain counts.
    from_logits : bool
        Whether `y_pred` holds logits rather than probabilities.
    label_smoothing : number
        :math:`s \in [0, 1)`, the share of each target that is spread evenly over the classes.
    axis : int
        The axis that the classes lie along.

    Returns
    -------
    array
        One value per sample, in the shape of `y_pred` without `axis`.

    Raises
    ------
    ValueError
        `label_smoothing` outside [0, 1), `alpha` not above 0, `gamma` below 0, and as in `Loss`.
    TypeError
        As in `Loss`.

    Notes
    -----
    Probabilities are divided by their sum over `axis`, and then kept 1e-7 away from 0 and 1, with gradient 0
    beyond, the softmax of logits, too, as Keras does it. `xlosses.softmax_focal_loss` has no such end.
    Smoothing spreads over the classes of `axis`; Keras counts those of the last axis.

    References
    ----------
    Keras 3 API, ``keras.losses.categorical_focal_crossentropy``.

    Examples
    --------
    >>> from xlosses.keras import categorical_focal_crossentropy
    >>> categorical_focal_crossentropy([[0, 1, 0]], [[0.25, 0.5, 0.25]], alpha=1.0)
    array([0.1732868], dtype=float32)
    """
    return CategoricalFocalCrossentropy(alpha, gamma, from_logits, label_smoothing, axis).call(y_true, y_pred)
