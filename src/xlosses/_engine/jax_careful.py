"""JAX: the ordinary form of a formula first, and the formula in a branch where that is not finite."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import compress
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from xlosses._core import reduce
from xlosses._core.formula import Formula
from xlosses._core.operands import Operands
from xlosses._core.reduce import Compute
from xlosses._engine.jax_rows import Rows
from xlosses._engine.switch import entries
from xlosses._engine.whole import Places

LARGE = 1 << 12  # entries from which a branch costs less than guards


def ordinary_first(compute: Compute, operands: Operands, places: Places = ()) -> Any:
    """`compute(operands)`, by the ordinary form of the formula where that is finite."""
    form = operands.formula.ordinary_form
    per_element = compute is reduce.unreduced and not operands.formula.by_rows
    if form is None or per_element or not {*places} <= {*form.differentiated_by}:
        return compute(operands)  # of elements a look at the result would take as long as the guards
    inputs, rejoin = split_arrays((operands.arrays, operands.parameters, operands.weights, operands.mask))
    # JAX caches the functions that it has traced, and with them whatever they close over: not the arrays.
    without_arrays = operands._replace(given=(), arrays=(), parameters={}, weights=None, mask=None)
    rejoin_result: list[Any] = []

    def outputs_by(formula: Formula, *inputs: Any) -> Any:
        arrays, parameters, weights, mask = rejoin(inputs)
        traced_operands = without_arrays._replace(
            formula=formula, arrays=arrays, parameters=parameters, weights=weights, mask=mask
        )
        outputs, rejoin_outputs = split_arrays(compute(traced_operands))
        rejoin_result[:] = [rejoin_outputs]  # some sums are Python numbers and stay so
        return outputs

    careful, ordinary = partial(outputs_by, operands.formula), partial(outputs_by, form)

    def inspected(outputs: Any) -> Any:
        return sum(map(jnp.sum, outputs)) if places else outputs[0]

    outputs = ordinary_if_finite(careful, ordinary, inputs, inspected, size=operands.size)(*inputs)
    return rejoin_result[0](outputs)


def ordinary_if_finite(
    careful: Any, ordinary: Any, arguments: Any, inspected: Any = None, probe: Any = None, size: Any = None
) -> Any:
    """A function for these arguments: `ordinary`, or `careful` where that is not finite.

    On a CPU the guards of `careful` take XLA up to three times as long. Elsewhere they are free, and a
    branch would wait for the device, so that `careful` itself is returned; as of few entries, whose number
    is `size`, or that of the first argument. Derivatives are always those of `careful`.

    Whether the result is finite shows in `inspected(result)`. A large result would be copied on its
    way out of the branch: then `probe(*arguments)` is inspected before, and `ordinary` called inside.
    """
    size = size or arguments[0].size  # symbolic where a program is exported for any batch size
    is_small = isinstance(size, int) and size < entries(LARGE)
    if ordinary is None or is_small or jax.default_backend() != "cpu" or are_concrete(arguments):
        return careful

    def branched(*arguments: Any) -> Any:
        if probe is not None:
            return jax.lax.cond(jnp.isfinite(jnp.sum(probe(*arguments))), ordinary, careful, *arguments)
        result = ordinary(*arguments)
        return jax.lax.cond(jnp.isfinite(jnp.sum(inspected(result))), lambda *_: result, careful, *arguments)

    def batched(size: int, mapped: Any, *arguments: Any) -> Any:
        results = jax.vmap(careful, [0 if is_mapped else None for is_mapped in mapped], axis_size=size)(
            *arguments
        )
        # Of a branch for each element of a batch, vmap would compute both sides for all elements.
        return results, jax.tree.map(lambda _: True, results)

    def jvp(primals: Any, tangents: Any) -> Any:
        result, tangent = differentiated_by_jax(careful, primals, tangents)
        return result if are_concrete(primals) else with_derivatives(*primals), tangent

    with_batching = jax.custom_batching.custom_vmap(branched)
    with_batching.def_vmap(batched)
    with_derivatives = jax.custom_jvp(with_batching)
    with_derivatives.defjvp(jvp, symbolic_zeros=True)
    return with_derivatives


def differentiated_by_jax(function: Any, primals: Any, tangents: Any) -> Any:
    """Value and tangent of the function by JAX's own rules, for those arguments that have a tangent."""
    has_tangent = [type(t) is not SymbolicZero for t in tangents]

    def of_moving(*arguments: Any) -> Any:
        return function(*_filled(primals, has_tangent, arguments))

    return jax.jvp(of_moving, tuple(compress(primals, has_tangent)), tuple(compress(tangents, has_tangent)))


def split_arrays(tree: Any) -> tuple[list[Any], Callable[[Any], Any]]:
    """The arrays of a pytree, and a function that puts other arrays in their places."""
    structure: Any
    leaves, structure = jax.tree.flatten(tree)
    axes = [x.axis if isinstance(x, Rows) else None for x in leaves]
    leaves = [x.stored if isinstance(x, Rows) else x for x in leaves]
    is_array = [isinstance(x, jax.Array) for x in leaves]
    others = [None if place else x for x, place in zip(leaves, is_array, strict=True)]

    def rejoin(arrays: Any) -> Any:
        filled = _filled(others, is_array, arrays)
        return structure.unflatten(
            x if axis is None else Rows(x, axis) for x, axis in zip(filled, axes, strict=True)
        )

    return list(compress(leaves, is_array)), rejoin


def _filled(leaves: Any, places: Any, replacements: Any) -> list[Any]:
    """The leaves, with replacements where `places` is true."""
    remaining = iter(replacements)
    return [next(remaining) if is_replaced else x for x, is_replaced in zip(leaves, places, strict=True)]


def are_concrete(arrays: Any) -> bool:
    """Whether none of the arrays is traced, so that every operation runs at once."""
    return not any(isinstance(x.stored if isinstance(x, Rows) else x, jax.core.Tracer) for x in arrays)
