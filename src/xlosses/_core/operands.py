"""The arrays that a formula computes with: laid out by `prepare`, then cast and masked by `ready`.

These are two steps because the first only makes views of large arrays. Blocks are cut between them,
so that copies are made of one block at a time.
"""

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
    """The arrays of a call, or a block of them, in the layout of the formula."""

    plan: Plan
    xp: Namespace  # what to compute with: the plan's, or one that a runner has put in its place
    formula: Formula
    first: Any  # the first array as the caller gave it
    arrays: tuple[Any, ...]
    parameters: Mapping[str, Any]
    weights: Any  # an array that broadcasts to the terms, a number, or None
    mask: Any  # a boolean array that broadcasts to the terms, or None
    ignored: int | None  # `ignore_index`, the label whose rows are left out
    in_range: bool  # whether the labels of all kept rows are known to be in range
    as_given: bool  # whether `ready` has nothing to do
    shape: Shape  # of the terms
    nan_factor: Any = None  # for each row 1, or NaN if its label is out of range

    @property
    def width(self) -> int:
        """How many entries of the first array belong to one term: the length of a row, or 1."""
        return int(self.arrays[0].shape[-1]) if self.formula.by_rows else 1

    @property
    def needs_little_memory(self) -> bool:
        """Whether the formula makes no array as large as the first one, so that blocks would save nothing."""
        is_cast = self.arrays[0].dtype == self.plan.compute
        untouched = self.in_range and self.mask is None and self.ignored is None
        return self.formula.reads_one_entry and is_cast and untouched


def prepare(plan: Plan, call: Call) -> Operands:
    """The operands of a call: labels checked, arrays laid out, as views where the framework has them."""
    xp, arrays, first, weights, where = plan.xp, call.arrays, call.arrays[0], call.weights, call.where
    if plan.as_given and call.ignore_index is None:
        in_range = _in_range(call, plan, arrays, None)
        return Operands(
            plan, xp, call.formula, first, arrays, call.parameters, None, None, None, in_range, in_range,
            plan.shape,
        )  # fmt: skip
    parameters = call.parameters
    if plan.adopted:
        arrays = tuple(_adopted(xp, x) for x in arrays)
        parameters = {name: _adopted(xp, x) for name, x in parameters.items()}
        first, weights, where = arrays[0], _adopted(xp, weights), _adopted(xp, where)
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


def _adopted(xp: Namespace, x: Any) -> Any:
    return x if x is None or isinstance(x, str) or is_number(x) else xp.adopt(x)


def _in_range(call: Call, plan: Plan, arrays: tuple[Any, ...], mask: Any) -> bool:
    """Whether the labels of all kept rows are known to be in range; one that is not raises."""
    i = plan.labels
    if i < 0:
        return True
    return labels.check(plan.xp, call.names[i], arrays[i], plan.shapes[0][-1], mask, call.ignore_index)


def ready(operands: Operands) -> Operands:
    """The operands as the formula takes them: cast to one dtype, labels in range, masked entries harmless."""
    if operands.as_given:
        return operands
    xp, kinds, mask = operands.xp, operands.plan.kinds, operands.mask
    first, nan_factor = operands.arrays[0], None
    cast = dtypes.Cast(xp, operands.plan.compute, first)
    arrays = []
    for x, kind in zip(operands.arrays, kinds, strict=True):
        if x is not None and kind == "labels":
            x = xp.stop_gradient(x)  # mx.checkpoint differentiates by integers, too
            x, mask, out_of_range = labels.safe(
                xp, x, first.shape[-1], mask, operands.ignored, operands.in_range
            )
            if out_of_range is not None:
                nan_factor = xp.where(out_of_range, float("nan"), cast.constant(1.0))
        elif x is not None:
            x = cast(x)
        arrays.append(x)
    if nan_factor is not None and operands.formula.reads_one_entry:
        # Otherwise only the entry that the formula reads would get a NaN gradient, not its whole row.
        arrays[0] = xp.nan_gradient(arrays[0], nan_factor)
    if mask is not None:
        arrays = [_harmless(xp, x, kind, mask) for x, kind in zip(arrays, kinds, strict=True)]
    weights = operands.weights
    if weights is not None and not is_number(weights):
        weights = cast(weights)
    if weights is not None and mask is not None:
        weights = xp.where(mask, cast.constant(weights) if is_number(weights) else weights, 0.0)
    static = operands.formula.static
    parameters = {k: v if k in static or is_number(v) else cast(v) for k, v in operands.parameters.items()}
    return Operands(  # not by `_replace`, which the compiler of PyTorch 2.6 does not trace
        operands.plan, xp, operands.formula, operands.first, tuple(arrays), parameters, weights, mask,
        operands.ignored, operands.in_range, operands.as_given, operands.shape, nan_factor,
    )  # fmt: skip


def _laid_out(x: Any, from_number: bool, kind: Alignment, shape: Shape, plan: Plan, first: Any) -> Any:
    """The array in the layout of the formula: rows along the last axis, broadcast to the common shape."""
    xp = plan.xp
    if x is None:
        return None
    if from_number:
        if kind == "labels":
            return xp.broadcast_to(xp.array(x, first, xp.widest_integer()), shape)
        return dtypes.Cast(xp, plan.compute, first).full(x, shape)
    if kind in ("rows", "vectors") and plan.axis != len(shape) - 1:
        x = xp.moveaxis(x, plan.axis, -1)
    return x if tuple(x.shape) == shape else xp.broadcast_to(x, shape)


def _harmless(xp: Namespace, x: Any, kind: Alignment, mask: Any) -> Any:
    """The array with 1, or label 0, in place of masked entries.

    Selecting 0 after the formula is not enough: in the backward pass that 0 is multiplied by the
    derivative of the discarded term, and 0 * NaN is NaN.
    """
    if x is None or kind == "classes":
        return x
    return xp.where(mask[..., None] if kind in ("rows", "vectors") else mask, x, int(kind != "labels"))
