"""Sets over several axes, entries that do not count, empty sets."""

from __future__ import annotations

from functools import partial

import pytest
from matrix import exactly
from test_truth import NAN, Row, check

import xlosses
from xlosses.testing.parity import flat

dice = partial(xlosses.dice_loss, axis=-1)
tversky = partial(xlosses.tversky_loss, axis=-1)
SMALL = 2.0**-24

ROWS = [
    *(
        Row(
            f"nothing predicted of nothing, {name}, smooth={smooth}",
            loss,
            ([[0.0, 0.0]], [[0.0, 0.0]]),
            [0.0],
            # With `smooth`, any prediction is a false positive already.
            [[0.0 if squared or not smooth else 1.0 / parts] * 2],
            {"smooth": smooth, **({"squared": True} if squared else {})},
        )
        for name, loss, squared, parts in (
            ("dice", dice, False, 1),
            ("squared dice", dice, True, 1),
            ("tversky", tversky, False, 2),
        )
        for smooth in (0.0, 1.0)
    ),
    Row("all of it", dice, ([[1.0, 0.0]], [[1.0, 0.0]]), [0.0], [[-0.5, 0.5]], {"smooth": 0.0}),
    Row("none of it", dice, ([[0.0, 1.0]], [[1.0, 0.0]]), [1.0], [[-1.0, 0.0]], {"smooth": 0.0}),
    Row(
        "a small loss is exact",
        dice,
        ([[1.0 - SMALL, 0.0]], [[1.0, 0.0]]),
        [SMALL / (2.0 - SMALL)],
        options={"smooth": 0.0},
    ),
    Row(
        "a small squared loss is exact",
        dice,
        ([[1.0, 2.0**-20]], [[1.0, 0.0]]),
        [2.0**-40 / (2.0 + 2.0**-40)],
        options={"smooth": 0.0, "squared": True},
    ),
    Row(
        "false positives weigh alpha",
        tversky,
        ([[1.0, 1.0]], [[1, 0]]),
        [0.2],
        options={"alpha": 0.25, "beta": 0.75, "smooth": 0.0},
    ),
    Row(
        "false negatives weigh beta",
        tversky,
        ([[1.0, 0.0]], [[1, 1]]),
        [3 / 7],
        options={"alpha": 0.25, "beta": 0.75, "smooth": 0.0},
    ),
    Row(
        "without weights all is forgiven",
        tversky,
        ([[0.0]], [[1.0]]),
        [0.0],
        [[0.0]],
        {"alpha": 0.0, "beta": 0.0, "smooth": 0.0},
    ),
    Row(
        "squares that vanish, or have no reciprocal",
        dice,
        ([[0.0, 1e-30], [0.0, 0.0], [1e-20, 1e-19]], [[0.0, 0.0], [0.0, 5e-20], [0.0, 0.0]]),
        [0.0] * 3,
        [[0.0, 0.0]] * 3,
        {"squared": True, "smooth": 0.0},
    ),
    Row("half types", dice, ([[0.5] * 4], [[1.0] * 4]), [1 / 3], options={"smooth": 0.0}, dtype="float16"),
    Row("NaN", dice, ([[0.5, NAN], [0.5, 0.5]], [[0.0, 1.0], [NAN, 1.0]]), [NAN, NAN]),
    Row(
        "NaN, squared",
        dice,
        ([[0.5, NAN], [0.5, 0.5]], [[0.0, 1.0], [NAN, 1.0]]),
        [NAN, NAN],
        options={"squared": True},
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_truth_of_sets(on, row):
    check(on, row)


P = [[[0.1, 0.9, 0.3], [0.6, 0.2, 0.8]], [[0.5, 0.4, 0.7], [0.2, 0.9, 0.1]]]
T = [[[0, 1, 1], [1, 0, 1]], [[0, 0, 1], [0, 1, 1]]]
VARIANTS = {
    "dice": xlosses.dice_loss,
    "squared": partial(xlosses.dice_loss, squared=True, smooth=0.5),
    "tversky": partial(xlosses.tversky_loss, alpha=0.3, beta=0.7),
    "jaccard": xlosses.jaccard_loss,
    "focal tversky": partial(xlosses.focal_tversky_loss, gamma=1.5),
}
every_variant = pytest.mark.parametrize("loss", VARIANTS.values(), ids=VARIANTS)


def textbook(p, t, axis_of, loss):
    """1 - a quotient, set by set."""
    found = []
    for pairs in axis_of(p, t):
        both = sum(a * b for a, b in pairs)
        if loss is VARIANTS["tversky"]:
            wrong = 0.3 * sum(a * (1 - b) for a, b in pairs) + 0.7 * sum((1 - a) * b for a, b in pairs)
            found.append(1 - (both + 1) / (both + wrong + 1))
        elif loss is VARIANTS["jaccard"]:
            found.append(1 - (both + 1) / (sum(a + b - a * b for a, b in pairs) + 1))
        elif loss is VARIANTS["focal tversky"]:
            found.append((1 - (2 * both + 2) / (sum(a + b for a, b in pairs) + 2)) ** 1.5)
        elif loss is VARIANTS["squared"]:
            found.append(1 - (2 * both + 0.5) / (sum(a * a + b * b for a, b in pairs) + 0.5))
        else:
            found.append(1 - (2 * both + 1) / (sum(a + b for a, b in pairs) + 1))
    return found


# For each set of axes of (2, 2, 3), the entries of each set.
AXES = {
    (1, 2): lambda i, j, k: i,
    (2, 1): lambda i, j, k: i,
    (-1, -2): lambda i, j, k: i,
    (0, 2): lambda i, j, k: j,
    (0, -1): lambda i, j, k: j,
    (0, 1): lambda i, j, k: k,
    (0, 1, 2): lambda i, j, k: 0,
    (1,): lambda i, j, k: 3 * i + k,
    -1: lambda i, j, k: 2 * i + j,
}


def sets(p, t, number):
    found = {}
    for i in range(2):
        for j in range(2):
            for k in range(3):
                found.setdefault(number(i, j, k), []).append((p[i][j][k], t[i][j][k]))
    return [found[key] for key in sorted(found)]


@every_variant
@pytest.mark.parametrize("axis", AXES, ids=str)
def test_sets_over_any_axes(on, loss, axis):
    p, t = on.array(P), on.array(T, "int32")
    terms = loss(p, t, axis=axis, reduction="none")
    batch = [
        n for i, n in enumerate((2, 2, 3)) if i not in {a % 3 for a in ((axis,) if axis == -1 else axis)}
    ]
    assert tuple(terms.shape) == tuple(batch)
    wanted = textbook(P, T, lambda p, t: sets(p, t, AXES[axis]), loss)
    assert flat([exactly(on, terms)]) == pytest.approx(wanted, rel=1e-6)
    value, gradients = xlosses.value_and_grad(partial(loss, axis=axis), (0, 1))(
        p, on.array(T), reduction="sum"
    )
    assert on.read(value) == pytest.approx(sum(wanted), rel=1e-6)
    step, found = 1e-6, flat(exactly(on, gradients[0]))
    for n, (i, j, k) in enumerate((i, j, k) for i in range(2) for j in range(2) for k in range(3)):
        moved = [[list(row) for row in image] for image in P]
        moved[i][j][k] += step
        ahead = sum(textbook(moved, T, lambda p, t: sets(p, t, AXES[axis]), loss))
        assert found[n] == pytest.approx((ahead - sum(wanted)) / step, abs=2e-5)
    assert tuple(gradients[0].shape) == tuple(gradients[1].shape) == (2, 2, 3)


@every_variant
def test_entries_that_are_not_kept_may_hold_anything(on, loss):
    """The same as without them, and no gradient by them, whatever they hold."""
    inf = float("inf")
    few = [on.array(x) for x in ([[0.25, 0.75]], [[0.0, 1.0]])]
    p = on.array([[0.25, NAN, 0.75, inf]])
    t = on.array([[0.0, 1.0, 1.0, NAN]])
    kept = on.array([[True, False, True, False]], "bool")
    f = xlosses.value_and_grad(partial(loss, axis=1), (0, 1))
    wanted, (by_p, by_t) = f(*few)
    value, found = f(p, t, kept=kept)
    assert on.read(value) == pytest.approx(on.read(wanted), rel=1e-6)
    for gradient, by in zip(found, (by_p, by_t), strict=True):
        (a, b, c, d), (e, g) = on.read(gradient)[0], on.read(by)[0]
        assert [a, c] == pytest.approx([e, g], rel=1e-6)
        assert [b, d] == [0.0, 0.0]
    if on.bench.differentiates:
        reduced = partial(loss, axis=1, kept=kept)
        _, leaves = on.bench.value_and_grad(lambda p, t: reduced(p, t), p, t)
        for gradient, by in zip(leaves, found, strict=True):
            assert on.read(gradient)[0] == pytest.approx(on.read(by)[0], rel=1e-6)


@every_variant
def test_nothing_kept_is_an_empty_set(on, loss):
    nothing = on.array([[False, False]], "bool")
    x = on.array([[NAN, 0.5]])
    f = xlosses.value_and_grad(partial(loss, axis=1, kept=nothing, smooth=0.0))
    value, gradient = f(x, x)
    assert on.read(value) == 0.0
    assert on.read(gradient) == [[0.0, 0.0]]


def test_kept_over_several_axes(on):
    p, t = on.array(P), on.array(T, "int32")
    kept = [[[True, False, True], [True, True, True]], [[True, True, True], [False, True, False]]]
    found = xlosses.dice_loss(p, t, axis=(0, 2), kept=on.array(kept, "bool"), reduction="none")
    chosen = [
        [(P[i][j][k], T[i][j][k]) for i in range(2) for k in range(3) if kept[i][j][k]] for j in range(2)
    ]
    wanted = textbook(P, T, lambda p, t: chosen, xlosses.dice_loss)
    assert on.read(found) == pytest.approx(wanted, rel=1e-6)


def test_booleans_are_targets(on):
    p, t = on.array(P), on.array(T, "int32")
    yes = on.array([[[bool(x) for x in row] for row in image] for image in T], "bool")
    for loss in VARIANTS.values():
        assert on.read(loss(p, yes, axis=(1, 2))) == on.read(loss(p, t, axis=(1, 2)))


def test_weights_and_mask_are_of_sets(on):
    p, t = on.array([*P[0], [NAN] * 3]), on.array([*T[0], [0] * 3], "int32")
    terms = on.read(dice(p[:2, ...], t[:2, ...], reduction="none"))
    extras = {"weights": on.array([3.0, 1.0, 1.0]), "where": on.array([True, True, False], "bool")}
    value, gradient = xlosses.value_and_grad(dice)(p, t, reduction="weighted_mean", **extras)
    assert on.read(value) == pytest.approx((3 * terms[0] + terms[1]) / 4, rel=1e-6)
    assert on.read(gradient)[2] == [0.0] * 3


def test_dice_is_tversky(on):
    p, t = on.array(P), on.array(T, "int32")
    one = xlosses.dice_loss(p, t, axis=(1, 2), smooth=3.0)
    assert on.read(one) == on.read(xlosses.tversky_loss(p, t, axis=(1, 2), smooth=1.5))


def test_wrong_calls_of_sets(on):
    p, t = on.array(P), on.array(T, "int32")
    with pytest.raises(TypeError, match="axis"):
        xlosses.dice_loss(p, t)
    for axis, message in (
        ((1, 1), r"axis=\(1, 1\) must name one axis or several different ones"),
        ((0, -3), r"axis=\(0, -3\) must name one axis or several different ones"),
        ((), r"axis=\(\) must name one axis or several different ones"),
        ((1, 3), r"axis=\(1, 3\) is out of range for an array with 3 axes"),
    ):
        with pytest.raises(ValueError, match=f"^{message}$"):
            xlosses.dice_loss(p, t, axis=axis)
    with pytest.raises(TypeError, match="axis must be an integer, got"):
        xlosses.dice_loss(p, t, axis=[1, 2])
    with pytest.raises(ValueError, match=r"^kept must have the shape \(2, 2, 3\) to match inputs of shape"):
        xlosses.dice_loss(p, t, axis=(1, 2), kept=on.array([[True, False, True]] * 2, "bool"))
    with pytest.raises(TypeError, match=r"^kept must be a boolean array, got dtype int32$"):
        xlosses.tversky_loss(p, t, axis=(1, 2), kept=t)
    for name in ("alpha", "beta", "smooth"):
        with pytest.raises(ValueError, match=f"^{name} must be a number >= 0, got -0.5$"):
            xlosses.tversky_loss(p, t, axis=(1, 2), **{name: -0.5})
    with pytest.raises(
        ValueError, match=r"^inputs has no entries along axis=\(0, 1\): its shape is \(2, 0\)$"
    ):
        xlosses.dice_loss(on.array([[], []]), on.array([[], []]), axis=(0, 1))
