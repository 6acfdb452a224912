"""Alignments: by hand, by all paths, those that cannot be, padding, lengths and labels out of range."""

from __future__ import annotations

import itertools
import math
import re
from functools import partial

import pytest
from matrix import except_on_jax
from test_truth import INF, NAN, Row, check

import xlosses

ctc = partial(xlosses.ctc_loss, axis=(1, 2))
LOG2, LOG3 = math.log(2), math.log(3)
EVEN = [-LOG3] * 3  # blank, 1 and 2

ROWS = [
    Row("one frame, one label", ctc, ([[EVEN]], [[1]], [1], [1]), [LOG3], [[[0.0, -1.0, 0.0]]]),
    Row(
        "two frames, one label: 1 1, 1 -, - 1",
        ctc,
        ([[EVEN, EVEN]], [[1]], [2], [1]),
        [LOG3],
        [[[-1 / 3, -2 / 3, 0.0]] * 2],
    ),
    Row(
        "two frames, two labels",
        ctc,
        ([[EVEN, EVEN]], [[1, 2]], [2], [2]),
        [2 * LOG3],
        [[[0.0, -1.0, 0.0], [0.0, 0.0, -1.0]]],
    ),
    Row(
        "a repetition has a blank between",
        ctc,
        ([[EVEN] * 3], [[2, 2]], [3], [2]),
        [3 * LOG3],
        [[[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, 0.0, -1.0]]],
    ),
    Row(
        "a repetition in two frames cannot be",
        ctc,
        ([[EVEN] * 2], [[2, 2]], [2], [2]),
        [INF],
        [[[0.0] * 3] * 2],
    ),
    Row(
        "and costs nothing if so wished",
        ctc,
        ([[EVEN] * 2], [[2, 2]], [2], [2]),
        [0.0],
        [[[0.0] * 3] * 2],
        {"zero_infinity": True},
    ),
    Row("more labels than frames", ctc, ([[EVEN]], [[1, 2]], [1], [2]), [INF], [[[0.0] * 3]]),
    Row(
        "no labels are blanks",
        ctc,
        ([[[-1.0, -2.0], [-3.0, -4.0]]], [[1]], [2], [0]),
        [4.0],
        [[[-1.0, 0.0], [-1.0, 0.0]]],
    ),
    Row("no frames, no labels", ctc, ([[EVEN]], [[1]], [0], [0]), [0.0], [[[0.0] * 3]]),
    Row("no frames, a label", ctc, ([[EVEN]], [[1]], [0], [1]), [INF], [[[0.0] * 3]]),
    Row(
        "another blank",
        ctc,
        ([[[-2.0, -1.0], [-4.0, -3.0]]], [[1]], [2], [0]),
        [4.0],
        [[[0.0, -1.0], [0.0, -1.0]]],
        {"blank": 1},
    ),
    Row(
        "label 0 beside another blank",
        ctc,
        ([[[-2.0, -1.0]]], [[0]], [1], [1]),
        [2.0],
        [[[-1.0, 0.0]]],
        {"blank": 1},
    ),
    Row(
        "a label that is impossible",
        ctc,
        ([[[0.0, -INF]] * 2], [[1]], [2], [1]),
        [INF],
        [[[0.0, 0.0]] * 2],
    ),
    Row(
        "one frame that can be no blank",
        ctc,
        ([[[-INF, -1.0], [-2.0, -INF]]], [[1]], [2], [1]),
        [3.0],
        [[[0.0, -1.0], [-1.0, 0.0]]],
    ),
    Row(
        "what follows does not matter",
        ctc,
        ([[EVEN, [NAN] * 3, [INF, -INF, NAN]]], [[1, -7, 99]], [1], [1]),
        [LOG3],
        [[[0.0, -1.0, 0.0], [0.0] * 3, [0.0] * 3]],
    ),
    Row("NaN", ctc, ([[[NAN, -1.0], EVEN[:2]]], [[1]], [2], [1]), [NAN]),
    Row(
        "the labels must move on in each frame, against long odds",
        ctc,
        ([[[0.0, -200.0]] * 3], [[1, 1]], [3], [2]),
        [400.0],
        [[[0.0, -1.0], [-1.0, 0.0], [0.0, -1.0]]],
    ),
    Row(
        "half types",
        ctc,
        ([[[-300.0, -600.0]] * 2], [[1]], [2], [1]),
        [900.0],
        [[[-0.5, -0.5]] * 2],
        dtype="float16",
    ),
]


@except_on_jax
@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_truth_of_alignments(on, row):
    check(on, row)


def labels_of(path, blank):
    return [k for k, _ in itertools.groupby(path) if k != blank]


def test_all_paths(on):
    """Every path of three classes through four frames, gathered by the labels that it reads as."""
    x = [[-0.5, -1.0, -2.0], [-2.5, -0.25, -1.5], [-0.75, -1.25, -1.0], [-3.0, -0.5, -1.75]]
    chances = {}
    for path in itertools.product(range(3), repeat=4):
        labels = tuple(labels_of(path, 0))
        chances[labels] = chances.get(labels, 0.0) + math.exp(sum(x[t][k] for t, k in enumerate(path)))
    n = len(chances)
    targets = [[*labels, *[0] * (4 - len(labels))] for labels in chances]
    found = ctc(
        on.array([x] * n),
        on.array(targets, "int32"),
        on.array([4] * n, "int32"),
        on.array([*map(len, chances)], "int32"),
        reduction="none",
    )
    assert n == 15
    assert on.read(found) == pytest.approx([-math.log(p) for p in chances.values()], rel=1e-5, abs=1e-6)


