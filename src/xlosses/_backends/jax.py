"""JAX: gradients at kinks by decree, and values that are never looked at."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from xlosses._backends.blocks import entries
from xlosses._backends.generic import Namespace
from xlosses._backends.jax_rows import BY_ENTRY, Rows, as_they_lie, lifted
from xlosses._backends.jax_slopes import are_concrete, by_slope, in_tries, is_concrete
from xlosses._backends.workbench import Workbench

ASKED_ABOUT = (0.0, 1.0, 2.0, math.inf)  # numbers that formulas treat by themselves: kept as they are
REMEMBERED = 64  # compiled calls per formula; a program that needs more of them begins anew
_TRACED = object()
_NUMBERS = (float, int, bool)


class Jax(Namespace):
    framework = "JAX"
    trying: _Trying

    def __init__(self, standard: Any) -> None:
        super().__init__(standard)
        words = {name: getattr(self, name) for name in (*vars(self), *BY_ENTRY)}
        vars(self).update({name: lifted(name, word) for name, word in words.items()})

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
        return x if low is None else _at_least(x, jnp.asarray(low, x.dtype))

    def relu(self, x: Any) -> Any:
        return jax.nn.relu(x)

    def step(self, x: Any) -> Any:
        # A comparison's cast keeps XLA from using vectors; of NaN this is NaN.
        return jax.lax.stop_gradient(jnp.sign(jnp.maximum(x, 0.0)))

    def stop_gradient(self, x: Any) -> Any:
        return jax.lax.stop_gradient(x)

    def pick(self, x: Any, labels: Any) -> Any:
        axis = -1
        if isinstance(x, Rows):
            x, axis = x.lying, x.axis
        return jnp.squeeze(jnp.take_along_axis(x, jnp.expand_dims(labels, axis), axis), axis)

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
        if not entries(1):
            return compute(operands)
        formula = operands.formula.with_terms(operands.formula.terms)  # as JAX keeps it with what it compiles
        if formula.derivative and not formula.sparse:
            formula = formula.with_terms(partial(by_slope, formula))
        arrays, axis = operands.arrays, operands.plan.axis
        if formula.any_axis and axis != arrays[0].ndim - 1 and not are_concrete(arrays):
            arrays = as_they_lie(arrays, operands.plan.kinds, axis)
        operands = operands._replace(formula=formula, arrays=arrays)
        found = in_tries(compute, operands) if pull else compute(operands)
        return found.moved() if isinstance(found, Rows) else found

    def call(self, compute: Any, call: Any, values: Any) -> Any:
        """Compiled once per formula, options, dtypes and shapes; checks run while it is traced."""
        if not entries(1):
            return compute(call, values)
        traced, fixed = [], []
        for x in (*values.arrays, *values.parameters.values(), values.weights, values.where):
            kind = type(x)
            if is_concrete(kind) or (kind is float and x not in ASKED_ABOUT):
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


def _bound(extreme: Any, beyond: Any) -> Any:
    """The extreme of x and a bound, with the gradient of x where it is not beyond."""

    @jax.custom_jvp
    def bounded(x: Any, bound: Any) -> Any:
        return extreme(x, bound)

    @bounded.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        return extreme(*primals), jnp.where(beyond(*primals), tangents[1], tangents[0])

    return bounded


_at_most, _at_least = _bound(jnp.minimum, jnp.greater), _bound(jnp.maximum, jnp.less)


def _compiled(compute: Any, call: Any, values: Any, fixed: tuple[Any, ...]) -> Any:
    arrays, names, rebuilt = len(call.names), tuple(values.parameters), type(values)

    def run(*traced: Any) -> Any:
        given = iter(traced)
        leaves = [next(given) if x is _TRACED else x for x in fixed]
        *numbers, weights, where = leaves[arrays:]
        parameters = dict(zip(names, numbers, strict=True))
        return compute(call, rebuilt(tuple(leaves[:arrays]), parameters, weights, where))

    return jax.jit(run)


class _Trying(Jax):
    """Words for a first try, which notes whether a formula has one."""

    asked = False

    @property
    def unguarded(self) -> bool:  # type: ignore[override]
        self.asked = True
        return True


namespace = Jax(jnp)
namespace.trying = _Trying(jnp)


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
