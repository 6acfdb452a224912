"""What a formula computes with: arrays laid out beside each other, then cast and made harmless."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from xlosses._backends import Namespace
from xlosses._backends.blocks import Index, indices
from xlosses._core import dtypes, labels
from xlosses._core.checks import as_float, is_number
from xlosses._core.formula import Alignment, Formula
from xlosses._core.plan import Call, Plan, Values, plan
from xlosses._core.shapes import Shape


class Operands(NamedTuple):
    """The arrays of a call as they were given, in the layout of the formula; or a block of them."""

    plan: Plan
    formula: Formula
    first: Any  # the first array as it was given
    arrays: tuple[Any, ...]
    parameters: Mapping[str, Any]
    weights: Any  # an array that broadcasts to the terms, a number, or None
    mask: Any  # a boolean array that broadcasts to the terms, or None
    ignored: int | None  # the label whose rows are left out
    fit: bool  # whether every label that counts is known to be in range
    shape: Shape  # of the terms
    poison: Any = None  # per row 1, or NaN where its label is out of range

    def on(self, xp: Namespace) -> Operands:
        """The same operands for another namespace of their framework."""
        return self._replace(plan=self.plan._replace(xp=xp))

    @property
    def width(self) -> int:
        """How many entries of the first array a term is made of."""
        return int(self.arrays[0].shape[-1]) if self.formula.by_rows else 1

    @property
    def settled(self) -> bool:
        """Whether the formula takes the arrays as they are."""
        return self.plan.asis and self.fit and self.ignored is None

    @property
    def light(self) -> bool:
        """Whether the formula, run whole, takes no memory of the size of its first array."""
        cast = self.arrays[0].dtype == self.plan.compute
        return self.formula.sparse and cast and self.fit and self.mask is None and self.ignored is None

    def blocks(self, entries: int) -> Iterator[tuple[Index, Operands]]:
        """Where each block lies in the terms, and its operands, which are views."""
        xp, shape = self.plan.xp, self.shape
        whole = [x is None or kind == "classes" for x, kind in zip(self.arrays, self.plan.kinds, strict=True)]
        weights, mask = (
            x if x is None or is_number(x) else xp.broadcast_to(x, shape) for x in (self.weights, self.mask)
        )
        for index, lengths in indices(shape, max(1, entries // self.width)):
            yield (
                index,
                self._replace(
                    arrays=tuple(x if w else x[index] for x, w in zip(self.arrays, whole, strict=True)),
                    weights=weights if weights is None or is_number(weights) else weights[index],
                    mask=None if mask is None else mask[index],
                    shape=lengths,
                ),
            )


def prepare(call: Call, values: Values) -> Operands:
    """Check the arguments of one call and lay them out. Nothing of their size is made."""
    planned = plan(call, values)
    arrays, parameters, weights, where = values
    xp, first = planned.xp, arrays[0]
    if planned.asis and call.ignore_index is None:
        fit = _fit(call, planned, arrays, None)
        return Operands(
            planned, call.formula, first, arrays, parameters, None, None, None, fit, planned.shape
        )
    mask = xp.array(False, first, xp.dtype_named("bool", first)) if where is False else where
    mask = None if mask is True else mask
    arrays = tuple(
        _laid_out(x, kind, shape, planned, first)
        for x, kind, shape in zip(arrays, planned.kinds, planned.shapes, strict=True)
    )
    fit = _fit(call, planned, arrays, mask)
    if weights is not None and is_number(weights):
        weights = as_float(weights)
    return Operands(
        planned,
        call.formula,
        first,
        arrays,
        parameters,
        weights,
        mask,
        call.ignore_index,
        fit,
        planned.shape,
    )


def _fit(call: Call, planned: Plan, arrays: tuple[Any, ...], mask: Any) -> bool:
    """Whether every label that counts is known to be in range; one that is not raises."""
    i = planned.labels
    if i < 0:
        return True
    return labels.check(planned.xp, call.names[i], arrays[i], planned.shapes[0][-1], mask, call.ignore_index)


def ready(operands: Operands) -> Operands:
    """The operands as the formula takes them: one dtype, labels in range, nothing harmful where masked."""
    planned = operands.plan
    if operands.settled:
        return operands
    xp, kinds, first, mask, poison = planned.xp, planned.kinds, operands.arrays[0], operands.mask, None
    cast = dtypes.Cast(xp, planned.compute, first)
    found = []
    for x, kind in zip(operands.arrays, kinds, strict=True):
        if x is not None and kind == "labels":
            x, mask, bad = labels.safe(xp, x, first.shape[-1], mask, operands.ignored, operands.fit)
            if bad is not None:
                poison = xp.where(bad, float("nan"), cast.constant(1.0))
        elif x is not None:
            x = cast(x)
        found.append(x)
    if poison is not None and operands.formula.sparse:
        found[0] = xp.poisoned(found[0], poison)  # else the gradient is NaN at one entry of the row alone
    if mask is not None:
        found = [_harmless(xp, x, kind, mask) for x, kind in zip(found, kinds, strict=True)]
    weights = operands.weights
    if weights is not None and not is_number(weights):
        weights = cast(weights)
    if weights is not None and mask is not None:
        weights = xp.where(mask, cast.constant(weights) if is_number(weights) else weights, 0.0)
    parameters = {k: v if is_number(v) else cast(v) for k, v in operands.parameters.items()}
    return operands._replace(
        arrays=tuple(found), parameters=parameters, weights=weights, mask=mask, poison=poison
    )


def _laid_out(x: Any, kind: Alignment, shape: Shape, planned: Plan, first: Any) -> Any:
    """The array as the formula takes it: rows along the last axis, in the common shape."""
    xp = planned.xp
    if x is None:
        return None
    if is_number(x) and x is not first:
        if kind == "labels":
            return xp.broadcast_to(xp.array(int(x), first, xp.widest_integer()), shape)
        return dtypes.Cast(xp, planned.compute, first).full(x, shape)
    if kind in ("rows", "vectors") and planned.axis != len(shape) - 1:
        x = xp.moveaxis(x, planned.axis, -1)
    return x if tuple(x.shape) == shape else xp.broadcast_to(x, shape)


def _harmless(xp: Namespace, x: Any, kind: Alignment, mask: Any) -> Any:
    """The array with 1, or label 0, where it is masked.

    Selecting 0 after the formula is not enough: the gradient is multiplied by what was discarded.
    """
    if x is None or kind == "classes":
        return x
    return xp.where(mask[..., None] if kind in ("rows", "vectors") else mask, x, int(kind != "labels"))