def batch(on, frames=3):
    x = on.array([[EVEN, EVEN]] * frames)
    return x, on.array([[1], [2]], "int32"), on.array([3, 1], "int32"), on.array([1, 1], "int32")


def test_frames_come_first_unless_said_otherwise(on):
    x, *rest = batch(on)
    first = on.read(xlosses.ctc_loss(x, *rest, reduction="none"))
    assert first == pytest.approx([math.log(27 / 6), LOG3], rel=1e-5)
    assert on.read(ctc(on.bench.xp.moveaxis(x, 0, 1), *rest, reduction="none")) == first
    _, gradient = xlosses.value_and_grad(xlosses.ctc_loss)(x, *rest, reduction="sum")
    assert tuple(gradient.shape) == (3, 2, 3)


def test_one_sequence_alone(on):
    x, y = on.array([EVEN] * 2), on.array([1], "int32")
    assert on.read(xlosses.ctc_loss(x, y, 2, 1)) == pytest.approx(LOG3, rel=1e-5)


def test_the_weighted_mean_is_that_of_labels(on):
    x, y = on.array([[EVEN] * 3] * 2), on.array([[1, 2], [1, 1]], "int32")
    frames, lengths = on.array([2, 3], "int32"), on.array([2, 1], "int32")
    found = ctc(x, y, frames, lengths, reduction="weighted_mean")
    assert on.read(found) == pytest.approx((2 * LOG3 + math.log(27 / 6)) / 3, rel=1e-5)


def test_numbers_stand_for_lengths(on):
    x, y, *_ = batch(on)
    both = on.read(xlosses.ctc_loss(x, y, 2, 1, reduction="none"))
    assert both == pytest.approx([LOG3] * 2, rel=1e-5)


def test_no_labels_at_all(on):
    x = on.array([[[-1.0, -2.0]], [[-3.0, -4.0]]])
    none = on.array([[1]], "int32")[:, :0]
    value, gradient = xlosses.value_and_grad(xlosses.ctc_loss)(x, none, 2, 0)
    assert on.read(value) == pytest.approx(4.0)
    assert on.read(gradient) == [[[-1.0, 0.0]], [[-1.0, 0.0]]]


WRONG = {
    "the blank": ([[1, 0]], [3], [2], "targets must be labels in [0, 3) other than 0, the blank, got 0"),
    "no class": ([[1, 3]], [3], [2], "targets must be labels in [0, 3) other than 0, the blank, got 3"),
    "negative": ([[-1, 1]], [3], [2], "targets must be labels in [0, 3) other than 0, the blank, got -1"),
    "too many frames": ([[1, 2]], [4], [2], "input_lengths must be lengths in [0, 3], got 4"),
    "negative frames": ([[1, 2]], [-1], [2], "input_lengths must be lengths in [0, 3], got -1"),
    "too many labels": ([[1, 2]], [3], [3], "target_lengths must be lengths in [0, 2], got 3"),
    "negative labels": ([[1, 2]], [3], [-1], "target_lengths must be lengths in [0, 2], got -1"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_out_of_range_is_refused_or_poisons_its_sequence(on, wrong):
    *given, message = WRONG[wrong]
    good = [[1, 2]], [3], [2]
    x = on.array([[EVEN] * 3] * 2)
    integers = [on.array(bad + fine, "int32") for bad, fine in zip(given, good, strict=True)]
    kept = on.array([False, True], "bool")
    wanted = math.log(27 / 5)
    assert on.read(ctc(x, *integers, where=kept)) == pytest.approx(wanted, rel=1e-5)
    if on.looks:
        with pytest.raises(ValueError, match=re.escape(f"{message}; exclude rows by `where`")):
            ctc(x, *integers)
        return
    terms = on.read(ctc(x, *integers, reduction="none"))
    assert math.isnan(terms[0])
    assert terms[1] == pytest.approx(wanted, rel=1e-5)
    _, gradient = xlosses.value_and_grad(ctc)(x, *integers, reduction="sum")
    gradient = on.read(gradient)
    assert all(math.isnan(g) for frame in gradient[0] for g in frame)
    assert not any(math.isnan(g) for frame in gradient[1] for g in frame)


def test_labels_of_a_byte_do_not_wrap(on):
    x = on.array([[[-LOG3] * 300] * 2])
    found = ctc(x, on.array([[200]], "uint8"), on.array([2], "uint8"), on.array([1], "uint8"))
    assert on.read(found) == pytest.approx(LOG3, rel=1e-5)


def test_wrong_arguments(on):
    x, y, frames, lengths = batch(on)
    with pytest.raises(ValueError, match=r"blank must be a class in \[0, 3\), got 3"):
        xlosses.ctc_loss(x, y, frames, lengths, blank=3)
    with pytest.raises(ValueError, match=r"targets must have the shape \(2, 1\) .*, got \(1, 1\)"):
        xlosses.ctc_loss(x, y[:1, ...], frames, lengths)
    with pytest.raises(ValueError, match=r"input_lengths must have the shape \(2,\)"):
        xlosses.ctc_loss(x, y, y, lengths)
    with pytest.raises(TypeError, match="targets must be integers"):
        xlosses.ctc_loss(x, on.array([[1.0], [2.0]]), frames, lengths)
    with pytest.raises(ValueError, match=r"log_probs has no entries along axis=\(0, 2\)"):
        xlosses.ctc_loss(x[:0, ...], y, frames, lengths)
