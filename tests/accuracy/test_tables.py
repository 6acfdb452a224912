"""The tables are what `make_tables.py` makes, and hold what they should."""

from __future__ import annotations

import json

import make_tables
import pytest
import tables
from definitions import DEFINITIONS, PRIMITIVES
from formats import FORMATS

from xlosses.testing import CASES
from xlosses.testing.parity import flat

every_name = pytest.mark.parametrize("name", [*DEFINITIONS, *PRIMITIVES])


def test_every_case_has_a_table():
    assert set(tables.raw()) == {*CASES, *PRIMITIVES}
    assert set(DEFINITIONS) == set(CASES)


@every_name
def test_a_sample_comes_out_again(name):
    """Every seventh point of each group, from the definition to the stored digits."""
    for dtype in make_tables.dtypes(name):
        stored = tables.raw()[name][dtype]
        groups = list(make_tables.groups(name, dtype))
        assert len(stored) == len(groups)
        for entry, (options, group) in zip(stored, groups, strict=True):
            if make_tables.whole(name):
                assert as_stored(make_tables.written(name, group, options, dtype)) == as_stored(entry)
                continue
            found = make_tables.written(name, group[::7], options, dtype)
            assert as_stored(found) == as_stored(sample(entry, dtype))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", FORMATS)
def test_there_are_enough_points(name, dtype):
    assert sum(group.size for group in tables.groups(name, dtype)) >= 60


@every_name
def test_points_are_exact_in_their_dtype(name):
    for dtype in make_tables.dtypes(name):
        f = FORMATS[dtype]
        for group in tables.groups(name, dtype):
            assert all(f.round(x) == x for x in flat(list(group.arrays.values())))


def sample(entry, dtype):
    """What `written` would have made of every seventh point."""

    def cut(column, parts):
        if column is None:
            return None
        return [part[::7] for part in column] if parts else column[::7]

    two = dtype == "float64"
    return {
        "options": entry["options"],
        "arrays": {name: x[::7] for name, x in entry["arrays"].items()},
        "value": cut(entry["value"], two),
        "scale": cut(entry["scale"], False),
        "partials": [cut(x, two) for x in entry["partials"]],
        "scales": [cut(x, False) for x in entry["scales"]],
    }


def as_stored(entry):
    return json.dumps(entry)  # NaN is equal to itself, 1 to 1.0 is not
