"""MLX: sums in stages, slopes, and values that are read only on the CPU and outside transformations."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from io import StringIO
from typing import Any, cast

import mlx.core as mx

from xlosses._backends.generic import Namespace
from xlosses._backends.workbench import Workbench

STAGE = 16  # terms that one stage of a sum adds up one after the other: 3e6 equal terms within 3e-7


class Mlx(Namespace):
    framework = "MLX"

    def _key(self, name: str) -> Any:
        return mx.bool_ if name == "bool" else getattr(mx, name)

    def relu(self, x: Any) -> Any:
        return mx.maximum(x, 0)

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        x = x if high is None else _at_most(x, _spread(high, x))
        return x if low is None else -_at_most(-x, -_spread(low, x))

    def stop_gradient(self, x: Any) -> Any:
        return mx.stop_gradient(x)

    def pick(self, x: Any, labels: Any) -> Any:
        return mx.squeeze(mx.take_along_axis(x, labels[..., None], axis=-1), -1)

    def total(self, x: Any) -> Any:
        return _total(x)

    def nan_gradient(self, x: Any, factor: Any) -> Any:
        return _nan_gradient(x, factor)  # MLX does not fuse a product of all entries with a gather of few

    def array(self, values: Any, like: Any, dtype: Any) -> Any:
        return mx.array(values, dtype=dtype)

    def indices(self, n: int, like: Any) -> Any:
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
        except ValueError:  # under compile or vmap
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

    def settings(self) -> Hashable:
        return mx.default_device().type


# By its derivatives rather than by a selection, which takes MLX twenty times as long.
_at_most: Any = mx.custom_function(mx.minimum)


@_at_most.vjp  # type: ignore[untyped-decorator]
def _at_most_vjp(arrays: Any, gradient: Any, _: Any) -> Any:
    beyond = arrays[0] > arrays[1]
    return mx.where(beyond, 0.0, gradient), mx.where(beyond, gradient, 0.0)


@mx.custom_function
def _nan_gradient(x: Any, factor: Any) -> Any:
    return x


@_nan_gradient.vjp
def _nan_gradient_vjp(arrays: Any, gradient: Any, _: Any) -> Any:
    return gradient * arrays[1][..., None], mx.zeros_like(arrays[1])


def _spread(x: Any, like: Any) -> Any:
    return mx.broadcast_to(mx.array(x, like.dtype), like.shape)


@mx.custom_function
def _total(x: Any) -> Any:
    """MLX adds one term after the other, 1e-2 off after 1e7 of them: short rows, then the rows."""
    rest, x = [], x.reshape(-1)
    while x.size > 2 * STAGE:
        whole = x.size // STAGE * STAGE
        if whole < x.size:
            rest.append(mx.sum(x[whole:]))
            x = x[:whole]
        x = mx.sum(x.reshape(-1, STAGE), axis=1)
    return sum(rest, mx.sum(x))


@_total.vjp
def _total_vjp(x: Any, gradient: Any, _: Any) -> Any:
    return mx.broadcast_to(gradient, x.shape)


class AnyLength(Mlx):
    """Words for `mx.compile(shapeless=True)` and export, where a graph is run for arrays of other lengths.

    MLX cannot tell what shape a `custom_function` or a slice will have. Sums are its own, one term
    after the other.
    """

    lengths_vary = True

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        return Namespace.clip(self, x, low, high)

    def total(self, x: Any) -> Any:
        return mx.sum(x)

    def nan_gradient(self, x: Any, factor: Any) -> Any:
        return Namespace.nan_gradient(self, x, factor)


_ONE, _TWO = mx.zeros((1,)), mx.zeros((2,))


def lengths_vary() -> bool:
    """Whether what is traced now will be run for arrays of other lengths.

    MLX has no word for it, but broadcasts by another graph then: every array depends on all.
    """
    graph = StringIO()
    mx.export_to_dot(graph, mx.broadcast_arrays(_ONE, _TWO)[0])
    return "StopGradient" in graph.getvalue()


namespace = Mlx(mx)
any_length = AnyLength(mx)


class MlxWorkbench(Workbench):
    package = "mlx"
    differentiates = True

    def array(self, values: Any, dtype: str = "float32") -> Any:
        return mx.array(values, dtype=self.xp._key(dtype))

    def value_and_grad(self, f: Callable[..., Any], *arrays: Any) -> tuple[Any, tuple[Any, ...]]:
        value, grads = mx.value_and_grad(f, argnums=list(range(len(arrays))))(*arrays)
        return value, tuple(grads) if len(arrays) > 1 else (grads,)

    def compile(self, f: Callable[..., Any]) -> Callable[..., Any]:
        return mx.compile(f)

    def devices(self) -> list[str]:
        found = ["cpu"]
        if mx.metal.is_available():
            found.append("gpu")
        return found

    def dtypes(self) -> list[str]:
        on_cpu = mx.default_device().type == mx.cpu
        return super().dtypes() if on_cpu else super().dtypes()[:-1]


workbench = MlxWorkbench(namespace)
