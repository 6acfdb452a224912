"""What a formula computes with: arrays laid out beside each other, then cast and made harmless."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from xlosses._backends import Namespace
from xlosses._core import dtypes, labels
from xlosses._core.call import Call
from xlosses._core.checks import as_float, is_number
from xlosses._core.formula import Alignment, Formula
from xlosses._core.plan import Plan
from xlosses._core.shapes import Shape


class Operands(NamedTuple):
    """The arrays of a call as they were given, in the layout of the formula; or a block of them."""

    plan: Plan
    xp: Namespace  # the words of this run
    formula: Formula
    first: Any  # the first array as it was given
    arrays: tuple[Any, ...]
    parameters: Mapping[str, Any]
    weights: Any  # an array that broadcasts to the terms, a number, or None
    mask: Any  # a boolean array that broadcasts to the terms, or None
    ignored: int | None  # the label whose rows are left out
    in_range: bool  # whether every label that counts is known to be in range
    as_given: bool  # whether the formula takes the arrays as they are
    shape: Shape  # of the terms
    nan_factor: Any = None  # per row 1, or NaN where its label is out of range

    @property
    def width(self) -> int:
        """How many entries of the first array a term is made of."""
        return int(self.arrays[0].shape[-1]) if self.formula.by_rows else 1

    @property
    def needs_little_memory(self) -> bool:
        """Whether the formula, run whole, takes no memory of the size of its first array."""
        cast = self.arrays[0].dtype == self.plan.compute
        untouched = self.in_range and self.mask is None and self.ignored is None
        return self.formula.reads_one_entry and cast and untouched


def prepare(plan: Plan, call: Call) -> Operands:
    """Lay the arguments of one call out, and look at its labels. Nothing of their size is made."""
    xp, arrays, first, weights, where = plan.xp, call.arrays, call.arrays[0], call.weights, call.where
    if plan.as_given and call.ignore_index is None:
        in_range = _in_range(call, plan, arrays, None)
        return Operands(
            plan, xp, call.formula, first, arrays, call.parameters, None, None, None, in_range, in_range,
            plan.shape,
        )  # fmt: skip
    parameters = call.parameters
    if plan.adopted:
        arrays = tuple(_own(xp, x) for x in arrays)
        parameters = {name: _own(xp, x) for name, x in parameters.items()}
        first, weights, where = arrays[0], _own(xp, weights), _own(xp, where)
    mask = xp.array(False, first, xp.dtype_named("bool", first)) if where is False else where
    mask = None if mask is True else mask
    arrays = tuple(
        _laid_out(x, number, kind, shape, plan, first)
        for x, number, kind, shape in zip(arrays, plan.numbers, plan.kinds, plan.shapes, strict=True)
    )
    if weights is not None and is_number(weights):
        weights = as_float(weights)
    return Operands(
        plan=plan,
        xp=xp,
        formula=call.formula,
        first=first,
        arrays=arrays,
        parameters=parameters,
        weights=weights,
        mask=mask,
        ignored=call.ignore_index,
        in_range=_in_range(call, plan, arrays, mask),
        as_given=False,
        shape=plan.shape,
    )


def _own(xp: Namespace, x: Any) -> Any:
    return x if x is None or isinstance(x, str) or is_number(x) else xp.own(x)


def _in_range(call: Call, plan: Plan, arrays: tuple[Any, ...], mask: Any) -> bool:
    """Whether every label that counts is known to be in range; one that is not raises."""
    i = plan.labels
    if i < 0:
        return True
    return labels.check(plan.xp, call.names[i], arrays[i], plan.shapes[0][-1], mask, call.ignore_index)


def ready(operands: Operands) -> Operands:
    """The operands as the formula takes them: one dtype, labels in range, nothing harmful where masked."""
    if operands.as_given:
        return operands
    xp, kinds, first, mask, nan_factor = (
        operands.xp,
        operands.plan.kinds,
        operands.arrays[0],
        operands.mask,
        None,
    )
    cast = dtypes.Cast(xp, operands.plan.compute, first)
    found = []
    for x, kind in zip(operands.arrays, kinds, strict=True):
        if x is not None and kind == "labels":
            x = xp.stop_gradient(x)  # a checkpoint of MLX differentiates by every argument
            x, mask, bad = labels.safe(xp, x, first.shape[-1], mask, operands.ignored, operands.in_range)
            if bad is not None:
                nan_factor = xp.where(bad, float("nan"), cast.constant(1.0))
        elif x is not None:
            x = cast(x)
        found.append(x)
    if nan_factor is not None and operands.formula.reads_one_entry:
        found[0] = xp.nan_gradient(
            found[0], nan_factor
        )  # else the gradient is NaN at one entry of the row alone
    if mask is not None:
        found = [_harmless(xp, x, kind, mask) for x, kind in zip(found, kinds, strict=True)]
    weights = operands.weights
    if weights is not None and not is_number(weights):
        weights = cast(weights)
    if weights is not None and mask is not None:
        weights = xp.where(mask, cast.constant(weights) if is_number(weights) else weights, 0.0)
    static = operands.formula.static
    parameters = {k: v if k in static or is_number(v) else cast(v) for k, v in operands.parameters.items()}
    return operands._replace(
        arrays=tuple(found), parameters=parameters, weights=weights, mask=mask, nan_factor=nan_factor
    )


def _laid_out(x: Any, number: bool, kind: Alignment, shape: Shape, plan: Plan, first: Any) -> Any:
    """The array as the formula takes it: rows along the last axis, in the common shape."""
    xp = plan.xp
    if x is None:
        return None
    if number:
        if kind == "labels":
            return xp.broadcast_to(xp.array(x, first, xp.widest_integer()), shape)
        return dtypes.Cast(xp, plan.compute, first).full(x, shape)
    if kind in ("rows", "vectors") and plan.axis != len(shape) - 1:
        x = xp.moveaxis(x, plan.axis, -1)
    return x if tuple(x.shape) == shape else xp.broadcast_to(x, shape)


def _harmless(xp: Namespace, x: Any, kind: Alignment, mask: Any) -> Any:
    """The array with 1, or label 0, where it is masked.

    Selecting 0 after the formula is not enough: the gradient is multiplied by what was discarded.
    """
    if x is None or kind == "classes":
        return x
    return xp.where(mask[..., None] if kind in ("rows", "vectors") else mask, x, int(kind != "labels"))
