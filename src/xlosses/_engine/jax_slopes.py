"""JAX: formulas whose derivative by the first array is their slope."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from xlosses._core.formula import Formula
from xlosses._engine.jax_careful import differentiated_by_jax, ordinary_if_finite, split_arrays
from xlosses._engine.jax_rows import Rows


def with_slope(formula: Formula) -> Formula:
    """The formula with terms that are differentiated by its slope."""
    return formula.by(partial(_terms, formula), formula.slope_function)


def _terms(formula: Formula, xp: Any, *arrays: Any, **parameters: Any) -> Any:
    """The terms with a custom derivative: the slope if by the first array alone, else JAX's own."""
    inputs, rejoin = split_arrays((arrays, parameters))

    def call_with(function: Any, *inputs: Any) -> Any:
        arrays, parameters = rejoin(inputs)
        result = function(xp, *arrays, **parameters)
        return result.moved() if isinstance(result, Rows) and function is formula.terms else result

    terms = partial(call_with, formula.terms)
    ordinary, probe = None, None
    form = formula.ordinary_form
    if form is not None and form.slope_function is not None and formula.by_rows:
        ordinary, probe = partial(call_with, form.slope_function), partial(call_with, form.terms)

    def jvp(primals: Any, tangents: Any) -> Any:
        first, *others = (type(t) is not SymbolicZero for t in tangents)
        if not first or any(others):
            return differentiated_by_jax(terms, primals, tangents)
        if not formula.by_rows:
            return differentiated(*primals), call_with(formula.slope_function, *primals) * tangents[0]

        def stored_slope(function: Any, *inputs: Any) -> Any:
            slope = function(*inputs)
            return slope.stored if isinstance(slope, Rows) else slope

        careful = partial(stored_slope, partial(call_with, formula.slope_function))
        first_try = None if ordinary is None else partial(stored_slope, ordinary)
        slopes = ordinary_if_finite(careful, first_try, primals, probe=probe)(*primals)
        # Slope and tangent are both stored as the first array is.
        axis = _axis_of_rows(rejoin(primals)[0][0])
        return differentiated(*primals), jnp.sum(slopes * tangents[0], axis=axis)

    differentiated = jax.custom_jvp(terms)
    differentiated.defjvp(jvp, symbolic_zeros=True)
    return differentiated(*inputs)


def _axis_of_rows(x: Any) -> int:
    return x.axis if isinstance(x, Rows) else -1
