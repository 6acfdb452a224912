"""PyTorch: large arrays in blocks, and their gradient by the slope, in blocks too."""

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

BLOCK = 1 << 18  # entries for each thread: starting an operation costs as much as 2000 of them
MIDDLING = 1 << 13  # entries from which to look at a result costs less than guards
LARGE = 1 << 17  # entries from which slopes in blocks win
_TENSOR = object()


class TorchRunner(Runner):
    def run(self, compute: Compute, operands: Operands, slopes: bool = False) -> Any:
        """Large arrays in blocks; where the first alone needs a gradient, that too, by the slope."""
        x = operands.arrays[0]
        if torch.compiler.is_compiling():
            from xlosses._engine.torch_compiled import by_term_slope

            return compute(operands if slopes else by_term_slope(operands))
        size = x.numel()
        if not size > entries(MIDDLING) or not _is_plain(operands):
            return compute(operands)
        # On a CPU a block of each thread; elsewhere one more block is only more kernels to start.
        limit = entries(BLOCK * torch.get_num_threads() if x.device.type == "cpu" else size)
        needing = [t.requires_grad for t in _tensors(operands)] if torch.is_grad_enabled() else []
        if not any(needing):
            return _in_blocks(compute, operands, limit, slopes)
        if slopes or operands.formula.slope_function is None or any(needing[1:]) or size <= entries(LARGE):
            return compute(operands)
        result = _Slope.apply(x, compute, operands, limit)  # type: ignore[no-untyped-call]
        return Triple(*result) if isinstance(result, tuple) else result


def _finite(piece: Any) -> bool:
    if isinstance(piece, Triple):
        return math.isfinite(piece.total)
    return math.isfinite(torch.sum(piece, dtype=torch.promote_types(piece.dtype, torch.float32)))


def _room(piece: Any, operands: Operands) -> Any:
    if piece.ndim == len(operands.shape):
        return torch.empty(operands.shape, dtype=piece.dtype, device=piece.device)
    return torch.empty_like(operands.arrays[0], dtype=piece.dtype)


def _added(parts: Sequence[Any]) -> Any:
    return torch.stack(list(parts)).sum(dtype=torch.float64).to(parts[0].dtype)


_pieces = Pieces(_room, _added)


def _in_blocks(compute: Compute, operands: Operands, limit: int, slopes: bool) -> Any:
    if operands.needs_little_memory:
        return compute(operands._replace(xp=operands.xp.values))
    x = operands.arrays[0]
    several = operands.formula.shares_softmax and x.numel() > limit and x.device.type == "cpu"
    operands = operands._replace(xp=_OneSoftmax.of_one_call() if several else operands.xp.values)
    if x.device.type != "cpu":  # to look at a sum would be to wait for it
        return in_blocks(compute, operands, limit, _pieces)

    def block(part: Operands) -> Any:
        return ordinary_first(compute, part, slopes, _finite, nullcontext)

    return in_blocks(block, operands, limit, _pieces)


def _tensors(operands: Operands) -> list[Any]:
    found = (*operands.arrays, operands.weights, operands.mask, *operands.parameters.values())
    return [x for x in found if isinstance(x, torch.Tensor)]


def _is_plain(operands: Operands) -> bool:
    """Whether nothing but autograd watches these tensors: no torch.func, no forward mode, no subclass."""
    if transforms_are_active() or modes_are_active():
        return False
    return all(type(x) in PLAIN and not has_tangent(x) for x in _tensors(operands))


class _Slope(torch.autograd.Function):
    """Forward the formula, backward the slope, both in blocks: nothing but the arguments is kept.

    If they share a softmax, the gradient is made with the sums and kept, in place of the softmax.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, compute: Compute, operands: Operands, limit: int) -> Any:
        # Kept by autograd and not by us, so that it notices when they are changed in place.
        ctx.save_for_backward(*_tensors(operands))
        ctx.rest = _with_tensors(operands, None)
        ctx.way = compute, limit
        ctx.made = None
        if operands.formula.shares_softmax and operands.as_given and x.device.type == "cpu":
            result, ctx.made = _with_gradient(compute, operands, limit)
        else:
            result = _in_blocks(compute, operands, limit, slopes=False)
        if isinstance(result, tuple):
            ctx.mark_non_differentiable(*(r for r in result[1:] if isinstance(r, torch.Tensor)))
            return tuple(result)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Any, *others: Any) -> Any:
        operands = _with_tensors(ctx.rest, iter(ctx.saved_tensors))
        compute, limit = ctx.way
        made, ctx.made = ctx.made, None  # once: the next one is made from the arguments
        weights = gradient if operands.weights is None else gradient * operands.weights
        weighted = operands._replace(weights=weights, as_given=False)
        if torch.is_grad_enabled():  # this gradient is to be differentiated in its turn
            result = compute(operands)
            value = result.total if isinstance(result, Triple) else result
            found = torch.autograd.grad(value, operands.arrays[0], gradient, create_graph=True)[0]
        elif is_batched(gradient):  # for many gradients at once, none of which has a value to look at
            found = reduce.slopes(weighted)
        elif made is not None:
            found = made.mul_(gradient)
        else:
            found = _in_blocks(reduce.slopes, weighted, limit, slopes=True)
        return found, None, None, None


def _with_tensors(operands: Operands, tensors: Iterator[Any] | None) -> Operands:
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


class _OneSoftmax(Values):
    """Words for the blocks of one call, in which a slope takes over the softmax that its terms made.

    Whoever asks for a softmax gets an array of its own: the one in the room once, by the first slope
    that asks for that of the same array, and a new one every other time.
    """

    room: Any = None  # memory of the shape of a block
    made: Any = None  # the array of which the room has the softmax

    @classmethod
    def of_one_call(cls) -> _OneSoftmax:
        """Made anew, without binding all words once more, which takes 0.4 ms."""
        words = object.__new__(cls)
        vars(words).update(vars(_one_softmax))
        words.values = words
        return words

    def log_sum_exp(self, x: Any) -> tuple[Any, Any]:
        # Freed and allocated anew for every block, a softmax may grow the heap by that of the whole
        # array: glibc before 2.38 cannot reuse what is aligned.
        if self.room is None or self.room.shape != x.shape or self.room.dtype != x.dtype:
            self.room = torch.empty_like(x)
        softmax(x, self.room)
        self.made = x
        return torch.amax(x, -1), -torch.log(torch.amax(self.room, -1))

    def softmax(self, x: Any) -> Any:
        if self.made is not x:
            return softmax(x)
        taken, self.room, self.made = self.room, None, None
        return taken


_one_softmax = _OneSoftmax(load("torch").standard)


def _with_gradient(compute: Compute, operands: Operands, limit: int) -> Any:
    """The sums, and the slope of each entry; of terms no slope, which may be many times as large."""
    keep_freed_memory()
    words, sums, gradient = _OneSoftmax.of_one_call(), [], torch.empty_like(operands.arrays[0])
    for index, block in blocks_of(operands, limit):
        room = gradient[index]
        words.room, words.made = room, None
        fast = block._replace(xp=words)
        piece = ordinary_first(compute, fast, False, _finite, nullcontext)
        if not isinstance(piece, Triple):
            return _in_blocks(compute, operands, limit, slopes=False), None
        words.made = words.made if math.isfinite(piece.total) else None
        slope = reduce.slopes(fast)
        if slope is not room:
            room.copy_(slope)
        sums.append(piece)
    return merged(sums, _pieces), gradient


runner = TorchRunner()
