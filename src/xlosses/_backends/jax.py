"""JAX: gradients at kinks by decree, and values that are never looked at."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import compress
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from xlosses._backends.blocks import entries
from xlosses._backends.generic import Namespace, for_one_call
from xlosses._backends.jax_rows import BY_ENTRY, Rows, as_they_lie, lifted
from xlosses._backends.workbench import Workbench

ASKED_ABOUT = (0.0, 1.0, 2.0, math.inf)  # numbers that formulas treat by themselves: kept as they are
LARGE = 1 << 12  # entries from which a branch costs less than guards
REMEMBERED = 64  # compiled calls per formula; a program that needs more of them begins anew
_TRACED = object()
_NUMBERS = (float, int, bool)
_concrete: dict[type, bool] = {}


class Jax(Namespace):
    framework = "JAX"

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
            formula = formula.with_terms(partial(_by_slope, formula))
        arrays, axis = operands.arrays, operands.plan.axis
        if formula.any_axis and axis != arrays[0].ndim - 1 and not _are_concrete(arrays):
            arrays = as_they_lie(arrays, operands.plan.kinds, axis)
        operands = operands._replace(formula=formula, arrays=arrays)
        found = _in_tries(compute, operands) if pull else compute(operands)
        return found.moved() if isinstance(found, Rows) else found

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


def _by_slope(formula: Any, xp: Any, *arrays: Any, **parameters: Any) -> Any:
    """The terms, whose derivative by the first array is the slope; by others, that of the formula."""
    given, whole = _parted((arrays, parameters))

    def terms(xp: Any, *given: Any) -> Any:
        arrays, parameters = whole(given)
        return formula.terms(xp, *arrays, **parameters)

    def slope(xp: Any, *given: Any) -> Any:
        arrays, parameters = whole(given)
        return formula.derivative(xp, *arrays, **parameters)

    def rule(primals: Any, tangents: Any) -> Any:
        first, *others = (type(t) is not SymbolicZero for t in tangents)
        if not first or any(others):
            return _derived(partial(terms, xp), primals, tangents)
        if formula.by_rows:
            (first_moves, *_), _ = whole((tangents[0], *primals[1:]))
            found = _tried(slope, xp, primals, sign=terms)(*primals)
            return with_slope(*primals), xp.sum(found * first_moves, axis=-1)
        return with_slope(*primals), slope(xp, *primals) * tangents[0]

    with_slope = jax.custom_jvp(partial(terms, xp))
    with_slope.defjvp(rule, symbolic_zeros=True)
    return with_slope(*given)


def _in_tries(compute: Any, operands: Any) -> Any:
    """The result of the operands, tried."""
    whole: Any
    given, all_operands = _parted((operands.arrays, operands.parameters, operands.weights, operands.mask))

    def result(xp: Any, *given: Any) -> Any:
        nonlocal whole
        arrays, parameters, weights, mask = all_operands(given)
        now = operands._replace(arrays=arrays, parameters=parameters, weights=weights, mask=mask)
        found, whole = _parted(compute(now.on(xp)))  # some of the sums are numbers, and stay so
        return found

    found = _tried(result, operands.plan.xp, given)(*given)
    return whole(found)


def _tried(make: Any, xp: Any, given: Any, sign: Any = None) -> Any:
    """`make(words, *arrays)` without guards of rare values, and with them if that was not finite.

    XLA takes up to three times as long for guards on a CPU; elsewhere they are free, and to branch is
    to wait. The `sign` is what to look at in place of the result, which then is made in the branch: a
    large one would be copied. Derivatives have the guards.
    """
    careful = partial(make, xp)
    words = for_one_call(_trying)
    size = given[0].size  # a symbol where a program is exported for any batch
    few = isinstance(size, int) and size < entries(LARGE)
    if few or jax.default_backend() != "cpu" or _are_concrete(given):
        return careful

    def tried(*given: Any) -> Any:
        found = make(words, *given)
        if not words.asked:
            return found
        seen = sign(words, *given) if sign else found[0]
        if sign is None and 0 < seen.ndim == given[0].ndim:  # to look at so much takes as long as guards
            return careful(*given)
        first = partial(make, words) if sign else lambda *_: found
        return jax.lax.cond(jnp.isfinite(jnp.sum(seen)), first, careful, *given)

    def batched(size: int, axes: Any, *given: Any) -> Any:
        found = jax.vmap(careful, [0 if along else None for along in axes], axis_size=size)(*given)
        return found, jax.tree.map(lambda _: True, found)  # a branch for each would be both for all

    def rule(primals: Any, tangents: Any) -> Any:
        found, moves = _derived(careful, primals, tangents)
        return found if _are_concrete(primals) else derived(*primals), moves

    alone = jax.custom_batching.custom_vmap(tried)
    alone.def_vmap(batched)
    derived = jax.custom_jvp(alone)
    derived.defjvp(rule, symbolic_zeros=True)
    return derived


def _derived(function: Any, primals: Any, tangents: Any) -> Any:
    """The function and its derivative by what moves, as JAX finds them."""
    moved = [type(t) is not SymbolicZero for t in tangents]

    def of_moved(*given: Any) -> Any:
        return function(*_filled(primals, moved, given))

    return jax.jvp(of_moved, tuple(compress(primals, moved)), tuple(compress(tangents, moved)))


def _parted(tree: Any) -> tuple[list[Any], Callable[[Any], Any]]:
    """The arrays of a tree, and what makes it whole again with others in their places."""
    shape: Any
    leaves, shape = jax.tree.flatten(tree)
    places = [isinstance(x, jax.Array) for x in leaves]
    rest = [None if place else x for x, place in zip(leaves, places, strict=True)]
    return list(compress(leaves, places)), lambda given: shape.unflatten(_filled(rest, places, given))


def _filled(leaves: Any, places: Any, given: Any) -> list[Any]:
    """The leaves, but what is given in these places."""
    others = iter(given)
    return [next(others) if place else x for x, place in zip(leaves, places, strict=True)]


def _is_concrete(kind: type) -> bool:
    found = _concrete.get(kind)
    if found is None:
        found = _concrete[kind] = issubclass(kind, jax.Array) and not issubclass(kind, jax.core.Tracer)
    return found


def _are_concrete(arrays: Any) -> bool:
    """Whether every operation runs at once, none of them compiled with others."""
    return all(_is_concrete(type(x)) for x in arrays)


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
_trying = _Trying(jnp)


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
