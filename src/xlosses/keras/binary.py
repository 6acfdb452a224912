"""Probabilities or logits against yes and no, as Keras has them."""

from __future__ import annotations

from typing import Any, ClassVar

from xlosses._backends import Namespace
from xlosses._core.checks import fraction, nonnegative, proportion
from xlosses._core.formula import Formula, formula
from xlosses._core.numerics import quotient
from xlosses._typing import Array, Number
from xlosses.keras._arrays import real, same_rank
from xlosses.keras._formulas import averaged, certain, sigmoid, through
from xlosses.keras._names import named
from xlosses.keras.base import FormulaLoss
from xlosses.losses.binary import binary_from_logits, binary_from_probabilities
from xlosses.losses.focal import balance, power

entropy = through(certain, binary_from_probabilities)


class EntropyLoss(FormulaLoss):
    """A loss of probabilities or of logits, with smoothed targets: those of yes and no, unless overridden."""

    options: ClassVar[tuple[str, ...]] = ("from_logits", "label_smoothing", "axis")
    of_logits: ClassVar[Formula]

    def _take(self, from_logits: bool, label_smoothing: Number, axis: Any) -> None:
        self.from_logits, self.axis = bool(from_logits), axis
        self.label_smoothing = fraction(label_smoothing=label_smoothing)

    def form(self) -> Formula:
        return self.of_logits if self.from_logits else self.terms

    def prepared(self, xp: Namespace, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        y_true, y_pred = same_rank(y_true, y_pred)
        share = self.label_smoothing
        return (1.0 - share) * real(xp, y_true, y_pred) + 0.5 * share, y_pred


@named()
class BinaryCrossentropy(EntropyLoss):
    r"""Cross entropy of yes and no, as a Keras loss.

    .. math::
        \ell = -\frac1D \sum_{k=1}^{D} \left(t_k \log p_k + (1 - t_k) \log(1 - p_k)\right),
        \qquad t = (1 - s)\, y + s / 2

    Parameters
    ----------
    from_logits : bool
        Whether `y_pred` holds logits rather than probabilities.
    label_smoothing : number
        :math:`s \in [0, 1)`, the share of each target that is spread evenly over yes and no.
    axis : int
        The axis that the mean is over.
    reduction, name, dtype : optional
        As in `Loss`.

    Returns
    -------
    BinaryCrossentropy
        Called as ``loss(y_true, y_pred, sample_weight=None)``.

    Raises
    ------
    ValueError
        `label_smoothing` outside [0, 1), and as in `Loss`.
    TypeError
        As in `Loss`.

    Notes
    -----
    Probabilities are kept 1e-7 away from 0 and 1, with gradient 0 beyond, as Keras does it; logits are not.
    The gradient by logits is that of `xlosses.binary_cross_entropy`.

    References
    ----------
    Keras 3 API, ``keras.losses.BinaryCrossentropy``.

    Examples
    --------
    >>> from xlosses.keras import BinaryCrossentropy
    >>> print(f"{BinaryCrossentropy()([[0, 1]], [[0.5, 0.25]]):.6f}")
    1.039721
    >>> print(f"{BinaryCrossentropy(from_logits=True)([[0, 1]], [[0.0, 0.0]]):.6f}")
    0.693147
    """

    terms = averaged(entropy)
    of_logits = averaged(binary_from_logits)

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: Number = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self._take(from_logits, label_smoothing, axis)


@named("bce", "BCE")
def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: Number = 0.0, axis: int = -1
) -> Any:
    r"""Cross entropy of yes and no, averaged over an axis, as a Keras function.

    .. math::
        \ell = -\frac1D \sum_{k=1}^{D} \left(t_k \log p_k + (1 - t_k) \log(1 - p_k)\right),
        \qquad t = (1 - s)\, y + s / 2

    Parameters
    ----------
    y_true : array or list
        0 and 1, or probabilities.
    y_pred : array or list
        Probabilities or logits in the shape of `y_true`, up to a trailing axis of length one.
    from_logits : bool
        Whether `y_pred` holds logits rather than probabilities.
    label_smoothing : number
        :math:`s \in [0, 1)`, the share of each target that is spread evenly over yes and no.
    axis : int
        The axis that the mean is over.

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
    Probabilities are kept 1e-7 away from 0 and 1, with gradient 0 beyond, as Keras does it; logits are not.
    The gradient by logits is that of `xlosses.binary_cross_entropy`.

    References
    ----------
    Keras 3 API, ``keras.losses.binary_crossentropy``.

    Examples
    --------
    >>> from xlosses.keras import binary_crossentropy
    >>> binary_crossentropy([[0, 1]], [[0.5, 0.5]])
    array([0.6931472], dtype=float32)
    """
    return BinaryCrossentropy(from_logits, label_smoothing, axis).call(y_true, y_pred)


@formula
def focal(xp: Any, p: Array, y: Any, gamma: Number, alpha: Number | None = None) -> Any:
    loss = power(xp, doubt(p, y), gamma) * entropy(xp, p, y)
    return loss if alpha is None else balance(y, alpha) * loss


@focal.slope
def focal_slope(xp: Any, p: Array, y: Any, gamma: Number, alpha: Number | None = None) -> Any:
    factor = power(xp, doubt(p, y), gamma)
    by_doubt = quotient(xp, gamma * factor * (1.0 - 2.0 * y), doubt(p, y))
    slope = by_doubt * entropy(xp, p, y) + factor * entropy.slopes(xp, (p, y), {}, (0,))[0]
    return slope if alpha is None else balance(y, alpha) * slope


