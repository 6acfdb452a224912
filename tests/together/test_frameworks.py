"""Several frameworks in one process: they are told apart, never mixed, and agree with each other."""

from __future__ import annotations

import re
from itertools import permutations

import pytest
from matrix import every_setting

import xlosses
from xlosses._backends import FRAMEWORKS, load_workbench
from xlosses.testing.data import KINDS, drawn
from xlosses.testing.parity import arrays, difference

BENCHES = {name: load_workbench(name) for name in FRAMEWORKS}
ULP = 2.0**-23


@pytest.mark.parametrize(("one", "other"), list(permutations(FRAMEWORKS, 2)))
def test_mixed_frameworks(one, other):
    x, y = BENCHES[one].array([1.0, 2.0]), BENCHES[other].array([1.0, 2.0])
    first, second = FRAMEWORKS[one], FRAMEWORKS[other]
    message = (
        f"all arrays of a call must come from one framework, but inputs is from {first}, targets is from "
    )
    with pytest.raises(TypeError, match=re.escape(f"{message}{second}; convert all to one")):
        xlosses.huber_loss(x, y)
    with pytest.raises(
        TypeError, match=re.escape(f"{message}{first}, weights is from {second}; convert all to one")
    ):
        xlosses.huber_loss(x, x, weights=y)
    with pytest.raises(TypeError, match=re.escape(f"where is from {second}; convert all to one")):
        xlosses.huber_loss(x, x, where=BENCHES[other].array([True, False], "bool"))
    labels = BENCHES[one].array([0], "int32")
    with pytest.raises(TypeError, match=re.escape(f"class_weights is from {second}; convert all to one")):
        xlosses.cross_entropy(x[None, :], labels, class_weights=y)
    with pytest.raises(TypeError, match=re.escape(f"delta is from {second}; convert all to one")):
        xlosses.huber_loss(x, x, BENCHES[other].array(1.0))


@every_setting
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_frameworks_agree(case, options, reduction):
    """Within 8 units in the last place of the largest entry; MLX within 1e-5, for its exp."""
    data = drawn(case.arrays, 50, seed=1)
    found = {
        name: bench.read(case.loss(*arrays(case, bench, data).values(), reduction=reduction, **options))
        for name, bench in BENCHES.items()
    }
    scale = 10 if case.loss_name == "triplet_loss" else 1  # distances are up to ten times their difference
    for name in ("torch", "jax"):
        assert difference(found[name], found["numpy"]) <= 8 * ULP * scale
    assert difference(found["mlx"], found["numpy"]) <= 1e-5 * scale


def test_every_kind_of_data_is_used():
    from xlosses.testing import CASES

    assert {kind for case in CASES.values() for kind in case.arrays.values()} == set(KINDS)
