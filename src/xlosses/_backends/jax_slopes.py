"""JAX: derivatives by the slope, and formulas without guards where their result turns out finite."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import compress
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from xlosses._backends.blocks import entries
from xlosses._backends.generic import for_one_call

LARGE = 1 << 12  # entries from which a branch costs less than guards
_concrete: dict[type, bool] = {}


def by_slope(formula: Any, xp: Any, *arrays: Any, **parameters: Any) -> Any:
    """The terms, whose derivative by the first array is the slope; by others, that of the formula."""
    given, whole = _parted((arrays, parameters))

    def terms(xp: Any, *given: Any) -> Any:
        arrays, parameters = whole(given)
        return formula.terms(xp, *arrays, **parameters)

    def slope(xp: Any, *given: Any) -> Any:
        arrays, parameters = whole(given)
        return formula.derivative(xp, *arrays, **parameters)

    def rule(primals: Any, tangents: Any) -> Any:
        first, *others = (type(t) is not SymbolicZero for t in tangents)
        if not first or any(others):
            return _derived(partial(terms, xp), primals, tangents)
        if formula.by_rows:
            (first_moves, *_), _ = whole((tangents[0], *primals[1:]))
            found = _tried(slope, xp, primals, sign=terms)(*primals)
            return with_slope(*primals), xp.sum(found * first_moves, axis=-1)
        return with_slope(*primals), slope(xp, *primals) * tangents[0]

    with_slope = jax.custom_jvp(partial(terms, xp))
    with_slope.defjvp(rule, symbolic_zeros=True)
    return with_slope(*given)


def in_tries(compute: Any, operands: Any) -> Any:
    """The result of the operands, tried."""
    whole: Any
    given, all_operands = _parted((operands.arrays, operands.parameters, operands.weights, operands.mask))

    def result(xp: Any, *given: Any) -> Any:
        nonlocal whole
        arrays, parameters, weights, mask = all_operands(given)
        now = operands._replace(arrays=arrays, parameters=parameters, weights=weights, mask=mask)
        found, whole = _parted(compute(now.on(xp)))  # some of the sums are numbers, and stay so
        return found

    found = _tried(result, operands.plan.xp, given)(*given)
    return whole(found)


def _tried(make: Any, xp: Any, given: Any, sign: Any = None) -> Any:
    """`make(words, *arrays)` without guards of rare values, and with them if that was not finite.

    XLA takes up to three times as long for guards on a CPU; elsewhere they are free, and to branch is
    to wait. The `sign` is what to look at in place of the result, which then is made in the branch: a
    large one would be copied. Derivatives have the guards.
    """
    careful = partial(make, xp)
    words = for_one_call(xp.trying)
    size = given[0].size  # a symbol where a program is exported for any batch
    few = isinstance(size, int) and size < entries(LARGE)
    if few or jax.default_backend() != "cpu" or are_concrete(given):
        return careful

    def tried(*given: Any) -> Any:
        found = make(words, *given)
        if not words.asked:
            return found
        seen = sign(words, *given) if sign else found[0]
        if sign is None and 0 < seen.ndim == given[0].ndim:  # to look at so much takes as long as guards
            return careful(*given)
        first = partial(make, words) if sign else lambda *_: found
        return jax.lax.cond(jnp.isfinite(jnp.sum(seen)), first, careful, *given)

    def batched(size: int, axes: Any, *given: Any) -> Any:
        found = jax.vmap(careful, [0 if along else None for along in axes], axis_size=size)(*given)
        return found, jax.tree.map(lambda _: True, found)  # a branch for each would be both for all

    def rule(primals: Any, tangents: Any) -> Any:
        found, moves = _derived(careful, primals, tangents)
        return found if are_concrete(primals) else derived(*primals), moves

    alone = jax.custom_batching.custom_vmap(tried)
    alone.def_vmap(batched)
    derived = jax.custom_jvp(alone)
    derived.defjvp(rule, symbolic_zeros=True)
    return derived


def _derived(function: Any, primals: Any, tangents: Any) -> Any:
    """The function and its derivative by what moves, as JAX finds them."""
    moved = [type(t) is not SymbolicZero for t in tangents]

    def of_moved(*given: Any) -> Any:
        return function(*_filled(primals, moved, given))

    return jax.jvp(of_moved, tuple(compress(primals, moved)), tuple(compress(tangents, moved)))


def _parted(tree: Any) -> tuple[list[Any], Callable[[Any], Any]]:
    """The arrays of a tree, and what makes it whole again with others in their places."""
    shape: Any
    leaves, shape = jax.tree.flatten(tree)
    places = [isinstance(x, jax.Array) for x in leaves]
    rest = [None if place else x for x, place in zip(leaves, places, strict=True)]
    return list(compress(leaves, places)), lambda given: shape.unflatten(_filled(rest, places, given))


def _filled(leaves: Any, places: Any, given: Any) -> list[Any]:
    """The leaves, but what is given in these places."""
    others = iter(given)
    return [next(others) if place else x for x, place in zip(leaves, places, strict=True)]


def is_concrete(kind: type) -> bool:
    found = _concrete.get(kind)
    if found is None:
        found = _concrete[kind] = issubclass(kind, jax.Array) and not issubclass(kind, jax.core.Tracer)
    return found


def are_concrete(arrays: Any) -> bool:
    """Whether every operation runs at once, none of them compiled with others."""
    return all(is_concrete(type(x)) for x in arrays)
