"""What follows from the types, dtypes and shapes of a call, not its values: checked once, then cached."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, NamedTuple

from xlosses._backends import FLOATING, FRAMEWORKS, INTEGRAL, Namespace, namespace_of
from xlosses._core import dtypes, labels, shapes
from xlosses._core.alignment import OF_INTEGERS, OPTIONAL, Alignment
from xlosses._core.call import Call
from xlosses._core.checks import axes_of, describe, is_number

# Arguments of these types are the same to a plan whatever their value.
_KEYED_BY_TYPE = (float, int, type(None))


class Token:
    """Stands for a plan in the key of a cache: it compares by identity, the plan itself field by field."""


class Plan(NamedTuple):
    """How the arguments of a call become the operands of its formula."""

    xp: Namespace
    kinds: tuple[Alignment, ...]  # of each array
    numbers: tuple[bool, ...]  # of each array, whether a number was given in its place
    axes: tuple[int, ...]  # along which the rows of the first array lie; () where there are no rows
    shape: shapes.Shape  # of the terms
    shapes: tuple[shapes.Shape, ...]  # of each array in the formula
    width: int  # how many entries the largest array has that the formula makes for one term
    classes: int  # labels are below it
    compute: Any  # the dtype that terms are computed and summed in
    dtype: Any  # the dtype of the result
    as_given: bool  # whether nothing is to be moved, broadcast, cast or masked; labels may be out of range
    labels: int  # which of the arrays holds labels; -1 if none does
    kept: int  # which of the arrays says what entries are kept; -1 if none does
    adopted: bool  # whether arrays of another framework are among them, to be converted
    token: Token


def plan_of(call: Call, xp: Namespace | None) -> Plan:
    """The plan of a call, from the cache if it has one; types, dtypes or shapes that do not fit raise."""
    if xp is None or xp.tracing():
        return _new_plan(call)
    try:
        key = _key(call, xp)
        plan: Plan | None = call.formula.plans.get(key)
    except (AttributeError, TypeError, RuntimeError):  # what is no array or no dtype: _new_plan says so
        return _new_plan(call)
    if plan is None:
        plan = _new_plan(call)
        if not plan.adopted and _are_fixed(plan.shapes):
            call.formula.plans.keep(key, plan)
    return plan


def _key(call: Call, xp: Namespace) -> Hashable:
    """The key for the plan of a call in the cache: everything that the plan depends on."""
    static, signature = call.formula.static, xp.signature
    key: list[Any] = [call.names, call.dtype, call.axis, call.classes, xp.settings()]
    for x in call.arrays:
        kind = type(x)
        key.append(kind if kind in _KEYED_BY_TYPE else x if kind is bool else signature(x))
    for name, x in call.parameters.items():
        kind = type(x)
        if name in static:
            key.append((name, kind, x))
        else:
            key.append((name, kind if kind in _KEYED_BY_TYPE else x if kind is bool else signature(x)))
    for x in (call.weights, call.where):
        kind = type(x)
        key.append(kind if kind in _KEYED_BY_TYPE else x if kind is bool else signature(x))
    return tuple(key)


def _are_fixed(all_shapes: tuple[shapes.Shape, ...]) -> bool:
    """Whether all lengths are numbers; a compiler's symbol for a length must not be cached."""
    return all(type(n) is int for shape in all_shapes for n in shape)


def _new_plan(call: Call) -> Plan:
    names, formula = call.names, call.formula
    arrays = dict(zip(names, call.arrays, strict=True))
    kinds = formula.aligned(names)
    first = call.arrays[0]
    optional = {name for name in names[1:] if kinds[name] in OPTIONAL}
    arguments = {k: x for k, x in arrays.items() if x is not None or k not in optional}
    other_arguments = {**_traced(call), "weights": call.weights, "where": call.where}
    xp, adopted = one_framework({**arguments, **{k: x for k, x in other_arguments.items() if x is not None}})
    numbers = tuple(k != names[0] and x is not None and is_number(x) for k, x in arrays.items())
    given_arrays = {
        k: x for (k, x), number in zip(arrays.items(), numbers, strict=True) if x is not None and not number
    }
    if adopted:
        own = own_array(xp, [*arguments.values(), *other_arguments.values()])
        given_arrays = {k: xp.adopt(x, own) for k, x in given_arrays.items()}
    first = given_arrays[names[0]]
    result, compute = dtypes.choose(xp, given_arrays, kinds, call.dtype)
    axes = axes_of(len(first.shape), call.axis) if formula.by_rows else ()
    formula_shapes = shapes.of_formula(
        {name: tuple(x.shape) for name, x in given_arrays.items()}, kinds, axes, call.classes
    )
    shape = formula_shapes[names[0]][:-1] if formula.by_rows else formula_shapes[names[0]]
    _check_mask(xp, call.where, shape)
    _check_weights(xp, call.weights, shape)
    for name, kind in kinds.items():
        if kind in OF_INTEGERS:
            labels.check_dtype(xp, name, arrays[name], kind)
        if kind == "kept" and arrays[name] is not None:
            check_boolean(xp, name, arrays[name])
    integers = {name for name, kind in kinds.items() if kind in OF_INTEGERS}
    as_given = (
        not any(numbers)
        and not adopted
        and all(tuple(x.shape) == formula_shapes[name] for name, x in given_arrays.items())
        and all(
            x.dtype == (xp.widest_integer() if name in integers else compute)
            for name, x in given_arrays.items()
        )
        and all(is_number(x) for x in _traced(call).values())
        and axes in ((), (len(first.shape) - 1,))
        and call.where is None
        and call.weights is None
    )
    return Plan(
        xp=xp,
        kinds=tuple(kinds.values()),
        numbers=numbers,
        axes=axes,
        shape=shape,
        shapes=tuple(formula_shapes[name] for name in names),
        width=_width(call, [formula_shapes[k] if x is not None else None for k, x in arrays.items()]),
        classes=formula_shapes[names[0]][-1]
        if call.classes is None and formula.by_rows
        else call.classes or 0,
        compute=compute,
        dtype=result,
        as_given=as_given,
        labels=_place("labels", kinds),
        kept=_place("kept", {name: kind for name, kind in kinds.items() if arrays[name] is not None}),
        adopted=adopted,
        token=Token(),
    )


