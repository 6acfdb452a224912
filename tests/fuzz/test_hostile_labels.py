"""MLX reads and writes wherever an index points: ten thousand calls with labels of the whole int32 range."""

from __future__ import annotations

import subprocess
import sys

import pytest

CALLS = 10_000

HOSTILE = f"""
import random
import mlx.core as mx
import xlosses

rng = random.Random(0)
x = mx.random.normal((8, 5))
targets = {{
    "cross_entropy": (xlosses.cross_entropy, {{}}),
    "smoothed": (xlosses.cross_entropy, {{"label_smoothing": 0.1}}),
    "class weights": (xlosses.cross_entropy, {{"class_weights": mx.arange(5.0)}}),
    "nll_loss": (xlosses.nll_loss, {{}}),
    "nll_loss, class weights": (xlosses.nll_loss, {{"class_weights": mx.arange(5.0)}}),
}}
def summed(loss, options):
    return lambda x, y: loss(x, y, reduction="sum", **options)
eager = [summed(*target) for target in targets.values()]
traced = [mx.compile(mx.value_and_grad(f)) for f in eager]
raised = poisoned = kept = 0
for call in range({CALLS}):
    kind = call % len(eager)
    wide = call % 7 == 0
    labels = [rng.randint(0, 4) if rng.random() < 0.3 else rng.randint(-2**31, 2**31 - 1) for _ in range(8)]
    where = mx.array([0 <= y < 5 for y in labels])
    bad = not all(0 <= y < 5 for y in labels)
    y = mx.array(labels, dtype=mx.int64 if wide else mx.int32)
    turn = call % 4
    if turn == 0:  # as users call it
        try:
            mx.eval(mx.value_and_grad(eager[kind])(x, y))
            raise SystemExit(f"no error for {{labels}}") if bad else None
        except ValueError:
            raised += 1
    elif turn == 1:  # where no value can be looked at
        value, gradient = traced[kind](x, y)
        rows = mx.all(mx.isnan(gradient), axis=-1)
        assert mx.isnan(value).item() == bad
        assert mx.array_equal(rows, ~where).item(), (labels, gradient)
        poisoned += 1
    elif turn == 2:  # without autodiff, traced
        loss, options = list(targets.values())[kind]
        both = mx.compile(lambda x, y: xlosses.value_and_grad(loss)(x, y, reduction="sum", **options))
        value, slope = both(x, y)
        assert mx.array_equal(mx.all(mx.isnan(slope), axis=-1), ~where).item()
        poisoned += 1
    else:  # masked
        loss, options = list(targets.values())[kind]
        value, gradient = mx.value_and_grad(lambda x: loss(x, y, reduction="sum", where=where, **options))(x)
        assert mx.isfinite(value).item() and mx.all(mx.isfinite(gradient)).item()
        assert not mx.any(mx.where(where[:, None], 0, gradient)).item()
        kept += 1
print(raised, poisoned, kept)
"""


def test_no_call_crashes():
    """In a process of its own: a crash there would take this run with it."""
    found = subprocess.run([sys.executable, "-c", HOSTILE], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    raised, poisoned, kept = map(int, found.stdout.split())
    assert (raised, poisoned, kept) == pytest.approx((CALLS / 4, CALLS / 2, CALLS / 4), abs=1)


def test_the_check_can_fail():
    """A label that is not made safe must not pass: a stand-in that lets every label through."""
    broken = HOSTILE.replace(
        "rng = random",
        "from xlosses._core import labels as module\n"
        "module.safe = lambda xp, labels, classes, mask, ignored, fit: (labels % classes, mask, None)\n"
        "module.check = lambda *arguments: False\n"
        "rng = random",
        1,
    )
    found = subprocess.run([sys.executable, "-c", broken], capture_output=True, text=True, check=False)
    assert found.returncode != 0
