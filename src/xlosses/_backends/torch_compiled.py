"""PyTorch: a loss inside a graph of torch.compile.

There it is one node. Traced line by line, all that Python looks at in it would be guarded: some 400
checks before every call, 15 microseconds.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import uuid4
from weakref import WeakValueDictionary

import torch
from torch._guards import detect_fake_mode
from torch._subclasses.fake_tensor import UnsupportedFakeTensorException
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

from xlosses._backends.blocks import entries

_nodes: WeakValueDictionary[str, Any] = WeakValueDictionary()


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def name_of_node(compute: Any, kind: Any, kind_of_values: Any, formula: Any, *fixed: Any) -> str:
    """By which a graph names what cannot be in one; in no other process, which may find the graph cached."""

    def loss(numbers: Any, values: Any) -> Any:
        return compute(kind(formula, *fixed, *numbers), kind_of_values(*values))

    name = f"{formula.__name__} {uuid4()}"
    _nodes[name] = formula.nodes[name] = loss
    return name


@torch.compiler.allow_in_graph  # type: ignore[untyped-decorator]
def node(name: str, numbers: Any, values: Any) -> Any:
    """The loss of this name."""
    loss = _nodes[name]
    try:
        if (fluid := _fluid(*values)) is not None:
            # A formula that asks about a number needs it as a number.
            symbols: Any = detect_fake_mode().shape_env  # type: ignore[union-attr]
            with suppress(GuardOnDataDependentSymNode), symbols.ignore_fresh_unbacked_symbols():
                return loss(numbers, fluid)
        return loss(numbers, values)
    except (TypeError, ValueError, IndexError) as error:
        if not torch.compiler.is_compiling():
            raise
        # For this the compiler leaves the call to Python, where it raises what it should.
        raise UnsupportedFakeTensorException(str(error)) from error


def _fluid(arrays: Any, parameters: Any, *rest: Any) -> Any:
    """The values with parameters that change from call to call as 0-d tensors; None without any."""
    device = arrays[0].device
    wide = torch.float32 if device.type == "mps" else torch.float64
    made = {k: tensor_of(x, wide, device) for k, x in parameters.items() if isinstance(x, torch.SymFloat)}
    return (arrays, {**parameters, **made}, *rest) if made else None


def tensor_of(symbol: Any, dtype: Any, device: Any) -> Any:
    """A 0-d tensor by a product, which is not compiled anew for another number."""
    return torch.ones((), dtype=dtype, device=device) * symbol


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def _entries(usual: int) -> int:
    return entries(usual)


def by_term_slope(operands: Any) -> Any:
    """The operands of a formula whose terms autograd differentiates by the slope, if by nothing else."""
    formula = operands.formula
    if not (formula.derivative and torch.is_grad_enabled() and _entries(1)) or formula.sparse:
        return operands
    given = (*operands.arrays, *operands.parameters.values())
    first, *others = (isinstance(x, torch.Tensor) and x.requires_grad for x in given)
    if not first or any(others):
        return operands

    def terms(xp: Any, *arrays: Any, **parameters: Any) -> Any:
        return _TermSlope.apply(xp, formula, parameters, *arrays)  # type: ignore[no-untyped-call]

    return operands._replace(formula=formula.with_terms(terms))


class _TermSlope(torch.autograd.Function):
    """The terms of a formula with its slope, for a compiler to fuse with what stands around them."""

    @staticmethod
    def forward(ctx: Any, xp: Any, formula: Any, parameters: Any, *arrays: Any) -> Any:
        ctx.save_for_backward(*(x for x in arrays if x is not None))
        ctx.rest = xp, formula, parameters, tuple(x is None for x in arrays)
        return formula.terms(xp, *arrays, **parameters)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        xp, formula, parameters, absent = ctx.rest
        saved = iter(ctx.saved_tensors)
        arrays = [None if none else next(saved) for none in absent]
        slope = formula.derivative(xp, *arrays, **parameters)
        by_first = slope * (gradient[..., None] if formula.by_rows else gradient)
        return None, None, None, by_first, *(None for _ in arrays[1:])
