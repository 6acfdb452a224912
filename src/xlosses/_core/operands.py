"""Before the formula: one framework, one dtype, one shape, labels checked, masked terms harmless."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xlosses._backends import FLOATING, FRAMEWORKS, INTEGRAL, Namespace, namespace_of
from xlosses._core import dtypes, labels, shapes
from xlosses._core.checks import axis_of, is_number
from xlosses._core.formula import Alignment, Formula


@dataclass(frozen=True)
class Operands:
    """Everything that a formula's terms are made of, fit to compute with."""

    xp: Namespace
    formula: Formula
    arrays: tuple[Any, ...]
    parameters: Mapping[str, Any]
    weights: Any  # an array that broadcasts to the terms, a number, or None
    mask: Any  # a boolean array that broadcasts to the terms, or None
    poison: Any  # per row 1, or NaN where its label is out of range; or None
    first: Any  # the first array as it was given
    axis: int  # where its rows lie
    shape: shapes.Shape  # of the terms
    compute: Any  # the dtype that terms are computed and summed in
    dtype: Any  # the dtype of the result


def prepare(
    formula: Formula,
    arrays: Mapping[str, Any],
    parameters: Mapping[str, Any],
    weights: Any,
    where: Any,
    dtype: Any,
    axis: int,
    ignore_index: int | None,
) -> Operands:
    """Check the arguments of one call and bring them to one framework, dtype and shape."""
    xp = one_framework({**arrays, **parameters, "weights": weights, "where": where})
    kinds = formula.aligned(arrays)
    first_name, first = next(iter(arrays.items()))
    given = {k: x for k, x in arrays.items() if k == first_name or not (x is None or is_number(x))}
    result, compute = dtypes.choose(xp, given, kinds, dtype)
    cast = dtypes.Cast(xp, compute, first)
    axis = axis_of(len(first.shape), axis=axis) if formula.by_rows else -1
    wanted = shapes.of_formula({name: tuple(x.shape) for name, x in given.items()}, kinds, axis)
    shape = wanted[first_name][:-1] if formula.by_rows else wanted[first_name]
    mask = _mask(xp, where, shape, first)
    weights = _weights(xp, weights, shape, cast)

    ready: dict[str, Any] = {}
    poison = None
    for name, value in arrays.items():
        if value is None:
            ready[name] = None
        elif kinds[name] == "labels":
            found = labels.integers(xp, name, value, wanted[name], first)
            if ignore_index is not None:
                kept = found != ignore_index
                mask = kept if mask is None else mask & kept
            ready[name], bad = labels.outside(xp, name, found, first.shape[axis], mask)
            if bad is not None:
                poison = xp.where(bad, float("nan"), cast.constant(1.0))
        else:
            ready[name] = (
                _laid_out(cast(value), kinds[name], axis, wanted[name], xp)
                if name in given
                else cast.full(value, wanted[name])
            )

    if poison is not None:
        # Multiplied in, so that the NaN reaches the gradient of the row as well as its loss.
        ready[first_name] = ready[first_name] * poison[..., None]
    if mask is not None:
        ready = {name: _harmless(xp, value, kinds[name], mask) for name, value in ready.items()}
        if weights is not None:
            weights = xp.where(mask, cast.constant(weights) if is_number(weights) else weights, 0.0)
    return Operands(
        xp=xp,
        formula=formula,
        arrays=tuple(ready.values()),
        parameters={k: v if is_number(v) else cast(v) for k, v in parameters.items()},
        weights=weights,
        mask=mask,
        poison=poison,
        first=first,
        axis=axis,
        shape=shape,
        compute=compute,
        dtype=result,
    )


def one_framework(arguments: Mapping[str, Any]) -> Namespace:
    """The namespace of all arrays among the arguments; numbers and None are of any."""
    found: dict[str, Namespace] = {}
    for name, value in arguments.items():
        if value is None or (found and is_number(value)):
            continue
        namespace = namespace_of(value)
        if namespace is None:
            raise TypeError(
                f"{name} must be an array of {', '.join(FRAMEWORKS.values())} or another array API "
                f"library, got {type(value).__name__}; convert it first"
            )
        found[name] = namespace
    namespaces = iter(found.values())
    xp = next(namespaces)
    if any(other is not xp for other in namespaces):
        each = ", ".join(f"{name} is from {ns.framework}" for name, ns in found.items())
        raise TypeError(f"all arrays of a call must come from one framework, but {each}; convert all to one")
    return xp


def _laid_out(x: Any, kind: Alignment, axis: int, shape: shapes.Shape, xp: Namespace) -> Any:
    """The array as the formula takes it: rows along the last axis, in the common shape."""
    if kind in ("rows", "vectors") and axis != len(shape) - 1:
        x = xp.moveaxis(x, axis, -1)
    return x if tuple(x.shape) == shape else xp.broadcast_to(x, shape)


def _harmless(xp: Namespace, value: Any, kind: Alignment, mask: Any) -> Any:
    """The array with 1, or label 0, where it is masked.

    Selecting 0 after the formula is not enough: the gradient is multiplied by what was discarded.
    """
    if kind == "classes":
        return value
    return xp.where(mask[..., None] if kind in ("rows", "vectors") else mask, value, int(kind != "labels"))


def _mask(xp: Namespace, where: Any, shape: shapes.Shape, first: Any) -> Any:
    if where is None or where is True:
        return None
    if where is False:
        return xp.array(False, first, xp.dtype_named("bool", first))
    if is_number(where) or xp.dtype_name(where.dtype) != "bool":
        got = f"the number {where}" if is_number(where) else f"dtype {xp.dtype_name(where.dtype)}"
        raise TypeError(f"where must be a boolean array, got {got}")
    shapes.check_broadcasts("where", where, shape)
    return where


def _weights(xp: Namespace, weights: Any, shape: shapes.Shape, cast: dtypes.Cast) -> Any:
    if weights is None or is_number(weights):
        return weights if weights is None else float(weights)
    if xp.dtype_name(weights.dtype) not in (*FLOATING, *INTEGRAL, "bool"):
        raise TypeError(f"weights must be real, got dtype {xp.dtype_name(weights.dtype)}")
    shapes.check_broadcasts("weights", weights, shape)
    return cast(weights)
