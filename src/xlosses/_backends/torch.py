"""PyTorch: its own functions, which are faster than those of array-api-compat, and what they lack."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable
from typing import Any

import array_api_compat.torch as standard
import torch

from xlosses._backends.generic import Namespace, OtherNumber
from xlosses._backends.workbench import Workbench

OtherNumber.register(torch.SymFloat)
OtherNumber.register(torch.SymInt)

PLAIN = (torch.Tensor, torch.nn.Parameter)  # types whose operations no subclass intercepts


class Torch(Namespace):
    framework = "PyTorch"
    is_spread = False  # whether the tensors are spread over processes

    def sign(self, x: Any) -> Any:
        return torch.sign(x)  # that of array-api-compat writes in place, which fails under torch.func.vmap

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        return torch.where(condition, x, y)

    def sum(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return torch.sum(x) if axis is None else torch.sum(x, axis, keepdims)

    def max(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return torch.amax(x, () if axis is None else axis, keepdims)

    def cumulative_sum(self, x: Any, /, *, axis: Any = None, **options: Any) -> Any:
        # That of array-api-compat cannot be compiled inside torch.func.
        if axis is None or options:
            return self.standard.cumulative_sum(x, axis=axis, **options)
        return torch.cumsum(x, axis)

    def take_along_axis(self, x: Any, indices: Any, /, *, axis: int = -1) -> Any:
        # array-api-compat has none up to 1.9, and take_along_dim is compiled anew for each length.
        if x.shape == indices.shape:
            return torch.gather(x, axis, indices)
        return torch.take_along_dim(x, indices, axis)

    def relu(self, x: Any) -> Any:
        return torch.relu(x)

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        # Not by clamp, whose gradient at a bound is 1 up to PyTorch 2.13 and 0 from 2.14 on.
        x = x if high is None else torch.where(x > high, high, x)
        return x if low is None else torch.where(x < low, low, x)

    def stop_gradient(self, x: Any) -> Any:
        return x.detach()

    def pick(self, x: Any, labels: Any) -> Any:
        if labels.ndim == x.ndim:
            return torch.gather(x, -1, labels)
        return torch.gather(x, -1, labels[..., None])[..., 0]

    def sigmoid(self, x: Any) -> Any:
        return torch.sigmoid(x)

    def log_softmax(self, x: Any) -> Any:
        return torch.log_softmax(x, -1)

    def softmax(self, x: Any) -> Any:
        return softmax(x)

    def softmax_less_one(self, x: Any, labels: Any) -> Any:
        return self.add_at(self.softmax(x), labels, -torch.ones_like(x[..., 0]))

    def add_at(self, x: Any, labels: Any, values: Any) -> Any:
        return torch.scatter_add(x, -1, labels[..., None], values[..., None])

    def put_at(self, x: Any, labels: Any, values: Any) -> Any:
        return torch.scatter(torch.zeros_like(x), -1, labels[..., None], values[..., None])

    def matmul(self, x: Any, y: Any) -> Any:
        if not torch.is_autocast_enabled(x.device.type):
            return torch.matmul(x, y)
        with torch.autocast(x.device.type, enabled=False):  # it would round the products to half precision
            return torch.matmul(x, y)

    def moveaxis(self, x: Any, source: Any, destination: Any) -> Any:
        return torch.movedim(x, source, destination)  # torch.func.vmap has no rule for torch.moveaxis

    def total(self, x: Any) -> Any:
        return torch.sum(x)

    def array(self, values: Any, like: Any, dtype: Any) -> Any:
        if isinstance(values, (list, tuple)):
            return torch.tensor(values, dtype=dtype, device=like.device)
        if isinstance(values, torch.SymFloat):
            # torch.full would be compiled anew for every number, a product is not.
            return torch.ones((), dtype=dtype, device=like.device) * values  # type: ignore[operator]
        return torch.full((), values, dtype=dtype, device=like.device)

    def indices(self, n: int, like: Any) -> Any:
        # The compiler does not trace how array-api-compat finds the device.
        return torch.arange(n, device=like.device)

    def ends(self, labels: Any) -> tuple[int, int] | None:
        # The values of a subclass are not read: if labels are spread over devices, one device could raise
        # for a label of its own while the others wait for it.
        if torch.compiler.is_compiling() or type(labels) not in PLAIN or labels.device.type != "cpu":
            return None
        if not labels.numel():
            return 0, 0
        try:
            low, high = torch.aminmax(labels.to(torch.int64))
            return int(low), int(high)
        except RuntimeError:  # under vmap, or with fake tensors
            return None

    def owns(self, x: Any) -> bool:
        return isinstance(x, torch.Tensor)

    def refusal(self, x: Any) -> str:
        if x.is_nested:
            return "a nested tensor; convert it by to_padded_tensor() and leave the padding out by where"
        if type(x).__name__ == "MaskedTensor":
            return "a MaskedTensor; pass x.get_data() and where=x.get_mask()"
        if x.layout is not torch.strided:
            return "a sparse tensor; convert it by to_dense()"
        return ""

    def signature(self, x: Any) -> Hashable:
        return type(x), x.dtype, x.shape, x.layout, x.device  # the device, because mps has no float64

    def tracing(self) -> bool:
        return torch.compiler.is_compiling()

    def settings(self) -> Hashable:
        return torch.get_default_dtype()

    def dtype_named(self, name: str, like: Any) -> Any:
        if name == "float64" and like.device.type == "mps":
            raise ValueError("dtype='float64' does not exist on the mps device; move the arrays to the CPU")
        return super().dtype_named(name, like)

    def default_float(self) -> str:
        return self.dtype_name(torch.get_default_dtype())


def softmax(x: Any, out: Any = None) -> Any:
    """The softmax over the last axis, without a copy where that axis is not the last one in memory.

    torch.softmax copies such an array, unless the axis is moved to its place in memory first.
    """
    *strides, last = x.stride()
    axis = sum(stride >= last for stride in strides)
    if axis == len(strides):
        return torch.softmax(x, -1, out=out)
    out = None if out is None else out.movedim(-1, axis)
    return torch.softmax(x.movedim(-1, axis), axis, out=out).movedim(axis, -1)


class Values(Torch):
    """The operations where no gradient is needed: they may write into arrays that they allocated."""

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        if low is None:
            return torch.clamp_max(x, high)
        return torch.clamp_min(x, low) if high is None else torch.clamp(x, low, high)

    def softplus(self, x: Any) -> Any:
        return torch.relu(x).add_(torch.log1p(torch.exp(x.abs().neg_())))

    def step(self, x: Any) -> Any:
        return x.clone().gt_(0)  # five times as fast as comparing and casting the booleans

    def log_sum_exp(self, x: Any) -> tuple[Any, Any]:
        # The largest probability is 1 / sum exp(x - m), and softmax needs one pass over memory.
        return torch.amax(x, -1), -torch.log(torch.amax(softmax(x), -1))

    def softmax_less_one(self, x: Any, labels: Any) -> Any:
        return self.softmax(x).scatter_add_(
            -1, labels[..., None], -torch.ones_like(labels, dtype=x.dtype)[..., None]
        )

    def put_at(self, x: Any, labels: Any, values: Any) -> Any:
        return torch.zeros_like(x).scatter_(-1, labels[..., None], values[..., None])


namespace = Torch(standard)
namespace.values = Values(standard)


class TorchWorkbench(Workbench):
    package = "torch"
    differentiates = True
    compiler = "torch.compile"

    def array(self, values: Any, dtype: str = "float32") -> Any:
        return torch.tensor(values, dtype=getattr(torch, dtype))

    def value_and_grad(self, f: Callable[..., Any], *arrays: Any) -> tuple[Any, tuple[Any, ...]]:
        leaves = [a.detach().clone().requires_grad_(True) for a in arrays]
        value = f(*leaves)
        grads = torch.autograd.grad(value, leaves, materialize_grads=True)
        return value.detach(), grads

    def traced(self, f: Callable[..., Any]) -> Callable[..., Any]:
        torch.compiler.reset()  # else it gives up after a few functions of the same code
        compiled = torch.compile(f, backend="aot_eager")

        def run(*arrays: Any) -> Any:
            with warnings.catch_warnings():
                # Its own, for every autograd.Function that it meets, and for what else it reads.
                warnings.filterwarnings("ignore", "<class 'torch.autograd.function.Function'> should not be")
                warnings.filterwarnings("ignore", module=r"torch\._dynamo")
                return compiled(*arrays)

        return run

    def traced_value_and_grad(self, f: Callable[..., Any], *arrays: Any) -> tuple[Any, tuple[Any, ...]]:
        return self.value_and_grad(self.traced(f), *arrays)  # the way its users go

    def mapped(self, f: Callable[..., Any]) -> Callable[..., Any]:
        return torch.func.vmap(f)

    def devices(self) -> list[str]:
        found = ["cpu"]
        if torch.cuda.is_available():
            found += [f"cuda:{i}" for i in range(torch.cuda.device_count())]
        if torch.backends.mps.is_available():
            found.append("mps")
        return found


workbench = TorchWorkbench(namespace)