def doubt(p: Array, y: Any) -> Any:
    """The probability of what is not so."""
    return y * (1.0 - p) + (1.0 - y) * p


@named()
class BinaryFocalCrossentropy(EntropyLoss):
    r"""Cross entropy of yes and no in which what is certain counts less, as a Keras loss.

    .. math::
        \ell = -\frac1D \sum_{k=1}^{D} (1 - \pi_k)^\gamma \left(t_k \log p_k + (1 - t_k) \log(1 - p_k)\right),
        \qquad \pi = t p + (1 - t)(1 - p), \quad t = (1 - s)\, y + s / 2

    Parameters
    ----------
    apply_class_balancing : bool
        Whether a target weighs :math:`\alpha t + (1 - \alpha)(1 - t)`.
    alpha : number
        :math:`\alpha \in (0, 1)`, which counts with `apply_class_balancing` only.
    gamma : number
        :math:`\gamma \ge 0`, how much less what is certain counts.
    from_logits : bool
        Whether `y_pred` holds logits rather than probabilities.
    label_smoothing : number
        :math:`s \in [0, 1)`, the share of each target that is spread evenly over yes and no.
    axis : int
        The axis that the mean is over.
    reduction, name, dtype : optional
        As in `Loss`.

    Returns
    -------
    BinaryFocalCrossentropy
        Called as ``loss(y_true, y_pred, sample_weight=None)``.

    Raises
    ------
    ValueError
        `label_smoothing` outside [0, 1), `alpha` outside (0, 1), `gamma` below 0, and as in `Loss`.
    TypeError
        As in `Loss`.

    Notes
    -----
    Probabilities are kept 1e-7 away from 0 and 1 in the logarithms, of logits, too, as Keras does it: there
    the loss of a wrong sample stops growing, and its gradient vanishes. `xlosses.sigmoid_focal_loss` has no
    such end.

    References
    ----------
    Keras 3 API, ``keras.losses.BinaryFocalCrossentropy``.

    Examples
    --------
    >>> from xlosses.keras import BinaryFocalCrossentropy
    >>> print(f"{BinaryFocalCrossentropy(gamma=1.0)([[0, 1]], [[0.5, 0.5]]):.6f}")
    0.346574
    """

    terms = averaged(focal)
    of_logits = averaged(through(sigmoid, focal))
    options = (*EntropyLoss.options, "apply_class_balancing", "alpha", "gamma")

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: Number = 0.25,
        gamma: Number = 2.0,
        from_logits: bool = False,
        label_smoothing: Number = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self._take(from_logits, label_smoothing, axis)
        self.apply_class_balancing = bool(apply_class_balancing)
        self.alpha, self.gamma = proportion(alpha=alpha), nonnegative(gamma=gamma)

    def parameters(self) -> dict[str, Any]:
        balance = {"alpha": self.alpha} if self.apply_class_balancing else {}
        return {"gamma": self.gamma, **balance}


@named()
def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: Number = 0.25,
    gamma: Number = 2.0,
    from_logits: bool = False,
    label_smoothing: Number = 0.0,
    axis: int = -1,
) -> Any:
    r"""Cross entropy of yes and no in which what is certain counts less, averaged, as a Keras function.

    .. math::
        \ell = -\frac1D \sum_{k=1}^{D} (1 - \pi_k)^\gamma \left(t_k \log p_k + (1 - t_k) \log(1 - p_k)\right),
        \qquad \pi = t p + (1 - t)(1 - p), \quad t = (1 - s)\, y + s / 2

    Parameters
    ----------
    y_true : array or list
        0 and 1, or probabilities.
    y_pred : array or list
        Probabilities or logits in the shape of `y_true`, up to a trailing axis of length one.
    apply_class_balancing : bool
        Whether a target weighs :math:`\alpha t + (1 - \alpha)(1 - t)`.
    alpha : number
        :math:`\alpha \in (0, 1)`, which counts with `apply_class_balancing` only.
    gamma : number
        :math:`\gamma \ge 0`, how much less what is certain counts.
    from_logits : bool
        Whether `y_pred` holds logits rather than probabilities.
    label_smoothing : number
        :math:`s \in [0, 1)`, the share of each target that is spread evenly over yes and no.
    axis : int
        The axis that the mean is over.

    Returns
    -------
    array
        One value per sample, in the shape of `y_pred` without `axis`.

    Raises
    ------
    ValueError
        `label_smoothing` outside [0, 1), `alpha` outside (0, 1), `gamma` below 0, and as in `Loss`.
    TypeError
        As in `Loss`.

    Notes
    -----
    Probabilities are kept 1e-7 away from 0 and 1 in the logarithms, of logits, too, as Keras does it: there
    the loss of a wrong sample stops growing, and its gradient vanishes. `xlosses.sigmoid_focal_loss` has no
    such end.

    References
    ----------
    Keras 3 API, ``keras.losses.binary_focal_crossentropy``.

    Examples
    --------
    >>> from xlosses.keras import binary_focal_crossentropy
    >>> binary_focal_crossentropy([[0, 1]], [[0.5, 0.5]])
    array([0.1732868], dtype=float32)
    """
    loss = BinaryFocalCrossentropy(apply_class_balancing, alpha, gamma, from_logits, label_smoothing, axis)
    return loss.call(y_true, y_pred)
