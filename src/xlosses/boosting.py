"""Losses as the custom objectives of XGBoost, LightGBM and CatBoost.

These libraries are not imported: they call what `objective` returns, with NumPy arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from xlosses import _engine
from xlosses._backends import Namespace, load
from xlosses._core.alignment import OF_INTEGERS
from xlosses._core.call import Call
from xlosses._core.checks import nonnegative, positive
from xlosses._hessian_diagonal import DiagonalRequest
from xlosses._value_and_grad import answered

__all__ = ["Objective", "objective"]

HESSIANS = ("auto", "exact", "constant")


def objective(
    loss: Callable[..., Any],
    *,
    hessian: Literal["auto", "exact", "constant"] = "auto",
    min_hessian: float = 1e-16,
    hessian_factor: float = 1.0,
    **options: Any,
) -> Objective:
    """The custom objective of XGBoost, LightGBM or CatBoost that a loss is.

    Gradients come from the loss's slope and second derivatives from its derivative, as those of
    `value_and_grad` and `hessian_diagonal` for the sum of the terms.

    Parameters
    ----------
    loss : callable
        A loss of this library, or your own function that hands its arrays on to one or to `evaluate`,
        called with predictions and labels: of one number per row, or of a row of class scores.
    hessian : {"auto", "exact", "constant"}
        "exact" is the second derivative. "constant" is 1 for every prediction, so that a leaf takes the
        mean of the gradients. "auto" is exact, but constant for a loss that is linear on both sides of
        its kinks, such as `l1_loss`, `quantile_loss` or `hinge_loss`, whose second derivative is 0.
    min_hessian : number
        What second derivatives are raised to where they are smaller or negative, before weights.
    hessian_factor : number
        A factor of the second derivatives, before that.
    **options
        Further arguments of the loss, but for `reduction`: the terms are summed.

    Returns
    -------
    Objective
        For `obj` of `xgboost.train`, `objective` in the parameters of `lightgbm.train`, `objective` of
        their scikit-learn classes, and `loss_function` of CatBoost. It can be pickled if the loss can.

    Raises
    ------
    ValueError
        An unknown `hessian`, numbers out of range, a `reduction`; when called, class labels that are no
        whole numbers.
    TypeError
        When called, what `hessian_diagonal` refuses.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> from xlosses.boosting import objective
    >>> logistic = objective(xlosses.binary_cross_entropy)
    >>> labels, scores = np.asarray([1.0, 0.0]), np.asarray([0.0, 2.0])
    >>> gradient, hessian = logistic(labels, scores)
    >>> gradient.round(4).tolist(), hessian.round(4).tolist()
    ([-0.5, 0.8808], [0.25, 0.105])
    """
    if hessian not in HESSIANS:
        raise ValueError(f"hessian must be one of {', '.join(map(repr, HESSIANS))}, got {hessian!r}")
    if "reduction" in options:
        raise ValueError("an objective takes no reduction: boosting sums the terms itself")
    floor, factor = nonnegative(min_hessian=min_hessian), positive(hessian_factor=hessian_factor)
    return Objective(loss, options, hessian, floor, factor)


class Objective:
    """What `objective` returns: gradient and second derivatives as the libraries ask for them."""

    def __init__(
        self, loss: Callable[..., Any], options: dict[str, Any], hessian: str, floor: float, factor: float
    ) -> None:
        self.loss, self.options = loss, options
        self.hessian, self.floor, self.factor = hessian, floor, factor

    def __call__(self, first: Any, second: Any, sample_weight: Any = None) -> tuple[Any, Any]:
        """Gradient and second derivatives, from (labels, predictions, weights) or (predictions, data set).

        The first is how the scikit-learn classes call an objective, the second how `train` does.
        """
        if hasattr(second, "get_label"):
            return self.derivatives(first, second.get_label(), second.get_weight())
        return self.derivatives(second, first, sample_weight)

    def derivatives(self, predictions: Any, labels: Any, weights: Any = None) -> tuple[Any, Any]:
        """Gradient and second derivatives in the shape of the predictions; a weight is that of a row."""
        xp, shape = load("numpy"), predictions.shape
        if labels.size == predictions.size:  # XGBoost has labels of several targets in one long array
            labels = xp.reshape(labels, shape)
        step = _Step((predictions,))
        answered(step, (0,), self.loss, (predictions, labels), self.options)
        assert step.gradients
        gradient, second = step.gradients[0], step.diagonal
        if self.hessian == "constant" or (self.hessian == "auto" and step.is_linear):
            second = xp.ones_like(second)
        second = xp.clip(self.factor * second, self.floor, None)
        if weights is None or weights.size == 0:  # XGBoost has no None
            return gradient, second
        weights = xp.reshape(weights, (-1, *(1 for _ in shape[1:])))
        return gradient * xp.astype(weights, gradient.dtype), second * xp.astype(weights, second.dtype)

    def calc_ders_range(self, approxes: Any, targets: Any, weights: Any) -> list[tuple[float, float]]:
        """For CatBoost: the derivatives of what it maximises, less the loss, for each row."""
        gradient, second = self.derivatives(
            _of_numbers(approxes), _of_numbers(targets), None if weights is None else _of_numbers(weights)
        )
        return list(zip((-gradient).tolist(), (-second).tolist(), strict=True))

    def calc_ders_multi(
        self, approxes: Any, target: Any, weight: Any
    ) -> tuple[list[float], list[list[float]]]:
        """For CatBoost: the same for one row of class scores, second derivatives as a diagonal matrix."""
        gradient, second = self.derivatives(
            _of_numbers([approxes]), _of_numbers([target]), _of_numbers([weight])
        )
        entries = (-second[0]).tolist()
        matrix = [[x if j == k else 0.0 for j in range(len(entries))] for k, x in enumerate(entries)]
        return (-gradient[0]).tolist(), matrix

    def __repr__(self) -> str:
        return f"<objective {getattr(self.loss, '__name__', self.loss)}>"


class _Step(DiagonalRequest):
    """Both derivatives of the sum of a loss whose labels are floats."""

    asks = "an objective has the derivatives"
    diagonal: Any = None
    is_linear = False

    def adjusted(self, call: Call) -> Call:
        kinds = call.formula.aligned(call.names)
        arrays = (
            _whole(name, x) if kinds[name] in OF_INTEGERS else x
            for name, x in zip(call.names, call.arrays, strict=True)
        )
        return call._replace(arrays=tuple(arrays), reduction="sum")

    def derived(self, call: Call, xp: Namespace | None, places: tuple[int, ...]) -> tuple[Any, Any]:
        _, diagonals, self.is_linear = _engine.value_and_diagonals(call, xp, places)
        self.diagonal = diagonals[0]
        return _engine.value_and_gradients(call, xp, places)


def _whole(name: str, labels: Any) -> Any:
    """Labels as integers, which the libraries keep as floats."""
    xp = load("numpy")
    whole = xp.astype(labels, xp.widest_integer())
    if bool(xp.any(whole != labels)):
        raise ValueError(f"{name} must be whole numbers, which are class labels here")
    return whole


def _of_numbers(x: Any) -> Any:
    return load("numpy").array(x, None, "float64")
