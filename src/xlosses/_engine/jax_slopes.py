"""JAX: the derivative by the first array is the slope."""

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
    """The terms, whose derivative by the first array is the slope; by others, that of the formula."""
    given, whole = split_arrays((arrays, parameters))

    def of(function: Any, *given: Any) -> Any:
        arrays, parameters = whole(given)
        found = function(xp, *arrays, **parameters)
        return found.moved() if isinstance(found, Rows) and function is formula.terms else found

    terms = partial(of, formula.terms)
    ordinary, sign = None, None
    form = formula.ordinary_form
    if form is not None and form.slope_function is not None and formula.by_rows:
        ordinary, sign = partial(of, form.slope_function), partial(of, form.terms)

    def rule(primals: Any, tangents: Any) -> Any:
        first, *others = (type(t) is not SymbolicZero for t in tangents)
        if not first or any(others):
            return differentiated_by_jax(terms, primals, tangents)
        if not formula.by_rows:
            return differentiated(*primals), of(formula.slope_function, *primals) * tangents[0]

        def slope(function: Any, *given: Any) -> Any:
            found = function(*given)
            return found.stored if isinstance(found, Rows) else found

        careful = partial(slope, partial(of, formula.slope_function))
        first_try = None if ordinary is None else partial(slope, ordinary)
        found = ordinary_if_finite(careful, first_try, primals, sign=sign)(*primals)
        # Both lie as the first array does.
        axis = _axis_of_rows(whole(primals)[0][0])
        return differentiated(*primals), jnp.sum(found * tangents[0], axis=axis)

    differentiated = jax.custom_jvp(terms)
    differentiated.defjvp(rule, symbolic_zeros=True)
    return differentiated(*given)


def _axis_of_rows(x: Any) -> int:
    return x.axis if isinstance(x, Rows) else -1
