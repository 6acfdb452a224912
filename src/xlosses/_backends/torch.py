"""PyTorch: eager words without the compatibility layer's detours, and no look at values when compiled."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import array_api_compat.torch as standard
import torch
from torch.autograd import forward_ad

from xlosses._backends.blocks import Ways, added_up, entries, in_blocks, keep_freed_memory
from xlosses._backends.generic import Namespace, OtherNumber, for_one_call
from xlosses._backends.workbench import Workbench

BLOCK = 1 << 18  # entries for each thread: starting an operation costs as much as 2000 of them
MIDDLING = 1 << 13  # entries from which to look at a result costs less than guards
LARGE = 1 << 17  # entries from which slopes in blocks win
_TENSOR = object()

OtherNumber.register(torch.SymFloat)
OtherNumber.register(torch.SymInt)

keep_freed_memory(lambda: torch.empty(1 << 22, dtype=torch.uint8))


class Torch(Namespace):
    framework = "PyTorch"

    def sign(self, x: Any) -> Any:
        return torch.sign(x)  # the compatibility layer's writes in place: torch.func.vmap fails

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        return torch.where(condition, x, y)

    def sum(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return torch.sum(x) if axis is None else torch.sum(x, axis, keepdims)

    def max(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return torch.amax(x, () if axis is None else axis, keepdims)

    def relu(self, x: Any) -> Any:
        return torch.relu(x)

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        if low is None:
            return torch.clamp_max(x, high)
        return torch.clamp_min(x, low) if high is None else torch.clamp(x, low, high)

    def stop_gradient(self, x: Any) -> Any:
        return x.detach()

    def pick(self, x: Any, labels: Any) -> Any:
        return torch.gather(x, -1, labels[..., None])[..., 0]

    def softmax(self, x: Any) -> Any:
        return _softmax(x)

    def add_at(self, x: Any, labels: Any, values: Any) -> Any:
        if x.requires_grad or torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active():
            return torch.scatter_add(x, -1, labels[..., None], values[..., None])
        return x.scatter_add_(-1, labels[..., None], values[..., None])

    def total(self, x: Any) -> Any:
        return torch.sum(x)

    def array(self, values: Any, like: Any, dtype: Any) -> Any:
        if isinstance(values, (list, tuple)):
            return torch.tensor(values, dtype=dtype, device=like.device)
        if isinstance(values, torch.SymFloat):
            from xlosses._backends.torch_compiled import tensor_of

            return tensor_of(values, dtype, like.device)
        return torch.full((), values, dtype=dtype, device=like.device)

    def tracing(self) -> bool:
        return torch.compiler.is_compiling()

    def ends(self, labels: Any) -> tuple[int, int] | None:
        if torch.compiler.is_compiling() or labels.device.type != "cpu":
            return None
        if not labels.numel():
            return 0, 0
        try:
            low, high = torch.aminmax(labels.to(torch.int64))
            return int(low), int(high)
        except RuntimeError:  # under vmap, or with fake tensors
            return None

    def call(self, compute: Any, call: Any, values: Any) -> Any:
        """In a compiled graph one node: else all that Python looks at in a loss is checked at every call."""
        transformed = torch._C._are_functorch_transforms_active()
        if not torch.compiler.is_dynamo_compiling() or transformed or type(call.reduction) is not str:
            return compute(call, values)
        # Not before: PyTorch's compiler takes a second to load.
        from xlosses._backends.torch_compiled import name_of_node, node

        *fixed, axis, ignored = call  # numbers may be symbols
        name = name_of_node(compute, type(call), type(values), *fixed)
        return node(name, (axis, ignored), tuple(values))

    def run(self, compute: Any, operands: Any, pull: Any = None) -> Any:
        """Large arrays in blocks; where the first alone needs a gradient, that too, by the slope."""
        x = operands.arrays[0]
        if torch.compiler.is_compiling():
            from xlosses._backends.torch_compiled import by_term_slope

            return compute(by_term_slope(operands))
        size = x.numel()
        if not size > entries(MIDDLING) > 0 or not _is_plain(operands):
            return compute(operands)
        # On a CPU a block of each thread; elsewhere one more block is only more kernels to start.
        limit = entries(BLOCK * torch.get_num_threads() if x.device.type == "cpu" else size)
        needing = [t.requires_grad for t in _tensors(operands)] if torch.is_grad_enabled() else []
        if not any(needing):
            return _in_blocks(compute, operands, limit)
        if pull is None or operands.formula.derivative is None or any(needing[1:]) or size <= entries(LARGE):
            return compute(operands)
        return _Slope.apply(x, compute, operands, pull, limit)  # type: ignore[no-untyped-call]

    def dtype_named(self, name: str, like: Any) -> Any:
        if name == "float64" and like.device.type == "mps":
            raise ValueError("dtype='float64' does not exist on the mps device; move the arrays to the CPU")
        return super().dtype_named(name, like)

    def default_float(self) -> str:
        return self.dtype_name(torch.get_default_dtype())


def _finite(piece: Any) -> bool:
    if isinstance(piece, tuple):
        return math.isfinite(piece[0])
    return math.isfinite(torch.sum(piece, dtype=torch.promote_types(piece.dtype, torch.float32)))


def _softmax(x: Any, out: Any = None) -> Any:
    """Over the last axis, taken where memory has it: moved last, it would be copied."""
    *steps, last = x.stride()
    axis = sum(step >= last for step in steps)
    if axis == len(steps):
        return torch.softmax(x, -1, out=out)
    out = None if out is None else out.movedim(-1, axis)
    return torch.softmax(x.movedim(-1, axis), axis, out=out).movedim(axis, -1)


def _room(piece: Any, operands: Any) -> Any:
    if piece.ndim == len(operands.shape):
        return torch.empty(operands.shape, dtype=piece.dtype, device=piece.device)
    return torch.empty_like(operands.arrays[0], dtype=piece.dtype)


def _added(parts: Any) -> Any:
    return torch.stack(parts).sum(dtype=torch.float64).to(parts[0].dtype)


def _in_blocks(compute: Any, operands: Any, limit: int) -> Any:
    if operands.light:
        return compute(operands)
    x = operands.arrays[0]
    if x.device.type != "cpu":  # to look at a sum would be to wait for it
        return in_blocks(compute, operands, limit, _careful)
    several = operands.formula.together and x.numel() > limit
    ways = _ways._replace(unguarded=for_one_call(_one_softmax)) if several else _ways
    return in_blocks(compute, operands, limit, ways)


def _tensors(operands: Any) -> list[Any]:
    found = (*operands.arrays, operands.weights, operands.mask, *operands.parameters.values())
    return [x for x in found if isinstance(x, torch.Tensor)]


def _is_plain(operands: Any) -> bool:
    """Whether nothing but autograd watches these tensors: no torch.func, no forward mode, no subclass."""
    unpack: Any = forward_ad.unpack_dual
    forward = forward_ad._current_level >= 0
    return not torch._C._are_functorch_transforms_active() and all(
        type(x) in (torch.Tensor, torch.nn.Parameter) and not (forward and unpack(x).tangent is not None)
        for x in _tensors(operands)
    )


class _Slope(torch.autograd.Function):
    """Forward the formula, backward the slope, both in blocks: nothing but the arguments is kept.

    If they share a softmax, the gradient is made with the sums and kept, in place of the softmax.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, compute: Any, operands: Any, pull: Any, limit: int) -> Any:
        # Kept by autograd and not by us, so that it notices when they are changed in place.
        ctx.save_for_backward(*_tensors(operands))
        ctx.rest = _with_tensors(operands, None)
        ctx.way = compute, pull, limit
        ctx.made = None
        if operands.formula.together and operands.settled and x.device.type == "cpu":
            result, ctx.made = _with_gradient(compute, operands, pull, limit)
        else:
            result = _in_blocks(compute, operands, limit)
        if isinstance(result, tuple):
            ctx.mark_non_differentiable(*(r for r in result[1:] if isinstance(r, torch.Tensor)))
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Any, *others: Any) -> Any:
        operands = _with_tensors(ctx.rest, iter(ctx.saved_tensors))
        compute, pull, limit = ctx.way
        made, ctx.made = ctx.made, None  # once: the next one is made from the arguments
        if torch.is_grad_enabled():  # this gradient is to be differentiated in its turn
            result = compute(operands)
            value = result[0] if isinstance(result, tuple) else result
            found = torch.autograd.grad(value, operands.arrays[0], gradient, create_graph=True)[0]
        elif made is not None:
            found = made.mul_(gradient)
        else:
            weights = gradient if operands.weights is None else gradient * operands.weights
            fit = operands.plan.asis and weights.dtype == operands.plan.compute
            operands = operands._replace(weights=weights, plan=operands.plan._replace(asis=fit))
            found = _in_blocks(pull, operands, limit)
        return found, None, None, None, None


