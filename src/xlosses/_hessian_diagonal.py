"""The diagonal of the Hessian of a loss, from the derivative of its slope."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

from xlosses import _engine
from xlosses._backends import Namespace
from xlosses._core.call import Call
from xlosses._evaluate import Request
from xlosses._value_and_grad import differentiated


def hessian_diagonal(loss: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The diagonal of the Hessian of a loss by an array, or by several, on any framework.

    It is the derivative of the loss's slope, which is run on numbers that carry their derivative along:
    exact, without finite differences and without autodiff. Where terms are elements, the diagonal is all
    of the Hessian. Rows take one run of the slope for each of their entries.

    Parameters
    ----------
    loss : callable
        A loss of this library, or your own function, as `value_and_grad` takes them.
    argnums : int or tuple of int
        Which positional arguments are the arrays to differentiate by, twice by the same.

    Returns
    -------
    callable
        Takes the arguments of the loss, where "mean" stands for a `reduction` that would be "none" by
        default, and returns the second derivatives of the reduced loss in the shape of the array; for a
        tuple of `argnums` a tuple of them. At a kink they are those of the side that the slope takes.

    Raises
    ------
    ValueError
        When `reduction` is "none".
    TypeError
        Where `value_and_grad` raises it; when all terms share the array, or the loss compares it with
        itself; when the slope is written with a word whose derivative is not known; under
        `torch.compile`.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> x, y = np.asarray([0.5, 4.0]), np.asarray([0.0, 0.0])
    >>> xlosses.hessian_diagonal(xlosses.huber_loss)(x, y, reduction="sum").tolist()
    [1.0, 0.0]
    >>> xlosses.hessian_diagonal(xlosses.log_cosh_loss)(x, y, reduction="sum").round(4).tolist()
    [0.7864, 0.0013]
    """
    ask = differentiated(loss, argnums, DiagonalRequest, _refuse_to_compile)

    @wraps(loss)
    def diagonal(*args: Any, **kwargs: Any) -> Any:
        return ask(*args, **kwargs)[1]

    return diagonal


class DiagonalRequest(Request):
    """Diagonals of the Hessian, in place of gradients."""

    asks = "hessian_diagonal has the second derivative"

    def derived(self, call: Call, xp: Namespace | None, places: tuple[int, ...]) -> tuple[Any, Any]:
        value, diagonals, _ = _engine.value_and_diagonals(call, xp, places)
        return value, diagonals

    def together(self, derivatives: list[Any]) -> Any:
        if len(derivatives) > 1:
            raise TypeError(
                "the other arrays of a second derivative are constants, and this loss compares the array "
                "with itself; differentiate by the framework"
            )
        return derivatives[0]


def _refuse_to_compile(*_: Any) -> NoReturn:
    raise TypeError(
        "torch.compile cannot trace hessian_diagonal; call it outside, or take torch.func.hessian"
    )
