"""JAX: the ordinary form of a formula, and the careful one in a branch for where that is not finite."""

from __future__ import annotations

from collections.abc import Callable
from itertools import compress
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from xlosses._engine.jax_rows import Rows
from xlosses._engine.switch import entries

LARGE = 1 << 12  # entries from which a branch costs less than guards


def ordinary_if_finite(careful: Any, ordinary: Any, given: Any, seen: Any = None, sign: Any = None) -> Any:
    """`ordinary(*given)`, and `careful(*given)` if that is not finite; derivatives by the careful one.

    XLA takes up to three times as long for guards on a CPU; elsewhere they are free, and to branch is
    to wait. What is looked at is `seen(result)`, or `sign(*given)` in place of the result, which then
    is made in the branch: a large one would be copied.
    """
    size = given[0].size  # a symbol where a program is exported for any batch
    few = isinstance(size, int) and size < entries(LARGE)
    if ordinary is None or few or jax.default_backend() != "cpu" or are_concrete(given):
        return careful

    def branched(*given: Any) -> Any:
        if sign is not None:
            return jax.lax.cond(jnp.isfinite(jnp.sum(sign(*given))), ordinary, careful, *given)
        found = ordinary(*given)
        return jax.lax.cond(jnp.isfinite(jnp.sum(seen(found))), lambda *_: found, careful, *given)

    def batched(size: int, axes: Any, *given: Any) -> Any:
        found = jax.vmap(careful, [0 if along else None for along in axes], axis_size=size)(*given)
        return found, jax.tree.map(lambda _: True, found)  # a branch for each would be both for all

    def rule(primals: Any, tangents: Any) -> Any:
        found, moves = differentiated_by_jax(careful, primals, tangents)
        return found if are_concrete(primals) else derived(*primals), moves

    alone = jax.custom_batching.custom_vmap(branched)
    alone.def_vmap(batched)
    derived = jax.custom_jvp(alone)
    derived.defjvp(rule, symbolic_zeros=True)
    return derived


def differentiated_by_jax(function: Any, primals: Any, tangents: Any) -> Any:
    """The function and its derivative by what moves, as JAX finds them."""
    moved = [type(t) is not SymbolicZero for t in tangents]

    def of_moved(*given: Any) -> Any:
        return function(*_filled(primals, moved, given))

    return jax.jvp(of_moved, tuple(compress(primals, moved)), tuple(compress(tangents, moved)))


def split_arrays(tree: Any) -> tuple[list[Any], Callable[[Any], Any]]:
    """The arrays of a tree, and what makes it whole again with others in their places."""
    shape: Any
    leaves, shape = jax.tree.flatten(tree)
    axes = [x.axis if isinstance(x, Rows) else None for x in leaves]
    leaves = [x.stored if isinstance(x, Rows) else x for x in leaves]
    places = [isinstance(x, jax.Array) for x in leaves]
    rest = [None if place else x for x, place in zip(leaves, places, strict=True)]

    def whole(given: Any) -> Any:
        filled = _filled(rest, places, given)
        return shape.unflatten(
            x if axis is None else Rows(x, axis) for x, axis in zip(filled, axes, strict=True)
        )

    return list(compress(leaves, places)), whole


def _filled(leaves: Any, places: Any, given: Any) -> list[Any]:
    """The leaves, but what is given in these places."""
    others = iter(given)
    return [next(others) if place else x for x, place in zip(leaves, places, strict=True)]


def are_concrete(arrays: Any) -> bool:
    """Whether every operation runs at once, none of them compiled with others."""
    return not any(isinstance(x.stored if isinstance(x, Rows) else x, jax.core.Tracer) for x in arrays)
