"""Cutting an array into blocks that fit a cache, and the switch of everything that is not whole."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from itertools import product
from typing import Any, Literal, NamedTuple, TypeAlias

Index: TypeAlias = tuple[slice, ...]


def _entries(setting: str | int) -> int | None:
    """0 for "off", None for "on"."""
    if setting in ("on", "off"):
        return None if setting == "on" else 0
    if str(setting).isdecimal() and int(setting) > 0:
        return int(setting)
    raise ValueError(f"the engine is 'on', 'off' or a number > 0 of entries per block, got {setting!r}")


_OF_PROGRAM = _entries(os.environ.get("XLOSSES_ENGINE", "on").lower())
_setting: ContextVar[int | None] = ContextVar("xlosses_engine", default=_OF_PROGRAM)


@contextmanager
def engine(setting: Literal["on", "off"] | int) -> Iterator[None]:
    """How formulas run inside this context.

    The environment variable XLOSSES_ENGINE sets it for a whole program.

    Parameters
    ----------
    setting : {"on", "off"} or int
        "on", the default, is the way that is fastest on each framework: in blocks, compiled, with
        slopes. "off" runs every formula once, on everything, op by op, and leaves gradients to the
        framework: slower, and the reference for the other. A number forces blocks of so many
        entries, however small: for tests.

    Returns
    -------
    context manager
        Of the thread, or the task of asyncio, that enters it.

    Raises
    ------
    ValueError
        Any other setting.

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> with xlosses.engine("off"):
    ...     float(xlosses.mse_loss(np.asarray([1.0, 2.0]), np.asarray([1.0, 4.0])))
    2.0
    """
    token = _setting.set(_entries(setting))
    try:
        yield
    finally:
        _setting.reset(token)


def entries(usual: int) -> int:
    """How many entries a block may have, and 0 when formulas are to run whole."""
    setting = _setting.get()
    return usual if setting is None else setting


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


def keep_freed_memory(allocate: Callable[[], Any]) -> None:
    """Have malloc keep the temporary arrays of a block: glibc learns what to keep from what is freed.

    Before it has seen 4 MB come and go, it gives the memory of every block back to the system and
    gets it again page by page, which takes longer than the arithmetic.
    """
    allocate()


class Ways(NamedTuple):
    """What a framework does with blocks."""

    unguarded: Any  # the namespace of a first try, without guards of rare values
    quiet: Callable[[], AbstractContextManager[Any]]  # in which nothing warns of that try
    finite: Callable[[Any], bool]  # whether a piece of it needs no second one
    room: Callable[[Any, Any], Any]  # an array for all pieces that are like this one
    added: Callable[[Sequence[Any]], Any]  # the sum of partial sums


def in_blocks(compute: Callable[[Any], Any], operands: Any, limit: int, ways: Ways) -> Any:
    """The pieces that blocks of so many entries give put together, or their sums added up.

    A piece is an array with an entry per term, or per entry of the first array; or a tuple of sums.
    """
    if math.prod(operands.arrays[0].shape) <= limit:
        with ways.quiet():
            piece = compute(operands.on(ways.unguarded))
            if ways.finite(piece):
                return piece
        return compute(operands)
    sums: list[Any] = []
    out = None
    again = []

    def keep(index: Index, piece: Any) -> None:
        nonlocal out
        if isinstance(piece, tuple):
            sums.append(piece)
            return
        out = ways.room(piece, operands) if out is None else out
        out[index] = piece

    with ways.quiet():
        for index, block in operands.on(ways.unguarded).blocks(limit):
            piece = compute(block)
            if ways.finite(piece):
                keep(index, piece)
            else:
                again.append((index, block))
    for index, block in again:
        keep(index, compute(block.on(operands.plan.xp)))
    return added_up(sums, ways) if out is None else out


def added_up(sums: Sequence[tuple[Any, ...]], ways: Ways) -> tuple[Any, ...]:
    """Partial sums added up."""
    columns = zip(*sums, strict=True)
    return tuple(ways.added(parts) if hasattr(parts[0], "dtype") else sum(parts) for parts in columns)
