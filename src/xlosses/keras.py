"""The Keras dialect: `(y_true, y_pred, sample_weight)`, classes with a config, means over the last axis.

No formula lives here: each loss is a formula of `xlosses.losses`, averaged over the last axis.
"""

from __future__ import annotations

from typing import Any, TypeVar

from xlosses._backends import FLOATING, Namespace, load, namespace_of
from xlosses._core.checks import is_number
from xlosses._core.formula import Formula, formula
from xlosses._core.plan import one_framework
from xlosses._core.shapes import check_broadcasts
from xlosses._evaluate import evaluate
from xlosses.losses.margin import hinge as hinge_terms

__all__ = ["Hinge", "hinge"]

_LossT = TypeVar("_LossT", bound="Loss")

REDUCTIONS = {
    "sum_over_batch_size": "mean",
    "mean": "mean",
    "auto": "mean",
    "sum": "sum",
    "mean_with_sample_weight": "weighted_mean",
    "none": "none",
    None: "none",
}


def averaged(terms: Formula) -> Formula:
    """The formula whose terms are the means of another's over the last axis."""

    @formula("rows", "rows")
    def mean_of_terms(xp: Any, *arrays: Any, **parameters: Any) -> Any:
        return xp.sum(terms(xp, *arrays, **parameters), axis=-1) / arrays[0].shape[-1]

    @mean_of_terms.slope
    def slope_of_mean(xp: Any, *arrays: Any, **parameters: Any) -> Any:
        assert terms.slope_function
        return terms.slope_function(xp, *arrays, **parameters) / arrays[0].shape[-1]

    return mean_of_terms


mean_hinge = averaged(hinge_terms)


class Loss:
    """What every class of the dialect does around its formula: reduction, weights, config."""

    terms: Formula

    def __init__(self, reduction: str | None, name: str | None, dtype: Any) -> None:
        if reduction not in REDUCTIONS:
            raise ValueError(
                f"Invalid value for argument `reduction`. Expected one of {list(REDUCTIONS)}. "
                f"Received: reduction={reduction}"
            )
        self.reduction, self.name, self.dtype = reduction, name, dtype

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        xp, y_true, y_pred, sample_weight = _arrays(y_true=y_true, y_pred=y_pred, sample_weight=sample_weight)
        y_true, y_pred = _same_rank(y_true, y_pred)
        arrays = dict(y_pred=y_pred, y_true=self.labels(xp, y_true, y_pred))
        weights = _per_sample(xp, sample_weight, tuple(y_pred.shape[:-1]))
        return evaluate(
            self.terms, arrays, self.parameters(), REDUCTIONS[self.reduction], weights, dtype=self.dtype
        )

    def labels(self, xp: Namespace, y_true: Any, y_pred: Any) -> Any:
        """y_true as the formula takes it."""
        return y_true

    def parameters(self) -> dict[str, Any]:
        """The keyword arguments of the formula."""
        return {}

    def get_config(self) -> dict[str, Any]:
        """Everything that the constructor took."""
        return {"reduction": self.reduction, "name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls: type[_LossT], config: dict[str, Any]) -> _LossT:
        """The instance that has this config."""
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.get_config() == self.get_config()

    def __hash__(self) -> int:
        return hash((type(self), *self.get_config().items()))

    def __repr__(self) -> str:
        config = ", ".join(f"{key}={value!r}" for key, value in self.get_config().items())
        return f"{type(self).__name__}({config})"


class Hinge(Loss):
    r"""Hinge loss between labels and scores, as a Keras loss.

    .. math::
        \ell = \frac1D \sum_{k=1}^{D} \max(0, 1 - y_k x_k)

    Parameters
    ----------
    reduction : str or None
        "sum_over_batch_size" (also "mean" or "auto"): the sum over the samples divided by their
        number; "sum"; "mean_with_sample_weight": divided by the sum of the weights; "none" or None:
        one value per sample.
    name : str or None
        Kept for the config.
    dtype : str or dtype, optional
        The dtype of the result; that of `y_true` and `y_pred` unless given.

    Returns
    -------
    Hinge
        Called as ``loss(y_true, y_pred, sample_weight=None)``. `y_true` holds -1 and 1, or 0 and 1,
        which are converted when no other value occurs. `sample_weight` is a number, has the shape
        (batch,), or broadcasts to the shape of `y_pred` without its last axis.

    Raises
    ------
    ValueError
        An unknown `reduction`; shapes that do not fit.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    The gradient is that of `xlosses.hinge_loss`, 0 at the kink; `xlosses.value_and_grad(loss, argnums=1)`
    gives it on any framework, by `y_pred`. Lists take the framework, device
    and dtype of the arrays beside them; a call of lists alone is computed by NumPy in float32.

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

    terms = mean_hinge

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "hinge", dtype: Any = None
    ) -> None:
        super().__init__(reduction, name, dtype)

    def labels(self, xp: Namespace, y_true: Any, y_pred: Any) -> Any:
        return _as_signs(xp, y_true, y_pred)


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
    ValueError
        Shapes that do not fit.
    TypeError
        Arrays of two frameworks, or of complex dtype.

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
    return Hinge(reduction="none")(y_true, y_pred)


def _arrays(**values: Any) -> tuple[Any, ...]:
    """The namespace of the arrays among the values, and the values, with lists converted to arrays."""
    arrays = [v for v in values.values() if namespace_of(v) is not None and not is_number(v)]
    like = arrays[0] if arrays else None
    xp = one_framework({"y": like})[0] if arrays else load("numpy")
    dtype_names = [name for name in (xp.dtype_name(v.dtype) for v in arrays) if name in FLOATING]
    dtype = xp.dtype_named(dtype_names[0] if dtype_names else "float32", like)
    for name, value in values.items():
        if isinstance(value, (list, tuple)) or (is_number(value) and name != "sample_weight"):
            values[name] = xp.array(value, like, dtype)
    xp = one_framework({name: value for name, value in values.items() if value is not None})[0]
    return xp, *values.values()


def _same_rank(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Squeeze or expand a trailing axis of length one, as Keras does."""
    n, m = len(y_true.shape), len(y_pred.shape)
    if n == m + 1 and y_true.shape[-1] == 1:
        return (y_true, y_pred[..., None]) if m == 1 else (y_true[..., 0], y_pred)
    if m == n + 1 and y_pred.shape[-1] == 1:
        return (y_true[..., None], y_pred) if n == 1 else (y_true, y_pred[..., 0])
    return y_true, y_pred


def _per_sample(xp: Namespace, weights: Any, shape: tuple[int, ...]) -> Any:
    """Weights laid along the first axis of a loss of this shape, or element by element."""
    if weights is None or is_number(weights):
        return weights
    n, m = len(weights.shape), len(shape)
    if n == m + 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    elif n == 1 and m > 1:
        weights = xp.reshape(weights, (-1, *(1,) * (m - 1)))
    check_broadcasts("sample_weight", weights, shape)
    return weights


def _as_signs(xp: Namespace, y: Any, like: Any) -> Any:
    """-1 and 1 for labels that are all 0 or 1; other labels as they are."""
    if xp.dtype_name(y.dtype) not in FLOATING:
        floating = xp.dtype_name(like.dtype) in FLOATING
        y = xp.astype(y, like.dtype if floating else xp.dtype_named(xp.default_float(), y))
    return xp.where(xp.all(xp.logical_or(y == 0, y == 1)), 2.0 * y - 1.0, y)
