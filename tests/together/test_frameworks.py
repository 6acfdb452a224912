"""Several frameworks in one process: they are told apart, never mixed, and agree with each other."""

from __future__ import annotations

import re
from itertools import permutations

import pytest
from matrix import every_reduction, every_setting, fewer
from tolerances import CANCELS

import xlosses
from xlosses._backends import FRAMEWORKS, load_workbench
from xlosses.testing.data import KINDS, drawn
from xlosses.testing.parity import arrays, difference, differentiated

BENCHES = {name: load_workbench(name) for name in FRAMEWORKS}
ULP = 2.0**-23


ADOPTED = [("numpy", "jax"), ("jax", "numpy")]  # NumPy's arrays beside JAX's are JAX's, as in JAX itself


@pytest.mark.parametrize(
    ("one", "other"), [pair for pair in permutations(FRAMEWORKS, 2) if pair not in ADOPTED]
)
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


@pytest.mark.parametrize(("one", "other"), ADOPTED)
def test_arrays_of_numpy_beside_those_of_jax(one, other):
    x, y = BENCHES[one].array([1.0, 2.0]), BENCHES[other].array([0.0, 4.0])
    kept = BENCHES[other].array([True, False], "bool")
    labels = BENCHES[other].array([1], "int32")
    jax = type(BENCHES["jax"].array(1.0))
    for found, wanted in (
        (xlosses.huber_loss(x, y), [0.5, 1.5]),
        (xlosses.huber_loss(x, x, weights=y), [0.0, 0.0]),
        (xlosses.mse_loss(x, 0.0, reduction="none", where=kept), [1.0, 0.0]),
        (xlosses.huber_loss(x, y, BENCHES[other].array(0.5)), [0.375, 0.875]),
        (xlosses.cross_entropy(x[None, :], labels, class_weights=y), [pytest.approx(4.0 * 0.3132617)]),
    ):
        assert type(found) is jax
        assert found.tolist() == wanted


@every_setting
@every_reduction
@pytest.mark.parametrize("extras", ["plain", "weights and mask"])
@fewer(reduction=["weighted_mean"], extras=["weights and mask"], options="first")
def test_frameworks_agree(case, options, reduction, extras):
    """Values and gradients within 8 units in the last place of the largest entry; MLX within 1e-5."""
    data, calls = drawn(case.arrays, 50, seed=1), {}
    for name, bench in BENCHES.items():
        settings = {**options, "reduction": reduction}
        if extras != "plain":
            settings["weights"] = bench.array([0.25 + k % 3 for k in range(50)])
            settings["where"] = bench.array([k % 4 != 0 for k in range(50)], "bool")
        given = list(arrays(case, bench, data).values())
        value = case.loss(*given, **settings)
        settings["reduction"] = "sum" if reduction == "none" else reduction
        first = next(iter(case.arrays))
        _, gradients = differentiated(case, bench, given, [first], settings)
        calls[name] = [bench.read(value), bench.read(gradients[first])]
    scale = CANCELS.get(case.loss_name, 1.0)
    for name in ("torch", "jax", "mlx"):
        limit = (1e-5 if name == "mlx" else 8 * ULP) * scale
        for found, wanted in zip(calls[name], calls["numpy"], strict=True):
            assert difference(found, wanted) <= limit, name


def test_every_kind_of_data_is_used():
    from xlosses.testing import CASES

    assert {kind for case in CASES.values() for kind in case.arrays.values()} == set(KINDS)