def _place(wanted: Alignment, kinds: Mapping[str, Alignment]) -> int:
    """Which of the arrays is aligned so; -1 if none is."""
    for place, kind in enumerate(kinds.values()):  # not by next(), which PyTorch 2.6 does not trace
        if kind == wanted:
            return place
    return -1


def _width(call: Call, formula_shapes: list[shapes.Shape | None]) -> int:
    formula = call.formula
    if formula.width is not None:
        static = {name: call.parameters[name] for name in formula.width_by if name in call.parameters}
        width = formula.width(*formula_shapes, **static)
        return max(1, width) if type(width) is int else width  # a compiler's symbol has no value yet
    first = formula_shapes[0]
    return first[-1] if formula.by_rows and first else 1


def _traced(call: Call) -> dict[str, Any]:
    """The parameters that are not static; each is checked to be a number or a 0-d array."""
    traced = {}
    for name, value in call.parameters.items():
        if name in call.formula.static:
            if not (is_number(value) or isinstance(value, (str, bool))):
                raise TypeError(f"{name} must be a plain number, string or bool, got {describe(value)}")
        elif is_number(value) or getattr(value, "shape", None) == ():
            traced[name] = value
        else:
            raise TypeError(f"{name} must be a number or a 0-d array, got {describe(value)}")
    return traced


def one_framework(arguments: Mapping[str, Any]) -> tuple[Namespace, bool]:
    """The namespace of all arrays among the arguments, and whether it has to convert some of them."""
    namespaces: dict[str, Namespace] = {}
    for name, value in arguments.items():
        if namespaces and is_number(value):
            continue
        namespace = namespace_of(value)
        if namespace is None:
            raise TypeError(
                f"{name} must be an array of {', '.join(FRAMEWORKS.values())} or another array API "
                f"library, got {type(value).__name__}; convert it first"
            )
        if refusal := namespace.refusal(value):
            raise TypeError(f"{name} is {refusal}")
        namespaces[name] = namespace
    candidates = list(namespaces.values())
    xp = ([ns for ns in candidates if ns.adopts] or candidates)[0]
    others = {ns.framework for ns in candidates if ns is not xp}
    if others - xp.adopts:
        each = ", ".join(f"{name} is from {ns.framework}" for name, ns in namespaces.items())
        raise TypeError(f"all arrays of a call must come from one framework, but {each}; convert all to one")
    return xp, bool(others)


def own_array(xp: Namespace, arguments: Iterable[Any]) -> Any:
    """The first array of this namespace, when others are converted to be such as it."""
    for x in arguments:
        if namespace_of(x) is xp:
            return x
    raise AssertionError("the namespace of a call is that of one of its arrays")


def _check_mask(xp: Namespace, where: Any, shape: shapes.Shape) -> None:
    if where is not None and not isinstance(where, bool):
        check_boolean(xp, "where", where)
        shapes.check_broadcasts("where", where, shape)


def check_boolean(xp: Namespace, name: str, x: Any) -> None:
    if is_number(x) or xp.dtype_name(x.dtype) != "bool":
        got = f"the number {x}" if is_number(x) else f"dtype {xp.dtype_name(x.dtype)}"
        raise TypeError(f"{name} must be a boolean array, got {got}")


def _check_weights(xp: Namespace, weights: Any, shape: shapes.Shape) -> None:
    if weights is None or is_number(weights):
        return
    if xp.dtype_name(weights.dtype) not in (*FLOATING, *INTEGRAL, "bool"):
        raise TypeError(f"weights must be real, got dtype {xp.dtype_name(weights.dtype)}")
    shapes.check_broadcasts("weights", weights, shape)
