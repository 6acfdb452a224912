"""NumPy: blocks that fit the cache."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from xlosses._backends.numpy import LONG
from xlosses._core.operands import Operands
from xlosses._core.reduce import Compute, Triple
from xlosses._engine.blocks import Pieces, in_blocks
from xlosses._engine.careful import ordinary_first
from xlosses._engine.switch import entries
from xlosses._engine.whole import Runner

BLOCK = 1 << 17  # entries: in larger ones temporary arrays would take more than 4 MB


class NumPyRunner(Runner):
    def run(self, compute: Compute, operands: Operands, slopes: bool = False) -> Any:
        limit = entries(BLOCK)
        few = operands.arrays[0].size <= min(limit, LONG)
        if few or (operands.needs_little_memory and math.prod(operands.shape) <= limit):
            return compute(operands)
        quiet = partial(np.errstate, all="ignore")

        def block(part: Operands) -> Any:
            return ordinary_first(compute, part, slopes, _finite, quiet)

        return in_blocks(block, operands, limit, _pieces)


def _finite(piece: Any) -> bool:
    if isinstance(piece, Triple):
        return math.isfinite(piece.total)
    wide = np.promote_types(piece.dtype, np.float32)  # a sum of float16 overflows
    return math.isfinite(np.sum(piece, dtype=wide))


def _room(piece: Any, operands: Operands) -> Any:
    if piece.ndim == len(operands.shape):
        return np.empty(operands.shape, piece.dtype)
    return np.empty_like(operands.arrays[0], dtype=piece.dtype, subok=False)


def _added(parts: Sequence[Any]) -> Any:
    return np.asarray(np.sum(parts, dtype=np.float64), dtype=parts[0].dtype)


_pieces = Pieces(_room, _added)
runner = NumPyRunner()
