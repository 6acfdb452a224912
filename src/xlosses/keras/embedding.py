"""Embeddings compared by direction, as Keras has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xlosses._backends import Namespace
from xlosses._core.checks import finite, is_number, positive
from xlosses._core.formula import formula
from xlosses._core.numerics import at_least, norm
from xlosses._evaluate import evaluate
from xlosses._typing import Array, Number
from xlosses.keras._arrays import arrays, labels, per_sample, real
from xlosses.keras._formulas import EPSILON, Change, through
from xlosses.keras._names import named
from xlosses.keras.base import FormulaLoss
from xlosses.losses.contrastive import places_of
from xlosses.losses.mining import COMPARED, circle_vjp
from xlosses.losses.mining import circle as circle_terms


def direction(xp: Any, x: Array) -> Any:
    length = norm(xp, x, 2.0, 0.0)[..., None]
    return xp.where(length == 0, 0.0, x / at_least(xp, length, EPSILON))


def direction_back(xp: Any, x: Array, slope: Array) -> Any:
    length, unit = norm(xp, x, 2.0, 0.0), direction(xp, x)
    along = xp.where(length <= EPSILON, 0.0, xp.sum(unit * slope, axis=-1))
    by_x = (slope - along[..., None] * unit) / at_least(xp, length, EPSILON)[..., None]
    return xp.where((length == 0)[..., None], 0.0, by_x)


@formula("rows", "rows")
def opposite(xp: Any, x: Array, y: Array) -> Any:
    return -xp.dot(x, y)


@opposite.slope
def opposite_slope(xp: Any, x: Array, y: Array) -> Any:
    return -y


@named()
class CosineSimilarity(FormulaLoss):
    r"""The negative cosine of the angle between two vectors, as a Keras loss.

    .. math::
        \ell = -\frac{\sum_k x_k y_k}{\max(|x|, \epsilon) \max(|y|, \epsilon)}, \qquad \epsilon = 10^{-7}

    Parameters
    ----------
    axis : int
        The axis that the entries of a vector lie along.
    reduction, name, dtype : optional
        As in `Loss`.

    Returns
    -------
    CosineSimilarity
        Called as ``loss(y_true, y_pred, sample_weight=None)``.

    Raises
    ------
    TypeError, ValueError
        As in `Loss`.

    Notes
    -----
    From -1 for equal directions to 1 for opposite ones: the negative of `xlosses.cosine_similarity_loss`.
    The gradient by a zero vector is 0. Finite where squares overflow; Keras returns 0 there. `get_config`
    has `axis`, which that of Keras leaves out.

    References
    ----------
    Keras 3 API, ``keras.losses.CosineSimilarity``.

    Examples
    --------
    >>> from xlosses.keras import CosineSimilarity
    >>> print(f"{CosineSimilarity()([[0.0, 2.0]], [[3.0, 4.0]]):.6f}")
    -0.800000
    """

    terms = through(Change(direction, direction_back), opposite, of_both=True)
    options = ("axis",)

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "cosine_similarity",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.axis = axis


@named()
def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    r"""The negative cosine of the angle between two vectors, as a Keras function.

    .. math::
        \ell = -\frac{\sum_k x_k y_k}{\max(|x|, \epsilon) \max(|y|, \epsilon)}, \qquad \epsilon = 10^{-7}

    Parameters
    ----------
    y_true : array or list
        Vectors.
    y_pred : array or list
        Vectors in the shape of `y_true`.
    axis : int
        The axis that the entries of a vector lie along.

    Returns
    -------
    array
        One value per vector, in the shape of `y_pred` without `axis`.

    Raises
    ------
    TypeError, ValueError
        As in `Loss`.

    Notes
    -----
    From -1 for equal directions to 1 for opposite ones: the negative of `xlosses.cosine_similarity_loss`.
    The gradient by a zero vector is 0. Finite where squares overflow; Keras returns 0 there.

    References
    ----------
    Keras 3 API, ``keras.losses.cosine_similarity``.

    Examples
    --------
    >>> from xlosses.keras import cosine_similarity
    >>> cosine_similarity([[0.0, 2.0], [1.0, 0.0]], [[0.0, 1.0], [-1.0, 0.0]]).tolist()
    [-1.0, 1.0]
    """
    return CosineSimilarity(axis).call(y_true, y_pred)


@formula(*COMPARED, "scalars", width=lambda x, others, *_: others[0])
def weighed_circle(xp: Any, *arrays: Array, gamma: Number, margin: Number) -> Any:
    *compared, weight = arrays
    return weight * circle_terms(xp, *compared, gamma=gamma, margin=margin)


@weighed_circle.vjp(by=("x", "others"))
def weighed_circle_vjp(
    xp: Any, g: Array, x: Array, others: Array, *rest: Array, gamma: Number, margin: Number
) -> Iterator[Any]:
    *identities, weight = rest
    of_circle = circle_vjp(xp, g * weight, x, others, *identities, gamma=gamma, margin=margin)
    yield weight * next(of_circle)
    yield from of_circle


@weighed_circle.weight
def counts(xp: Any, *arrays: Array, gamma: Number, margin: Number) -> Any:
    """Keras leaves embeddings without a loss out of the mean."""
    return xp.step(circle_terms(xp, *arrays[:-1], gamma=gamma, margin=margin))


def compared(
    xp: Namespace, remove_diagonal: bool, y_true: Any, y_pred: Any, ref_labels: Any, ref_embeddings: Any
) -> dict[str, Any]:
    """The arrays of the formula but the weight."""
    place = places_of(y_pred=y_pred)
    y_true = labels(xp, y_true, y_pred, 1)
    others = y_pred if ref_embeddings is None else ref_embeddings
    places = place if ref_embeddings is None else places_of(ref_embeddings=others)
    return {
        "y_pred": y_pred,
        "ref_embeddings": others,
        "y_true": y_true,
        "ref_labels": y_true if ref_labels is None else labels(xp, ref_labels, others, 1),
        "place": place,
        "every place": places if remove_diagonal else places + place.shape[0],
    }


@named()
class Circle(FormulaLoss):
    r"""Every positive against every negative of the batch, weighed by how far it is off, as a Keras loss.

    .. math::
        \ell_i = \log\left(1 + \sum_{n \in N_i} e^{\gamma [s_n + m]_+ (s_n - m)}
        \sum_{p \in P_i} e^{-\gamma [1 + m - s_p]_+ (s_p - 1 + m)}\right), \qquad s_j = x_i \cdot x_j

    Parameters
    ----------
    gamma : number
        :math:`\gamma > 0`, the scale of the logits.
    margin : number
        :math:`m`: products with positives are to be above :math:`1 - m`, with negatives below :math:`m`.
    remove_diagonal : bool
        Whether an embedding is none of its own positives.
    reduction, name, dtype : optional
        As in `Loss`.

    Returns
    -------
    Circle
        Called as ``loss(y_true, y_pred, sample_weight=None)``, with
        labels of shape (N,) or (N, 1) in `y_true` and unit vectors of shape (N, D) in `y_pred`.

    Raises
    ------
    ValueError
        Embeddings that are not of a shape (N, D), `gamma` that is not above 0, and as in `Loss`.
    TypeError
        As in `Loss`.

    Notes
    -----
    A mean is over the embeddings whose loss is above 0, as Keras has it. The weights :math:`[\cdot]_+` are
    constants of the gradient, as in `xlosses.circle_loss`; Keras differentiates by them, too. Of unit
    vectors: Keras cuts products above 1 down to 1.

    References
    ----------
    Keras 3 API, ``keras.losses.Circle``.

    Examples
    --------
    >>> from xlosses.keras import Circle
    >>> x = [[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]
    >>> print(f"{Circle(gamma=8.0)([7, 7, 3], x):.6f}")
    0.582331
    """

    terms = weighed_circle
    options = ("gamma", "margin", "remove_diagonal")

    def __init__(
        self,
        gamma: Number = 80.0,
        margin: Number = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.gamma, self.margin = positive(gamma=gamma), finite(margin=margin)
        self.remove_diagonal = bool(remove_diagonal)

    def parameters(self) -> dict[str, Any]:
        return {"gamma": self.gamma, "margin": self.margin}

    def _of_formula(
        self, xp: Namespace, y_true: Any, y_pred: Any, reduction: str, weights: Any, mask: Any
    ) -> Any:
        of = compared(xp, self.remove_diagonal, y_true, y_pred, None, None)
        of["weight"] = 1.0
        shape = tuple(y_pred.shape[:1])
        if reduction == "mean" and weights is not None:
            # As a part of the loss, for the divisor is how many count, and not the sum of their weights.
            weights = per_sample(xp, "sample_weight", weights, shape)
            if not is_number(weights):
                weights = xp.broadcast_to(xp.astype(weights, real(xp, y_pred, y_pred).dtype), shape)
            of["weight"], weights = weights, None
        reduction = "weighted_mean" if reduction == "mean" else reduction
        parameters = self.parameters()
        return self._evaluated(xp, self.terms, of, shape, reduction, weights, mask, parameters=parameters)


@named()
def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: Number = 80.0,
    margin: Number = 0.4,
) -> Any:
    r"""Every positive against every negative of the batch, weighed by how far it is off, as a Keras function.

    .. math::
        \ell_i = \log\left(1 + \sum_{n \in N_i} e^{\gamma [s_n + m]_+ (s_n - m)}
        \sum_{p \in P_i} e^{-\gamma [1 + m - s_p]_+ (s_p - 1 + m)}\right), \qquad s_j = x_i \cdot x_j

    Parameters
    ----------
    y_true : array or list
        Labels of shape (N,) or (N, 1); real numbers count as the integers that they are.
    y_pred : array or list
        Unit vectors of shape (N, D).
    ref_labels, ref_embeddings : array or list, optional
        What to compare with, of shapes (M,) and (M, D); the batch itself unless given.
    remove_diagonal : bool
        Whether embedding i is no positive of reference i.
    gamma : number
        :math:`\gamma > 0`, the scale of the logits.
    margin : number
        :math:`m`: products with positives are to be above :math:`1 - m`, with negatives below :math:`m`.

    Returns
    -------
    array
        One value per embedding.

    Raises
    ------
    ValueError
        Embeddings that are not of a shape (N, D), `gamma` that is not above 0, and as in `Loss`.
    TypeError
        As in `Loss`.

    Notes
    -----
    The gradient is by `y_pred` and `ref_embeddings`, with the weights as constants. Of unit vectors: Keras
    cuts products above 1 down to 1.

    References
    ----------
    Keras 3 API, ``keras.losses.circle``.

    Examples
    --------
    >>> from xlosses.keras import circle
    >>> circle([7, 7, 3], [[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]], gamma=8.0).tolist()[2]
    0.0
    """
    given = {"y_true": y_true, "y_pred": y_pred, "ref_labels": ref_labels, "ref_embeddings": ref_embeddings}
    if ref_embeddings is not None and ref_labels is None:
        raise ValueError("ref_embeddings need ref_labels, got None; give the label of each")
    xp, *found = arrays(**given)
    of = {**compared(xp, remove_diagonal, *found), "weight": 1.0}
    parameters = {"gamma": positive(gamma=gamma), "margin": finite(margin=margin)}
    return evaluate(weighed_circle, of, parameters, "none")
