"""Blocks cover an array once, in order, and are as large as they may be."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import xlosses
from xlosses._backends.blocks import indices
from xlosses._core.operands import prepare
from xlosses._core.plan import Call, Values
from xlosses.losses.classification import cross_entropy_of_labels

shapes = st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple)


@given(shapes, st.integers(1, 100))
def test_cover(shape, most):
    entries = np.arange(math.prod(shape)).reshape(shape)
    found = []
    for index, lengths in indices(shape, most):
        block = entries[index]
        assert block.shape == lengths
        assert block.size <= most
        found += block.ravel().tolist()
    assert found == list(range(entries.size))


@given(shapes, st.integers(1, 100))
def test_not_more_than_needed(shape, most):
    sizes = [math.prod(lengths) for _, lengths in indices(shape, most)]
    assert len(sizes) == 1 or min(a + b for a, b in pairwise(sizes)) > most / 2


def test_examples():
    assert [lengths for _, lengths in indices((10,), 4)] == [(4,), (4,), (2,)]
    assert [lengths for _, lengths in indices((2, 6), 6)] == [(1, 6), (1, 6)]
    assert [lengths for _, lengths in indices((2, 7, 3), 12)] == [(1, 4, 3), (1, 3, 3)] * 2


def test_rows_are_counted_by_their_entries():
    """64k of them fit a cache; 64k rows do not."""
    x, labels = np.zeros((10, 8)), np.arange(10) % 8
    call = Call(cross_entropy_of_labels, ("logits", "targets", "class_weights"), "mean", None, -1, None)
    operands = prepare(call, Values((x, labels, np.ones(8)), {"smoothing": 0.0}, 2.0, labels > 0))
    blocks = [block for _, block in operands.blocks(16)]
    assert [block.shape for block in blocks] == [(2,)] * 5
    assert [block.arrays[0].shape for block in blocks] == [(2, 8)] * 5
    assert all(np.shares_memory(block.arrays[0], x) for block in blocks)
    assert all(block.arrays[2].shape == (8,) and block.mask.shape == (2,) for block in blocks)


def test_plans_are_bounded():
    """And more than one is kept."""
    formula = xlosses.formula(lambda _, x, y: x - y)
    kept = []
    for n in range(1, 600):
        xlosses.evaluate(formula, dict(x=np.ones(n), y=np.ones(n)))
        kept.append(len(formula.plans))
    assert max(kept) == 256
    assert kept[255:257] == [256, 1]
