"""JAX: gradients at kinks by decree, and values that are never looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from xlosses._backends.generic import Namespace
from xlosses._backends.workbench import Workbench


class Jax(Namespace):
    framework = "JAX"

    def _key(self, name: str) -> Any:
        return jnp.dtype(name)

    def dtype_name(self, dtype: Any) -> str:
        known = self.dtype_names.get(dtype)
        return known if known else jnp.dtype(dtype).name  # jnp.float32 is a type, not a dtype

    def absolute(self, x: Any) -> Any:
        return x * jnp.sign(x)  # the gradient of jnp.abs at 0 is 1

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
