"""JAX: a call as one compiled program, derivatives by the slope, rows computed with where they lie."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np

from xlosses._core import reduce
from xlosses._core.call import Call
from xlosses._core.formula import Formula
from xlosses._core.operands import Operands
from xlosses._core.plan import Plan
from xlosses._core.reduce import Compute
from xlosses._engine.jax_careful import are_concrete, ordinary_if_finite, split_arrays
from xlosses._engine.jax_rows import rows_as_stored
from xlosses._engine.jax_slopes import with_slope
from xlosses._engine.switch import entries
from xlosses._engine.whole import Runner

_TRACED = object()


class JaxRunner(Runner):
    def evaluate(self, plan: Plan, call: Call) -> Any:
        return _program(super().evaluate, "value", plan, call)

    def value_and_gradient(self, plan: Plan, call: Call) -> tuple[Any, Any]:
        return _program(super().value_and_gradient, "value and gradient", plan, call)  # type: ignore[no-any-return]

    def run(self, compute: Compute, operands: Operands, slopes: bool = False) -> Any:
        """Differentiated by the slope, of which XLA makes less work than of the formula's derivative."""
        if are_concrete(operands.arrays):  # under jax.disable_jit
            return compute(operands)
        formula = operands.formula
        # A copy, because JAX keeps what it has compiled for longer than a user keeps a formula.
        operands = rows_as_stored(
            operands._replace(formula=formula.by(formula.terms, formula.slope_function))
        )
        formula = operands.formula
        if formula.slope_function and not formula.reads_one_entry and not slopes:
            operands = operands._replace(formula=with_slope(formula))
        found = compute(operands) if slopes else _ordinary_first(compute, operands)
        return found.moved() if hasattr(found, "moved") else found


def _program(make: Callable[[Plan, Call], Any], what: str, plan: Plan, call: Call) -> Any:
    """The result of a program that is compiled once per plan and options; checks of the plan are made."""
    formula = call.formula
    known = formula.programs
    key = (what, plan.token, call.reduction, call.ignore_index, entries(-1))
    program = known.get(key)
    fresh = program is None
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
        # Numbers go to the device by a transfer that is asked for, which jax.transfer_guard allows.
        result = program(*(_on_device(x) for x in traced))
    if fresh:
        known.keep(key, program)
    return result


def _on_device(x: Any) -> Any:
    number = isinstance(x, (int, float))
    return jax.device_put(np.asarray(x, jax.dtypes.canonicalize_dtype(type(x)))) if number else x


def _split(call: Call) -> tuple[list[Any], list[Any]]:
    """What a program takes as arguments, and all leaves of the call with marks in their places."""
    traced, fixed = [], []
    static = call.formula.static
    leaves = [(None, x) for x in call.arrays] + list(call.parameters.items())
    for name, x in [*leaves, (None, call.weights), (None, call.where)]:
        if x is None or type(x) is bool or name in static:
            fixed.append(x)
        else:
            traced.append(x)
            fixed.append(_TRACED)
    return traced, fixed


def _compiled(make: Callable[[Plan, Call], Any], plan: Plan, call: Call) -> Any:
    fixed, count, names = _split(call)[1], len(call.arrays), tuple(call.parameters)
    empty = call._replace(arrays=(), parameters={}, weights=None, where=None)

    def run(*traced: Any) -> Any:
        given = iter(traced)
        leaves = [next(given) if x is _TRACED else x for x in fixed]
        *numbers, weights, where = leaves[count:]
        parameters = dict(zip(names, numbers, strict=True))
        return make(
            plan,
            empty._replace(arrays=tuple(leaves[:count]), parameters=parameters, weights=weights, where=where),
        )

    # Inlined: in a program of the user's, and in a gradient, it is no call of its own.
    return jax.jit(run, inline=True)


def _ordinary_first(compute: Compute, operands: Operands) -> Any:
    """The result of the operands, by the ordinary form where that is finite."""
    form = operands.formula.ordinary_form
    elements = compute is reduce.unreduced and not operands.formula.by_rows
    if form is None or elements:  # to look at a result of the size of the arrays takes as long as guards
        return compute(operands)
    given, whole = split_arrays((operands.arrays, operands.parameters, operands.weights, operands.mask))
    # Without the arrays themselves: what JAX keeps of a function must not hold on to them.
    bare = operands._replace(first=None, arrays=(), parameters={}, weights=None, mask=None)
    rebuilt: list[Any] = []

    def result(formula: Formula, *given: Any) -> Any:
        arrays, parameters, weights, mask = whole(given)
        now = bare._replace(
            formula=formula, first=arrays[0], arrays=arrays, parameters=parameters, weights=weights, mask=mask
        )
        found, again = split_arrays(compute(now))  # some of the sums are numbers, and stay so
        rebuilt[:] = [again]
        return found

    careful, ordinary = partial(result, operands.formula), partial(result, form)
    found = ordinary_if_finite(careful, ordinary, given, seen=lambda found: found[0])(*given)
    return rebuilt[0](found)


runner = JaxRunner()
