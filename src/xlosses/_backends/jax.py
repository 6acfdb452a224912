"""JAX: custom gradients at kinks; values are never read, which would wait for them or break a trace."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from functools import partial
from importlib import import_module
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np

from xlosses._backends.generic import Namespace
from xlosses._backends.workbench import Workbench


class Jax(Namespace):
    """On a CPU, XLA's maximum and minimum may skip NaN inside of a sum over a row: the words keep it."""

    framework = "JAX"
    adopts = frozenset({"NumPy"})  # JAX does too, and leaves them unconverted under jax.disable_jit

    def _key(self, name: str) -> Any:
        return jnp.dtype(name)

    def dtype_name(self, dtype: Any) -> str:
        known = self.dtype_names.get(dtype)
        return known if known else jnp.dtype(dtype).name  # jnp.float32 is a type, not a dtype

    def absolute(self, x: Any) -> Any:
        return _absolute(x)  # the gradient of jnp.abs at 0 is 1

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        # Bounds in the dtype of x: the tangent of an integer has no dtype to compute with.
        x = x if high is None else _at_most(x, jnp.asarray(high, x.dtype))
        return x if low is None else _at_least(x, jnp.asarray(low, x.dtype))

    def max(self, x: Any, axis: Any = None, keepdims: bool = False, **others: Any) -> Any:
        if not others and _is_short(x, axis):
            return _max_of_short(x, axis, keepdims)
        extremum = jnp.max(x, axis, keepdims=keepdims, **others)
        return extremum + _zero_or_nan(x, axis, keepdims, others.get("where"))

    def min(self, x: Any, axis: Any = None, keepdims: bool = False, **others: Any) -> Any:
        extremum = jnp.min(x, axis, keepdims=keepdims, **others)
        return extremum + _zero_or_nan(x, axis, keepdims, others.get("where"))

    def _shift(self, x: Any, axis: int, keepdims: bool = False) -> Any:
        return jnp.max(x, axis, keepdims=keepdims)

    def maximum(self, x: Any, y: Any) -> Any:
        return _larger(*jnp.broadcast_arrays(x, y))

    def minimum(self, x: Any, y: Any) -> Any:
        return _smaller(*jnp.broadcast_arrays(x, y))

    def relu(self, x: Any) -> Any:
        return jax.nn.relu(x) + _zero_or_nan(x)

    def step(self, x: Any) -> Any:
        # To cast a comparison would keep XLA from vectorising. Unlike there, NaN gives NaN.
        return jax.lax.stop_gradient(jnp.sign(self.relu(x)))

    def stop_gradient(self, x: Any) -> Any:
        return jax.lax.stop_gradient(x)

    def softplus(self, x: Any) -> Any:
        return jax.nn.softplus(x)

    def sigmoid(self, x: Any) -> Any:
        return jax.nn.sigmoid(x)

    def scan(self, step: Callable[[Any, Any], tuple[Any, Any]], start: Any, xs: Any) -> tuple[Any, Any]:
        return jax.lax.scan(step, start, xs)  # a loop in Python would be unrolled

    def pick(self, x: Any, labels: Any) -> Any:
        if _rows_are_spread(x):
            return super().pick(x, labels)
        if labels.ndim == x.ndim:
            return jnp.take_along_axis(x, labels, -1)
        return jnp.take_along_axis(x, labels[..., None], -1)[..., 0]

    def _is_at_label(self, x: Any, labels: Any) -> Any:
        mask = super()._is_at_label(x, labels)
        if not _rows_are_spread(x):
            return mask
        return jax.sharding.reshard(mask, jax.typeof(x).sharding)  # type: ignore[no-untyped-call]

    def matmul(self, x: Any, y: Any) -> Any:
        # Unless the user has said otherwise, GPUs and TPUs would round the factors to 11 or 8 bits.
        chosen = jax.config.jax_default_matmul_precision  # type: ignore[attr-defined]
        return jnp.matmul(x, y, precision=chosen or "highest")

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
        return self.dtype_name(jnp.result_type(float))  # depends on jax_enable_x64, also as a context

    def widest_integer(self) -> Any:
        return jnp.result_type(int)

    def owns(self, x: Any) -> bool:
        return isinstance(x, jax.Array)

    def adopt(self, x: Any, like: Any) -> Any:
        return jnp.asarray(x)

    def settings(self) -> Hashable:
        return bool(jax.config.jax_enable_x64)  # type: ignore[attr-defined]


def _rows_are_spread(x: Any) -> bool:
    """Whether an explicit axis of a mesh spreads the rows over devices, where JAX refuses to gather."""
    typeof: Any = getattr(jax, "typeof", None)  # older versions have no explicit axes
    sharding = getattr(typeof(x), "sharding", None) if typeof and isinstance(x, jax.Array) else None
    return sharding is not None and sharding.spec[-1:] not in ((), (None,))


# Custom gradients, because `where` would make these three times as slow under XLA.


@jax.custom_jvp
def _absolute(x: Any) -> Any:
    return jnp.abs(x)


@_absolute.defjvp
def _absolute_jvp(primals: Any, tangents: Any) -> Any:
    return jnp.abs(primals[0]), jnp.sign(primals[0]) * tangents[0]


