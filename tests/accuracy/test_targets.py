"""A figure that misses its target says why, and a primitive that is blamed is measured to be bad."""

from __future__ import annotations

import measure
import pytest
import tables
from definitions import PRIMITIVES as DEFINED
from targets import PRIMITIVES, REASONS, ROWS, over, reason

from xlosses.testing import CASES

HELD = measure.held()
OVER = [key for key, error in HELD.items() if over(error, *key)]


def test_the_lists_agree():
    assert tuple(DEFINED) == PRIMITIVES
    assert {name for name, case in CASES.items() if case.by_rows} == set(ROWS)


def test_every_framework_and_loss_is_held():
    wanted = {(name, backend) for name in CASES for backend in measure.BACKENDS}
    assert {key[:2] for key in HELD} >= wanted
    assert {key[0] for key in HELD} <= set(tables.raw())


def test_figures_over_target_have_a_reason():
    assert [key for key in OVER if reason(*key) is None] == []


def test_every_reason_is_needed():
    """What has been repaired is no longer excused."""
    used = {reason(*key) for key in OVER}
    assert [found for found in REASONS if found not in used] == []


@pytest.mark.parametrize("found", [r for r in REASONS if r.primitive], ids=lambda r: f"{r.backend}-{r.loss}")
def test_a_primitive_that_is_blamed_is_bad(found):
    errors = {
        (dtype, what): error
        for (loss, backend, dtype, what), error in HELD.items()
        if (loss, backend) == (found.primitive, found.backend)
    }
    assert max(errors.values()) > 4
