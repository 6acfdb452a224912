"""MLX: a formula whole; the gradient of one that goes element by element is its slope."""

from __future__ import annotations

from functools import partial
from typing import Any

import mlx.core as mx

from xlosses._backends.mlx import any_length, lengths_vary
from xlosses._core.formula import Formula
from xlosses._core.operands import Operands
from xlosses._core.reduce import Compute
from xlosses._engine.whole import Runner


class MlxRunner(Runner):
    def run(self, compute: Compute, operands: Operands, slopes: bool = False) -> Any:
        """Not for rows: their slope would compute again the exponentials that MLX's own gradient keeps."""
        if lengths_vary():
            return compute(operands._replace(xp=any_length))
        formula = operands.formula
        if formula.slope_function and not formula.by_rows and not slopes:
            operands = operands._replace(formula=formula.by(partial(_terms_by_slope, formula)))
        return compute(operands)


def _terms_by_slope(formula: Formula, xp: Any, *arrays: Any, **parameters: Any) -> Any:
    """The terms with a custom gradient: the slope by the first array, MLX's own by the others."""
    array_parameters = {name: x for name, x in parameters.items() if isinstance(x, mx.array)}
    n = len(arrays)

    def call_with(function: Any, *inputs: Any) -> Any:
        new_parameters = dict(zip(array_parameters, inputs[n:], strict=True))
        return function(xp, *inputs[:n], **{**parameters, **new_parameters})

    def gradients(inputs: Any, gradient: Any, _: Any) -> Any:
        first, *others = inputs if isinstance(inputs, tuple) else (inputs,)
        by_first = call_with(formula.slope_function, first, *others) * gradient
        if not others:
            return by_first
        # MLX is lazy: it computes these only if they are used.
        return by_first, *mx.vjp(partial(call_with, formula.terms, first), others, [gradient])[1]

    with_slope = mx.custom_function(partial(call_with, formula.terms))
    with_slope.vjp(gradients)
    return with_slope(*arrays, *array_parameters.values())


runner = MlxRunner()
