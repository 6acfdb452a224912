"""MLX: a formula whole, or chunk by chunk; the gradient of one that goes element by element is its slope."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, cast

import mlx.core as mx

from xlosses._backends.mlx import any_length, lengths_vary
from xlosses._core import reduce
from xlosses._core.alignment import UNCUT
from xlosses._core.checks import is_number
from xlosses._core.formula import Formula
from xlosses._core.operands import Operands
from xlosses._core.reduce import Compute, Gradients, Triple
from xlosses._engine.blocks import SHARED, blocks_of, usual_block
from xlosses._engine.switch import entries
from xlosses._engine.whole import Places, Runner


class MlxRunner(Runner):
    def run(self, compute: Compute, operands: Operands, places: Places = ()) -> Any:
        """Not for rows: their slope would compute again the exponentials that MLX's own gradient keeps."""
        if lengths_vary():
            return compute(operands._replace(xp=any_length))
        formula = operands.formula
        if formula.vjp_function is not None:
            return _in_chunks(compute, operands, places)
        if formula.slope_function and not formula.by_rows and not places:
            operands = operands._replace(formula=formula.by(partial(_terms_by_slope, formula)))
        return compute(operands)


def _terms_by_slope(formula: Formula, xp: Any, *arrays: Any, **parameters: Any) -> Any:
    """The terms with a custom gradient: the slope where it gives one, MLX's own by the others."""
    array_parameters = {name: x for name, x in parameters.items() if isinstance(x, mx.array)}
    given = {k: x for k, x in enumerate(arrays) if x is not None}
    by_slope = [k for k in formula.slope_by if k in given]
    n = len(given)

    def call_with(function: Any, *inputs: Any) -> Any:
        new_arrays = dict(zip(given, inputs[:n], strict=True))
        new_parameters = dict(zip(array_parameters, inputs[n:], strict=True))
        return function(
            xp, *(new_arrays.get(k) for k in range(len(arrays))), **{**parameters, **new_parameters}
        )

    def gradients(inputs: Any, gradient: Any, _: Any) -> Any:
        inputs = inputs if isinstance(inputs, tuple) else (inputs,)
        order = [*given]
        found: dict[int, Any] = {}
        slopes = call_with(lambda xp, *a, **p: formula.slopes(xp, a, p, by_slope), *inputs)
        for k, slope in zip(by_slope, slopes, strict=True):
            found[order.index(k)] = slope * gradient
        others = [k for k in range(len(inputs)) if k not in found]

        def of_others(*values: Any) -> Any:
            filled = dict(zip(others, values, strict=True))
            return call_with(formula.terms, *(filled.get(k, x) for k, x in enumerate(inputs)))

        if others:  # MLX is lazy: it computes these only if they are used
            by_mlx = mx.vjp(of_others, [inputs[k] for k in others], [gradient])[1]
            found.update(zip(others, by_mlx, strict=True))
        in_order = [found[k] for k in range(len(inputs))]
        return in_order[0] if len(in_order) == 1 else tuple(in_order)

    with_slope = mx.custom_function(partial(call_with, formula.terms))
    with_slope.vjp(gradients)
    return with_slope(*given.values(), *array_parameters.values())


def _in_chunks(compute: Compute, operands: Operands, places: Places) -> Any:
    """`compute` chunk after chunk, differentiated by the vjp."""
    if operands.size <= _limit(operands):
        return compute(operands)
    if places:
        return _chunk_after_chunk(compute, operands, places)
    return _differentiated(compute, operands)


def _limit(operands: Operands) -> int:
    return entries(usual_block(operands, SHARED))


