"""JAX: gradients at kinks by decree, and values that are never looked at."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import compress
from numbers import Real
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from xlosses._backends.blocks import entries
from xlosses._backends.generic import Namespace
from xlosses._backends.workbench import Workbench

ASKED_ABOUT = (0.0, 1.0, 2.0, math.inf)  # numbers that formulas treat by themselves: kept as they are
REMEMBERED = 64  # compiled calls per formula; a program that needs more of them begins anew
_TRACED = object()
_NUMBERS = (float, int, bool)
_concrete: dict[type, bool] = {}


class Jax(Namespace):
    framework = "JAX"

    def _key(self, name: str) -> Any:
        return jnp.dtype(name)

    def dtype_name(self, dtype: Any) -> str:
        known = self.dtype_names.get(dtype)
        return known if known else jnp.dtype(dtype).name  # jnp.float32 is a type, not a dtype

    def absolute(self, x: Any) -> Any:
        return _absolute(x)  # the gradient of jnp.abs at 0 is 1

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        # As numbers of the dtype of x: the derivative by a whole one has none.
        x = x if high is None else _at_most(x, jnp.asarray(high, x.dtype))
        return x if low is None else -_at_most(-x, -jnp.asarray(low, x.dtype))

    def relu(self, x: Any) -> Any:
        return jax.nn.relu(x)

    def stop_gradient(self, x: Any) -> Any:
        return jax.lax.stop_gradient(x)

    def pick(self, x: Any, labels: Any) -> Any:
        return jnp.take_along_axis(x, labels[..., None], axis=-1)[..., 0]

    def array(self, values: Any, like: Any, dtype: Any) -> Any:
        return jnp.asarray(values, dtype=dtype)

    def indices(self, n: int, like: Any) -> Any:
        return jnp.arange(n, dtype=self.widest_integer())

    def dtype_named(self, name: str, like: Any) -> Any:
        if name == "float64" and self.default_float() != name:
            raise ValueError(
                "dtype='float64' needs 64-bit JAX: set jax.config.update('jax_enable_x64', True)"
            )
        return super().dtype_named(name, like)

    def default_float(self) -> str:
        return self.dtype_name(jnp.result_type(float))  # knows of enable_x64, the context too

    def widest_integer(self) -> Any:
        return jnp.result_type(int)

    def tracing(self) -> bool:
        return True  # nearly always; and JAX's own memory knows of enable_x64

    def run(self, compute: Any, operands: Any, pull: Any = None) -> Any:
        """Differentiated by the slope, of which XLA makes less work than of the formula's derivative."""
        formula = operands.formula
        if formula.derivative and not formula.sparse and entries(1):
            operands = operands._replace(formula=formula.with_terms(partial(_by_slope, formula)))
        return compute(operands)

    def call(self, compute: Any, call: Any, values: Any) -> Any:
        """Compiled once per formula, options, dtypes and shapes; checks run while it is traced."""
        if not entries(1):
            return compute(call, values)
        traced, fixed = [], []
        for x in (*values.arrays, *values.parameters.values(), values.weights, values.where):
            kind = type(x)
            if _is_concrete(kind) or (kind is float and x not in ASKED_ABOUT):
                traced.append(x)
                fixed.append(_TRACED)
            elif x is None or kind in _NUMBERS:
                fixed.append(x)
            else:  # under a transformation, whose compiler sees the whole; or an error to be
                return compute(call, values)
        known = call.formula.compiled
        # The types as well: True and 1.0 are equal, and not the same to every argument.
        key = (call, type(call.reduction), *values.parameters, *fixed, *map(type, fixed))
        # What fails is run again op by op: it raises without JAX's additions to the message, or
        # succeeds, as a formula does that asks about the value of a parameter.
        with suppress(TypeError, ValueError, IndexError):
            if key not in known:
                if len(known) >= REMEMBERED:
                    known.clear()
                known[key] = _compiled(compute, call, values, tuple(fixed))
            if run := known[key]:
                return run(*traced)
        result = compute(call, values)
        known[key] = None
        return result


