"""Rows along any axis, batches of any shape, broadcast batch axes, weights and masks that broadcast."""

from __future__ import annotations

import pytest
from matrix import (
    ROWS,
    Call,
    every_case,
    every_reduction,
    every_row_setting,
    every_setting,
    exactly,
    fewer,
    flatten,
)

import xlosses
from xlosses.testing import expected
from xlosses.testing.parity import difference

VECTORS = [(case, o) for case, o in ROWS if next(iter(case.arrays.values())) == "vector"]


def in_batches(on, call, shape):
    """The arrays with their terms laid out in this shape."""
    xp = on.bench.xp
    return [
        x if call.case.is_shared(name) else xp.reshape(x, (*shape, *x.shape[1:]))
        for name, x in call.arrays.items()
    ]


@every_row_setting
@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
@fewer(axis=[0])
def test_any_axis(on, case, options, axis):
    """Two by three rows: wherever they lie, the same losses and the same slopes."""
    xp, call = on.bench.xp, Call(on, case)
    straight = in_batches(on, call, (2, 3))
    moved = [xp.moveaxis(x, -1, axis) if len(x.shape) == 3 else x for x in straight]
    wanted = exactly(on, case.loss(*straight, axis=-1, reduction="none", **options))
    assert exactly(on, case.loss(*moved, axis=axis, reduction="none", **options)) == wanted
    call.assert_close(flatten_rows(wanted), expected(case, call.data, options).value)
    slope = xlosses.value_and_grad(case.loss)
    found = slope(*moved, axis=axis, reduction="sum", **options)[1]
    assert tuple(found.shape) == tuple(moved[0].shape)
    exact = flatten(expected(case, call.data, options, "sum").gradients[call.first])
    call.assert_close(flatten(exactly(on, xp.moveaxis(found, axis, -1))), exact)


def flatten_rows(x):
    return [entry for row in x for entry in row]


@every_setting
@every_reduction
@fewer(reduction=["weighted_mean"], options="first")
def test_batches_of_any_shape(on, case, options, reduction):
    call = Call(on, case)
    for shape in ((6,),) if case.whole else ((6,), (2, 3), (1, 6, 1), (3, 1, 2)):
        given = in_batches(on, call, shape)
        found = call.loss(reduction=reduction, **options)(*given)
        assert tuple(found.shape) == (shape if reduction == "none" else ())
        exact = expected(case, call.data, options, reduction).value
        call.assert_close(flatten(exactly(on, found)) if reduction == "none" else found, exact)


@pytest.mark.parametrize(("case", "options"), VECTORS)
def test_broadcast_vectors(on, case, options):
    """One first vector against three others, and the sum of its three gradients."""
    call = Call(on, case, n=3)
    first, *others = call.given
    data = {**call.data, call.first: [call.data[call.first][0]] * 3}
    exact = expected(case, data, options, "mean")
    loss = call.loss(reduction="mean", **options)
    call.assert_close(loss(first[:1, ...], *others), exact.value)
    gradient = [sum(column) for column in zip(*exact.gradients[call.first], strict=True)]
    for found in gradients(on, call, options, [first[:1, ...], *others]):
        assert tuple(found.shape) == (1, 4)
        assert difference(flatten(exactly(on, found)), gradient) <= 2e-5


def gradients(on, call, options, given):
    loss = call.loss(reduction="mean", **options)
    yield xlosses.value_and_grad(loss.func)(*given, **loss.keywords)[1]
    if on.bench.differentiates:
        yield on.bench.value_and_grad(lambda x: loss(x, *given[1:]), given[0])[1][0]


@every_case
@every_reduction
@pytest.mark.parametrize("masked", [False, True])
@fewer(reduction=["none", "weighted_mean"], masked=[True])
def test_weight_as_a_number(on, case, reduction, masked):
    """The same as an array full of it."""
    call = Call(on, case)
    settings = {"reduction": reduction}
    if masked:
        settings["where"] = on.array([True, False, True, True, False, True], "bool")
    wanted = exactly(on, call.loss(weights=on.array([2.5] * 6), **settings)(*call.given))
    call.assert_close(call.loss(weights=2.5, **settings)(*call.given), wanted)
    if reduction != "none":
        slope = call.slope(weights=on.array([2.5] * 6), **settings)
        call.assert_close(call.slope(weights=2.5, **settings), exactly(on, slope))


@every_case
@every_reduction
def test_weights_and_masks_broadcast(on, case, reduction):
    """A length of 1 stands for all: the same as written out."""
    call = Call(on, case)
    shape = (6,) if case.whole else (2, 3)
    given = in_batches(on, call, shape)
    xp = on.bench.xp
    column, row = on.array([[1.0], [3.0]]), on.array([[True, False, True]], "bool")
    if case.whole:
        column, row = column[1, ...], row[0, :1]
    wide = {"weights": xp.broadcast_to(column, shape), "where": xp.broadcast_to(row, shape)}
    wanted = exactly(on, call.loss(reduction=reduction, **wide)(*given))
    found = call.loss(reduction=reduction, weights=column, where=row)(*given)
    call.assert_close(flatten(exactly(on, found)), flatten(wanted))


@every_case
@pytest.mark.parametrize("keep", [True, False])
def test_where_as_a_plain_bool(on, case, keep):
    call = Call(on, case)
    wanted = exactly(on, call.loss(reduction="mean", where=on.array([keep] * 6, "bool"))(*call.given))
    call.assert_close(call.loss(reduction="mean", where=keep)(*call.given), wanted)
