"""PyTorch in eager mode: large arrays are computed in blocks that fit a cache, and so are their gradients.

The gradient then comes from the slope of a formula, not from autograd.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import torch

from xlosses._backends import load
from xlosses._backends.torch import PLAIN, Values, softmax
from xlosses._core import reduce
from xlosses._core.operands import Operands
from xlosses._core.reduce import Compute, Triple
from xlosses._engine.blocks import Pieces, blocks_of, in_blocks, keep_freed_memory, merged
from xlosses._engine.careful import ordinary_first
from xlosses._engine.switch import entries
from xlosses._engine.torch_private import has_tangent, is_batched, modes_are_active, transforms_are_active
from xlosses._engine.whole import Runner

# Numbers of entries of the first array.
BLOCK = 1 << 18  # per thread; starting an operation takes as long as computing 2000 entries
MIDDLING = 1 << 13  # from here on, checking a result is faster than the guards of the careful form
LARGE = 1 << 17  # from here on, the slope in blocks is faster than autograd
_TENSOR = object()  # stands for a tensor that autograd keeps


class TorchRunner(Runner):
    def run(self, compute: Compute, operands: Operands, slopes: bool = False) -> Any:
        """Compute large arrays in blocks; and their gradient too, if only the first array needs one."""
        x = operands.arrays[0]
        if torch.compiler.is_compiling():
            from xlosses._engine.torch_compiled import by_term_slope

            return compute(operands if slopes else by_term_slope(operands))
        size = x.numel()
        if not size > entries(MIDDLING) or not _is_plain(operands):
            return compute(operands)
        # Only a CPU has a cache to fit; on other devices more blocks only mean more kernels to start.
        limit = entries(BLOCK * torch.get_num_threads() if x.device.type == "cpu" else size)
        need_grad = [t.requires_grad for t in _tensors(operands)] if torch.is_grad_enabled() else []
        if not any(need_grad):
            return _in_blocks(compute, operands, limit, slopes)
        if slopes or operands.formula.slope_function is None or any(need_grad[1:]) or size <= entries(LARGE):
            return compute(operands)
        result = _Slope.apply(x, compute, operands, limit)  # type: ignore[no-untyped-call]
        return Triple(*result) if isinstance(result, tuple) else result


def _finite(piece: Any) -> bool:
    if isinstance(piece, Triple):
        return math.isfinite(piece.total)
    return math.isfinite(torch.sum(piece, dtype=torch.promote_types(piece.dtype, torch.float32)))


def _empty_result(piece: Any, operands: Operands) -> Any:
    if piece.ndim == len(operands.shape):
        return torch.empty(operands.shape, dtype=piece.dtype, device=piece.device)
    return torch.empty_like(operands.arrays[0], dtype=piece.dtype)


def _sum_of_parts(parts: Sequence[Any]) -> Any:
    return torch.stack(list(parts)).sum(dtype=torch.float64).to(parts[0].dtype)


_pieces = Pieces(_empty_result, _sum_of_parts)


def _in_blocks(compute: Compute, operands: Operands, limit: int, slopes: bool) -> Any:
    if operands.needs_little_memory:
        return compute(operands._replace(xp=operands.xp.values))
    x = operands.arrays[0]
    shared = operands.formula.shares_softmax and x.numel() > limit and x.device.type == "cpu"
    operands = operands._replace(xp=_SharedSoftmax.for_one_call() if shared else operands.xp.values)
    if x.device.type != "cpu":  # checking whether a sum is finite would wait for the device
        return in_blocks(compute, operands, limit, _pieces)

    def compute_block(block: Operands) -> Any:
        return ordinary_first(compute, block, slopes, _finite, nullcontext)

    return in_blocks(compute_block, operands, limit, _pieces)


def _tensors(operands: Operands) -> list[Any]:
    given = (*operands.arrays, operands.weights, operands.mask, *operands.parameters.values())
    return [x for x in given if isinstance(x, torch.Tensor)]


def _is_plain(operands: Operands) -> bool:
    """Whether autograd alone sees what is done with these tensors: no torch.func, no mode, no subclass."""
    if transforms_are_active() or modes_are_active():
        return False
    return all(type(x) in PLAIN and not has_tangent(x) for x in _tensors(operands))


class _Slope(torch.autograd.Function):
    """The formula in the forward pass and its slope in the backward pass, both in blocks.

    Only the arguments are saved for the backward pass. If formula and slope need the same softmax, the
    gradient is computed together with the sums and saved instead of the softmax.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, compute: Compute, operands: Operands, limit: int) -> Any:
        # Autograd raises for saved tensors that were changed in place; attributes of ctx it does not check.
        ctx.save_for_backward(*_tensors(operands))
        ctx.operands = _with_tensors(operands, None)
        ctx.compute, ctx.limit = compute, limit
        ctx.gradient = None
        if operands.formula.shares_softmax and operands.as_given and x.device.type == "cpu":
            result, ctx.gradient = _with_gradient(compute, operands, limit)
        else:
            result = _in_blocks(compute, operands, limit, slopes=False)
        if isinstance(result, tuple):
            ctx.mark_non_differentiable(*(r for r in result[1:] if isinstance(r, torch.Tensor)))
            return tuple(result)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Any, *others: Any) -> Any:
        operands = _with_tensors(ctx.operands, iter(ctx.saved_tensors))
        # Taken only once, because it is written into below; a second backward pass computes it anew.
        saved, ctx.gradient = ctx.gradient, None
        weights = gradient if operands.weights is None else gradient * operands.weights
        weighted = operands._replace(weights=weights, as_given=False)
        if torch.is_grad_enabled():  # by create_graph: a second derivative may follow
            result = ctx.compute(operands)
            value = result.total if isinstance(result, Triple) else result
            by_first = torch.autograd.grad(value, operands.arrays[0], gradient, create_graph=True)[0]
        elif is_batched(gradient):  # vmap does not allow the check for finite values that blocks make
            by_first = reduce.slopes(weighted)
        elif saved is not None:
            by_first = saved.mul_(gradient)
        else:
            by_first = _in_blocks(reduce.slopes, weighted, ctx.limit, slopes=True)
        return by_first, None, None, None


