"""MLX: formulas whose terms share an array run chunk after chunk."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import mlx.core as mx

from xlosses._core import reduce
from xlosses._core.alignment import UNCUT
from xlosses._core.checks import is_number
from xlosses._core.operands import Operands
from xlosses._core.reduce import Compute, Gradients
from xlosses._core.triple import Triple
from xlosses._engine.blocks import CHUNK, blocks_of, usual_block
from xlosses._engine.switch import entries
from xlosses._engine.whole import Places


def in_chunks(compute: Compute, operands: Operands, places: Places) -> Any:
    """`compute` chunk after chunk, differentiated by the vjp."""
    if operands.size <= _limit(operands):
        return compute(operands)
    inputs, filled = _split(operands)
    rejoin: list[Callable[[Any], Any]] = []

    def flattened(run: Callable[[Operands], Any], *inputs: Any) -> list[Any]:
        outputs, rejoin_outputs = _flattened(run(filled(inputs)))
        rejoin[:] = [rejoin_outputs]
        return outputs

    whole = partial(flattened, compute)

    def vjp(inputs: Any, cotangents: Any, _: Any) -> Any:
        if places:
            return _by_mlx(whole, inputs, cotangents)
        return _by_vjp(whole, filled(inputs), inputs, cotangents)

    chunked = mx.custom_function(partial(flattened, partial(_chunk_after_chunk, compute, places)))
    chunked.vjp(vjp)
    outputs: Any = chunked(*inputs)
    return rejoin[0](outputs)


def _limit(operands: Operands) -> int:
    return entries(usual_block(operands, CHUNK))


def _split(operands: Operands) -> tuple[list[Any], Callable[[Any], Operands]]:
    """The MLX arrays of operands, and a function that puts others in their places."""
    parameters = operands.parameters
    leaves = [*operands.arrays, *parameters.values(), operands.weights, operands.mask]
    is_array = [isinstance(x, mx.array) for x in leaves]

    def filled(inputs: Any) -> Operands:
        remaining = iter(inputs)
        new = [next(remaining) if replaced else x for x, replaced in zip(leaves, is_array, strict=True)]
        *others, weights, mask = new
        n = len(operands.arrays)
        return operands._replace(
            arrays=tuple(others[:n]),
            parameters=dict(zip(parameters, others[n:], strict=True)),
            weights=weights,
            mask=mask,
        )

    return [x for x, is_one in zip(leaves, is_array, strict=True) if is_one], filled


def _flattened(result: Any) -> tuple[list[Any], Callable[[Any], Any]]:
    """The MLX arrays of terms, sums or gradients, and a function that puts others in their places."""
    sums = result.sums if isinstance(result, Gradients) else result if isinstance(result, Triple) else None
    by = result.by if isinstance(result, Gradients) else ()
    numbers = [None if isinstance(x, mx.array) else x for x in sums or ()]

    def rejoin(outputs: Any) -> Any:
        remaining = iter(outputs)
        if sums is None and not by:
            return next(remaining)
        triple = Triple(*(next(remaining) if n is None else n for n in numbers)) if sums else None
        return Gradients(triple, tuple(remaining)) if by else triple

    if sums is None and not by:
        return [result], rejoin
    return [*(x for x in sums or () if isinstance(x, mx.array)), *by], rejoin


def _by_vjp(whole: Any, operands: Operands, inputs: Any, cotangents: Any) -> tuple[Any, ...]:
    """The gradients by the inputs: of the vjp where it gives them, else MLX's own."""
    of_terms = cotangents[0]
    places = tuple(place for place in operands.formula.vjp_by if operands.arrays[place] is not None)
    weights = of_terms if operands.weights is None else of_terms * operands.weights
    weighted = operands._replace(weights=weights, as_given=False)
    by = in_chunks(partial(reduce.pulled_back, needed=places), weighted, places).by
    order = [place for place, x in enumerate(operands.arrays) if x is not None]
    found = {
        order.index(place): gradient.astype(operands.arrays[place].dtype)
        for place, gradient in zip(places, by, strict=True)
    }
    # MLX is lazy: it computes these only if they are used.
    others = _by_mlx(whole, inputs, cotangents, [k for k in range(len(inputs)) if k not in found])
    return tuple(found.get(k, x) for k, x in enumerate(others))


