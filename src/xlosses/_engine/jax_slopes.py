"""JAX: formulas whose derivative by the first array is their slope."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from xlosses._core.alignment import OF_ENTRIES
from xlosses._core.formula import Formula
from xlosses._engine.jax_careful import differentiated_by_jax, ordinary_if_finite, split_arrays
from xlosses._engine.jax_rows import Rows


def with_slope(formula: Formula) -> Formula:
    """The formula with terms that are differentiated by its slope."""
    return formula.by(partial(_terms, formula), formula.slope_function)


def _terms(formula: Formula, xp: Any, *arrays: Any, **parameters: Any) -> Any:
    """The terms with a custom derivative: the slopes where they are all that is needed, else JAX's own."""
    inputs, rejoin = split_arrays((arrays, parameters))

    def call_with(function: Any, *inputs: Any) -> Any:
        arrays, parameters = rejoin(inputs)
        result = function(xp, *arrays, **parameters)
        return result.moved() if isinstance(result, Rows) and function is formula.terms else result

    terms = partial(call_with, formula.terms)
    kinds = formula.alignment or ("elements",) * len(arrays)
    form = formula.ordinary_form if formula.by_rows else None
    numbered: list[Any] = list(rejoin(range(len(inputs)))[0])  # for each array, which of the inputs it is
    numbered = [x.stored if isinstance(x, Rows) else x for x in numbered]

    def jvp(primals: Any, tangents: Any) -> Any:
        moving = [k for k, t in enumerate(tangents) if type(t) is not SymbolicZero]
        places = [place for place in formula.differentiated_by if numbered[place] in moving]
        if len(places) < len(moving):
            return differentiated_by_jax(terms, primals, tangents)

        def with_terms(xp: Any, *arrays: Any, **parameters: Any) -> Any:
            return formula.terms_and_slopes(xp, arrays, parameters, places)

        def slopes_of(formula: Formula, *inputs: Any) -> Any:
            slopes = call_with(lambda xp, *a, **p: formula.slopes(xp, a, p, places), *inputs)
            return [_stored(slope, rejoin(inputs)[0][k]) for slope, k in zip(slopes, places, strict=True)]

        careful, ordinary, probe = partial(slopes_of, formula), None, None
        if form is not None and {*places} <= {*form.slope_by}:
            ordinary, probe = partial(slopes_of, form), partial(call_with, form.terms)
        if formula.vjp_function is None:
            value = differentiated(*primals)
            slopes = ordinary_if_finite(careful, ordinary, primals, probe=probe)(*primals)
        else:  # which computes once what both need
            value, slopes = call_with(with_terms, *primals)
        changes = []
        for place, slope in zip(places, slopes, strict=True):
            change = slope * tangents[numbered[place]]
            # Slope and tangent are both stored as the array is.
            axis = _axis_of_rows(rejoin(primals)[0][place])
            of_row = (axis,) if kinds[place] in OF_ENTRIES else tuple(range(value.ndim, change.ndim))
            changes.append(jnp.sum(change, axis=of_row) if of_row else change)
        return value, sum(changes[1:], changes[0])

    differentiated = jax.custom_jvp(terms)
    differentiated.defjvp(jvp, symbolic_zeros=True)
    return differentiated(*inputs)


def _stored(slope: Any, x: Any) -> Any:
    """The slope as the array x is stored, whose rows may lie along another axis than the last."""
    if isinstance(slope, Rows):
        return slope.stored
    return jnp.moveaxis(slope, -1, x.axis) if isinstance(x, Rows) else slope  # by a function of moved arrays


def _axis_of_rows(x: Any) -> int:
    return x.axis if isinstance(x, Rows) else -1
