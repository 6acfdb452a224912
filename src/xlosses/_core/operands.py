"""The arrays that a formula computes with: laid out by `prepare`, then cast and masked by `ready`.

These are two steps because the first only makes views of large arrays. Blocks are cut between them,
so that copies are made of one block at a time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from xlosses._backends import Namespace
from xlosses._core import dtypes, labels
from xlosses._core.alignment import OF_ENTRIES, OF_INTEGERS, UNCUT, Alignment
from xlosses._core.call import Call
from xlosses._core.checks import as_float, is_number
from xlosses._core.formula import Formula
from xlosses._core.plan import Plan, own_array
from xlosses._core.shapes import Shape


class Operands(NamedTuple):
    """The arrays of a call, or a block of them, in the layout of the formula."""

    plan: Plan
    xp: Namespace  # what to compute with: the plan's, or one that a runner has put in its place
    formula: Formula
    given: tuple[Any, ...]  # the arrays as the caller gave them
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
    def size(self) -> int:
        """How many entries the largest array has that the formula makes, if it is run on everything."""
        return math.prod(self.shape) * self.plan.width

    @property
    def needs_little_memory(self) -> bool:
        """Whether the formula makes no array as large as the first one, so that blocks would save nothing."""
        is_cast = self.arrays[0].dtype == self.plan.compute
        untouched = self.in_range and self.mask is None and self.ignored is None
        return self.formula.reads_one_entry and is_cast and untouched


def prepare(plan: Plan, call: Call) -> Operands:
    """The operands of a call: labels checked, arrays laid out, as views where the framework has them."""
    xp, arrays, weights, where = plan.xp, call.arrays, call.weights, call.where
    if plan.as_given and call.ignore_index is None:
        in_range = _in_range(call, plan, arrays, None)
        return Operands(
            plan, xp, call.formula, arrays, arrays, call.parameters, None, None, None, in_range, in_range,
            plan.shape,
        )  # fmt: skip
    parameters = call.parameters
    if plan.adopted:
        own = own_array(xp, (*arrays, *parameters.values(), weights, where))
        adopted = partial(_adopted, xp, like=own)
        arrays = tuple(map(adopted, arrays))
        parameters = {name: adopted(x) for name, x in parameters.items()}
        weights, where = adopted(weights), adopted(where)
    given, first = arrays, arrays[0]
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
        given=given,
        arrays=arrays,
        parameters=parameters,
        weights=weights,
        mask=mask,
        ignored=call.ignore_index,
        in_range=_in_range(call, plan, arrays, mask),
        as_given=False,
        shape=plan.shape,
    )


def _adopted(xp: Namespace, x: Any, like: Any) -> Any:
    return x if x is None or isinstance(x, str) or is_number(x) else xp.adopt(x, like)


def _in_range(call: Call, plan: Plan, arrays: tuple[Any, ...], mask: Any) -> bool:
    """Whether the labels of all kept rows are known to be in range; one that is not raises."""
    i = plan.labels
    accepted = labels.accepted(plan.xp, call.formula, call.names, arrays, call.parameters, mask)
    if i < 0:
        return accepted
    in_range = labels.check(plan.xp, call.names[i], arrays[i], plan.classes, mask, call.ignore_index)
    return in_range and accepted


def ready(operands: Operands) -> Operands:
    """The operands as the formula takes them: cast to one dtype, labels in range, masked entries harmless."""
    if operands.as_given:
        return operands
    xp, kinds, mask = operands.xp, operands.plan.kinds, operands.mask
    nan_factor, kept, place = None, operands.plan.kept, operands.plan.labels
    cast = dtypes.Cast(xp, operands.plan.compute, operands.arrays[0])
    arrays = [_cast(cast, x, kind) for x, kind in zip(operands.arrays, kinds, strict=True)]
    if place >= 0:
        arrays[place], mask, out_of_range = labels.safe(
            xp, arrays[place], operands.plan.classes, mask, operands.ignored, operands.in_range
        )
        if out_of_range is not None:
            nan_factor = xp.where(out_of_range, float("nan"), cast.constant(1.0))
    if operands.formula.refused and not operands.in_range:
        refused = labels.refused(xp, operands.formula, arrays, operands.parameters, mask)
        arrays = [
            _harmless(xp, x, kind, xp.logical_not(per_term(refused, x, operands.shape)))
            if kind in OF_INTEGERS and kind not in UNCUT
            else x
            for x, kind in zip(arrays, kinds, strict=True)
        ]
        nan = xp.where(refused, float("nan"), cast.constant(1.0))
        nan_factor = nan if nan_factor is None else nan_factor * nan
        arrays[0] = xp.nan_gradient(arrays[0], nan)  # the whole gradient, not only where the formula looks
    if kept >= 0:
        arrays = [
            _harmless(xp, x, kind, arrays[kept]) if kind in ("rows", "vectors") else x
            for x, kind in zip(arrays, kinds, strict=True)
        ]
    if nan_factor is not None and operands.formula.reads_one_entry:
        # Otherwise only the entry that the formula reads would get a NaN gradient, not its whole row.
        arrays[0] = xp.nan_gradient(arrays[0], nan_factor)
    if mask is not None:
        arrays = [
            x if x is None or kind in UNCUT else _harmless(xp, x, kind, per_term(mask, x, operands.shape))
            for x, kind in zip(arrays, kinds, strict=True)
        ]
    weights = operands.weights
    if weights is not None and not is_number(weights):
        weights = cast(weights)
    if weights is not None and mask is not None:
        weights = xp.where(mask, cast.constant(weights) if is_number(weights) else weights, 0.0)
    static = operands.formula.static
    parameters = {k: v if k in static or is_number(v) else cast(v) for k, v in operands.parameters.items()}
    return Operands(  # not by `_replace`, which the compiler of PyTorch 2.6 does not trace
        operands.plan, xp, operands.formula, operands.given, tuple(arrays), parameters, weights, mask,
        operands.ignored, operands.in_range, operands.as_given, operands.shape, nan_factor,
    )  # fmt: skip


def _cast(cast: dtypes.Cast, x: Any, kind: Alignment) -> Any:
    """Real numbers in the dtype of the computation, integers in the widest signed one."""
    if x is None or kind == "kept":
        return x
    if kind in OF_INTEGERS:  # as constants, because mx.checkpoint differentiates by integers, too
        return labels.widest(cast.xp, cast.xp.stop_gradient(x))
    return cast(x)


def _laid_out(x: Any, from_number: bool, kind: Alignment, shape: Shape, plan: Plan, first: Any) -> Any:
    """The array in the layout of the formula: rows along the last axis, broadcast to the common shape."""
    xp = plan.xp
    if x is None:
        return None
    if from_number:
        if kind in OF_INTEGERS:
            return xp.broadcast_to(xp.array(x, first, xp.widest_integer()), shape)
        return dtypes.Cast(xp, plan.compute, first).full(x, shape)
    if kind in OF_ENTRIES:
        x = _with_rows_last(xp, x, plan.axes)
    if kind == "shared":  # here and not block by block, because it is the same for all
        x = dtypes.Cast(xp, plan.compute, first)(x)
    return x if tuple(x.shape) == shape else xp.broadcast_to(x, shape)


def _harmless(xp: Namespace, x: Any, kind: Alignment, mask: Any) -> Any:
    """The array with 1, or label 0, in place of entries that are not kept.

    Selecting 0 after the formula is not enough: in the backward pass that 0 is multiplied by the
    derivative of the discarded term, and 0 * NaN is NaN.
    """
    return xp.where(mask, x, True if kind == "kept" else int(kind not in OF_INTEGERS))


def per_term(x: Any, array: Any, shape: Shape) -> Any:
    """x, one number per term, with as many axes more as the array has beside those of the terms."""
    more = len(array.shape) - len(shape)
    return x[(..., *(None,) * more)] if more and not is_number(x) else x


def _with_rows_last(xp: Namespace, x: Any, axes: tuple[int, ...]) -> Any:
    """The array with the entries of each row along the last axis."""
    n = len(x.shape)
    last = tuple(range(n - len(axes), n))
    if axes != last:
        x = xp.moveaxis(x, axes[0], -1) if len(axes) == 1 else xp.permute_dims(x, _moved(n, axes))
    return (
        x
        if len(axes) == 1
        else xp.reshape(x, (*x.shape[: n - len(axes)], math.prod(x.shape[n - len(axes) :])))
    )


def with_rows_back(xp: Namespace, x: Any, axes: tuple[int, ...], lengths: Shape) -> Any:
    """The array with the entries of each row along these axes again, of these lengths."""
    if len(axes) == 1:
        return xp.moveaxis(x, -1, axes[0])
    x = xp.reshape(x, (*x.shape[:-1], *lengths))
    moved = _moved(len(x.shape), axes)
    return xp.permute_dims(x, tuple(moved.index(axis) for axis in range(len(moved))))


def _moved(n: int, axes: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of an array in the order in which these come last."""
    return (*(axis for axis in range(n) if axis not in axes), *axes)
