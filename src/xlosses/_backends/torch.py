"""PyTorch: eager words without the compatibility layer's detours, and no look at values when compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import array_api_compat.torch as standard
import torch

from xlosses._backends.generic import Namespace
from xlosses._backends.workbench import Workbench


class Torch(Namespace):
    framework = "PyTorch"

    def sign(self, x: Any) -> Any:
        return torch.sign(x)  # the compatibility layer's writes in place: torch.func.vmap fails

    def relu(self, x: Any) -> Any:
        return torch.relu(x)

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        return torch.clamp(x, low, high)

    def stop_gradient(self, x: Any) -> Any:
        return x.detach()

    def pick(self, x: Any, labels: Any) -> Any:
        return torch.gather(x, -1, labels[..., None])[..., 0]

    def array(self, values: Any, like: Any, dtype: Any) -> Any:
        if isinstance(values, (list, tuple)):
            return torch.tensor(values, dtype=dtype, device=like.device)
        return torch.full((), values, dtype=dtype, device=like.device)  # a traced number may be symbolic

    def look(self, flags: Any) -> bool | None:
        if torch.compiler.is_compiling() or flags.device.type != "cpu":
            return None
        try:
            return bool(flags.any())
        except RuntimeError:  # under vmap, or with fake tensors
            return None

    def dtype_named(self, name: str, like: Any) -> Any:
        if name == "float64" and like.device.type == "mps":
            raise ValueError("dtype='float64' does not exist on the mps device; move the arrays to the CPU")
        return super().dtype_named(name, like)

    def default_float(self) -> str:
        return self.dtype_name(torch.get_default_dtype())


namespace = Torch(standard)


class TorchWorkbench(Workbench):
    package = "torch"
    differentiates = True

    def array(self, values: Any, dtype: str = "float32") -> Any:
        return torch.tensor(values, dtype=getattr(torch, dtype))

    def value_and_grad(self, f: Callable[..., Any], *arrays: Any) -> tuple[Any, tuple[Any, ...]]:
        leaves = [a.detach().clone().requires_grad_(True) for a in arrays]
        value = f(*leaves)
        grads = torch.autograd.grad(value, leaves, materialize_grads=True)
        return value.detach(), grads

    def devices(self) -> list[str]:
        found = ["cpu"]
        if torch.cuda.is_available():
            found += [f"cuda:{i}" for i in range(torch.cuda.device_count())]
        if torch.backends.mps.is_available():
            found.append("mps")
        return found


workbench = TorchWorkbench(namespace)
