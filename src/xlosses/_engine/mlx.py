"""MLX: a formula whole, or chunk by chunk; the gradient of one that goes element by element is its slope."""

from __future__ import annotations

from functools import partial
from typing import Any

import mlx.core as mx

from xlosses._core.formula import Formula
from xlosses._core.operands import Operands
from xlosses._core.reduce import Compute
from xlosses._engine.mlx_chunks import in_chunks
from xlosses._engine.whole import Places, Runner


class MlxRunner(Runner):
    def run(self, compute: Compute, operands: Operands, places: Places = ()) -> Any:
        """Not for rows: their slope would compute again the exponentials that MLX's own gradient keeps."""
        operands = operands._replace(xp=operands.xp.for_this_call())
        if operands.xp.lengths_vary:
            return compute(operands)
        formula = operands.formula
        if formula.vjp_function is not None and not {*formula.alignment} <= {"elements"}:
            return in_chunks(compute, operands, places)
        if formula.differentiated_by and not formula.by_rows and not places:
            operands = operands._replace(formula=formula.by(partial(_terms_by_slope, formula)))
        return compute(operands)


def _terms_by_slope(formula: Formula, xp: Any, *arrays: Any, **parameters: Any) -> Any:
    """The terms with a custom gradient: the slope or vjp where it gives one, MLX's own by the others."""
    array_parameters = {name: x for name, x in parameters.items() if isinstance(x, mx.array)}
    given = {k: x for k, x in enumerate(arrays) if x is not None}
    by_slope = [k for k in formula.differentiated_by if k in given]
    n = len(given)

    def call_with(function: Any, *inputs: Any) -> Any:
        new_arrays = dict(zip(given, inputs[:n], strict=True))
        new_parameters = dict(zip(array_parameters, inputs[n:], strict=True))
        return function(
            xp, *(new_arrays.get(k) for k in range(len(arrays))), **{**parameters, **new_parameters}
        )

    def gradients(inputs: Any, gradient: Any, _: Any) -> Any:
        inputs = inputs if isinstance(inputs, tuple) else (inputs,)
        order = [*given]
        found: dict[int, Any] = {}
        by = call_with(lambda xp, *a, **p: formula.pulled_back(xp, gradient, a, p, by_slope), *inputs)
        found.update(zip(map(order.index, by_slope), by, strict=True))
        others = [k for k in range(len(inputs)) if k not in found]

        def of_others(*values: Any) -> Any:
            filled = dict(zip(others, values, strict=True))
            return call_with(formula.terms, *(filled.get(k, x) for k, x in enumerate(inputs)))

        if others:  # MLX is lazy: it computes these only if they are used
            by_mlx = mx.vjp(of_others, [inputs[k] for k in others], [gradient])[1]
            found.update(zip(others, by_mlx, strict=True))
        return tuple(found[k] for k in range(len(inputs)))

    with_slope = mx.custom_function(partial(call_with, formula.terms))
    with_slope.vjp(gradients)
    return with_slope(*given.values(), *array_parameters.values())


runner = MlxRunner()
