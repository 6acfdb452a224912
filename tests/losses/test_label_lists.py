"""Lists of labels as targets: the same as masks, any integer dtype, along any axis, out of range."""

from __future__ import annotations

import math
from functools import partial

import pytest
from matrix import exactly

import xlosses
from xlosses.testing.parity import flat

lists = partial(xlosses.multilabel_margin_loss, label_lists=True)

X = [[0.1, 0.2, 0.4, 0.8], [1.0, -0.5, 0.3, 0.6], [0.0, 0.9, -0.2, 0.7], [0.5, 0.5, 0.25, 1.0]]
LISTS = [[3, 0, -1, 1], [2, -1, 0, 9], [-1, 2, 1, 0], [1, 3, 0, 2]]
MASKS = [[1, 0, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]]


def results(on, loss, x, y, **options):
    value, gradient = xlosses.value_and_grad(partial(loss, **options))(x, y, reduction="sum")
    found = [on.read(value), *flat(exactly(on, gradient))]
    if on.bench.differentiates:
        f = partial(loss, reduction="sum", **options)
        found += flat(exactly(on, on.bench.value_and_grad(lambda x: f(x, y), x)[1][0]))
    return found


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64"])
def test_lists_are_masks(on, dtype):
    if on.name == "jax" and dtype == "int64":
        dtype = "int32"  # there is no other without 64-bit JAX
    x, extras = on.array(X), {"weights": on.array([1.0, 2.0, 3.0, 4.0])}
    wanted = results(on, xlosses.multilabel_margin_loss, x, on.array(MASKS, "int32"), **extras)
    assert results(on, lists, x, on.array(LISTS, dtype), **extras) == pytest.approx(wanted, rel=1e-6)


def test_lists_along_the_first_axis(on):
    x, y, masks = (
        on.array([list(column) for column in zip(*rows, strict=True)], dtype)
        for rows, dtype in ((X, "float32"), (LISTS, "int32"), (MASKS, "int32"))
    )
    wanted = results(on, xlosses.multilabel_margin_loss, x, masks, axis=0)
    assert results(on, lists, x, y, axis=0) == pytest.approx(wanted, rel=1e-6)


def test_lists_in_a_batch_of_two_axes(on):
    x, y, masks = (
        on.array([rows[:2], rows[2:]], dtype)
        for rows, dtype in ((X, "float32"), (LISTS, "int32"), (MASKS, "int32"))
    )
    wanted = results(on, xlosses.multilabel_margin_loss, x, masks)
    assert results(on, lists, x, y, axis=-1) == pytest.approx(wanted, rel=1e-6)


def test_unsigned_lists_never_end(on):
    y = on.array([[1, 1, 0, 0]], "uint8")
    wanted = on.read(xlosses.multilabel_margin_loss(on.array(X[:1]), on.array([[1, 1, 0, 0]], "int32")))
    assert on.read(lists(on.array(X[:1]), y)) == pytest.approx(wanted, rel=1e-6)


def test_labels_out_of_range_in_lists(on):
    """An error where the framework looks, elsewhere NaN in the row; not where the list has ended."""
    x, y = on.array(X), on.array([[3, 4, -1, 0], *LISTS[1:]], "int32")
    if on.looks:
        with pytest.raises(ValueError, match=r"^targets must be class labels in \[0, 4\), got 4"):
            lists(x, y)
    else:
        terms = on.read(lists(x, y, reduction="none"))
        found = [math.isnan(term) for term in terms]
        assert found == [True, False, False, False]
        slopes = exactly(on, xlosses.value_and_grad(lists)(x, y, reduction="sum")[1])
        assert all(map(math.isnan, slopes[0]))
        assert all(map(math.isfinite, flat(slopes[1:])))
    where = on.array([False, True, True, True], "bool")
    wanted = results(on, lists, x, on.array(LISTS, "int32"), where=where)
    assert results(on, lists, x, y, where=where) == pytest.approx(wanted, rel=1e-6)


def test_wrong_lists(on):
    x = on.array(X)
    with pytest.raises(TypeError, match=r"^targets must be integer class labels, got dtype float32$"):
        lists(x, x)
    with pytest.raises(ValueError, match=r"^targets must have the shape \(4, 4\) to match scores"):
        lists(x, on.array([[0, 1]] * 4, "int32"))
    with pytest.raises(ValueError, match=r"^axis=2 is out of range"):
        lists(x, on.array(LISTS, "int32"), axis=2)
