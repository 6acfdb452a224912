"""MLX: a formula whole, differentiated by its slope where it goes element by element."""

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
        """Over rows a slope is more work: MLX keeps the exponentials, which the slope computes anew."""
        if lengths_vary():
            return compute(operands._replace(xp=any_length))
        formula = operands.formula
        if formula.slope_function and not formula.by_rows and not slopes:
            operands = operands._replace(formula=formula.by(partial(_by_slope, formula)))
        return compute(operands)


def _by_slope(formula: Formula, xp: Any, *arrays: Any, **parameters: Any) -> Any:
    """The terms, whose derivative by the first array is the slope; by others, that of the formula."""
    moving = {name: x for name, x in parameters.items() if isinstance(x, mx.array)}
    n = len(arrays)

    def of(function: Any, *found: Any) -> Any:
        moved = dict(zip(moving, found[n:], strict=True))
        return function(xp, *found[:n], **{**parameters, **moved})

    def rule(found: Any, gradient: Any, _: Any) -> Any:
        first, *others = found if isinstance(found, tuple) else (found,)
        by_first = of(formula.slope_function, first, *others) * gradient
        if not others:
            return by_first
        # MLX computes these only if they are asked for.
        return by_first, *mx.vjp(partial(of, formula.terms, first), others, [gradient])[1]

    with_slope = mx.custom_function(partial(of, formula.terms))
    with_slope.vjp(rule)
    return with_slope(*arrays, *moving.values())


runner = MlxRunner()