def _by_mlx(whole: Any, inputs: Any, cotangents: Any, wanted: Any = None) -> tuple[Any, ...]:
    """The gradients by MLX itself; 0 for integers, by which it does not differentiate."""
    wanted = range(len(inputs)) if wanted is None else wanted
    floating = [k for k in wanted if mx.issubdtype(inputs[k].dtype, mx.floating)]
    found: dict[int, Any] = {}
    if floating:
        of_floating = partial(_with_others, whole, inputs, floating)
        gradients = mx.vjp(of_floating, [inputs[k] for k in floating], list(cotangents))[1]
        found = dict(zip(floating, gradients, strict=True))
    return tuple(found[k] if k in found else mx.zeros_like(x) for k, x in enumerate(inputs))


def _with_others(whole: Any, inputs: Any, places: list[int], *values: Any) -> Any:
    """`whole` of the inputs with these values at these places."""
    new = dict(zip(places, values, strict=True))
    return whole(*(new.get(k, x) for k, x in enumerate(inputs)))


def _chunk_after_chunk(compute: Compute, places: Places, operands: Operands) -> Any:
    """The results of the chunks put together, each computed only after the one before it.

    MLX is lazy, and would otherwise be free to hold the arrays of several chunks at once. The order is
    made by adding a 0 to each chunk that is computed from the one before, because the operation that
    MLX has for it, mx.depends, has no rule for vmap and forward mode.
    """
    kinds = operands.plan.kinds
    triples: list[Triple] = []
    side_by_side: dict[int, list[Any]] = {}
    added: dict[int, Any] = {}
    terms: list[Any] = []
    done: list[Any] = []
    for _, chunk in blocks_of(operands._replace(**_flat(operands)), _limit(operands)):
        if done:
            first, *others = chunk.arrays
            chunk = chunk._replace(arrays=(first + _nothing_of(done).astype(first.dtype), *others))
        piece = compute(chunk)
        if isinstance(piece, Triple):
            triples.append(piece)
            done = [x for x in piece if isinstance(x, mx.array)]
        elif isinstance(piece, Gradients):
            triples += [] if piece.sums is None else [piece.sums]
            for place, x in zip(places, piece.by, strict=True):
                if kinds[place] in UNCUT:
                    added[place] = x if place not in added else added[place] + x
                else:
                    side_by_side.setdefault(place, []).append(x)
            done = [x for x in piece.sums or () if isinstance(x, mx.array)]
            done += [*added.values(), *(parts[-1] for parts in side_by_side.values())]
        else:
            terms.append(piece)
            done = [piece]
    if terms:
        return mx.concatenate(terms).reshape(operands.shape)
    sums = [sum(parts[1:], parts[0]) for parts in zip(*triples, strict=True)]
    triple = Triple(*sums) if sums else None
    if not places:
        return triple
    by = (
        added[place]
        if kinds[place] in UNCUT
        else mx.concatenate(side_by_side[place]).reshape(operands.arrays[place].shape)
        for place in places
    )
    return Gradients(triple, tuple(by))


def _flat(operands: Operands) -> dict[str, Any]:
    """What changes of operands when their terms are laid out along one axis."""
    shape, n = operands.shape, math.prod(operands.shape)

    def flat(x: Any) -> Any:
        return x if x is None or is_number(x) else mx.broadcast_to(x, shape).reshape(n)

    arrays = tuple(
        x if x is None or kind in UNCUT else x.reshape(n, *x.shape[len(shape) :])
        for x, kind in zip(operands.arrays, operands.plan.kinds, strict=True)
    )
    return {"arrays": arrays, "weights": flat(operands.weights), "mask": flat(operands.mask), "shape": (n,)}


def _nothing_of(done: list[Any]) -> Any:
    """0, once these arrays are computed, whatever they hold."""
    return sum(0 * (x.reshape(-1)[0] == 0) for x in done)
