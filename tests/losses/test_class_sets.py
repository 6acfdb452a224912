"""Class labels as targets of losses over sets: the same as their masks, ignored, out of range, wrong."""

from __future__ import annotations

import math
from functools import partial

import pytest
from matrix import exactly, except_on_jax

import xlosses
from xlosses.testing.parity import flat

LOSSES = {
    "dice": (xlosses.dice_loss, False),
    "squared dice": (partial(xlosses.dice_loss, squared=True), False),
    "tversky": (partial(xlosses.tversky_loss, alpha=0.3, beta=0.7), False),
    "jaccard": (xlosses.jaccard_loss, False),
    "focal tversky": (xlosses.focal_tversky_loss, False),
    "generalized dice": (xlosses.generalized_dice_loss, True),
    "lovasz softmax": (xlosses.lovasz_softmax_loss, True),
}
"""Each loss, and whether its terms are over the classes, too."""

every = pytest.mark.parametrize(("loss", "over_classes"), LOSSES.values(), ids=LOSSES)

# Two images, three classes, two by two pixels.
P = [
    [[[0.2, 0.7], [0.1, 0.45]], [[0.5, 0.25], [0.65, 0.15]], [[0.3, 0.05], [0.25, 0.4]]],
    [[[0.6, 0.35], [0.9, 0.05]], [[0.1, 0.3], [0.02, 0.55]], [[0.3, 0.35], [0.08, 0.4]]],
]
LABELS = [[[1, 0], [1, 2]], [[0, 2], [0, 0]]]


def moved(x, place):
    """Classes, which lie along axis 1, along another."""
    if place == 0:
        return [[x[i][k] for i in range(2)] for k in range(3)]
    if place == 1:
        return x
    return [
        [[[x[i][k][r][c] for k in range(3)] for c in range(2)] for r in range(2)] for i in range(2)
    ]  # last


def masks(labels, ignored=None):
    return [
        [[[float(at == k and at != ignored) for at in row] for row in image] for k in range(3)]
        for image in labels
    ]


def assert_same(on, loss, p, given, wanted):
    """Terms, value and gradient of two calls, each its targets and options."""
    results = []
    for t, options in (given, wanted):
        value, gradient = xlosses.value_and_grad(partial(loss, **options))(p, t, reduction="sum")
        terms = loss(p, t, reduction="none", **options)
        found = [on.read(value), *flat([exactly(on, terms)]), *flat(exactly(on, gradient))]
        if on.bench.differentiates:
            f = partial(loss, reduction="sum", **options)
            by_autodiff = on.bench.value_and_grad(lambda x, f=f, t=t: f(x, t), p)[1][0]
            found += flat(exactly(on, by_autodiff))
        results.append(found)
    assert results[0] == pytest.approx(results[1], rel=1e-6, abs=1e-7)


@except_on_jax
@every
@pytest.mark.parametrize("place", [0, 1, 3])
def test_labels_are_the_masks_of_their_classes(on, loss, over_classes, place):
    p, t = on.array(moved(P, place)), on.array(moved(masks(LABELS), place))
    axis = {0: (2, 3), 1: (2, -1), 3: (1, 2)}[place]
    for sign in (place, place - 4):
        options = {"axis": axis, "class_axis": sign}
        given = on.array(LABELS, "int32"), options
        assert_same(on, loss, p, given, (t, options if over_classes else {"axis": axis}))


@except_on_jax
@every
def test_classes_within_the_set(on, loss, over_classes):
    if over_classes:
        return  # they always are
    p, t = on.array(P), on.array(masks(LABELS))
    options = {"axis": (1, 2, 3), "class_axis": 1}
    assert_same(on, loss, p, (on.array(LABELS, "int32"), options), (t, {"axis": (1, 2, 3)}))


@except_on_jax
@every
@pytest.mark.parametrize("ignored", [-100, 2, 255])
@pytest.mark.parametrize("some", [False, True])
def test_ignored_labels_are_not_kept(on, loss, over_classes, ignored, some):
    labels = [[[1, ignored], [1, 2 if ignored == 255 else 1]], [[0, 0], [ignored, 0]]]
    dtype = "uint8" if ignored == 255 else "int32"
    kept = [
        [
            [[at != ignored and not (some and k == r) for at in row] for r, row in enumerate(image)]
            for k in range(3)
        ]
        for image in labels
    ]
    chosen = [
        [[[not (some and k == r) for _ in row] for r, row in enumerate(image)] for k in range(3)]
        for image in labels
    ]
    p, t = on.array(P), on.array(masks(labels, ignored))
    options = {"axis": (2, 3), "class_axis": 1}
    more = {"kept": on.array(chosen, "bool")} if some else {}
    given = on.array(labels, dtype), {**options, "ignore_index": ignored, **more}
    wanted = {**options, "kept": on.array(kept, "bool")}
    assert_same(on, loss, p, given, (t, wanted))


