"""MLX: sums in stages, custom gradients; values are read on the CPU only, and outside transformations."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from io import StringIO
from typing import Any, cast

import mlx.core as mx

from xlosses._backends.generic import Namespace
from xlosses._backends.workbench import Workbench

# How many terms MLX adds one after the other in a stage of a sum: 3e6 equal terms come out within 3e-7.
STAGE = 16
LONG = 512  # entries of a row from which on it is summed in stages


class Mlx(Namespace):
    framework = "MLX"

    def _key(self, name: str) -> Any:
        return mx.bool_ if name == "bool" else getattr(mx, name)

    def relu(self, x: Any) -> Any:
        return mx.maximum(x, 0)

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        x = x if high is None else _at_most(x, _broadcast_like(high, x))
        return x if low is None else -_at_most(-x, -_broadcast_like(low, x))

    def stop_gradient(self, x: Any) -> Any:
        return mx.stop_gradient(x)

    def pick(self, x: Any, labels: Any) -> Any:
        if labels.ndim == x.ndim:
            return mx.take_along_axis(x, labels, axis=-1)
        return mx.squeeze(mx.take_along_axis(x, labels[..., None], axis=-1), -1)

    def sum(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        if axis != -1 or x.shape[-1] < LONG:
            return mx.sum(x, axis=axis, keepdims=keepdims)
        sums: Any = _sums_of_rows(x)  # takes a third of the time as well
        return sums[..., None] if keepdims else sums

    def total(self, x: Any) -> Any:
        return _sums_of_rows(x.reshape(-1))

    def nan_gradient(self, x: Any, factor: Any) -> Any:
        return _nan_gradient(x, factor)  # MLX would not fuse a product of all entries with the gather

    def array(self, values: Any, like: Any, dtype: Any) -> Any:
        return mx.array(values, dtype=dtype)

    def indices(self, n: int, like: Any) -> Any:
        if lengths_vary():  # where the graph would keep this n, and what is picked read other memory
            raise ValueError(
                "the entries of a batch cannot be counted where its length varies: compile or export without "
                "shapeless=True"
            )
        return mx.arange(n, dtype=self.widest_integer())

    def ends(self, labels: Any) -> tuple[int, int] | None:
        if mx.default_device() != mx.Device(mx.cpu, 0):
            return None
        try:
            return (
                (cast(int, mx.min(labels).item()), cast(int, mx.max(labels).item()))
                if labels.size
                else (0, 0)
            )
        except ValueError:  # there is no value under compile or vmap
            return None

    def dtype_named(self, name: str, like: Any) -> Any:
        if name == "float64" and mx.default_device().type != mx.cpu:
            raise ValueError(
                "dtype='float64' exists in MLX on the CPU only: mlx.core.set_default_device(mlx.core.cpu)"
            )
        return super().dtype_named(name, like)

    def default_float(self) -> str:
        return "float32"

    def owns(self, x: Any) -> bool:
        return isinstance(x, mx.array)

    def reshape(self, x: Any, shape: Any) -> Any:
        if -1 not in shape and lengths_vary():  # where the graph would keep these lengths
            raise ValueError(
                "an array cannot be given a shape where its lengths vary: compile or export without "
                "shapeless=True"
            )
        return mx.reshape(x, shape)

    def for_this_call(self) -> Namespace:
        return any_length if lengths_vary() else self

    def settings(self) -> Hashable:
        return mx.default_device().type


# A custom gradient, because `where` takes MLX twenty times as long.
_at_most: Any = mx.custom_function(mx.minimum)


@_at_most.vjp  # type: ignore[untyped-decorator]
def _at_most_vjp(arrays: Any, gradient: Any, _: Any) -> Any:
    is_beyond = arrays[0] > arrays[1]
    return mx.where(is_beyond, 0.0, gradient), mx.where(is_beyond, gradient, 0.0)


@mx.custom_function
def _nan_gradient(x: Any, factor: Any) -> Any:
    return x


@_nan_gradient.vjp
def _nan_gradient_vjp(arrays: Any, gradient: Any, _: Any) -> Any:
    return gradient * arrays[1][..., None], mx.zeros_like(arrays[1])


def _broadcast_like(x: Any, like: Any) -> Any:
    return mx.broadcast_to(mx.array(x, like.dtype), like.shape)


@mx.custom_function
def _sums_of_rows(x: Any) -> Any:
    """Sums over the last axis in stages: of short rows, then of their sums. MLX's own adds one term after
    the other, and is off by 1e-2 after a million of them.
    """
    remainders = []
    while x.shape[-1] > 2 * STAGE:
        full_rows = x.shape[-1] // STAGE * STAGE
        if full_rows < x.shape[-1]:
            remainders.append(mx.sum(x[..., full_rows:], axis=-1))
            x = x[..., :full_rows]
        x = mx.sum(x.reshape(*x.shape[:-1], -1, STAGE), axis=-1)
    return sum(remainders, mx.sum(x, axis=-1))


@_sums_of_rows.vjp
def _sums_of_rows_vjp(x: Any, gradient: Any, _: Any) -> Any:
    return mx.broadcast_to(gradient[..., None], x.shape)


class AnyLength(Mlx):
    """The namespace for `mx.compile(shapeless=True)` and export, whose graphs run for arrays of any length.

    There MLX cannot infer the shape of a `custom_function` or of a slice, so that these words use
    neither; the sum is MLX's own, one term after the other.
    """

    lengths_vary = True

    def indices(self, n: int, like: Any) -> Any:
        return mx.arange(n, dtype=self.widest_integer())  # of classes, whose number is the same

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        return Namespace.clip(self, x, low, high)

    def sum(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return mx.sum(x, axis=axis, keepdims=keepdims)

    def total(self, x: Any) -> Any:
        return mx.sum(x)

    def nan_gradient(self, x: Any, factor: Any) -> Any:
        return Namespace.nan_gradient(self, x, factor)


_ONE_ENTRY, _TWO_ENTRIES = mx.zeros((1,)), mx.zeros((2,))


def lengths_vary() -> bool:
    """Whether the graph that is traced now will be run for arrays of other lengths.

    MLX does not say so. But it broadcasts by another graph then, in which every output depends on every
    input by way of a StopGradient node.
    """
    graph = StringIO()
    mx.export_to_dot(graph, mx.broadcast_arrays(_ONE_ENTRY, _TWO_ENTRIES)[0])
    return "StopGradient" in graph.getvalue()


namespace = Mlx(mx)
any_length = AnyLength(mx)


class MlxWorkbench(Workbench):
    package = "mlx"
    differentiates = True
    compiler = "mx.compile"

    def array(self, values: Any, dtype: str = "float32") -> Any:
        return mx.array(values, dtype=self.xp._key(dtype))

    def value_and_grad(self, f: Callable[..., Any], *arrays: Any) -> tuple[Any, tuple[Any, ...]]:
        value, grads = mx.value_and_grad(f, argnums=list(range(len(arrays))))(*arrays)
        return value, tuple(grads) if len(arrays) > 1 else (grads,)

    def compile(self, f: Callable[..., Any]) -> Callable[..., Any]:
        return mx.compile(f)

    def traced(self, f: Callable[..., Any]) -> Callable[..., Any]:
        return mx.compile(f)

    def mapped(self, f: Callable[..., Any]) -> Callable[..., Any]:
        return mx.vmap(f)

    def wide(self) -> AbstractContextManager[Any]:
        return mx.stream(mx.cpu)  # GPUs have no float64

    def device_of(self, x: Any) -> str:
        return ""  # memory is shared, and arrays have no device

    def devices(self) -> list[str]:
        names = ["cpu"]
        if mx.metal.is_available():
            names.append("gpu")
        return names

    def dtypes(self) -> list[str]:
        on_cpu = mx.default_device().type == mx.cpu
        return super().dtypes() if on_cpu else super().dtypes()[:-1]


workbench = MlxWorkbench(namespace)