# By their derivatives rather than by a selection, which XLA makes three times as slow.


@jax.custom_jvp
def _absolute(x: Any) -> Any:
    return jnp.abs(x)


@_absolute.defjvp
def _absolute_jvp(primals: Any, tangents: Any) -> Any:
    return jnp.abs(primals[0]), jnp.sign(primals[0]) * tangents[0]


@jax.custom_jvp
def _at_most(x: Any, high: Any) -> Any:
    return jnp.minimum(x, high)


@_at_most.defjvp
def _at_most_jvp(primals: Any, tangents: Any) -> Any:
    x, high = primals
    return jnp.minimum(x, high), jnp.where(x > high, tangents[1], tangents[0])


def _by_slope(formula: Any, xp: Any, *arrays: Any, **parameters: Any) -> Any:
    """The terms, whose derivative by the first array is the slope; by others, that of the formula."""
    still = {name: x for name, x in parameters.items() if isinstance(x, Real)}
    moving = {name: x for name, x in parameters.items() if name not in still}

    def terms(arrays: Any, moving: Any) -> Any:
        return formula.terms(xp, *arrays, **moving, **still)

    def rule(primals: Any, tangents: Any) -> Any:
        tree: Any
        moves, tree = jax.tree.flatten(tangents)
        moved = [type(t) is not SymbolicZero for t in moves]
        if moved[0] and not any(moved[1:]):
            arrays, moving = primals
            slope = formula.derivative(xp, *arrays, **moving, **still) * moves[0]
            return with_slope(*primals), jnp.sum(slope, axis=-1) if formula.by_rows else slope
        leaves = tree.flatten_up_to(primals)

        def of_moved(*given: Any) -> Any:
            others = iter(given)
            return terms(
                *tree.unflatten(next(others) if m else x for m, x in zip(moved, leaves, strict=True))
            )

        return jax.jvp(of_moved, tuple(compress(leaves, moved)), tuple(compress(moves, moved)))

    with_slope = jax.custom_jvp(terms)
    with_slope.defjvp(rule, symbolic_zeros=True)
    return with_slope(arrays, moving)


def _is_concrete(kind: type) -> bool:
    found = _concrete.get(kind)
    if found is None:
        found = _concrete[kind] = issubclass(kind, jax.Array) and not issubclass(kind, jax.core.Tracer)
    return found


def _compiled(compute: Any, call: Any, values: Any, fixed: tuple[Any, ...]) -> Any:
    arrays, names, rebuilt = len(call.names), tuple(values.parameters), type(values)

    def run(*traced: Any) -> Any:
        given = iter(traced)
        leaves = [next(given) if x is _TRACED else x for x in fixed]
        *numbers, weights, where = leaves[arrays:]
        parameters = dict(zip(names, numbers, strict=True))
        return compute(call, rebuilt(tuple(leaves[:arrays]), parameters, weights, where))

    return jax.jit(run)


namespace = Jax(jnp)


class JaxWorkbench(Workbench):
    package = "jax"
    differentiates = True

    def array(self, values: Any, dtype: str = "float32") -> Any:
        return jnp.asarray(values, dtype=dtype)

    def value_and_grad(self, f: Callable[..., Any], *arrays: Any) -> tuple[Any, tuple[Any, ...]]:
        return jax.value_and_grad(f, argnums=tuple(range(len(arrays))))(*arrays)

    def compile(self, f: Callable[..., Any]) -> Callable[..., Any]:
        return jax.jit(f)

    def devices(self) -> list[str]:
        return [str(device) for device in jax.devices()]

    def dtypes(self) -> list[str]:
        return super().dtypes() if self.xp.default_float() == "float64" else super().dtypes()[:-1]


workbench = JaxWorkbench(namespace)
