"""Cutting operands into blocks that fit a cache, and merging the results of blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple, TypeAlias

from xlosses._core.alignment import UNCUT
from xlosses._core.checks import is_number
from xlosses._core.operands import Operands
from xlosses._core.reduce import Compute, Gradients
from xlosses._core.triple import Triple
from xlosses._engine.whole import Places

Index: TypeAlias = tuple[slice, ...]


def indices(shape: tuple[int, ...], most: int) -> Iterator[tuple[Index, tuple[int, ...]]]:
    """The index and the shape of each block; blocks of at most `most` entries cover an array in order."""
    axis = 0
    while axis + 1 < len(shape) and math.prod(shape[axis + 1 :]) > most:
        axis += 1
    inner = math.prod(shape[axis + 1 :])
    n_blocks = -(-shape[axis] // (most // inner))
    step = -(-shape[axis] // n_blocks)
    trailing = tuple(slice(n) for n in shape[axis + 1 :])
    for position in product(*(range(n) for n in shape[:axis])):
        leading = tuple(slice(i, i + 1) for i in position)
        for start in range(0, shape[axis], step):
            stop = min(start + step, shape[axis])
            lengths = (*(1 for _ in position), stop - start, *shape[axis + 1 :])
            yield (*leading, slice(start, stop), *trailing), lengths


def blocks_of(operands: Operands, entries: int) -> Iterator[tuple[Index, Operands]]:
    """Where each block lies in the terms, and its operands: views of at most `entries` entries."""
    xp, shape = operands.xp, operands.shape
    if not shape:  # one term, however large, which no formula takes in parts
        yield (), operands
        return
    uncut = [x is None or kind in UNCUT for x, kind in zip(operands.arrays, operands.plan.kinds, strict=True)]
    weights, mask = (
        x if x is None or is_number(x) else xp.broadcast_to(x, shape)
        for x in (operands.weights, operands.mask)
    )
    for index, lengths in indices(shape, max(1, entries // operands.plan.width)):
        yield (
            index,
            operands._replace(
                arrays=tuple(
                    x if is_uncut else x[index] for x, is_uncut in zip(operands.arrays, uncut, strict=True)
                ),
                weights=weights if weights is None or is_number(weights) else weights[index],
                mask=None if mask is None else mask[index],
                shape=lengths,
            ),
        )


CHUNK = 1 << 20  # entries of a chunk on JAX and MLX, which are no faster with smaller ones
TERMS = 128  # in a block, if all terms share a matrix: it is then read as often as is worth it
LARGEST = 7 << 20  # entries of such a block: glibc gives back larger float32 arrays, and gets them anew


def usual_block(operands: Operands, usual: int) -> int:
    """The entries of a block: `usual`, or more where every block reads a shared matrix anew.

    Its gradient is as large as the matrix, and written once per block: smaller blocks would spend more
    time on it than on the products.
    """
    plan = operands.plan
    kinds = zip(plan.kinds, plan.shapes, strict=True)
    matrices = [math.prod(shape) for kind, shape in kinds if kind == "shared" and len(shape) > 1]
    return max(usual, min(TERMS * plan.width, LARGEST), max(matrices) // 2) if matrices else usual


class Pieces(NamedTuple):
    """How a framework puts the results of blocks, the pieces, together."""

    empty: Callable[[Any, Any], Any]  # of the dtype of a piece, in the shape and layout of an array
    terms: Callable[[Any, Any], Any]  # an empty array for all terms, of the dtype of a piece
    sum_of: Callable[[Sequence[Any]], Any]  # the sum of partial sums


def in_blocks(compute: Compute, operands: Operands, limit: int, places: Places, pieces: Pieces) -> Any:
    """`compute` block by block: terms and gradients written into one array each, sums added up."""
    keep_freed_memory()
    if operands.size <= limit:
        return compute(operands)
    sums: list[Triple] = []
    terms = None
    by = [_Whole(operands, place, pieces) for place in places]
    for index, block in blocks_of(operands, limit):
        piece = compute(block)
        if isinstance(piece, Triple):
            sums.append(piece)
        elif isinstance(piece, Gradients):
            sums += [] if piece.sums is None else [piece.sums]
            for whole, part in zip(by, piece.by, strict=True):
                whole.add(index, part)
        else:
            terms = pieces.terms(piece, operands.shape) if terms is None else terms
            terms[index] = piece
    triple = merged(sums, pieces) if sums else None
    if places:
        return Gradients(triple, tuple(whole.array for whole in by), are_new=True)
    return triple if terms is None else terms


class _Whole:
    """A gradient made of those of blocks: side by side, or added up where all terms share the array."""

    array: Any = None

    def __init__(self, operands: Operands, place: int, pieces: Pieces) -> None:
        self.like = operands.arrays[place]
        self.is_sum = operands.plan.kinds[place] in UNCUT
        self.pieces = pieces

    def add(self, index: Index, piece: Any) -> None:
        is_first = self.array is None
        if is_first:  # an array of its own, because the piece may be one that somebody holds
            self.array = self.pieces.empty(piece, self.like)
        if not self.is_sum:
            self.array[index] = piece
        elif is_first:
            self.array[...] = piece
        else:
            self.array += piece


def merged(sums: Sequence[Triple], pieces: Pieces) -> Triple:
    """One triple from those of the blocks."""
    columns = zip(*sums, strict=True)
    return Triple(*(pieces.sum_of(parts) if hasattr(parts[0], "dtype") else sum(parts) for parts in columns))


_kept = False


def keep_freed_memory() -> None:
    """Teach glibc's malloc to keep the memory of temporary arrays, by freeing 4 MB once.

    glibc learns from what is freed how much it is to keep. Until it has seen 4 MB freed, it gives the
    memory of every block back to the system and gets it again page by page, which takes longer than
    the arithmetic: five times as long for Huber. It acts on the whole process, so that it waits for
    the first large array and is not done on import.
    """
    global _kept
    if not _kept:
        _kept = True
        bytearray(1 << 22)
