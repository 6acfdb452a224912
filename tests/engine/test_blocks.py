"""Blocks cover an array once, in order, and are as large as they may be."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import xlosses
from xlosses._backends import namespace_of
from xlosses._core.call import call_of
from xlosses._core.operands import prepare
from xlosses._core.plan import plan_of
from xlosses._engine.blocks import blocks_of, indices
from xlosses.losses.classification import (
    cross_entropy_of_labels,
    cross_entropy_of_probabilities,
    nll,
    smoothed_cross_entropy_of_labels,
)
from xlosses.losses.divergence import kl_divergence
from xlosses.losses.regression import huber

shapes = st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple)


def test_one_term_is_one_block(on):
    """However large it is: without batch axes there is nothing to cut."""
    x = on.array([[0.25] * 8] * 8)
    with xlosses.engine(7):
        found, gradient = xlosses.value_and_grad(xlosses.dice_loss)(x, x, axis=(0, 1), smooth=0.0)
        assert on.read(found) == pytest.approx(0.75, rel=1e-6)
        assert tuple(gradient.shape) == (8, 8)
        assert on.read(xlosses.dice_loss(x, x, axis=(0, 1), smooth=0.0, reduction="none")) == pytest.approx(
            0.75
        )


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


@pytest.mark.parametrize("loss", ["dice_loss", "cross_entropy"])
def test_one_row_is_no_more_than_a_block(on, loss):
    """No formula takes a row in parts, however long it is."""
    x, y = (on.array([share / k for k in range(1, 41)]) for share in (0.5, 0.25))
    results = []
    for setting in ("off", 7):
        with xlosses.engine(setting):
            results.append(
                xlosses.value_and_grad(getattr(xlosses, loss))(x, y, axis=0, weights=2.0, where=x[0] > 0)
            )
    for found, wanted in zip(*results, strict=True):
        assert on.read(found) == pytest.approx(on.read(wanted), rel=1e-6)


X, LABELS = np.zeros((10, 8)), np.arange(10) % 8


def laid_out(form, arrays, smoothing=None, axis=-1, ignore_index=None, weights=None, where=None):
    names = ("logits", "targets", "class_weights")[: len(arrays)]
    named = dict(zip(names, arrays, strict=True))
    parameters = {} if smoothing is None else {"smoothing": smoothing}
    call = call_of(form, named, parameters, "mean", weights, where, None, axis, ignore_index)
    return prepare(plan_of(call, namespace_of(arrays[0])), call)


def test_rows_are_counted_by_their_entries():
    """128k of them fit a cache; 128k rows do not."""
    arrays = X, LABELS, np.ones(8)
    operands = laid_out(cross_entropy_of_labels, arrays, weights=2.0, where=LABELS > 0)
    blocks = [block for _, block in blocks_of(operands, 16)]
    assert [block.shape for block in blocks] == [(2,)] * 5
    assert [block.arrays[0].shape for block in blocks] == [(2, 8)] * 5
    assert all(np.shares_memory(block.arrays[0], X) for block in blocks)
    assert all(block.arrays[2].shape == (8,) and block.mask.shape == (2,) for block in blocks)
    assert [block.shape for _, block in blocks_of(operands, 7)] == [(1,)] * 10
    deep = laid_out(kl_divergence, (X.reshape(5, 2, 8), X.reshape(5, 2, 8)))
    assert [block.shape for _, block in blocks_of(deep, 32)] == [(2, 2), (2, 2), (1, 2)]
    elements = laid_out(huber, (X, X))
    assert [block.shape for _, block in blocks_of(elements, 40)] == [(5, 8), (5, 8)]


ASIS = {"form": smoothed_cross_entropy_of_labels, "arrays": (X, LABELS, np.ones(8)), "smoothing": 0.1}
OTHERWISE = {
    "another dtype": {"arrays": (X, LABELS, np.ones(8, np.float32))},
    "narrow labels": {"arrays": (X, LABELS.astype(np.int8), np.ones(8))},
    "one label for all": {"arrays": (X, 3, np.ones(8))},
    "another axis": {"arrays": (X, LABELS[:8], np.ones(10)), "axis": 0},
    "another axis of a square": {"arrays": (X[:8], LABELS[:8], np.ones(8)), "axis": 0},
    "an array as parameter": {"smoothing": np.asarray(0.1)},
    "weights": {"weights": 2.0},
    "a mask": {"where": LABELS > 0},
}


def test_arrays_are_taken_as_they_are_where_they_fit():
    assert laid_out(**ASIS).plan.as_given
    assert laid_out(**{**ASIS, "arrays": (X, LABELS, None)}).plan.as_given
    assert laid_out(kl_divergence, (X, X)).plan.as_given
    assert laid_out(huber, (X, X)).plan.as_given


@pytest.mark.parametrize("change", OTHERWISE.values(), ids=OTHERWISE)
def test_arrays_that_do_not_fit_are_laid_out(change):
    assert not laid_out(**{**ASIS, **change}).plan.as_given


def test_what_reads_one_entry_per_row_runs_whole():
    """Unless something of the size of the rows is made on the way."""
    assert laid_out(nll, (X, LABELS, None)).needs_little_memory
    assert laid_out(nll, (X, LABELS.astype(np.int8), None)).needs_little_memory
    assert not laid_out(**ASIS).needs_little_memory
    assert not laid_out(nll, (X, LABELS, None), where=LABELS > 0).needs_little_memory
    assert not laid_out(nll, (X, LABELS, None), ignore_index=3).needs_little_memory
    assert not laid_out(nll, (X.astype(np.float16), LABELS, None)).needs_little_memory
    assert not laid_out(nll, (X, LABELS, None))._replace(in_range=False).needs_little_memory


def test_cross_entropy_alone_is_made_with_its_gradient():
    sharing = (
        cross_entropy_of_labels,
        smoothed_cross_entropy_of_labels,
        cross_entropy_of_probabilities,
    )
    assert [f.shares_softmax for f in (*sharing, kl_divergence, nll, huber)] == [True] * 3 + [False] * 3
    plain = xlosses.formula("rows")(lambda _, x: x)
    assert (plain.shares_softmax, plain.reads_one_entry) == (False, False)


def test_plans_are_bounded():
    """And more than one is kept."""
    formula = xlosses.formula(lambda _, x, y: x - y)
    kept = []
    for n in range(1, 600):
        xlosses.evaluate(formula, dict(x=np.ones(n), y=np.ones(n)))
        kept.append(len(formula.plans))
    assert max(kept) == 256
    assert kept[254:257] == [255, 256, 256]
