"""The arguments of one call of a loss."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any, NamedTuple

from xlosses._core import checks
from xlosses._core.formula import Formula


class Call(NamedTuple):
    """The arguments of `evaluate` as the caller gave them; dtypes and shapes are not checked yet."""

    formula: Formula
    names: tuple[str, ...]  # of the arrays, in their order; errors call the arrays by them
    arrays: tuple[Any, ...]
    parameters: Mapping[str, Any]
    weights: Any
    where: Any
    reduction: str
    dtype: Any
    axis: int | tuple[int, ...]
    ignore_index: int | None
    classes: int | None = None


def call_of(
    formula: Formula,
    arrays: Mapping[str, Any],
    parameters: Mapping[str, Any] | None,
    reduction: str,
    weights: Any,
    where: Any,
    dtype: Any,
    axis: int | tuple[int, ...],
    ignore_index: int | None,
    classes: int | None = None,
) -> Call:
    """The call; a wrong reduction, formula, axis or ignore_index is an error that names it."""
    checks.reduction_name(reduction)
    if not isinstance(formula, Formula):
        raise TypeError(
            f"evaluate takes a formula, got {type(formula).__name__}; decorate the function by "
            "xlosses.formula"
        )
    if not arrays:
        raise TypeError(f"{formula!r} needs at least one array, got none")
    if type(axis) is not int:
        axis = tuple(_integer("axis", a) for a in axis) if isinstance(axis, tuple) else _integer("axis", axis)
    if ignore_index is not None and type(ignore_index) is not int:
        ignore_index = _integer("ignore_index", ignore_index)
    if classes is not None and type(classes) is not int:
        classes = _integer("classes", classes)
    return Call(
        formula,
        tuple(arrays),
        tuple(arrays.values()),
        parameters or {},
        weights,
        where,
        reduction,
        dtype,
        axis,
        ignore_index,
        classes,
    )


def _integer(name: str, value: Any) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {value!r}") from None
