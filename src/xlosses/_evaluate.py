"""The one way from arguments to result."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from xlosses import _engine
from xlosses._backends import Namespace, namespace_of
from xlosses._core.call import Call, call_of
from xlosses._core.formula import Formula


class Request:
    """Gradients by these arrays, asked for by `value_and_grad`; `evaluate` answers it here."""

    asks = "value_and_grad has the slope"

    def __init__(self, arrays: tuple[Any, ...]) -> None:
        self.arrays = arrays
        self.calls = 0  # how often `evaluate` was called
        self.elsewhere = False  # whether one of them is a parameter, the weights or the mask of the loss
        self.missing: list[int] = []  # which of them the loss was not given
        self.value: Any = None
        self.gradients: tuple[Any, ...] | None = None

    def adjusted(self, call: Call) -> Call:
        """The call that is run in place of this one."""
        return call

    def derived(self, call: Call, xp: Namespace | None, places: tuple[int, ...]) -> tuple[Any, Any]:
        """The result of the call, and its derivatives by the arrays at these places."""
        return _engine.value_and_gradients(call, xp, places)

    def together(self, derivatives: list[Any]) -> Any:
        """The derivative by an array in several places, such as embeddings compared with each other."""
        return sum(derivatives[1:], derivatives[0])


current_request: ContextVar[Request | None] = ContextVar("xlosses_gradient", default=None)


def evaluate(
    formula: Formula,
    arrays: Mapping[str, Any],
    parameters: Mapping[str, Any] | None = None,
    reduction: str = "mean",
    weights: Any = None,
    where: Any = None,
    dtype: Any = None,
    *,
    axis: int | tuple[int, ...] = -1,
    ignore_index: int | None = None,
    classes: int | None = None,
) -> Any:
    """Reduce the terms that a formula makes of these arrays.

    Every loss of this library is one call of this function, and so is your own.

    Parameters
    ----------
    formula : Formula
        Made by the decorator `formula`.
    arrays : mapping of str to array
        The arrays in the order of the formula, by the names that errors call them. All from one
        framework; a number may stand for any but the first.
    parameters : mapping of str to number or array, optional
        The keyword arguments of the formula: numbers, or 0-d arrays of the framework; what the formula
        declares static is always plain.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms become the result.
    weights : array or number, optional
        Per term, in a shape that broadcasts to the terms.
    where : boolean array, optional
        Which terms to keep. A term that is not kept adds 0 to value and gradient.
    dtype : str or dtype, optional
        The dtype of the result.
    axis : int or tuple of int
        The axis that the rows of the arrays lie along; of several axes the entries form one row.
    ignore_index : int, optional
        A label whose rows are not kept.
    classes : int, optional
        How many classes there are; as many as a row has entries unless given.

    Returns
    -------
    array
        The unreduced loss for "none", else one number.

    Raises
    ------
    TypeError, ValueError
        See the contract: frameworks, dtypes, shapes, labels, reduction.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> @xlosses.formula
    ... def relative_error(xp, x, y):
    ...     return xp.absolute(x - y) / xp.absolute(y)
    >>> x, y = np.asarray([1.0, 3.0]), np.asarray([2.0, np.nan])
    >>> float(xlosses.evaluate(relative_error, dict(inputs=x, targets=y), where=y == y))
    0.5
    """
    call = call_of(formula, arrays, parameters, reduction, weights, where, dtype, axis, ignore_index, classes)
    xp = namespace_of(call.arrays[0])
    if xp is None or not xp.tracing():
        request = current_request.get()
        if request is not None:
            return _with_gradients(call, xp, request)
    return _engine.run(call, xp)


def _with_gradients(call: Call, xp: Namespace | None, request: Request) -> Any:
    """The result; if the loss was given the arrays of the request, the request gets the gradients."""
    request.calls += 1
    places = [[i for i, x in enumerate(call.arrays) if x is array] for array in request.arrays]
    request.missing = [k for k, found in enumerate(places) if not found]
    if request.missing:
        return _engine.run(call, xp)
    call = request.adjusted(call)
    if call.reduction == "none":
        raise ValueError("a gradient needs a reduction to one number, got reduction='none'")
    others = (*call.parameters.values(), call.weights, call.where)
    request.elsewhere = any(x is array for x in others for array in request.arrays)
    needed = tuple(sorted({place for found in places for place in found}))
    request.value, found = request.derived(call, xp, needed)
    by_place = dict(zip(needed, found, strict=True))
    request.gradients = tuple(request.together([by_place[place] for place in of]) for of in places)
    return request.value
