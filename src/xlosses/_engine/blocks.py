"""Cutting operands into blocks that fit a cache, and merging the results of blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple, TypeAlias

from xlosses._core.checks import is_number
from xlosses._core.operands import Operands
from xlosses._core.reduce import Triple

Index: TypeAlias = tuple[slice, ...]


def indices(shape: tuple[int, ...], most: int) -> Iterator[tuple[Index, tuple[int, ...]]]:
    """The index and the shape of each block; blocks of at most `most` entries cover an array in order."""
    axis = 0
    while axis + 1 < len(shape) and math.prod(shape[axis + 1 :]) > most:
        axis += 1
    inner = math.prod(shape[axis + 1 :])
    n_blocks = -(-shape[axis] // max(1, most // inner))
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
    uncut = [
        x is None or kind == "classes" for x, kind in zip(operands.arrays, operands.plan.kinds, strict=True)
    ]
    weights, mask = (
        x if x is None or is_number(x) else xp.broadcast_to(x, shape)
        for x in (operands.weights, operands.mask)
    )
    for index, lengths in indices(shape, max(1, entries // operands.width)):
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


class Pieces(NamedTuple):
    """How a framework puts the results of blocks, the pieces, together."""

    allocate: Callable[[Any, Operands], Any]  # an empty array for all pieces, of the kind of this one
    sum_of: Callable[[Sequence[Any]], Any]  # the sum of partial sums


def in_blocks(compute: Callable[[Operands], Any], operands: Operands, limit: int, pieces: Pieces) -> Any:
    """`compute` block by block: terms or slopes written into one array, or triples added up."""
    keep_freed_memory()
    if math.prod(operands.arrays[0].shape) <= limit:
        return compute(operands)
    sums: list[Triple] = []
    out = None
    for index, block in blocks_of(operands, limit):
        piece = compute(block)
        if isinstance(piece, Triple):
            sums.append(piece)
        else:
            out = pieces.allocate(piece, operands) if out is None else out
            out[index] = piece
    return merged(sums, pieces) if out is None else out


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