def _chunk_after_chunk(compute: Compute, operands: Operands, places: Places) -> Any:
    """The results of the chunks put together, each computed only after the one before it.

    MLX is lazy, and would otherwise be free to hold the arrays of several chunks at once.
    """
    kinds = operands.plan.kinds
    triples: list[Triple] = []
    side_by_side: dict[int, list[Any]] = {}
    added: dict[int, Any] = {}
    terms: list[Any] = []
    done: list[Any] = []
    for _, chunk in blocks_of(operands._replace(**_flat(operands)), _limit(operands)):
        if done:
            chunk = chunk._replace(arrays=_after(done, chunk.arrays, kinds))
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
            done = [*added.values(), *(parts[-1] for parts in side_by_side.values())]
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


def _after(done: list[Any], arrays: Any, kinds: Any) -> Any:
    """The arrays of a chunk as results of those of the chunk before it, as which MLX computes them."""
    waiting = [
        k
        for k, (x, kind) in enumerate(zip(arrays, kinds, strict=True))
        if x is not None and kind not in UNCUT
    ]
    depending = dict(zip(waiting, mx.depends([arrays[k] for k in waiting], done), strict=True))
    return tuple(depending.get(k, x) for k, x in enumerate(arrays))


def _differentiated(compute: Compute, operands: Operands) -> Any:
    """Terms or sums with the gradients of the vjp by those arrays that it gives them by, else MLX's own."""
    arrays = {k: x for k, x in enumerate(operands.arrays) if x is not None}
    others = {**operands.parameters, "weights": operands.weights, "mask": operands.mask}
    tensors = {name: x for name, x in others.items() if isinstance(x, mx.array)}
    n = len(arrays)
    by_vjp = tuple(place for place in operands.formula.vjp_by if place in arrays)
    numbers: list[Any] = []

    def filled(inputs: Any) -> Operands:
        new_arrays = dict(zip(arrays, inputs[:n], strict=True))
        new = {**others, **dict(zip(tensors, inputs[n:], strict=True))}
        return operands._replace(
            arrays=tuple(new_arrays.get(k) for k in range(len(operands.arrays))),
            parameters={name: new[name] for name in operands.parameters},
            weights=new["weights"],
            mask=new["mask"],
        )

    def outputs(*inputs: Any) -> Any:
        result = _chunk_after_chunk(compute, filled(inputs), ())
        result = result if isinstance(result, Triple) else [result]
        numbers[:] = [None if isinstance(x, mx.array) else x for x in result]
        return [x for x in result if isinstance(x, mx.array)]

    def gradients(inputs: Any, cotangents: Any, _: Any) -> Any:
        of_terms = cotangents[0]
        given = filled(inputs)
        weights = of_terms if given.weights is None else of_terms * given.weights
        weighted = given._replace(weights=weights, as_given=False)
        found: dict[int, Any] = {}
        by = _chunk_after_chunk(partial(reduce.pulled_back, needed=by_vjp), weighted, by_vjp).by
        for place, gradient in zip(by_vjp, by, strict=True):
            found[[*arrays].index(place)] = gradient.astype(arrays[place].dtype)
        for k, x in enumerate(inputs):
            if not mx.issubdtype(x.dtype, mx.floating):  # MLX differentiates by labels, too, and refuses
                found[k] = mx.zeros_like(x)
        remaining = [k for k in range(len(inputs)) if k not in found]

        def of_remaining(*values: Any) -> Any:
            new = dict(zip(remaining, values, strict=True))
            return outputs(*(new.get(k, x) for k, x in enumerate(inputs)))[0]

        if remaining:  # MLX is lazy: it computes these only if they are used
            by_mlx = mx.vjp(of_remaining, [inputs[k] for k in remaining], [of_terms])[1]
            found.update(zip(remaining, by_mlx, strict=True))
        return tuple(found[k] for k in range(len(inputs)))

    with_vjp = mx.custom_function(outputs)
    with_vjp.vjp(gradients)
    results: Any = iter(cast(Any, with_vjp(*arrays.values(), *tensors.values())))
    in_order = [next(results) if x is None else x for x in numbers]
    return Triple(*in_order) if len(in_order) > 1 else in_order[0]


runner = MlxRunner()
