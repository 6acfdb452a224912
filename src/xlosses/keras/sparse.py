"""Probabilities or logits against classes by their numbers, as Keras has them."""

from __future__ import annotations

from typing import Any

from xlosses._backends import Namespace
from xlosses._core.checks import axes_of, proportion
from xlosses._core.formula import Formula, declared, formula
from xlosses._core.numerics import quotient
from xlosses._typing import Array, Number
from xlosses.keras._arrays import labels
from xlosses.keras._formulas import certain, shares, through
from xlosses.keras._names import named
from xlosses.keras.base import FormulaLoss
from xlosses.losses.classification import cross_entropy_of_labels, nll
from xlosses.losses.focal import power


@formula("rows", "labels")
def surprise_of_label(xp: Any, p: Array, label: Array) -> Any:
    return nll(xp, xp.log(p), label, None)


@surprise_of_label.slope
def surprise_of_label_slope(xp: Any, p: Array, label: Array) -> Any:
    return xp.put_at(p, label, -1.0 / xp.pick(p, label))


@declared("rows", "labels", shares_softmax=True)
def of_logits(xp: Any, x: Array, label: Array) -> Any:
    return cross_entropy_of_labels(xp, x, label, None)


@of_logits.slope
def of_logits_slope(xp: Any, x: Array, label: Array) -> Any:
    return cross_entropy_of_labels.slopes(xp, (x, label, None), {}, (0,))[0]


