"""NumPy raises no warning on the way to a finite result: no overflow, no 0 / 0, no invalid value.

Each loss, in every dtype, on a table of what is extreme (all pairs of values for a loss of two
arrays), and on random batches. Rows whose result is not finite are left out first; then the
remaining ones must compute under `np.errstate(over="raise", invalid="raise", divide="raise")`.
"""

from __future__ import annotations

import itertools
import math
from functools import partial
from random import Random

import numpy as np
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st
from matrix import REDUCTIONS, SETTINGS, every_group, multiplies, of_settings
from strategies import (
    AS_DRAWN,
    BOXES,
    DOMAINS,
    FINITE,
    ROW_SHAPES,
    SIZES,
    Batch,
    batches,
    chosen,
    of_cosines,
    too_far_apart,
)

import xlosses
from xlosses.testing import CASES
from xlosses.testing.data import CLASSES, KINDS

strict = partial(np.errstate, over="raise", invalid="raise", divide="raise")

SIZES_64 = (
    *SIZES,
    *(5e-324, 2.2250738585072014e-308, 1e-300, 1e-160, 1.5e-154, 1e-100, 1e-16, 36.7, 37.5, 354.0, 709.0),
    *(709.78, 709.79, 745.0, 746.0, 1e15, 2.0**53, 1e100, 1.3407807929942596e154, 1.4e154, 1e160, 1e300),
    np.finfo(np.float64).max,
)
FEWER = 24  # values for losses of three arrays, and combinations of rows are drawn
ROWS = 4000
SINGLY = 200  # rows whose terms are too large to be added up
CASE_LIST = [case for case in CASES.values() if not multiplies(case)]


def values(kind: str, dtype: type) -> np.ndarray:
    """Everything extreme that such an array may hold, infinities that are legal among it."""
    sizes = SIZES_64 if dtype is np.float64 else SIZES
    domain = DOMAINS.get(kind, "real")
    domain = {"spread": "positive", "share": "unit"}.get(domain, domain)  # here with 0, and with all sizes
    with np.errstate(over="ignore"):
        found = {
            "real": [s * x for x in (*sizes, math.inf) for s in (1, -1)],
            "positive": list(sizes),
            "unit": [*(x for x in sizes if x <= 1), 1 - 2.0**-11, 1 - 2.0**-53],
            "negative": [-x for x in (*sizes, math.inf)],
            "side": [1.0, -1.0],
            "cosine": [s * x for x in sizes if x <= 1 for s in (1, -1)],
            "moderate": [x for x in sizes if 1e-4 <= x <= 6e4],
            "count": [0.0, 1.0, 2.0, 7.0, 8.0, 100.0, 1e4],
        }[domain]
        return np.unique(np.asarray(found, dtype))


def table(case, dtype: type) -> Batch:
    """All combinations, or for rows and three arrays many of them."""
    rng = Random(case.name)
    kinds = list(case.arrays.values())
    entries = [values(kind, dtype) for kind in kinds]
    if not case.by_rows:
        if len(kinds) > 2:
            entries = [np.asarray(rng.sample(list(x), min(FEWER, len(x))), dtype) for x in entries]
        columns = zip(*itertools.product(*entries), strict=True)
        return {name: np.asarray(c, dtype) for name, c in zip(case.arrays, columns, strict=True)}
    found = {}
    for (name, kind), choice in zip(case.arrays.items(), entries, strict=True):
        if KINDS[kind].shared:
            found[name] = np.asarray(KINDS[kind].draw(rng), dtype)
        elif kind in (*BOXES, *AS_DRAWN) or KINDS[kind].dtype == "bool":
            found[name] = np.asarray([KINDS[kind].draw(rng) for _ in range(ROWS)], KINDS[kind].dtype or dtype)
        elif KINDS[kind].dtype:
            found[name] = np.asarray([rng.randrange(CLASSES) for _ in range(ROWS)])
        elif not KINDS[kind].row:
            found[name] = np.asarray(rng.choices(list(choice), k=ROWS), dtype)
        else:
            entry = ROW_SHAPES.get(kind, (CLASSES,))
            flat = rng.choices(list(choice), k=ROWS * math.prod(entry))
            found[name] = np.asarray(flat, dtype).reshape(ROWS, *entry)
            # Half of the rows repeat one value: ties, zero vectors, equal rows.
            found[name][::2] = found[name][::2, :1]
    return found


