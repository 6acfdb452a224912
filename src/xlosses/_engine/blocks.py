"""Cutting operands into blocks that fit a cache, and merging what they give."""

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
    """Blocks of at most so many entries that cover an array in order: where each lies, its shape."""
    axis = 0
    while axis + 1 < len(shape) and math.prod(shape[axis + 1 :]) > most:
        axis += 1
    inner = math.prod(shape[axis + 1 :])
    pieces = -(-shape[axis] // max(1, most // inner))
    step = -(-shape[axis] // pieces)
    behind = tuple(slice(n) for n in shape[axis + 1 :])
    for outer in product(*(range(n) for n in shape[:axis])):
        before = tuple(slice(i, i + 1) for i in outer)
        for start in range(0, shape[axis], step):
            stop = min(start + step, shape[axis])
            lengths = (*(1 for _ in outer), stop - start, *shape[axis + 1 :])
            yield (*before, slice(start, stop), *behind), lengths


def blocks_of(operands: Operands, entries: int) -> Iterator[tuple[Index, Operands]]:
    """Where each block of so many entries lies in the terms, and its operands, which are views."""
    xp, shape = operands.xp, operands.shape
    whole = [
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
                arrays=tuple(x if w else x[index] for x, w in zip(operands.arrays, whole, strict=True)),
                weights=weights if weights is None or is_number(weights) else weights[index],
                mask=None if mask is None else mask[index],
                shape=lengths,
            ),
        )


class Pieces(NamedTuple):
    """What a framework does with the pieces that blocks give."""

    room: Callable[[Any, Operands], Any]  # an array for all pieces that are like this one
    added: Callable[[Sequence[Any]], Any]  # the sum of partial sums


def in_blocks(compute: Callable[[Operands], Any], operands: Operands, limit: int, pieces: Pieces) -> Any:
    """The pieces that blocks of so many entries give put together, or their sums added up."""
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
            out = pieces.room(piece, operands) if out is None else out
            out[index] = piece
    return merged(sums, pieces) if out is None else out


def merged(sums: Sequence[Triple], pieces: Pieces) -> Triple:
    """Partial sums added up."""
    columns = zip(*sums, strict=True)
    return Triple(*(pieces.added(parts) if hasattr(parts[0], "dtype") else sum(parts) for parts in columns))


_kept = False


def keep_freed_memory() -> None:
    """Have malloc keep the temporary arrays of a block: glibc learns what to keep from what is freed.

    Before it has seen 4 MB come and go, it gives the memory of every block back to the system and
    gets it again page by page, which takes longer than the arithmetic: five times as long for Huber.
    It holds for the whole process, so it is done when the first large array comes, not on import.
    """
    global _kept
    if not _kept:
        _kept = True
        bytearray(1 << 22)
