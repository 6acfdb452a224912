"""NumPy in blocks: memory beyond the input and the result, layouts, the user's errstate."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from matrix import Call, every_case, every_setting, one_of_each_sort

import xlosses
from xlosses._engine.numpy import BLOCK

MEGABYTE = 1 << 20


@pytest.fixture(autouse=True)
def usual():
    with xlosses.engine("on"):
        yield


def extra_memory(f) -> tuple[int, int]:
    """The most memory that a call holds, and what it holds at its end, its result."""
    f()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    result = f()
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert result is not None
    return peak - before, after - before


@every_setting
def test_every_ordinary_form_is_the_formula(on, case, options):
    call = Call(on, case)
    found = {}
    for setting in ("off", 1):
        with xlosses.engine(setting):
            terms = call.loss(**options, reduction="none")(*call.given)
            found[setting] = terms.tolist(), call.slope(**options, reduction="sum").tolist()
    for ordinary, careful in zip(found[1], found["off"], strict=True):
        call.assert_close(ordinary, careful)


@every_case
def test_memory(on, case):
    assert_little_memory(on, case, "mean")


@one_of_each_sort
@pytest.mark.parametrize("reduction", ["none", "sum", "weighted_mean"])
def test_memory_of_other_reductions(on, case, reduction):
    assert_little_memory(on, case, reduction)


def assert_little_memory(on, case, reduction):
    call = Call(on, case)
    if case.whole:  # what would be large is each compared with all, of which a block has more than else
        given = [x if x.ndim == 0 else np.concatenate([x] * 400) for x in call.given]
        assert 4 * len(given[0]) ** 2 >= 12 * MEGABYTE
        with xlosses.engine(1 << 16):
            assert_little_memory_of(call, given, reduction)
        return
    times = -(-12 * MEGABYTE // 4 // call.given[0].size)
    given = [x if case.is_shared(name) else np.concatenate([x] * times) for name, x in call.arrays.items()]
    assert given[0].nbytes >= 12 * MEGABYTE
    assert_little_memory_of(call, given, reduction)


def assert_little_memory_of(call, given, reduction):
    peak, result = extra_memory(lambda: call.loss(reduction=reduction)(*given))
    assert peak - result <= 4 * MEGABYTE
    if reduction != "none":
        peak, result = extra_memory(lambda: xlosses.value_and_grad(call.loss())(*given, reduction=reduction))
        assert peak - result <= 4 * MEGABYTE


def test_memory_of_classes_that_do_not_lie_last():
    x = np.zeros((8, 21, 256, 256), np.float32)
    labels = np.zeros((8, 256, 256), np.int64)
    peak, _ = extra_memory(lambda: xlosses.cross_entropy(x, labels, axis=1, reduction="mean"))
    assert peak <= 4 * MEGABYTE


def test_memory_of_a_mask_and_of_weights():
    x, kept = np.zeros(1 << 23, np.float32), np.ones(1 << 23, bool)
    peak, _ = extra_memory(lambda: xlosses.huber_loss(x, x, where=kept, weights=x, reduction="mean"))
    assert peak <= 4 * MEGABYTE


@pytest.mark.parametrize(
    "layout",
    [
        lambda x: x.T,
        lambda x: x[::-1],
        lambda x: x[:, ::-2],
        lambda x: x.astype(">f4"),
        lambda x: np.broadcast_to(x[:1], x.shape),
        np.asfortranarray,
    ],
    ids=["transposed", "negative strides", "strided", "big endian", "broadcast", "fortran"],
)
def test_layouts(layout):
    x = np.random.default_rng(0).standard_normal((800, 700), np.float32)
    x, y = layout(x), layout(x[::-1])
    assert x.size > 2 * BLOCK
    with xlosses.engine("off"):
        wanted = xlosses.log_cosh_loss(x, y)
        value, gradient = xlosses.value_and_grad(xlosses.log_cosh_loss)(x, y)
    assert np.array_equal(xlosses.log_cosh_loss(x, y), wanted)
    found, slope = xlosses.value_and_grad(xlosses.log_cosh_loss)(x, y)
    assert found == pytest.approx(value, rel=1e-6)
    assert np.array_equal(slope, gradient)


def test_an_error_in_a_late_block_is_the_users_to_see():
    x = np.zeros(4 * BLOCK, np.float32)
    x[-1] = 3e38
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        xlosses.mse_loss(x, -x)


def test_ordinary_vectors_are_not_scaled(monkeypatch):
    def scaled(*_):
        raise AssertionError

    monkeypatch.setattr("xlosses._core.numerics._scaled_norm", scaled)
    monkeypatch.setattr("xlosses.losses.embedding.scaled", scaled)
    x = np.linspace(-1.0, 1.0, 60, dtype="float32").reshape(20, 3)
    with xlosses.engine(30):
        for loss in (xlosses.cosine_similarity_loss, lambda *a, **s: xlosses.triplet_loss(*a, -x, **s)):
            xlosses.value_and_grad(loss)(x + 3.0, 1.0 - x)
            with pytest.raises(AssertionError):
                loss(1e30 * x, x)


FAULTS = """
import resource, sys
import numpy as np
import xlosses

x, y = np.ones(4_000_000, np.float32), np.zeros(4_000_000, np.float32)
xlosses.huber_loss(x, y, reduction="mean")
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
xlosses.huber_loss(x, y, reduction="mean")
from xlosses._engine import blocks
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 1000, blocks._kept)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that gives memory back")
@pytest.mark.parametrize(("engine", "wanted"), [("on", "True True"), ("off", "False False")])
def test_freed_pages_are_kept_for_blocks_alone(engine, wanted):
    """Told by the pages that the second call has to get from the system."""
    environment = {**os.environ, "XLOSSES_ENGINE": engine}
    run = [sys.executable, "-c", FAULTS]
    found = subprocess.run(run, env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == wanted
