"""NumPy: blocks that fit the cache."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from xlosses._backends.numpy import LONG
from xlosses._core.operands import Operands
from xlosses._core.reduce import Compute, Gradients
from xlosses._core.triple import Triple
from xlosses._engine.blocks import Pieces, in_blocks, usual_block
from xlosses._engine.careful import ordinary_first
from xlosses._engine.switch import entries
from xlosses._engine.whole import Places, Runner

BLOCK = 1 << 17  # entries: in larger ones temporary arrays would take more than 4 MB


class NumPyRunner(Runner):
    def run(self, compute: Compute, operands: Operands, places: Places = ()) -> Any:
        limit = entries(usual_block(operands, BLOCK))
        is_small = operands.size <= min(limit, LONG)
        if is_small or (operands.needs_little_memory and math.prod(operands.shape) <= limit):
            return compute(operands)

        def compute_block(block: Operands) -> Any:
            return ordinary_first(compute, block, places, _finite, self.quiet)

        return in_blocks(compute_block, operands, limit, places, _pieces)

    def quiet(self) -> AbstractContextManager[Any]:
        return np.errstate(all="ignore")


def _finite(piece: Any) -> bool:
    if isinstance(piece, Triple):
        return math.isfinite(piece.total)
    if isinstance(piece, Gradients):
        return (piece.sums is None or _finite(piece.sums)) and all(map(_finite, piece.by))
    wide = np.promote_types(piece.dtype, np.float32)  # in float16 a sum of finite terms may overflow
    return math.isfinite(np.sum(piece, dtype=wide))


def _empty(piece: Any, like: Any) -> Any:
    return np.empty_like(like, dtype=piece.dtype, subok=False)


def _terms(piece: Any, shape: Any) -> Any:
    return np.empty(shape, piece.dtype)


def _sum_of(parts: Sequence[Any]) -> Any:
    return np.asarray(np.sum(parts, dtype=np.float64), dtype=parts[0].dtype)


_pieces = Pieces(_empty, _terms, _sum_of)
runner = NumPyRunner()