def call(case, options, batch: Batch, what: str, **extras):
    """The terms, or the slope of their sum."""
    loss = partial(case.loss, **options, **extras, **({"axis": -1} if case.has_axis else {}))
    if what == "terms":
        return loss(**batch, reduction="none")
    return xlosses.value_and_grad(loss)(**batch, reduction="sum")[1]


def groups(case, options, batch: Batch, what: str) -> list[Batch]:
    """The rows with a finite result: those of small terms together, some of the largest one by one."""
    with np.errstate(all="ignore"):
        terms = call(case, options, batch, "terms")
        finite = np.isfinite(terms)
        if terms.dtype != np.float16 or of_cosines(case):  # which is computed in float32
            finite &= ~too_far_apart(case, batch, np.finfo(terms.dtype).max)
        if what == "slope":
            slope = np.isfinite(call(case, options, batch, "slope"))
            finite &= slope.all(axis=tuple(range(finite.ndim, slope.ndim)))
        # The slope comes along with the sum, which is to be finite as well.
        small = np.abs(terms) < np.finfo(terms.dtype).max / (2 * max(len(terms), 1))
    large = np.flatnonzero(finite & ~small)
    if len(large) > SINGLY:
        large = large[np.linspace(0, len(large) - 1, SINGLY).astype(int)]
    together = np.flatnonzero(finite & small)
    assert len(together) > 0 or len(terms) < 10  # else there is nothing to see
    return [chosen(case, batch, rows) for rows in (together, *large[:, None])]


def complaint(case, options, batch: Batch, what: str) -> str:
    """What NumPy raises on the way, or nothing."""
    try:
        with strict():
            call(case, options, batch, what)
    except FloatingPointError as error:
        return str(error)
    return ""


def assert_clean(case, options, batch: Batch, what: str) -> None:
    """Nothing is raised; or the first row that raises is shown."""
    for group in groups(case, options, batch, what):
        if complaint(case, options, group, what):
            n = len(next(iter(group.values())))
            rows = [chosen(case, group, slice(i, i + 1)) for i in range(n)]
            first = [(complaint(case, options, row, what), row) for row in rows]
            pytest.fail(f"{what}, {dict(options)}: {next((f for f in first if f[0]), 'the sum')}")


def may_overflow_aside(case, options) -> bool:
    """Whether a square that the loss then does not take may overflow, of which NumPy warns."""
    return case.name == "triplet_loss (squared)" and options.get("swap", False)


@of_settings([row for row in SETTINGS if not multiplies(row[0]) and not may_overflow_aside(*row)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("what", ["terms", "slope"])
def test_extremes(case, options, dtype, what):
    assert_clean(case, options, table(case, dtype), what)


@every_group
@given(data=st.data())
def test_random_batches(cases, data):
    """Hostile rows among them, which are masked."""
    case = data.draw(st.sampled_from(cases))
    options = data.draw(strategies.settings_of(case))
    batch = data.draw(batches(case, (6,), FINITE))
    hostile = data.draw(batches(case, (6,), ("wild",)))
    kept = data.draw(strategies.entries(np.arange(256) % 4 != 3, 6))
    for name in case.separate:
        x = batch[name]
        batch[name] = np.where(kept.reshape((6, *(1 for _ in x.shape[1:]))), x, hostile[name])
    with np.errstate(all="ignore"):
        where = kept & np.isfinite(call(case, options, batch, "terms")) & ~too_far_apart(case, batch)
        finite = np.isfinite(call(case, options, batch, "terms", where=where).sum())
    if not finite:
        return
    with strict():
        assert np.isfinite(call(case, options, batch, "terms", where=where)).all()
        for reduction in ("sum", "mean"):
            loss = partial(case.loss, reduction=reduction, **options)
            assert np.isfinite(loss(**batch, where=where))


@given(data=st.data())
def test_no_terms(data):
    """A mean over nothing is 0, without 0 / 0."""
    case = data.draw(st.sampled_from(CASE_LIST))
    with strict():
        for batch in (data.draw(batches(case, (0,))), data.draw(batches(case, (3,)))):
            n = len(next(iter(batch.values())))
            for reduction in REDUCTIONS[1:]:
                nothing = {"where": np.zeros(n, bool), "weights": np.zeros(n, np.float32)} if n else {}
                value, slope = xlosses.value_and_grad(case.loss)(**batch, reduction=reduction, **nothing)
                assert value == 0
                assert not np.any(slope)
