"""A loss together with its gradient by its first array, from the slope, for arrays without autodiff."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from xlosses import _engine
from xlosses._backends import namespace_of
from xlosses._evaluate import Request, current_request


def value_and_grad(loss: Callable[..., Any], argnums: int = 0) -> Callable[..., tuple[Any, Any]]:
    """The loss together with its gradient by the first array of its formula, on any framework.

    The gradient comes from the loss's slope, so it needs no autodiff: NumPy arrays have one too.
    What a function does around a loss has no slope, so that it is refused: there the framework
    differentiates by itself, as in `jax.value_and_grad`. All else that the loss is given counts as a
    constant, targets that a function makes of the array itself included.

    Parameters
    ----------
    loss : callable
        A loss of this library, or your own function that hands the array on to a loss as it is, and
        returns what that gave.
    argnums : int
        Which positional argument is the array to differentiate by: the one that the formula has
        first. For a loss of `xlosses.keras`, which takes `y_true` before `y_pred`, it is 1.

    Returns
    -------
    callable
        Takes the arguments of the loss, where `reduction` is "mean" unless given, and returns the
        reduced loss and its gradient in the shape of the array.

    Raises
    ------
    ValueError
        When `reduction` is "none".
    TypeError
        When the formula has no slope; when the loss was given another array than came in, or the
        function returned something else than the loss: the slope alone would then be a wrong gradient.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y = np.asarray([0.5, 4.0]), np.asarray([0.0, 0.0])
    >>> value, gradient = xlosses.value_and_grad(xlosses.huber_loss)(x, y, reduction="sum")
    >>> float(value), gradient.tolist()
    (3.625, [0.5, 1.0])
    """
    signature = inspect.signature(loss)
    parameters = signature.parameters
    names = list(parameters)
    takes_reduction = "reduction" in names or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    place_of_reduction = names.index("reduction") if "reduction" in names else len(names)
    if "reduction" in names and parameters["reduction"].kind is inspect.Parameter.KEYWORD_ONLY:
        place_of_reduction = len(names)

    @wraps(loss)
    def with_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        if takes_reduction and "reduction" not in kwargs and len(args) <= place_of_reduction:
            kwargs["reduction"] = "mean"
        if len(args) > argnums:
            array = args[argnums]
        else:
            array = kwargs.get(names[argnums]) if len(names) > argnums else None
        xp = namespace_of(array)
        if xp is not None and xp.tracing():
            return _engine.compiled_value_and_grad(loss, argnums, args, kwargs)
        request = Request(array)
        token = current_request.set(request)
        try:
            value = loss(*args, **kwargs)
        finally:
            current_request.reset(token)
        passed_in = sum(x is array for x in (*args, *kwargs.values()))
        evaluated_once = request.calls == 1 and request.places <= passed_in
        if request.gradient is None or not evaluated_once or value is not request.value:
            raise TypeError(_refusal(request, argnums))
        return value, request.gradient

    return with_gradient


def _refusal(request: Request, argnums: int) -> str:
    if request.gradient is None:
        what = f"the loss was not given argument {argnums} as its first array"
    elif request.calls != 1:
        what = f"it evaluates {request.calls} losses"
    elif request.value is not None and request.places > 1:
        what = "it gives the loss the array in more than one place"
    else:
        what = "it does not return what the loss gave"
    return (
        f"value_and_grad has the slope of a loss alone, and not of what a function does around it: {what}; "
        "differentiate by the framework, or give a formula of your own a slope"
    )
