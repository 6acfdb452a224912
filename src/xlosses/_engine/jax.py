"""JAX: each call is one compiled program, derivatives are slopes, and rows along other axes stay there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np

from xlosses._core.alignment import UNCUT
from xlosses._core.call import Call
from xlosses._core.operands import Operands
from xlosses._core.plan import Plan
from xlosses._core.reduce import Compute
from xlosses._engine.jax_careful import are_concrete, ordinary_first
from xlosses._engine.jax_chunks import in_chunks
from xlosses._engine.jax_rows import rows_as_stored
from xlosses._engine.jax_slopes import with_slope
from xlosses._engine.switch import entries
from xlosses._engine.whole import Places, Runner

_TRACED = object()  # stands in a call for what is an argument of its program


class JaxRunner(Runner):
    def evaluate(self, plan: Plan, call: Call) -> Any:
        return _run_program(super().evaluate, "value", plan, call)

    def value_and_gradients(self, plan: Plan, call: Call, places: Places) -> tuple[Any, tuple[Any, ...]]:
        make = partial(super().value_and_gradients, places=places)
        return _run_program(make, ("value and gradients", places), plan, call)  # type: ignore[no-any-return]

    def run(self, compute: Compute, operands: Operands, places: Places = ()) -> Any:
        """Makes the slope the derivative: XLA compiles it to less work than that of the formula itself."""
        if are_concrete(operands.arrays):  # under jax.disable_jit
            return compute(operands)
        formula = operands.formula
        # A copy of the formula, because the caches of JAX outlive it and would keep it from being freed.
        operands = operands._replace(formula=formula.by(formula.terms, formula.slope_function))
        if any(operands.plan.kinds[place] in UNCUT for place in formula.vjp_by):
            return in_chunks(compute, operands, places)
        operands = operands if formula.vjp_function else rows_as_stored(operands)
        formula = operands.formula
        if formula.differentiated_by and not formula.reads_one_entry and not places:
            operands = operands._replace(formula=with_slope(formula))
        if not places:
            return _moved(ordinary_first(compute, operands))
        found = compute(operands)
        return found._replace(by=tuple(map(_moved, found.by)))


def _moved(x: Any) -> Any:
    return x.moved() if hasattr(x, "moved") else x


def _run_program(make: Callable[[Plan, Call], Any], kind: Any, plan: Plan, call: Call) -> Any:
    """The result of `make(plan, call)`, compiled once per plan and options and cached with the formula."""
    formula = call.formula
    programs = formula.programs
    key = (kind, plan.token, call.reduction, call.ignore_index, entries(-1))
    program = programs.get(key)
    is_new = program is None
    if program is None:
        program = _compiled(make, plan, call)
    traced = _split(call)[0]
    try:
        result = program(*traced)
    except jax.errors.ConcretizationTypeError as error:
        raise TypeError(
            f"{formula!r} asks Python about a value that JAX traces; a parameter that chooses a branch is "
            "declared by formula(..., static=('its name',))"
        ) from error
    except jax.errors.JaxRuntimeError as error:
        if "Disallowed host-to-device transfer" not in str(error):
            raise
        # jax.transfer_guard forbids passing numbers to a program, but allows an explicit device_put.
        result = program(*(_on_device(x) for x in traced))
    if is_new:
        programs.keep(key, program)
    return result


def _on_device(x: Any) -> Any:
    is_number = isinstance(x, (int, float))
    return jax.device_put(np.asarray(x, jax.dtypes.canonicalize_dtype(type(x)))) if is_number else x


def _split(call: Call) -> tuple[list[Any], list[Any]]:
    """The arguments of the program, and all leaves of the call with marks in place of those."""
    traced, with_marks = [], []
    static = call.formula.static
    leaves = [(None, x) for x in call.arrays] + list(call.parameters.items())
    for name, x in [*leaves, (None, call.weights), (None, call.where)]:
        if x is None or type(x) is bool or name in static:
            with_marks.append(x)
        else:
            traced.append(x)
            with_marks.append(_TRACED)
    return traced, with_marks


def _compiled(make: Callable[[Plan, Call], Any], plan: Plan, call: Call) -> Any:
    with_marks, count, names = _split(call)[1], len(call.arrays), tuple(call.parameters)
    without_values = call._replace(arrays=(), parameters={}, weights=None, where=None)

    def program(*traced: Any) -> Any:
        arguments = iter(traced)
        leaves = [next(arguments) if x is _TRACED else x for x in with_marks]
        *numbers, weights, where = leaves[count:]
        parameters = dict(zip(names, numbers, strict=True))
        return make(
            plan,
            without_values._replace(
                arrays=tuple(leaves[:count]), parameters=parameters, weights=weights, where=where
            ),
        )

    # Inlined, so that a surrounding jit or gradient sees its operations instead of one opaque call.
    return jax.jit(program, inline=True)


runner = JaxRunner()
