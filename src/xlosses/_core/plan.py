"""What follows from the types, dtypes and shapes of a call alone: checked once, then remembered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from xlosses._backends import FLOATING, FRAMEWORKS, INTEGRAL, Namespace, namespace_of
from xlosses._core import dtypes, labels, shapes
from xlosses._core.checks import axis_of, is_number
from xlosses._core.formula import Alignment, Formula

REMEMBERED = 256  # plans per formula; a program that needs more of them begins anew
_PLAIN = (float, int, type(None))


class Call(NamedTuple):
    """What one call of a loss is, its arrays and numbers apart."""

    formula: Formula
    names: tuple[str, ...]  # of the arrays
    reduction: str
    dtype: Any
    axis: int
    ignore_index: int | None


class Values(NamedTuple):
    """The arrays and numbers of one call."""

    arrays: tuple[Any, ...]
    parameters: Mapping[str, Any]
    weights: Any
    where: Any


class Plan(NamedTuple):
    """How the values of a call become the operands of its formula."""

    xp: Namespace
    kinds: tuple[Alignment, ...]  # of each array
    axis: int  # where the rows of the first array lie
    shape: shapes.Shape  # of the terms
    shapes: tuple[shapes.Shape, ...]  # of each array in the formula
    compute: Any  # the dtype that terms are computed and summed in
    dtype: Any  # the dtype of the result
    asis: bool  # whether the formula takes the arrays as they were given, if their labels are in range
    labels: int  # which array has the labels; -1 if none has


def plan(call: Call, values: Values) -> Plan:
    """The plan of a call, or the error that its types, dtypes or shapes deserve."""
    formula, names, _, dtype, axis, _ = call
    arrays, parameters, weights, where = values
    xp = namespace_of(arrays[0])
    known = formula.plans
    if xp is None or xp.tracing():
        return _made(call, values)[0]
    try:
        signature: list[Any] = [names, dtype, axis]
        for x in (*arrays, *parameters.values(), weights, where):
            kind = type(x)
            plain = kind in _PLAIN
            signature.append(kind if plain else x if kind is bool else (kind, x.dtype, x.shape))
        key = tuple(signature)
        found: Plan | None = known.get(key)
    except (AttributeError, TypeError):  # what is no array, or no dtype, is about to be refused
        return _made(call, values)[0]
    if found is None:
        found, settled = _made(call, values)
        if settled:
            if len(known) >= REMEMBERED:
                known.clear()
            known[key] = found
    return found


def _made(call: Call, values: Values) -> tuple[Plan, bool]:
    """The plan, and whether it stays the same when a framework's settings change."""
    names, formula = call.names, call.formula
    arrays = dict(zip(names, values.arrays, strict=True))
    xp = one_framework({**arrays, **values.parameters, "weights": values.weights, "where": values.where})
    kinds = formula.aligned(names)
    first = values.arrays[0]
    given = {k: x for k, x in arrays.items() if k == names[0] or not (x is None or is_number(x))}
    result, compute, settled = dtypes.choose(xp, given, kinds, call.dtype)
    axis = axis_of(len(first.shape), axis=call.axis) if formula.by_rows else -1
    wanted = shapes.of_formula({name: tuple(x.shape) for name, x in given.items()}, kinds, axis)
    shape = wanted[names[0]][:-1] if formula.by_rows else wanted[names[0]]
    _check_mask(xp, values.where, shape)
    _check_weights(xp, values.weights, shape)
    label = next((name for name, kind in kinds.items() if kind == "labels"), None)
    if label is not None:
        labels.check_dtype(xp, label, arrays[label])
    asis = (
        all(x is None or name in given for name, x in arrays.items())
        and all(tuple(x.shape) == wanted[name] for name, x in given.items())
        and all(x.dtype == (xp.widest_integer() if name == label else compute) for name, x in given.items())
        and all(is_number(x) for x in values.parameters.values())
        and axis in (-1, len(first.shape) - 1)
        and values.where is None
        and values.weights is None
    )
    made = Plan(
        xp=xp,
        kinds=tuple(kinds.values()),
        axis=axis,
        shape=shape,
        shapes=tuple(wanted[name] for name in names),
        compute=compute,
        dtype=result,
        asis=asis,
        labels=-1 if label is None else names.index(label),
    )
    return made, settled


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


def _check_mask(xp: Namespace, where: Any, shape: shapes.Shape) -> None:
    if where is None or isinstance(where, bool):
        return
    if is_number(where) or xp.dtype_name(where.dtype) != "bool":
        got = f"the number {where}" if is_number(where) else f"dtype {xp.dtype_name(where.dtype)}"
        raise TypeError(f"where must be a boolean array, got {got}")
    shapes.check_broadcasts("where", where, shape)


def _check_weights(xp: Namespace, weights: Any, shape: shapes.Shape) -> None:
    if weights is None or is_number(weights):
        return
    if xp.dtype_name(weights.dtype) not in (*FLOATING, *INTEGRAL, "bool"):
        raise TypeError(f"weights must be real, got dtype {xp.dtype_name(weights.dtype)}")
    shapes.check_broadcasts("weights", weights, shape)
