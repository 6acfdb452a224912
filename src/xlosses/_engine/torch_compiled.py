"""PyTorch: a loss inside a graph of torch.compile.

A loss is one node of that graph. If the compiler traced it line by line instead, it would guard every
Python value that a loss reads: some 400 checks before every call, 15 microseconds.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from xlosses._backends import namespace_of
from xlosses._core.call import Call
from xlosses._core.formula import Formula, named
from xlosses._core.operands import Operands
from xlosses._core.plan import plan_of
from xlosses._core.triple import Triple
from xlosses._engine.switch import entries
from xlosses._engine.torch import runner, slopes_suffice
from xlosses._engine.torch_private import compiling, transforms_are_active, without_values


def run_traced(call: Call) -> Any:
    """The result of a call that a compiler traces."""
    if not torch.compiler.is_dynamo_compiling() or transforms_are_active():
        return _evaluated(call)
    # The arguments of a node may only be strings, numbers and tensors, so the formula goes by its key.
    result = node(
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
        call.classes,
    )
    return Triple(*result) if isinstance(result, tuple) else result


@torch.compiler.allow_in_graph  # type: ignore[untyped-decorator]
def node(key: str, names: Any, arrays: Any, parameters: Any, weights: Any, where: Any, *options: Any) -> Any:
    """The loss by the formula of this key."""
    call = Call(named(key), tuple(names), tuple(arrays), parameters, weights, where, *options)
    with compiling():
        try:
            with_tensors = _with_numbers_as_tensors(call)
            if with_tensors is not None:
                result = without_values(partial(_evaluated, with_tensors))
                if result is not None:
                    return result
            return _evaluated(call)
        except (TypeError, ValueError, IndexError) as error:
            if not torch.compiler.is_compiling():
                raise
            # The compiler then leaves the call to Python, which raises the error as it is.
            raise NotImplementedError(str(error)) from error


def _evaluated(call: Call) -> Any:
    return runner.evaluate(plan_of(call, namespace_of(call.arrays[0])), call)


def _with_numbers_as_tensors(call: Call) -> Call | None:
    """The call with 0-d tensors for the parameters that change between calls; None if there are none."""
    device = call.arrays[0].device
    widest = torch.float32 if device.type == "mps" else torch.float64
    tensors = {
        name: torch.ones((), dtype=widest, device=device) * number  # type: ignore[operator]
        for name, number in call.parameters.items()
        if isinstance(number, torch.SymFloat) and name not in call.formula.static
    }
    return call._replace(parameters={**call.parameters, **tensors}) if tensors else None


def differentiated(loss: Any, argnums: int | tuple[int, ...], args: Any, kwargs: Any) -> tuple[Any, Any]:
    """The loss and its gradients by some arguments, by PyTorch's own differentiation."""
    gradient, value = torch.func.grad_and_value(lambda *given: loss(*given, **kwargs), argnums=argnums)(*args)
    return value, gradient


def with_slopes(operands: Operands) -> Operands:
    """The operands with a formula that autograd differentiates by its slope or vjp.

    Unchanged where something needs a gradient that these do not give, and under torch.func, whose
    gradients do not pass a function with a backward of its own.
    """
    formula = operands.formula
    if formula.reads_one_entry or not slopes_suffice(operands):
        return operands
    if transforms_are_active() or not torch.is_grad_enabled() or not entries(1):
        return operands

    def terms(xp: Any, *arrays: Any, **parameters: Any) -> Any:
        return _TermDerivatives.apply(xp, formula, parameters, *arrays)  # type: ignore[no-untyped-call]

    return operands._replace(formula=formula.by(terms))


class _TermDerivatives(torch.autograd.Function):
    """The terms of a formula, differentiated by slope or vjp; a compiler fuses both with what is around."""

    @staticmethod
    def forward(ctx: Any, xp: Any, formula: Formula, parameters: Any, *arrays: Any) -> Any:
        ctx.save_for_backward(*(x for x in arrays if x is not None))
        ctx.xp, ctx.formula, ctx.parameters = xp, formula, parameters
        ctx.absent = tuple(x is None for x in arrays)
        return formula.terms(xp, *arrays, **parameters)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        saved = iter(ctx.saved_tensors)
        arrays = [None if absent else next(saved) for absent in ctx.absent]
        places = tuple(place for place, needs in enumerate(ctx.needs_input_grad[3:]) if needs)
        found = ctx.formula.pulled_back(ctx.xp, gradient, arrays, ctx.parameters, places)
        by_place = dict(zip(places, found, strict=True))
        return None, None, None, *(by_place.get(place) for place in range(len(arrays)))
