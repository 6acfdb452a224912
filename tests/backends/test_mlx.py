"""What is particular to MLX: the seed's own calls, double precision, long sums."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys

import mlx.core as mx
import mlx.nn as nn
import pytest
from matrix import FIRSTS, TESTED, Call

import xlosses
from xlosses._backends.mlx import namespace
from xlosses.testing import CASES

SEED = {name for name, f in vars(nn.losses).items() if getattr(f, "__module__", "") == nn.losses.__name__}
SEED -= {"_make_loss", "_drop_dim", "_reduce"}
ONLY_HERE = ("kl_div_loss (probabilities)",)
OF_THE_SEED = [case for case in TESTED if case.loss_name in SEED and case.name not in ONLY_HERE]


@pytest.mark.parametrize("name", sorted(SEED))
def test_signature_is_the_seeds(name):
    """Names, positional order and defaults of `mlx.nn.losses`: its calls run unchanged."""
    seed = inspect.signature(getattr(nn.losses, name)).parameters.values()
    here = inspect.signature(getattr(xlosses, name)).parameters.values()
    positional = [p for p in here if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert [(p.name, p.default) for p in positional] == [(p.name, p.default) for p in seed]


@pytest.mark.parametrize("case", OF_THE_SEED, ids=lambda case: case.name)
def test_values_are_the_seeds(on, case):
    """On ordinary values, with the defaults."""
    if case.name == "cross_entropy (probabilities)":
        options = {}
    else:
        options = {"with_logits": False} if "probabilities" in case.name else {}
    call = Call(on, case)
    seed = getattr(nn.losses, case.loss_name)(*call.given, **options)
    found = getattr(xlosses, case.loss_name)(*call.given, **options)
    assert found.shape == seed.shape
    assert mx.allclose(found, seed, rtol=2e-5, atol=1e-6)


def test_every_loss_of_the_seed_is_here():
    assert {case.loss_name for case in CASES.values()} >= SEED
    assert len(SEED) == 14


def test_double_precision_needs_the_cpu():
    assert xlosses.mse_loss(mx.array([3.0]), 1.0, dtype="float64").dtype == mx.float64


@pytest.mark.parametrize("n", [1, 31, 32, 33, 1000, 1023, 12_345, 10_000_000])
def test_sums_of_any_length(n):
    assert xlosses.l1_loss(mx.full((n,), 0.1), 0.0).item() == pytest.approx(0.1, rel=1e-6)
    assert xlosses.l1_loss(mx.ones((n,)), 0.0, reduction="sum").item() == n


def test_a_checkpoint_with_labels_among_its_arguments():
    x, labels = mx.array([[0.5, -1.0, 2.0], [1.5, 0.0, -0.5]]), mx.array([0, 2])

    def loss(x, labels):
        return xlosses.cross_entropy(x, labels, reduction="mean")

    found = mx.grad(lambda x: mx.checkpoint(loss)(x, labels))(x)
    assert mx.allclose(found, mx.grad(lambda x: loss(x, labels))(x))


# To lengths that the graph would keep.
RESHAPED = ("generalized_dice_loss", "lovasz_softmax_loss", "ctc_loss", "vicreg_loss", "barlow_twins_loss")
COUNTED = [case for case in CASES.values() if case.whole or case.loss_name in RESHAPED]

SHAPELESS = """
import sys, json, mlx.core as mx, xlosses
from xlosses.testing import CASES
from xlosses.testing.data import KINDS, drawn
from xlosses._backends import load_workbench
from xlosses.testing.parity import arrays

bench = load_workbench("mlx")
file, *names = sys.argv[1:]
for case in map(CASES.get, names):
    few, many = (list(arrays(case, bench, drawn(case.arrays, n, n)).values()) for n in (4, 9))
    options = {"axis": -1} if case.has_axis else {}
    for reduction in ("none", "sum", "mean"):
        def loss(*given):
            return case.loss(*given, reduction=reduction, **options)

        def gradient(x, *rest):
            return mx.grad(lambda x: loss(x, *rest).sum())(x)

        for f in (loss, gradient):
            compiled = mx.compile(f, shapeless=True)
            for given in (few, many):
                assert mx.allclose(compiled(*given), f(*given), rtol=1e-4, atol=1e-5), (case, f.__name__)
    mx.export_function(file, lambda *given: loss(*given), *few, shapeless=True)
    assert mx.allclose(mx.import_function(file)(*many)[0], loss(*many), rtol=1e-4, atol=1e-5), case
    print(case.name)
"""


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_a_shape_with_a_length_left_open_serves_any_length(shape):
    reshaped = mx.compile(lambda x: namespace.reshape(x, shape), shapeless=True)
    assert [reshaped(mx.zeros((n, 2))).shape[0] for n in (3, 5)] == [6, 10]


def test_a_shape_of_fixed_lengths_is_refused_for_any_length():
    with pytest.raises(ValueError, match="cannot be given a shape where its lengths vary"):
        mx.compile(lambda x: namespace.reshape(x, (1, 6)), shapeless=True)(mx.zeros((3, 2)))


@pytest.mark.parametrize("engine", ["on", "off"])
def test_compiled_once_for_arrays_of_any_length(tmp_path, engine):
    """In a process of its own, which MLX ends where it fails."""
    cases = CASES.values() if engine == "on" else FIRSTS
    # Not of boxes, whose corners are slices: MLX refuses those.
    names = [case.name for case in cases if case not in COUNTED and "box" not in case.arrays.values()]
    run = [sys.executable, "-c", SHAPELESS, str(tmp_path / "loss.mlxfn"), *names]
    environment = {**os.environ, "XLOSSES_ENGINE": engine}
    found = subprocess.run(run, capture_output=True, text=True, check=False, env=environment)
    assert found.stdout.splitlines() == names, found.stderr


@pytest.mark.parametrize("case", COUNTED, ids=lambda case: case.name)
def test_a_graph_for_any_length_does_not_count_a_batch(on, case):
    """MLX would take the number that it has seen, and read other memory."""
    call = Call(on, case)
    with pytest.raises(ValueError, match="compile or export without shapeless=True"):
        mx.compile(call.loss(reduction="mean"), shapeless=True)(*call.given)