def _zero_or_nan(x: Any, axis: Any = (), keepdims: bool = False, where: Any = None) -> Any:
    """0, or NaN where x is or along the axis, which maxima skip. Not a selection: XLA vectorises none."""
    if not jnp.issubdtype(x.dtype, jnp.floating):
        return jnp.zeros((), x.dtype)
    zero = 0.0 * jnp.sign(x)
    return zero if axis == () else jnp.sum(zero, axis, keepdims=keepdims, where=where)


def _is_short(x: Any, axis: Any) -> bool:
    """Whether integers are faster than a sum that shows NaN: XLA's CPU vectorises sums of long rows alone."""
    if not isinstance(axis, int) or x.dtype != jnp.float32:
        return False
    return isinstance(x.shape[axis], int) and 0 < x.shape[axis] < 64  # a length may be a symbol


_ORDER_OF_MINUS_INFINITY = np.uint32(0x807FFFFF)  # as mirrored bits


@partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _max_of_short(x: Any, axis: int, keepdims: bool) -> Any:
    """The maximum over an axis by integers in the order of the numbers, NaN of either sign above infinity."""
    bits = jax.lax.bitcast_convert_type(x, jnp.int32)
    order = jax.lax.bitcast_convert_type(_mirrored(bits), jnp.uint32) - _ORDER_OF_MINUS_INFINITY
    largest = jnp.max(order, axis, keepdims=keepdims) + _ORDER_OF_MINUS_INFINITY
    return jax.lax.bitcast_convert_type(
        _mirrored(jax.lax.bitcast_convert_type(largest, jnp.int32)), jnp.float32
    )


@_max_of_short.defjvp
def _max_of_short_jvp(axis: int, keepdims: bool, primals: Any, tangents: Any) -> Any:
    largest = _max_of_short(primals[0], axis, True)
    winners = (primals[0] == largest).astype(jnp.float32)
    share = jnp.sum(winners * tangents[0], axis, keepdims=True) / jnp.sum(winners, axis, keepdims=True)
    return tuple(y if keepdims else jnp.squeeze(y, axis) for y in (largest, share))


def _mirrored(bits: Any) -> Any:
    """The bits of negative numbers turned around, and back: as integers they fall where the numbers rise."""
    return bits ^ ((bits >> 31) & 0x7FFFFFFF)


def _one_of_two(extremum: Any, wins: Any) -> Any:
    """The one of two numbers that wins, or NaN; equal ones share the gradient."""

    @jax.custom_jvp
    def winner(x: Any, y: Any) -> Any:
        return extremum(x, y) + _zero_or_nan(x) + _zero_or_nan(y)

    @winner.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        (x, y), (by_x, by_y) = primals, tangents
        shared = jnp.where(wins(y, x), by_y, 0.5 * (by_x + by_y))
        return winner(x, y), jnp.where(wins(x, y), by_x, shared)

    return winner


_larger, _smaller = _one_of_two(jnp.maximum, jnp.greater), _one_of_two(jnp.minimum, jnp.less)


def _bounded_by(extremum: Any, is_beyond: Any) -> Any:
    """The minimum or maximum of x and a bound; the gradient is the bound's only where x is beyond it."""

    @jax.custom_jvp
    def bounded(x: Any, bound: Any) -> Any:
        return extremum(x, bound) + (_zero_or_nan(x) + _zero_or_nan(bound))

    @bounded.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        return bounded(*primals), jnp.where(is_beyond(*primals), tangents[1], tangents[0])

    return bounded


_at_most, _at_least = _bounded_by(jnp.minimum, jnp.greater), _bounded_by(jnp.maximum, jnp.less)


namespace = Jax(jnp)


class JaxWorkbench(Workbench):
    package = "jax"
    differentiates = True
    compiler = "jax.jit"

    def array(self, values: Any, dtype: str = "float32") -> Any:
        if dtype in ("int64", "uint64") and self.xp.default_float() == "float32":
            dtype = dtype.replace("64", "32")  # which JAX would do as well, with a warning
        return jnp.asarray(values, dtype=dtype)

    def value_and_grad(self, f: Callable[..., Any], *arrays: Any) -> tuple[Any, tuple[Any, ...]]:
        return jax.value_and_grad(f, argnums=tuple(range(len(arrays))))(*arrays)

    def compile(self, f: Callable[..., Any]) -> Callable[..., Any]:
        return jax.jit(f)

    def traced(self, f: Callable[..., Any]) -> Callable[..., Any]:
        return jax.jit(f)

    def mapped(self, f: Callable[..., Any]) -> Callable[..., Any]:
        return jax.vmap(f)

    def wide(self) -> AbstractContextManager[Any]:
        # Versions before 0.7 have it in a module of experiments.
        enable = (jax if hasattr(jax, "enable_x64") else import_module("jax.experimental")).enable_x64
        return cast(AbstractContextManager[Any], enable(True))

    def device_of(self, x: Any) -> str:
        return ", ".join(sorted(map(str, x.devices())))

    def devices(self) -> list[str]:
        return [str(device) for device in jax.devices()]

    def dtypes(self) -> list[str]:
        return super().dtypes() if self.xp.default_float() == "float64" else super().dtypes()[:-1]


workbench = JaxWorkbench(namespace)