@every
@pytest.mark.parametrize("label", [3, -1, 2**31 - 1])
def test_labels_out_of_range(on, loss, over_classes, label):
    """An error where the framework looks, elsewhere NaN for all sets of the image."""
    p, t = on.array(P), on.array([[[1, label], [1, 2]], [[0, 2], [0, 0]]], "int32")
    f = partial(loss, axis=(2, 3), class_axis=1)
    if on.looks:
        message = rf"^targets must be class labels in \[0, 3\), got {label}; exclude rows by"
        with pytest.raises(ValueError, match=message):
            f(p, t)
        return
    terms = flat(exactly(on, f(p, t, reduction="none")))
    _, gradient = xlosses.value_and_grad(f)(p, t, reduction="sum")
    bad = len(terms) // 2
    assert all(map(math.isnan, terms[:bad]))
    assert all(map(math.isfinite, terms[bad:]))
    slopes = flat(exactly(on, gradient))
    assert all(map(math.isnan, slopes[:12]))
    assert all(map(math.isfinite, slopes[12:]))


@every
def test_labels_out_of_range_where_nothing_counts(on, loss, over_classes):
    p = on.array(P)
    t = on.array([[[1, 9], [1, 2]], [[0, 2], [0, 0]]], "int32")
    good = on.array(LABELS, "int32")
    f = partial(loss, axis=(2, 3), class_axis=1, reduction="sum")
    where = [[False], [True]] if not over_classes else [False, True]
    where = on.array(where, "bool")
    assert on.read(f(p, t, where=where)) == pytest.approx(on.read(f(p, good, where=where)), rel=1e-6)
    kept = on.array([[[[True, i == 1], [True, True]] for _ in range(3)] for i in range(2)], "bool")
    assert on.read(f(p, t, kept=kept)) == pytest.approx(on.read(f(p, good, kept=kept)), rel=1e-6)
    assert on.read(f(p, t, where=False)) == 0.0


def test_a_label_counts_where_one_of_its_classes_does(on):
    p, t = on.array(P), on.array([[[1, 9], [1, 2]], [[0, 2], [0, 0]]], "int32")
    where = on.array([[False, True, False], [True, True, True]], "bool")
    f = partial(xlosses.dice_loss, axis=(2, 3), class_axis=1)
    if on.looks:
        with pytest.raises(ValueError, match=r"got 9; exclude rows by"):
            f(p, t, where=where)
    else:
        assert math.isnan(on.read(f(p, t, where=where)))


def test_integers_of_probabilities(on):
    """Inputs without a floating dtype take the default one."""
    p, t = on.array([[[1, 0], [0, 1]]], "int32"), on.array([[0, 1]], "int32")
    loss = xlosses.dice_loss(p, t, axis=2, class_axis=1)
    assert on.read(loss) == 0.0
    assert on.dtype_of(loss) == on.default_float


def test_compiled_labels(on):
    p, t = on.array(P), on.array(LABELS, "int32")
    options = {"axis": (2, 3), "class_axis": 1, "ignore_index": 2}
    for loss, _ in LOSSES.values():
        wanted = on.read(loss(p, t, **options))
        for compiled in on.compilers.values():
            found = compiled(lambda p, t, loss=loss: loss(p, t, **options))(p, t)
            assert on.read(found) == pytest.approx(wanted, rel=1e-5)


def test_wrong_calls_with_labels(on):
    p, t = on.array(P), on.array(LABELS, "int32")
    f = partial(xlosses.dice_loss, axis=(2, 3))
    with pytest.raises(ValueError, match=r"^targets must have the shape \(2, 3, 2, 2\) to match inputs"):
        f(p, t)
    with pytest.raises(ValueError, match=r"^targets must have the shape \(2, 2, 2\) to match inputs"):
        f(p, on.array([LABELS[0]], "int32"), class_axis=1)
    with pytest.raises(TypeError, match=r"^targets must be integer class labels, got dtype float32$"):
        f(p, on.array([[[1.0, 0.0], [1.0, 2.0]]] * 2), class_axis=1)
    with pytest.raises(ValueError, match=r"^axis=4 is out of range for an array with 4 axes$"):
        f(p, t, class_axis=4)
    for extra in ({}, {"class_axis": 1}):
        with pytest.raises(
            ValueError, match=r"^ignore_index=2 needs class_axis, and class labels as targets"
        ):
            f(p, on.array(masks(LABELS)), ignore_index=2, **extra)
    with pytest.raises(TypeError, match=r"^kept must be a boolean array, got dtype float32$"):
        f(p, t, class_axis=1, ignore_index=0, kept=p)
    with pytest.raises(ValueError, match=r"^kept must have the shape \(2, 3, 2, 2\) to match inputs"):
        f(p, t, class_axis=1, ignore_index=0, kept=on.array([True, False], "bool"))
    with pytest.raises(TypeError, match=r"^where must be a boolean array, got dtype float32$"):
        f(p, t, class_axis=1, where=on.array([[1.0]] * 2))
    with pytest.raises(ValueError, match=r"^where must have the shape \(2, 3\) of the unreduced loss"):
        f(p, t, class_axis=1, where=on.array([True, False], "bool"))
