"""Sums and means of many terms, which neither overflow nor lose the small ones."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
from matrix import exactly

import xlosses


@pytest.mark.parametrize(
    ("half", "error", "n"), [("float16", 1.0, 100_000), ("float16", 200.0, 1000), ("bfloat16", 1.0, 100_000)]
)
def test_half_means_do_not_overflow(on, half, error, n):
    if half in on.bench.dtypes():
        x = on.array([error] * n, half)
        assert exactly(on, xlosses.mse_loss(x, 0.0)) == exactly(on, on.array(error**2, half))


def test_dtype_keeps_a_sum_that_half_cannot_hold(on):
    if "float16" in on.bench.dtypes():
        total = xlosses.mse_loss(on.array([1.0] * 70_000, "float16"), 0.0, reduction="sum", dtype="float32")
        assert on.dtype_of(total) == "float32"
        assert on.read(total) == 70_000.0


@pytest.mark.parametrize("entry", [1.0, 0.1, 1e-3])
def test_mean_of_ten_million_equal_terms(on, entry):
    x = on.bench.xp.broadcast_to(on.array([entry]), (10_000_000,))
    exact = exactly(on, on.array([entry]))[0]
    # array-api-strict sums by NumPy, which before 2.4 added parts of 8192 entries one after the other.
    one_by_one = on.name == "strict" and np.lib.NumpyVersion(np.__version__) < "2.4.0"
    limit = 2e-5 if one_by_one else 1e-6
    assert math.isclose(on.read(xlosses.l1_loss(x, 0.0)), exact, rel_tol=limit)


def test_mean_of_ten_million_terms(on):
    cycle = [math.fmod(k * 0.6180339887498949, 1.0) for k in range(1000)]
    xp = on.bench.xp
    x = xp.reshape(xp.broadcast_to(on.array(cycle), (10_000, 1000)), (-1,))
    exact = math.fsum(exactly(on, on.array(cycle))) / 1000
    assert math.isclose(on.read(xlosses.l1_loss(x, 0.0)), exact, rel_tol=1e-6)


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_half_means_of_a_million_terms(on, half):
    """The float32 mean, rounded once."""
    if half in on.bench.dtypes():
        x = on.bench.xp.broadcast_to(on.array([0.1], half), (1_000_000,))
        assert exactly(on, xlosses.l1_loss(x, 0.0)) == exactly(on, on.array([0.1], half))[0]


@pytest.mark.parametrize("entry", [1.0, 0.1])
def test_a_set_of_a_million_entries(on, entry):
    """And its gradient: half of the entries are missed, so that the loss is 1 - entry / (1 + entry)."""
    xp = on.bench.xp
    p = xp.broadcast_to(on.array([entry, 0.0]), (2, 500_001, 2))
    t = xp.broadcast_to(on.array([1.0, 1.0]), (2, 500_001, 2))
    loss = xlosses.value_and_grad(partial(xlosses.tversky_loss, axis=(1, 2), alpha=0.0, beta=1.0, smooth=0.0))
    value, gradient = loss(p, t, reduction="sum")
    entry = exactly(on, on.array([entry]))[0]
    assert math.isclose(on.read(value), 2 - entry, rel_tol=1e-6)
    slopes = exactly(on, gradient[1, -1, :])
    assert slopes == pytest.approx([-1 / 1_000_002] * 2, rel=1e-6)