def _with_tensors(operands: Any, tensors: Any) -> Any:
    """The operands with other tensors in the order of `_tensors`, or with marks of where they were."""

    def other(x: Any) -> Any:
        if tensors is None:
            return _TENSOR if isinstance(x, torch.Tensor) else x
        return next(tensors) if x is _TENSOR else x

    return operands._replace(
        arrays=tuple(map(other, operands.arrays)),
        weights=other(operands.weights),
        mask=other(operands.mask),
        parameters={name: other(x) for name, x in operands.parameters.items()},
        first=None,
    )


class _Unguarded(Torch):
    """Values alone, of which those that are not finite are computed again: words may write in place."""

    unguarded = True

    def step(self, x: Any) -> Any:
        return x.clone().gt_(0)  # a comparison to booleans and their cast take five times as long

    def log_sum_exp(self, x: Any) -> tuple[Any, Any]:
        # The largest probability is 1 / sum exp(x - m), and softmax one pass over memory.
        return torch.amax(x, -1), -torch.log(torch.amax(self.softmax(x), -1))


class _OneSoftmax(_Unguarded):
    """Blocks of one call, whose softmax is made once each, in one memory or the room for the gradient.

    Freed and allocated anew for every block it may grow the heap by that of the whole array: glibc
    before 2.38 cannot reuse what is aligned.
    """

    room: Any = None
    made: Any = None  # the array of which the room has the softmax

    def softmax(self, x: Any) -> Any:
        if self.made is not x:
            if self.room is None or self.room.shape != x.shape:
                self.room = torch.empty_like(x)
            _softmax(x, self.room)
            self.made = x
        return self.room


def _with_gradient(compute: Any, operands: Any, pull: Any, limit: int) -> Any:
    """The sums, and the slope of each entry; of terms no slope, which may be many times as large."""
    xp, sums, gradient = for_one_call(_one_softmax), [], torch.empty_like(operands.arrays[0])
    for index, block in operands.blocks(limit):
        xp.room, xp.made = gradient[index], None
        fast = block.on(xp)
        piece = compute(fast)
        if not isinstance(piece, tuple):
            return _in_blocks(compute, operands, limit), None
        if _finite(piece):  # then the slope is too
            slope = pull(fast)
        else:
            piece, slope = compute(block), pull(block)
        if slope is not xp.room:
            xp.room.copy_(slope)
        sums.append(piece)
    return added_up(sums, _ways), gradient


namespace = Torch(standard)
_one_softmax = _OneSoftmax(standard)
_ways = Ways(_Unguarded(standard), nullcontext, _finite, _room, _added)
_careful = Ways(namespace, nullcontext, lambda _: True, _room, _added)


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