def _with_tensors(operands: Operands, tensors: Iterator[Any] | None) -> Operands:
    """The operands with these tensors, in the order of `_tensors`; or, given None, without any."""

    def replaced(x: Any) -> Any:
        if tensors is None:
            return _TENSOR if isinstance(x, torch.Tensor) else x
        return next(tensors) if x is _TENSOR else x

    return operands._replace(
        arrays=tuple(map(replaced, operands.arrays)),
        weights=replaced(operands.weights),
        mask=replaced(operands.mask),
        parameters={name: replaced(x) for name, x in operands.parameters.items()},
        first=None,
    )


class _SharedSoftmax(Values):
    """The operations for the blocks of one call, where a slope reuses the softmax of its terms.

    `softmax` always returns an array that the caller may change. It is the buffer, if that holds the
    softmax of the array asked for and was not returned before; otherwise a new array.
    """

    buffer: Any = None  # an array of the shape of a block
    source: Any = None  # the array whose softmax the buffer holds

    @classmethod
    def for_one_call(cls) -> _SharedSoftmax:
        """A copy of one instance, because the constructor binds every operation, which takes 0.4 ms."""
        operations = object.__new__(cls)
        vars(operations).update(vars(_shared_softmax))
        operations.values = operations
        return operations

    def log_sum_exp(self, x: Any) -> tuple[Any, Any]:
        # One buffer for all blocks: glibc before 2.38 does not reuse aligned memory that was freed, so
        # that the heap could grow by a softmax of the whole array.
        if self.buffer is None or self.buffer.shape != x.shape or self.buffer.dtype != x.dtype:
            self.buffer = torch.empty_like(x)
        softmax(x, self.buffer)
        self.source = x
        return torch.amax(x, -1), -torch.log(torch.amax(self.buffer, -1))

    def softmax(self, x: Any) -> Any:
        if self.source is not x:
            return softmax(x)
        result, self.buffer, self.source = self.buffer, None, None
        return result


_shared_softmax = _SharedSoftmax(load("torch").standard)


def _with_gradient(compute: Compute, operands: Operands, limit: int) -> Any:
    """The sums and the gradient by the first array; or unreduced terms and None.

    The gradient is saved until the backward pass, and may be many times as large as terms are.
    """
    keep_freed_memory()
    operations, sums = _SharedSoftmax.for_one_call(), []
    gradient = torch.empty_like(operands.arrays[0])
    for index, block in blocks_of(operands, limit):
        # The softmax is written where the gradient goes, so that the slope can change it in place.
        part = gradient[index]
        operations.buffer, operations.source = part, None
        block = block._replace(xp=operations)
        block_sums = ordinary_first(compute, block, False, _finite, nullcontext)
        if not isinstance(block_sums, Triple):
            return _in_blocks(compute, operands, limit, slopes=False), None
        if not math.isfinite(block_sums.total):
            operations.source = None
        slope = reduce.slopes(block)
        if slope is not part:
            part.copy_(slope)
        sums.append(block_sums)
    return merged(sums, _pieces), gradient


runner = TorchRunner()
