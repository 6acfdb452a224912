"""NaN comes out of rows and batches that are so long that frameworks run them in vectorised loops."""

from __future__ import annotations

import math
from functools import partial

import pytest
from matrix import TESTED, Call, every_loss, of_cases

import xlosses
from xlosses.testing.data import KINDS

NARROW = {"box", "other box", "frames", "batch", "other batch"}  # whose rows are four numbers, or a matrix
SELECTIVE = {"nll_loss", "ctc_loss"}  # which look at some entries of a row only


def can_be_widened(case):
    kinds = [KINDS[kind] for kind in case.arrays.values()]
    return (
        kinds[0].row
        and not NARROW & {*case.arrays.values()}
        and not any(kind.shared for kind in kinds)
        and case.loss_name not in SELECTIVE
    )


def widened(on, case):
    """The arrays of a case with each row 25 times over, and NaN in the second row of the first."""
    call = Call(on, case)
    found = []
    for name, kind in case.arrays.items():
        rows, dtype = call.data[name], on.dtype_of(call.arrays[name])
        if KINDS[kind].row:
            rows = [tiled(row) for row in rows]
        if name == call.first:
            row = rows[1][0] if isinstance(rows[1][0], list) else rows[1]
            row[57] = math.nan
        found.append(on.array(rows, dtype))
    return call, found


def tiled(row):
    return [tiled(part) for part in row] if isinstance(row[0], list) else row * 25


@every_loss
@of_cases([case for case in TESTED if can_be_widened(case)])
def test_nan_in_a_wide_row(on, case):
    call, given = widened(on, case)
    terms = on.read(call.loss(**case.options[0], reduction="none")(*given))
    assert math.isnan(terms[1])


def test_nan_in_a_wide_vector(on):
    x, y = [[0.5] * 100, [0.5] * 57 + [math.nan] + [0.5] * 42], [[0.0] * 100] * 2
    loss = partial(xlosses.triplet_loss, p=math.inf, reduction="none")
    terms = on.read(loss(on.array(x), on.array(y), on.array(y)))
    assert terms == [pytest.approx(1.0), pytest.approx(math.nan, nan_ok=True)]


@every_loss
@of_cases([case for case in TESTED if not case.whole and case.loss_name not in SELECTIVE])
def test_nan_in_a_large_batch(on, case):
    call, times = Call(on, case), 333
    given = []
    for name, x in call.arrays.items():
        rows = call.data[name] if case.is_shared(name) else call.data[name] * times
        if name == call.first:
            rows = [*rows[:1001], spoilt(rows[1001]), *rows[1002:]]
        given.append(on.array(rows, on.dtype_of(x)))
    assert math.isnan(on.read(call.loss(**case.options[0], reduction="sum")(*given)))


def spoilt(x):
    return [*x[:-1], spoilt(x[-1])] if isinstance(x, list) else math.nan