class LabelLoss(FormulaLoss):
    """A loss of integer classes."""

    def prepared(self, xp: Namespace, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        (axis,) = axes_of(len(y_pred.shape), self.axis)
        return labels(xp, y_true, y_pred, axis), y_pred


@named()
class SparseCategoricalCrossentropy(LabelLoss):
    r"""Cross entropy of classes that are given as integers, as a Keras loss.

    .. math::
        \ell = -\log p_y

    Parameters
    ----------
    from_logits : bool
        Whether `y_pred` holds logits rather than probabilities.
    ignore_class : int, optional
        A label whose samples are left out, of a mean as well.
    axis : int
        The axis that the classes lie along.
    reduction, name, dtype : optional
        As in `Loss`.

    Returns
    -------
    SparseCategoricalCrossentropy
        Called as ``loss(y_true, y_pred, sample_weight=None)``. `y_true` holds classes in [0, C),
        in the shape of `y_pred` without `axis`, or with a length of one there; real numbers count as the
        integers that they are.

    Raises
    ------
    ValueError
        A label that is no class, and as in `Loss`.
    TypeError
        As in `Loss`.

    Notes
    -----
    Probabilities are divided by their sum over `axis`, and then kept 1e-7 away from 0 and 1, with gradient 0
    beyond, as Keras does it; the softmax of logits is not. The gradient by logits is that of
    `xlosses.cross_entropy`. A label that is no class raises where Python may look at it, and else makes value
    and gradient NaN; Keras returns 0. `get_config` has `axis`, which that of Keras leaves out.

    References
    ----------
    Keras 3 API, ``keras.losses.SparseCategoricalCrossentropy``.

    Examples
    --------
    >>> from xlosses.keras import SparseCategoricalCrossentropy
    >>> print(f"{SparseCategoricalCrossentropy(ignore_class=-1)([1, -1], [[0.5, 0.5], [0.9, 0.1]]):.6f}")
    0.693147
    """

    terms = through(shares, through(certain, surprise_of_label))
    options = ("from_logits", "ignore_class", "axis")

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.from_logits, self.ignore_class, self.axis = bool(from_logits), ignore_class, axis

    def form(self) -> Formula:
        return of_logits if self.from_logits else self.terms

    def evaluated_with(self) -> dict[str, Any]:
        return {**super().evaluated_with(), "ignore_index": self.ignore_class}


@named()
def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Any:
    r"""Cross entropy of classes that are given as integers, as a Keras function.

    .. math::
        \ell = -\log p_y

    Parameters
    ----------
    y_true : array or list
        Classes in [0, C), in the shape of `y_pred` without `axis`, or with a length of one there; real
        numbers count as the integers that they are.
    y_pred : array or list
        Probabilities or logits.
    from_logits : bool
        Whether `y_pred` holds logits rather than probabilities.
    ignore_class : int, optional
        A label whose samples are left out: their value is 0.
    axis : int
        The axis that the classes lie along.

    Returns
    -------
    array
        One value per sample, in the shape of `y_pred` without `axis`.

    Raises
    ------
    ValueError
        A label that is no class, and as in `Loss`.
    TypeError
        As in `Loss`.

    Notes
    -----
    Probabilities are divided by their sum over `axis`, and then kept 1e-7 away from 0 and 1, with gradient 0
    beyond, as Keras does it; the softmax of logits is not. The gradient by logits is that of
    `xlosses.cross_entropy`. A label that is no class raises where Python may look at it, and else makes value
    and gradient NaN; Keras returns 0.

    References
    ----------
    Keras 3 API, ``keras.losses.sparse_categorical_crossentropy``.

    Examples
    --------
    >>> from xlosses.keras import sparse_categorical_crossentropy
    >>> sparse_categorical_crossentropy([1, -1], [[0.5, 0.5], [0.9, 0.1]], ignore_class=-1)
    array([0.6931472, 0.       ], dtype=float32)
    """
    return SparseCategoricalCrossentropy(from_logits, ignore_class, axis=axis).call(y_true, y_pred)


@declared("rows", "labels", reads_one_entry=True)
def generalized_terms(xp: Any, p: Array, label: Array, q: Number) -> Any:
    return (1.0 - power(xp, xp.pick(p, label), q)) / q


@generalized_terms.slope
def generalized_slope(xp: Any, p: Array, label: Array, q: Number) -> Any:
    p = xp.pick(p, label)
    return -quotient(xp, power(xp, p, q), p)


@named()
class CategoricalGeneralizedCrossEntropy(LabelLoss):
    r"""Cross entropy bent for labels that may be wrong, as a Keras loss.

    .. math::
        \ell = \frac{1 - p_y^q}{q}

    Parameters
    ----------
    q : number
        :math:`q \in (0, 1)`: near 0 the cross entropy, near 1 the absolute error.
    reduction, name, dtype : optional
        As in `Loss`.

    Returns
    -------
    CategoricalGeneralizedCrossEntropy
        Called as ``loss(y_true, y_pred, sample_weight=None)``, with
        classes in `y_true` and their probabilities along the last axis of `y_pred`.

    Raises
    ------
    ValueError
        `q` outside (0, 1), a label that is no class, and as in `Loss`.
    TypeError
        As in `Loss`.

    Notes
    -----
    Of probabilities as they are; `xlosses.generalized_cross_entropy` takes logits. The gradient by a
    probability of 0 is 0, where that of Keras is infinite.

    References
    ----------
    Keras 3 API, ``keras.losses.CategoricalGeneralizedCrossEntropy``.

    Examples
    --------
    >>> from xlosses.keras import CategoricalGeneralizedCrossEntropy
    >>> float(CategoricalGeneralizedCrossEntropy()([0, 1], [[0.25, 0.75], [0.0, 1.0]]))
    0.5
    """

    terms = generalized_terms
    options = ("q",)

    def __init__(
        self,
        q: Number = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.q = proportion(q=q)

    def parameters(self) -> dict[str, Any]:
        return {"q": self.q}


@named()
def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: Number) -> Any:
    r"""Cross entropy bent for labels that may be wrong, as a Keras function.

    .. math::
        \ell = \frac{1 - p_y^q}{q}

    Parameters
    ----------
    y_true : array or list
        Classes in [0, C), in the shape of `y_pred` without the last axis, or with a length of one
        there; real
        numbers count as the integers that they are.
    y_pred : array or list
        Probabilities along the last axis.
    q : number
        :math:`q \in (0, 1)`: near 0 the cross entropy, near 1 the absolute error.

    Returns
    -------
    array
        One value per sample, in the shape of `y_pred` without its last axis.

    Raises
    ------
    ValueError
        `q` outside (0, 1), a label that is no class, and as in `Loss`.
    TypeError
        As in `Loss`.

    Notes
    -----
    Of probabilities as they are; `xlosses.generalized_cross_entropy` takes logits. The gradient by a
    probability of 0 is 0, where that of Keras is infinite.

    References
    ----------
    Keras 3 API, ``keras.losses.categorical_generalized_cross_entropy``.

    Examples
    --------
    >>> from xlosses.keras import categorical_generalized_cross_entropy
    >>> categorical_generalized_cross_entropy([0, 1], [[0.25, 0.75], [0.0, 1.0]], q=0.5).tolist()
    [1.0, 0.0]
    """
    return CategoricalGeneralizedCrossEntropy(q).call(y_true, y_pred)
