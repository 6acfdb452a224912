"""PyTorch in eager mode: large arrays are computed in blocks that fit a cache, and so are their gradients.

The gradient then comes from the slope of a formula, not from autograd.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch

from xlosses._backends import load
from xlosses._backends.torch import PLAIN, Values, softmax
from xlosses._core import reduce
from xlosses._core.operands import Operands
from xlosses._core.reduce import Compute, Gradients
from xlosses._core.triple import Triple
from xlosses._engine.blocks import Pieces, blocks_of, in_blocks, keep_freed_memory, merged, usual_block
from xlosses._engine.careful import ordinary_first
from xlosses._engine.switch import entries
from xlosses._engine.torch_private import has_tangent, is_batched, modes_are_active, transforms_are_active
from xlosses._engine.whole import Places, Runner

# Numbers of entries of the first array.
BLOCK = 1 << 18  # per thread; starting an operation takes as long as computing 2000 entries
MIDDLING = 1 << 13  # from here on, checking a result is faster than the guards of the careful form
LARGE = 1 << 14  # from here on, the slope in blocks is faster than autograd
KEPT = 1 << 19  # up to here, the gradient is computed with the sums and kept, which saves calls of Python
_TENSOR = object()  # stands for a tensor that autograd keeps


class TorchRunner(Runner):
    def run(self, compute: Compute, operands: Operands, places: Places = ()) -> Any:
        """Compute large arrays in blocks; and their gradients too, if the slope or the vjp gives them all."""
        device = operands.arrays[0].device.type
        if torch.compiler.is_compiling():
            from xlosses._engine.torch_compiled import with_slopes

            return compute(operands if places else with_slopes(operands))
        if operands.xp.is_spread and not places:
            from xlosses._engine.torch_compiled import with_slopes

            return compute(with_slopes(operands))  # autograd may lay gradients out anew, all of them sent
        size = operands.size
        if not size > entries(MIDDLING) or not _is_plain(operands):
            return compute(operands)
        # Only a CPU has a cache to fit; on other devices more blocks only mean more kernels to start.
        usual = BLOCK * torch.get_num_threads() if device == "cpu" else size
        limit = entries(usual_block(operands, usual))
        if not torch.is_grad_enabled() or not any(t.requires_grad for t in _tensors(operands)):
            return _in_blocks(compute, operands, limit, places)
        if places or size <= entries(LARGE) or not slopes_suffice(operands):
            return compute(operands)
        result = _Derivatives.apply(compute, operands, limit, *operands.arrays)  # type: ignore[no-untyped-call]
        return Triple(*result) if isinstance(result, tuple) else result


def slopes_suffice(operands: Operands) -> bool:
    """Whether slope or vjp give the derivatives by all tensors that need one, of which there are some."""
    others = (operands.weights, operands.mask, *operands.parameters.values())
    if any(needs_gradient(x) for x in others):
        return False
    needing = {place for place, x in enumerate(operands.arrays) if needs_gradient(x)}
    return bool(needing) and needing <= {*operands.formula.differentiated_by}


def needs_gradient(x: Any) -> bool:
    return isinstance(x, torch.Tensor) and x.requires_grad


def _finite(piece: Any) -> bool:
    if isinstance(piece, Triple):
        return math.isfinite(piece.total)
    if isinstance(piece, Gradients):
        return (piece.sums is None or _finite(piece.sums)) and all(map(_finite, piece.by))
    return math.isfinite(torch.sum(piece, dtype=torch.promote_types(piece.dtype, torch.float32)))


def _empty(piece: Any, like: Any) -> Any:
    return torch.empty_like(like, dtype=piece.dtype)


def _terms(piece: Any, shape: Any) -> Any:
    return torch.empty(shape, dtype=piece.dtype, device=piece.device)


def _sum_of_parts(parts: Sequence[Any]) -> Any:
    return torch.stack(list(parts)).sum(dtype=torch.float64).to(parts[0].dtype)


_pieces = Pieces(_empty, _terms, _sum_of_parts)


def _in_blocks(compute: Compute, operands: Operands, limit: int, places: Places) -> Any:
    if operands.needs_little_memory:
        return compute(operands._replace(xp=operands.xp.values))
    on_cpu = operands.arrays[0].device.type == "cpu"
    shared = operands.formula.shares_softmax and operands.size > limit and on_cpu
    operands = operands._replace(xp=_SharedSoftmax.for_one_call() if shared else operands.xp.values)
    if not on_cpu:  # checking whether a sum is finite would wait for the device
        return in_blocks(compute, operands, limit, places, _pieces)

    def compute_block(block: Operands) -> Any:
        return ordinary_first(compute, block, places, _finite, nullcontext)

    return in_blocks(compute_block, operands, limit, places, _pieces)


def _tensors(operands: Operands) -> list[Any]:
    given = (*operands.arrays, operands.weights, operands.mask, *operands.parameters.values())
    return [x for x in given if isinstance(x, torch.Tensor)]


def _is_plain(operands: Operands) -> bool:
    """Whether autograd alone sees what is done with these tensors: no torch.func, no mode, no subclass."""
    if transforms_are_active() or modes_are_active():
        return False
    return all(type(x) in PLAIN and not has_tangent(x) for x in _tensors(operands))


class _Derivatives(torch.autograd.Function):
    """The formula in the forward pass, its slope or vjp in the backward pass, both in blocks.

    Only the arguments are saved for the backward pass. The gradients are computed with the sums and saved
    as well if both need the same scores or the same softmax, and of batches that are not large.
    """

    @staticmethod
    def forward(ctx: Any, compute: Compute, operands: Operands, limit: int, *arrays: Any) -> Any:
        # Autograd raises for saved tensors that were changed in place; attributes of ctx it does not check.
        ctx.save_for_backward(*_tensors(operands))
        ctx.operands = _with_tensors(operands, None)
        ctx.compute, ctx.limit = compute, limit
        ctx.places = tuple(place for place, needs in enumerate(ctx.needs_input_grad[3:]) if needs)
        result, ctx.gradients = _with_gradients(compute, operands, limit, ctx.places)
        if isinstance(result, tuple):
            ctx.mark_non_differentiable(*(r for r in result[1:] if isinstance(r, torch.Tensor)))
            return tuple(result)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Any, *others: Any) -> Any:
        operands, places = _with_tensors(ctx.operands, iter(ctx.saved_tensors)), ctx.places
        # Taken only once, because they are written into below; a second backward pass computes them anew.
        saved, ctx.gradients = ctx.gradients, None
        weights = gradient if operands.weights is None else gradient * operands.weights
        weighted = operands._replace(weights=weights, as_given=False)
        from_slopes = reduce.gradients if operands.formula.vjp_function is None else reduce.pulled_back
        compute = partial(from_slopes, needed=places)
        if torch.is_grad_enabled():  # by create_graph: a second derivative may follow
            result = ctx.compute(operands)
            value = result.total if isinstance(result, Triple) else result
            by_arrays = [operands.arrays[place] for place in places]
            found = torch.autograd.grad(value, by_arrays, gradient, create_graph=True)
        elif is_batched(gradient):  # vmap does not allow the check for finite values that blocks make
            found = compute(weighted).by
        elif saved is not None:
            found = tuple(x.mul_(gradient) if saved.are_new else x * gradient for x in saved.by)
        else:
            found = _in_blocks(compute, weighted, ctx.limit, places).by
        by_place = dict(zip(places, found, strict=True))
        return None, None, None, *(by_place.get(place) for place in range(len(operands.arrays)))


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
        given=(),
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


def _with_gradients(compute: Compute, operands: Operands, limit: int, places: Places) -> Any:
    """The result of `compute`, and the gradients of its total where that saves work, else None.

    They are saved until the backward pass, and may be many times as large as terms are.
    """
    if operands.formula.vjp_function is not None and compute is reduce.sums:
        of_total = partial(reduce.sums_and_gradients, needed=places)
        together = _in_blocks(of_total, operands, limit, places)
        return together.sums, together
    on_cpu = operands.arrays[0].device.type == "cpu"
    if not (operands.formula.shares_softmax and compute is reduce.sums and operands.as_given and on_cpu):
        result = _in_blocks(compute, operands, limit, ())
        if compute is not reduce.sums or operands.size > entries(KEPT):
            return result, None
        return result, _in_blocks(partial(reduce.gradients, needed=places), operands, limit, places)
    keep_freed_memory()
    operations, sums = _SharedSoftmax.for_one_call(), []
    gradient = torch.empty_like(operands.arrays[0])
    for index, block in blocks_of(operands, limit):
        # The softmax is written where the gradient goes, so that the slope can change it in place.
        part = gradient[index]
        operations.buffer, operations.source = part, None
        block = block._replace(xp=operations)
        block_sums = ordinary_first(compute, block, (), _finite, nullcontext)
        if not math.isfinite(block_sums.total):
            operations.source = None
        (slope,) = reduce.gradients(block, places).by
        if slope is not part:
            part.copy_(slope)
        sums.append(block_sums)
    return merged(sums, _pieces), Gradients(None, (gradient,), are_new=True)


runner = TorchRunner()
