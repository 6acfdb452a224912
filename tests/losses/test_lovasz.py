"""Errors sorted by size: kinks, ties, infinities, sets of one kind, classes without targets."""

from __future__ import annotations

from functools import partial
from itertools import product

import pytest
from matrix import exactly, except_on_jax
from test_truth import INF, NAN, Row, check

import xlosses
from xlosses.testing.parity import flat
from xlosses.testing.references import segmentation as references

hinge = partial(xlosses.lovasz_hinge_loss, axis=-1)
softmax = partial(xlosses.lovasz_softmax_loss, axis=-1, class_axis=-2)
TINY = 2.0**-30

ROWS = [
    Row("right by the margin", hinge, ([[2.0, -2.0]], [[1, 0]]), [0.0], [[0.0, 0.0]]),
    Row("at the kink", hinge, ([[1.0, -1.0, 0.0]], [[1, 0, 1]]), [0.5], [[0.0, 0.0, -0.5]]),
    Row(
        "one of each kind is wrong",
        hinge,
        ([[3.0, -1.0, 0.5, -3.0]], [[1, 1, 0, 0]]),
        [1.25],
        [[0.0, -0.5, 1 / 6, 0.0]],
    ),
    Row("no targets", hinge, ([[-2.0, 0.5, -0.5]], [[0, 0, 0]]), [1.5], [[0.0, 1.0, 0.0]]),
    Row("nothing predicted of nothing", hinge, ([[-1.0, -3.0]], [[0, 0]]), [0.0], [[0.0, 0.0]]),
    Row("targets alone", hinge, ([[0.5, -1.0]], [[1, 1]]), [1.25], [[-0.5, -0.5]]),
    Row("a tie, the target last", hinge, ([[0.0, 0.0]], [[0, 1]]), [1.0], [[0.5, -0.5]]),
    Row("a tie, the target first", hinge, ([[0.0, 0.0]], [[1, 0]]), [1.0], [[-1.0, 0.0]]),
    Row("a tie of errors, but not of scores", hinge, ([[0.0, TINY]], [[0, 0]]), [1.0], [[0.0, 1.0]]),
    Row("infinitely wrong", hinge, ([[INF, 0.0]], [[0, 1]]), [INF], [[0.5, -0.5]]),
    Row("infinite, and of no weight", hinge, ([[-INF, INF]], [[1, 0]]), [INF], [[-1.0, 0.0]]),
    Row("infinitely right", hinge, ([[INF, -INF]], [[1, 0]]), [0.0], [[0.0, 0.0]]),
    Row("no overflow", hinge, ([[-3e38, 3e38]], [[1, 0]]), [3e38], [[-1.0, 0.0]]),
    Row("NaN", hinge, ([[0.5, NAN], [0.5, 0.5]], [[0.0, 1.0], [NAN, 1.0]]), [NAN, NAN]),
    Row("half types", hinge, ([[-300.0, 200.0]], [[1.0, 0.0]]), [301.0], [[-1.0, 0.0]], dtype="float16"),
    Row("right", softmax, ([[[1.0, 0.0], [0.0, 1.0]]], [[[1, 0], [0, 1]]]), [0.0], [[[0.0] * 2] * 2]),
    Row("wrong", softmax, ([[[0.0, 1.0], [1.0, 0.0]]], [[[1, 0], [0, 1]]]), [1.0]),
    Row(
        "two classes",
        softmax,
        ([[[0.75, 0.5, 0.25], [0.25, 0.5, 0.75]]], [[[1, 1, 0], [0, 0, 1]]]),
        [0.375],
        [[[-0.25, -0.25, 0.0], [1 / 12, 0.25, -1 / 6]]],
    ),
    Row(
        "a class without targets",
        softmax,
        ([[[0.5, 1.0], [0.5, 0.25]]], [[[1, 1], [0, 0]]]),
        [0.25],
        [[[-0.5, 0.0], [0.0, 0.0]]],
    ),
    Row(
        "a class without targets that counts",
        softmax,
        ([[[0.5, 1.0], [0.5, 0.25]]], [[[1, 1], [0, 0]]]),
        [0.375],
        [[[-0.25, 0.0], [0.5, 0.0]]],
        {"absent": True},
    ),
    Row("no targets", softmax, ([[[0.5, 0.25], [0.5, 0.75]]], [[[0, 0]] * 2]), [0.0], [[[0.0] * 2] * 2]),
    Row("NaN", softmax, ([[[0.5, 0.5], [NAN, 0.5]]], [[[1, 1], [0, 0]]]), [NAN]),
    Row("NaN among the targets", softmax, ([[[0.5, 0.5]] * 2], [[[1.0, NAN], [0.0, 0.0]]]), [NAN]),
    Row("half types", softmax, ([[[0.5, 1.0]]], [[[1.0, 1.0]]]), [0.25], [[[-0.5, 0.0]]], dtype="float16"),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_truth_of_lovasz(on, row):
    check(on, row)


P = [[[0.1, 0.93, 0.35], [0.6, 0.2, 0.85]], [[0.5, 0.45, 0.7], [0.25, 0.95, 0.15]]]
T = [[[0, 1, 1], [1, 0, 1]], [[0, 0, 0], [0, 0, 1]]]  # no error is that of another entry
PLACES = [*product(range(2), range(2), range(3))]


def rows(x, fixed):
    """The entries in rows, one for each value of the axes that stay, and their places."""
    found = {}
    for i, j, k in PLACES:
        found.setdefault(tuple((i, j, k)[a] for a in fixed), []).append(((i, j, k), x[i][j][k]))
    return found


def assert_terms(on, loss, wanted, slopes, options):
    """Terms, one for each key, and a slope for each place."""
    p, t = on.array(P), on.array(T, "int32")
    found = exactly(on, loss(p, t, reduction="none", **options))
    assert flat([found]) == pytest.approx([wanted[key] for key in sorted(wanted)], rel=1e-6, abs=1e-7)
    _, gradient = xlosses.value_and_grad(loss)(p, t, reduction="sum", **options)
    assert flat(exactly(on, gradient)) == pytest.approx([slopes[at] for at in PLACES], rel=1e-6, abs=1e-7)


@except_on_jax
@pytest.mark.parametrize("some", [False, True])
@pytest.mark.parametrize("axis", [(1, 2), (0, -1), (2, 1), (0, 1, 2), 1], ids=str)
def test_sets_over_any_axes(on, axis, some):
    kept = [[[not some or (i + j + k) % 3 != 1 for k in range(3)] for j in range(2)] for i in range(2)]
    fixed = [a for a in range(3) if a not in {b % 3 for b in ((axis,) if axis == 1 else axis)}]
    targets, counted, wanted, slopes = rows(T, fixed), rows(kept, fixed), {}, {}
    for key, entries in rows(P, fixed).items():
        x, t, keep = ([entry for _, entry in of[key]] for of in (rows(P, fixed), targets, counted))
        term = references.lovasz_hinge(x, t, keep)
        wanted[key] = term.value
        slopes.update(zip([at for at, _ in entries], term.partials[0], strict=True))
    options = {"axis": axis, **({"kept": on.array(kept, "bool")} if some else {})}
    assert_terms(on, xlosses.lovasz_hinge_loss, wanted, slopes, options)


@except_on_jax
@pytest.mark.parametrize("absent", [False, True])
@pytest.mark.parametrize("class_axis", [0, 1, 2, None])
def test_classes_along_any_axis(on, class_axis, absent):
    axis = (2,) if class_axis is None else tuple(a for a in range(3) if a != class_axis)[1:]
    fixed = [a for a in range(3) if a not in axis]
    terms = {key: references.lovasz_softmax(*pair, absent) for key, pair in pairs(fixed).items()}
    present = {key: absent or class_axis is None or any(t) for key, (_, t) in pairs(fixed).items()}
    of = {key: tuple(n for a, n in zip(fixed, key, strict=True) if a != class_axis) for key in terms}
    number = {term: sum(present[key] for key in terms if of[key] == term) for term in of.values()}
    wanted, slopes = dict.fromkeys(number, 0.0), {}
    for key, entries in rows(P, fixed).items():
        n = max(number[of[key]], 1)
        wanted[of[key]] += terms[key].value / n
        slopes.update({at: d / n for (at, _), d in zip(entries, terms[key].partials[0], strict=True)})
    options = {"axis": axis, "class_axis": class_axis, "absent": absent}
    assert_terms(on, xlosses.lovasz_softmax_loss, wanted, slopes, options)


def pairs(fixed):
    t = rows(T, fixed)
    return {key: ([x for _, x in entries], [x for _, x in t[key]]) for key, entries in rows(P, fixed).items()}


@pytest.mark.parametrize("loss", [hinge, softmax], ids=["hinge", "softmax"])
def test_entries_that_are_not_kept_may_hold_anything(on, loss):
    """The same as without them, and no gradient by them, wherever they would be in the order."""
    few = [on.array(x) for x in ([[[0.25, 0.75], [0.5, 0.5]]], [[[0.0, 1.0], [1.0, 0.0]]])]
    p = on.array([[[NAN, 0.25, INF, 0.75], [0.5, 0.5, NAN, 2.0]]])
    t = on.array([[[1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 1.0, NAN]]])
    kept = on.array([[[False, True, False, True], [True, True, False, False]]], "bool")
    f = xlosses.value_and_grad(loss)
    (wanted, by), (value, found) = f(*few), f(p, t, kept=kept)
    assert on.read(value) == pytest.approx(on.read(wanted), rel=1e-6)
    entries = [on.read(found)[0][i][j] for i, j in ((0, 1), (0, 3), (1, 0), (1, 1))]
    assert entries == pytest.approx(flat(on.read(by)), rel=1e-6)
    assert [on.read(found)[0][i][j] for i, j in ((0, 0), (0, 2), (1, 2), (1, 3))] == [0.0] * 4
    if on.bench.differentiates:
        _, (leaf, *_) = on.bench.value_and_grad(lambda p: loss(p, t, kept=kept, reduction="mean"), p)
        assert flat(on.read(leaf)) == pytest.approx(flat(on.read(found)), rel=1e-6)


def test_nothing_kept_is_an_empty_set(on):
    nothing, x = on.array([[[False, False]]], "bool"), on.array([[[NAN, 0.5]]])
    for loss in (hinge, softmax, partial(softmax, absent=True)):
        value, gradient = xlosses.value_and_grad(partial(loss, kept=nothing))(x, x)
        assert on.read(value) == 0.0
        assert on.read(gradient) == [[[0.0, 0.0]]]


def test_of_hard_predictions_it_is_one_less_iou(on):
    """With errors of 0 and 2 it is twice that, of probabilities the loss itself."""
    for predicted, t in (([1, 1, 0, 0], [1, 0, 1, 0]), ([1, 1, 1, 0], [1, 1, 0, 0]), ([0, 1, 0], [1, 0, 0])):
        p, y = on.array([[float(a) for a in predicted]]), on.array([t], "int32")
        wanted = on.read(xlosses.jaccard_loss(p, y, axis=1, smooth=0.0))
        assert on.read(xlosses.lovasz_softmax_loss(p, y, axis=1)) == pytest.approx(wanted)
        assert on.read(hinge(2.0 * p - 1.0, y)) == pytest.approx(2 * wanted)


def test_wrong_axes_of_lovasz(on):
    p = on.array(P)
    with pytest.raises(ValueError, match=r"must name one axis or several different ones$"):
        xlosses.lovasz_softmax_loss(p, p, axis=(1, 2), class_axis=1)
    with pytest.raises(ValueError, match=r"is out of range for an array with 3 axes$"):
        xlosses.lovasz_softmax_loss(p, p, axis=2, class_axis=3)
    with pytest.raises(TypeError, match="axis"):
        xlosses.lovasz_hinge_loss(p, p)
