"""PyTorch: a loss inside a graph of torch.compile.

There it is one node. Traced line by line, all that Python looks at in it would be guarded: some 400
checks before every call, 15 microseconds.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import torch
from torch._guards import detect_fake_mode
from torch._subclasses.fake_tensor import UnsupportedFakeTensorException
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

from xlosses._backends import namespace_of
from xlosses._core.call import Call
from xlosses._core.formula import Formula, named
from xlosses._core.operands import Operands
from xlosses._core.plan import plan_of
from xlosses._engine.switch import entries
from xlosses._engine.torch import runner
from xlosses._engine.torch_private import transforms_are_active


def run_traced(call: Call) -> Any:
    """The result of a call that a compiler reads: one node, where it makes a graph."""
    if not torch.compiler.is_dynamo_compiling() or transforms_are_active():
        return runner.evaluate(plan_of(call, namespace_of(call.arrays[0])), call)
    # Strings, numbers and tensors alone: a graph holds no object of ours.
    return node(
        call.formula.key,
        call.names,
        call.arrays,
        dict(call.parameters),
        call.weights,
        call.where,
        call.reduction,
        call.dtype,
        call.axis,
        call.ignore_index,
    )


@torch.compiler.allow_in_graph  # type: ignore[untyped-decorator]
def node(key: str, names: Any, arrays: Any, parameters: Any, weights: Any, where: Any, *options: Any) -> Any:
    """The loss by the formula of this name."""
    numbers = Call(named(key), tuple(names), tuple(arrays), parameters, weights, where, *options)
    try:
        if (fluid := _with_tensor_numbers(numbers)) is not None:
            # A formula that asks about a number needs it as a number.
            symbols: Any = detect_fake_mode().shape_env  # type: ignore[union-attr]
            with suppress(GuardOnDataDependentSymNode), symbols.ignore_fresh_unbacked_symbols():
                return _evaluated(fluid)
        return _evaluated(numbers)
    except (TypeError, ValueError, IndexError) as error:
        if not torch.compiler.is_compiling():
            raise
        # For this the compiler leaves the call to Python, where it raises what it should.
        raise UnsupportedFakeTensorException(str(error)) from error


def _evaluated(call: Call) -> Any:
    return runner.evaluate(plan_of(call, namespace_of(call.arrays[0])), call)


def _with_tensor_numbers(call: Call) -> Call | None:
    """The call with parameters that change from call to call as 0-d tensors; None without any."""
    device = call.arrays[0].device
    wide = torch.float32 if device.type == "mps" else torch.float64
    made = {
        k: torch.ones((), dtype=wide, device=device) * x  # type: ignore[operator]
        for k, x in call.parameters.items()
        if isinstance(x, torch.SymFloat) and k not in call.formula.static
    }
    return call._replace(parameters={**call.parameters, **made}) if made else None


def differentiated(loss: Any, argnum: int, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """The loss and its gradient by an argument, by PyTorch's own differentiation."""
    gradient, value = torch.func.grad_and_value(lambda *given: loss(*given, **kwargs), argnums=argnum)(*args)
    return value, gradient


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def _entries(usual: int) -> int:
    return entries(usual)


def by_term_slope(operands: Operands) -> Operands:
    """The operands of a formula whose terms autograd differentiates by the slope, if by nothing else."""
    formula = operands.formula
    if not (formula.slope_function and torch.is_grad_enabled() and _entries(1)) or formula.reads_one_entry:
        return operands
    given = (*operands.arrays, *operands.parameters.values())
    first, *others = (isinstance(x, torch.Tensor) and x.requires_grad for x in given)
    if not first or any(others):
        return operands

    def terms(xp: Any, *arrays: Any, **parameters: Any) -> Any:
        return _TermSlope.apply(xp, formula, parameters, *arrays)  # type: ignore[no-untyped-call]

    return operands._replace(formula=formula.by(terms))


class _TermSlope(torch.autograd.Function):
    """The terms of a formula with its slope, for a compiler to fuse with what stands around them."""

    @staticmethod
    def forward(ctx: Any, xp: Any, formula: Formula, parameters: Any, *arrays: Any) -> Any:
        ctx.save_for_backward(*(x for x in arrays if x is not None))
        ctx.rest = xp, formula, parameters, tuple(x is None for x in arrays)
        return formula.terms(xp, *arrays, **parameters)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        xp, formula, parameters, absent = ctx.rest
        saved = iter(ctx.saved_tensors)
        arrays = [None if none else next(saved) for none in absent]
        slope = formula.slope_function(xp, *arrays, **parameters)
        by_first = slope * (gradient[..., None] if formula.by_rows else gradient)
        return None, None, None, by_first, *(None for _ in arrays[1:])
