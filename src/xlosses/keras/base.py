"""What every class of the dialect does around its values: reduction, weights, mask, config."""

from __future__ import annotations

import copyreg
import re
from typing import Any, ClassVar, TypeVar

from xlosses._backends import Namespace
from xlosses._core.checks import axes_of, ndim
from xlosses._core.formula import Formula, formula
from xlosses._evaluate import evaluate
from xlosses._typing import Array
from xlosses.keras._arrays import arrays, mask_of, per_sample, real, same_rank

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


class _Plain:
    """Lies between `Joint` and `object`, since Python exchanges bases of the same layout only."""


class Joint(_Plain):
    """Its base becomes `keras.losses.Loss` where Keras is imported."""


class Loss(Joint):
    """A loss as a Keras class. Subclass it for one of your own: `call` gives the values, the rest is here.

    Parameters
    ----------
    name : str, optional
        The name in configs and in the logs of Keras; that of the class in snake case unless given.
    reduction : str or None
        "sum_over_batch_size" (also "mean" or "auto"): the sum over the samples divided by their
        number; "sum"; "mean_with_sample_weight": divided by the sum of the weights; "none" or None:
        one value per sample.
    dtype : str or dtype, optional
        The dtype of the result; that of `y_true` and `y_pred` unless given. Of a Keras policy it is the
        compute dtype.

    Returns
    -------
    Loss
        Called as ``loss(y_true, y_pred, sample_weight=None)``. `sample_weight` is a number, has the
        shape (batch,), or broadcasts to the shape of the unreduced loss.

    Raises
    ------
    ValueError
        An unknown `reduction`; shapes that do not fit.
    TypeError
        Arrays of two frameworks, or of complex dtype.

    Notes
    -----
    Lists take the framework, device and dtype of the arrays beside them; a call of lists alone is computed
    by NumPy in float32. Integers in `y_true` become real numbers before `call`.

    A mask that a layer of Keras has left on `y_pred` leaves samples out: a mean is over those kept.

    An instance is told from another by its class and config. A subclass with parameters of its own adds
    them to `get_config`. `xlosses.value_and_grad(loss, argnums=1)` gives the gradient by `y_pred` on any
    framework for the losses of this package; for a subclass with `call` the framework differentiates.

    Examples
    --------
    >>> import numpy as np
    >>> from xlosses.keras import Loss
    >>> class Cubic(Loss):
    ...     def call(self, y_true, y_pred):
    ...         return np.mean(np.abs(y_true - y_pred) ** 3, axis=-1)
    >>> y_true, y_pred = np.asarray([[0.0, 0.0], [1.0, 1.0]]), np.asarray([[1.0, 1.0], [3.0, 1.0]])
    >>> Cubic(reduction="none")(y_true, y_pred).tolist()
    [1.0, 4.0]
    >>> float(Cubic()(y_true, y_pred, sample_weight=[1.0, 0.5]))
    1.5
    """

    def __init__(
        self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None
    ) -> None:
        if reduction not in REDUCTIONS:
            raise ValueError(
                f"Invalid value for argument `reduction`. Expected one of {list(REDUCTIONS)}. "
                f"Received: reduction={reduction}"
            )
        self.name, self.reduction = name or _snake_case(type(self).__name__), reduction
        self._dtype = getattr(dtype, "compute_dtype", dtype)

    @property
    def dtype(self) -> Any:
        """The dtype of the result, or None for that of the arrays."""
        return self._dtype

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        mask = mask_of(y_pred)
        xp, y_true, y_pred, weights = arrays(y_true=y_true, y_pred=y_pred, sample_weight=sample_weight)
        return self._reduced(xp, y_true, y_pred, REDUCTIONS[self.reduction], weights, mask)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The unreduced loss: one value per sample."""
        raise NotImplementedError(f"{type(self).__name__} must define call(self, y_true, y_pred)")

    def _reduced(
        self, xp: Namespace, y_true: Any, y_pred: Any, reduction: str, weights: Any, mask: Any
    ) -> Any:
        values = self.call(real(xp, y_true, y_pred), y_pred)
        return self._evaluated(xp, as_they_are, {"values": values}, values.shape, reduction, weights, mask)

    def _evaluated(
        self,
        xp: Namespace,
        form: Formula,
        of: dict[str, Any],
        shape: tuple[int, ...],
        reduction: str,
        weights: Any,
        mask: Any,
        **options: Any,
    ) -> Any:
        """What `evaluate` makes of the formula with weights and mask; `shape` is that of its terms."""
        shape = tuple(shape)
        weights = per_sample(xp, "sample_weight", weights, shape)
        if mask is not None and xp.dtype_name(mask.dtype) != "bool":
            mask = mask != 0
        where = per_sample(xp, "the mask of y_pred", mask, shape)
        return evaluate(
            form, of, reduction=reduction, weights=weights, where=where, dtype=self.dtype, **options
        )

    def get_config(self) -> dict[str, Any]:
        """Everything that the constructor took."""
        return {"reduction": self.reduction, "name": self.name, "dtype": _name_of(self.dtype)}

    @classmethod
    def from_config(cls: type[_LossT], config: dict[str, Any]) -> _LossT:
        """The instance that has this config."""
        return cls(**{key: _plain(value) for key, value in config.items()})

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.get_config() == self.get_config()

    def __hash__(self) -> int:
        return hash((type(self), self.name, self.reduction))

    def __repr__(self) -> str:
        config = ", ".join(f"{key}={value!r}" for key, value in self.get_config().items())
        return f"{type(self).__name__}({config})"

    def __reduce__(self) -> Any:  # Keras's base would pickle a file of weights
        return copyreg.__newobj__, (type(self),), self.__dict__  # type: ignore[attr-defined]


class FormulaLoss(Loss):
    """A loss whose values a formula gives: `terms`, of arrays as `prepared` returns them."""

    terms: ClassVar[Formula]
    options: ClassVar[tuple[str, ...]] = ()  # what the constructor takes besides, for the config
    axis: Any = -1  # along which the rows of the formula lie

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The unreduced loss: one value per sample."""
        xp, y_true, y_pred = arrays(y_true=y_true, y_pred=y_pred)
        return self._of_formula(xp, y_true, y_pred, "none", None, None)

    def form(self) -> Formula:
        """The formula."""
        return self.terms

    def prepared(self, xp: Namespace, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """y_true and y_pred as the formula takes them."""
        return same_rank(y_true, y_pred)

    def parameters(self) -> dict[str, Any]:
        """The keyword arguments of the formula."""
        return {}

    def evaluated_with(self) -> dict[str, Any]:
        """What `evaluate` is given besides."""
        return {"parameters": self.parameters()}

    def get_config(self) -> dict[str, Any]:
        """Everything that the constructor took."""
        own = {name: getattr(self, name) for name in self.options}
        return {**super().get_config(), **{k: list(v) if isinstance(v, tuple) else v for k, v in own.items()}}

    def _reduced(
        self, xp: Namespace, y_true: Any, y_pred: Any, reduction: str, weights: Any, mask: Any
    ) -> Any:
        if type(self).call is not FormulaLoss.call:  # a subclass has other values
            return super()._reduced(xp, y_true, y_pred, reduction, weights, mask)
        return self._of_formula(xp, y_true, y_pred, reduction, weights, mask)

    def _of_formula(
        self, xp: Namespace, y_true: Any, y_pred: Any, reduction: str, weights: Any, mask: Any
    ) -> Any:
        y_true, y_pred = self.prepared(xp, y_true, y_pred)
        n = len(y_pred.shape)
        if self.axis is None and ndim(weights):
            raise ValueError(
                f"sample_weight of shape {tuple(weights.shape)} needs a loss of each sample, which axis=None "
                "does not leave; give the axes of a sample as axis"
            )
        axis = tuple(range(n)) if self.axis is None else self.axis
        axes = axes_of(n, axis) if n else ()
        shape = tuple(m for i, m in enumerate(y_pred.shape) if i not in axes)
        of = {"y_pred": y_pred, "y_true": y_true}
        options = {"axis": axis, **self.evaluated_with()}
        return self._evaluated(xp, self.form(), of, shape, reduction, weights, mask, **options)


@formula
def as_they_are(xp: Any, x: Array) -> Any:
    return x


@as_they_are.slope
def as_they_are_slope(xp: Any, x: Array) -> Any:
    return xp.ones_like(x)


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name.lstrip("_")).lower()


def _name_of(dtype: Any) -> Any:
    """The name of a dtype, which can be written as JSON."""
    if dtype is None or isinstance(dtype, str):
        return dtype
    named = getattr(dtype, "name", None) or getattr(dtype, "__name__", None) or str(dtype)
    return str(named).rpartition(".")[2]


def _plain(value: Any) -> Any:
    """A tuple as Keras writes it."""
    is_tuple = isinstance(value, dict) and value.get("class_name") == "__tuple__"
    return tuple(value["value"]) if is_tuple else value
