"""No error is larger than twice its stored figure: see `measure.py` for the measure and the refresh."""

from __future__ import annotations

import math

import measure
import pytest
import tables
from matrix import EXTENT, FIRSTS, except_on_jax
from targets import PRIMITIVES, ROWS

import xlosses

HELD = measure.held()
COMPILED = {"jax"}  # for every loss and dtype anew: a usual run has one loss of each sort in one dtype
STANDING_FOR_OTHERS = [case.name for case in FIRSTS]
NAMES = [name for name in tables.raw() if name not in PRIMITIVES]


def floor(loss: str, dtype: str) -> float:
    """One ULP: a stored 0 is no trap."""
    if loss in ROWS and dtype in ("float32", "float64"):
        return 2.0**-23 if dtype == "float32" else 2.0**-52
    return 1.0


def held_of(key: tuple[str, ...], stored: dict[tuple[str, ...], float]) -> float:
    """What is held of a figure; a gradient may come from autodiff or from the slope."""
    *row, what = key
    return max(stored[key], stored.get((*row, what.replace("gradient", "slope", 1)), 0.0))


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in STANDING_FOR_OTHERS else [except_on_jax]) for name in NAMES],
)
def test_accuracy_is_held(on, name):
    """In the usual way; on JAX operation by operation, because each program would be compiled."""
    with xlosses.engine("off" if on.name in COMPILED else "on"):
        assert_accuracy_is_held(on, name)


def assert_accuracy_is_held(on, name):
    dtypes = ["float32"] if on.name in COMPILED and EXTENT != "deep" else None
    found = {figure.key: figure for figure in measure.measured(on.name, [name], dtypes)}
    stored = {
        key: error
        for key, error in HELD.items()
        if key[:2] == (name, on.name) and key[2] in (dtypes or key[2])
    }
    assert found.keys() == stored.keys(), "refresh held.json: see measure.py"
    worse = [
        f"{figure.dtype} {figure.what}: {figure.error:.3g}, held {held_of(key, stored):.3g}, at {figure.at}"
        for key, figure in found.items()
        if figure.error > max(2 * held_of(key, stored), floor(name, figure.dtype)) or math.isnan(figure.error)
    ]
    assert not worse, "\n".join(worse)
