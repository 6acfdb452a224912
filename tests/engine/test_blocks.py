"""Blocks cover an array once, in order, and are as large as they may be."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from xlosses._backends.blocks import indices

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
