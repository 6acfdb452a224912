"""JAX: formulas whose terms share an array run chunk by chunk, in a loop that XLA does not unroll."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from xlosses._core import reduce
from xlosses._core.alignment import UNCUT
from xlosses._core.checks import is_number
from xlosses._core.operands import Operands
from xlosses._core.reduce import Compute, Gradients
from xlosses._core.triple import Triple
from xlosses._engine.blocks import CHUNK, usual_block
from xlosses._engine.jax_careful import differentiated_by_jax, ordinary_first, split_arrays
from xlosses._engine.switch import entries
from xlosses._engine.whole import Places


def in_chunks(compute: Compute, operands: Operands, places: Places) -> Any:
    """`compute` chunk by chunk; the derivative of a sum is the gradient that the vjp gives."""
    if not all(isinstance(n, int) for n in operands.shape) or operands.size <= _limit(operands):
        return compute(operands)
    if places:
        return _looped(compute, operands, places)
    if compute is not reduce.sums:
        return _looped(compute, operands, ())
    return _differentiated(operands)


class _Chunks(NamedTuple):
    """How the terms of a call are cut into chunks of equally many."""

    number: int
    size: int  # terms in a chunk, of which the last ones of the last chunk may be padding
    terms: int

    def cut(self, x: Any, shape: tuple[int, ...]) -> Any:
        """An array of the terms, or of a row for each, with the chunks along a new first axis."""
        x = jnp.reshape(x, (self.terms, *x.shape[len(shape) :]))
        padding = self.number * self.size - self.terms
        x = jnp.pad(x, ((0, padding), *((0, 0) for _ in x.shape[1:]))) if padding else x
        return jnp.reshape(x, (self.number, self.size, *x.shape[1:]))

    def joined(self, x: Any, shape: tuple[int, ...]) -> Any:
        """What `cut` made chunks of."""
        x = jnp.reshape(x, (self.number * self.size, *x.shape[2:]))[: self.terms]
        return jnp.reshape(x, (*shape, *x.shape[1:]))


def _limit(operands: Operands) -> int:
    return entries(usual_block(operands, CHUNK))


def _chunks_of(operands: Operands) -> _Chunks:
    terms = math.prod(operands.shape)
    most = max(1, _limit(operands) // operands.plan.width)
    number = -(-terms // most)
    return _Chunks(number, -(-terms // number), terms)


def _looped(compute: Compute, operands: Operands, places: Places) -> Any:
    """`compute` in a loop over chunks: terms side by side, or sums and gradients added up."""
    chunks, shape, kinds = _chunks_of(operands), operands.shape, operands.plan.kinds

    def cut(x: Any) -> Any:
        return x if x is None or is_number(x) else chunks.cut(jnp.broadcast_to(x, shape), shape)

    weights, mask = cut(operands.weights), operands.mask
    if mask is None and chunks.number * chunks.size > chunks.terms:
        mask = jnp.asarray(True)
    mask = cut(mask)
    in_pieces = [x is not None and kind not in UNCUT for x, kind in zip(operands.arrays, kinds, strict=True)]
    arrays = [chunks.cut(x, shape) for x, is_cut in zip(operands.arrays, in_pieces, strict=True) if is_cut]
    weights_vary = weights is not None and not is_number(weights)
    numbers: list[Any] = []  # of the triple of a chunk, what is a Python number

    def of_chunk(pieces: Any) -> Any:
        pieces = iter(pieces)
        found = [next(pieces) if is_cut else x for x, is_cut in zip(operands.arrays, in_pieces, strict=True)]
        chunk = operands._replace(
            arrays=tuple(found),
            weights=next(pieces) if weights_vary else weights,
            mask=None if mask is None else next(pieces),
            shape=(chunks.size,),
            as_given=operands.as_given and mask is None,
        )
        result = ordinary_first(compute, chunk, places)
        if not isinstance(result, (Triple, Gradients)):
            return (), [result]
        triple, by = (result, ()) if isinstance(result, Triple) else (result.sums, result.by)
        assert triple
        numbers[:] = [x if is_number(x) else None for x in triple]
        added = [x for x, place in zip(by, places, strict=True) if kinds[place] in UNCUT]
        side_by_side = [x for x, place in zip(by, places, strict=True) if kinds[place] not in UNCUT]
        return added, [x for x in triple if not is_number(x)] + side_by_side

    pieces = [*arrays, *([weights] if weights_vary else []), *([] if mask is None else [mask])]
    # What a chunk makes is made again when it is differentiated: kept for all chunks it would be the whole.
    of_chunk_again = jax.checkpoint(of_chunk)
    added_shapes = jax.eval_shape(of_chunk, [x[0] for x in pieces])[0]
    start = [jnp.zeros(x.shape, x.dtype) for x in added_shapes]

    def step(sums: Any, pieces: Any) -> Any:
        added, side_by_side = of_chunk_again(pieces)
        return [a + b for a, b in zip(sums, added, strict=True)], side_by_side

    added, stacked = jax.lax.scan(step, start, pieces)
    if compute is reduce.unreduced:
        return chunks.joined(stacked[0], shape)
    remaining = iter(stacked)
    triple = Triple(*(jnp.sum(next(remaining)) if n is None else n * chunks.number for n in numbers))
    if not places:
        return triple
    sums = iter(added)
    by = (next(sums) if kinds[place] in UNCUT else chunks.joined(next(remaining), shape) for place in places)
    return Gradients(triple, tuple(by))


def _differentiated(operands: Operands) -> Triple:
    """The sums, whose total has the gradients of the vjp by those arrays that it gives them by."""
    inputs, rejoin = split_arrays((operands.arrays, operands.parameters, operands.weights, operands.mask))
    # JAX caches the functions that it has traced, and with them whatever they close over: not the arrays.
    without_arrays = operands._replace(given=(), arrays=(), parameters={}, weights=None, mask=None)
    places_of = {k: place for place, k in enumerate(rejoin(range(len(inputs)))[0]) if k is not None}
    numbers: list[Any] = []

    def filled(inputs: Any) -> Operands:
        arrays, parameters, weights, mask = rejoin(inputs)
        return without_arrays._replace(arrays=arrays, parameters=parameters, weights=weights, mask=mask)

    def arrays_of(triple: Triple) -> list[Any]:
        numbers[:] = [x if is_number(x) else None for x in triple]
        return [x for x in triple if not is_number(x)]

    def sums(*inputs: Any) -> list[Any]:
        return arrays_of(_looped(reduce.sums, filled(inputs), ()))

    def jvp(primals: Any, tangents: Any) -> Any:
        moving = [k for k, t in enumerate(tangents) if type(t) is not SymbolicZero]
        places = tuple(places_of.get(k, -1) for k in moving)
        if not {*places} <= {*without_arrays.formula.vjp_by}:
            return differentiated_by_jax(sums, primals, tangents)
        total = partial(reduce.sums_and_gradients, needed=places)
        together = _looped(total, filled(primals), places)
        found, by = arrays_of(together.sums), together.by
        change = sum(jnp.sum(gradient * tangents[k]) for k, gradient in zip(moving, by, strict=True))
        return found, [jnp.asarray(change, found[0].dtype), *(jnp.zeros_like(x) for x in found[1:])]

    differentiated = jax.custom_jvp(sums)
    differentiated.defjvp(jvp, symbolic_zeros=True)
    remaining = iter(differentiated(*inputs))
    return Triple(*(next(remaining) if n is None else n for n in numbers))
