"""The one way from arguments to result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xlosses._backends import namespace_of
from xlosses._core import checks, gradient, terms
from xlosses._core.formula import Formula
from xlosses._core.operands import prepare
from xlosses._core.plan import Call, Values


def evaluate(
    formula: Formula,
    arrays: Mapping[str, Any],
    parameters: Mapping[str, Any] | None = None,
    reduction: str = "mean",
    weights: Any = None,
    where: Any = None,
    dtype: Any = None,
    *,
    axis: int = -1,
    ignore_index: int | None = None,
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
        The keyword arguments of the formula: numbers, or 0-d arrays of the framework.
    reduction : {"none", "sum", "mean", "weighted_mean"}
        How the terms become the result.
    weights : array or number, optional
        Per term, in a shape that broadcasts to the terms.
    where : boolean array, optional
        Which terms to keep. A term that is not kept adds 0 to value and gradient.
    dtype : str or dtype, optional
        The dtype of the result.
    axis : int
        The axis that the rows of the arrays lie along.
    ignore_index : int, optional
        A label whose rows are not kept.

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
    checks.reduction_name(reduction)
    call = Call(formula, tuple(arrays), reduction, dtype, axis, ignore_index)
    values = Values(tuple(arrays.values()), parameters or {}, weights, where)
    xp = namespace_of(values.arrays[0])
    return _result(call, values) if xp is None else xp.call(_result, call, values)


def _result(call: Call, values: Values) -> Any:
    operands = prepare(call, values)
    xp, reduction = operands.plan.xp, call.reduction
    if isinstance(reduction, gradient.WithGradient):
        return gradient.by_first(operands, reduction)
    if reduction == "none":
        return xp.run(terms.unreduced, operands, gradient.pulled)
    sums = terms.Triple(*xp.run(terms.triple, operands, gradient.pulled))
    return terms.rounded(operands, terms.reduced(xp, sums, reduction))
