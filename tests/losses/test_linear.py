"""Linear cross entropy against cross entropy of the logits: options, chunks of any size, half types."""

from __future__ import annotations

import itertools
import math
from random import Random

import pytest
from matrix import EXTENT, exactly, flatten

import xlosses

C, D = 7, 5
SHAPE = (2, 3)
OPTIONS = [
    {"label_smoothing": smoothing, "softcap": cap, "z_loss": z, "class_weights": weighted, "bias": biased}
    for smoothing, cap, z, weighted, biased in itertools.product(
        (0.0, 0.25), (None, 2.0), (0.0, 0.125), (False, True), (False, True)
    )
]
CHUNKS = ["off", 8, 14, 21, "on"]  # one position at a time, two, three, all
if EXTENT != "deep":  # nothing, each alone, everything
    OPTIONS = [options for options in OPTIONS if sum(map(bool, options.values())) in (0, 1, 5)]
    CHUNKS = ["off", 14]


def drawn(on, dtype="float32"):
    rng = Random(3)

    def normal(*shape):
        return [normal(*shape[1:]) for _ in range(shape[0])] if shape else rng.gauss(0.0, 1.0)

    arrays = {"hidden": normal(*SHAPE, D), "weight": normal(C, D), "bias": normal(C)}
    return {
        **{name: on.array(x, dtype) for name, x in arrays.items()},
        "targets": on.array([[rng.randrange(C) for _ in range(SHAPE[1])] for _ in range(SHAPE[0])], "int32"),
        "class_weights": on.array([rng.uniform(0.5, 2.0) for _ in range(C)]),
        "weights": on.array([[rng.uniform(0.5, 2.0) for _ in range(SHAPE[1])] for _ in range(SHAPE[0])]),
    }


def dense(xp, arrays, label_smoothing, softcap, z_loss, **options):
    """The composition that holds all logits."""
    x = arrays["hidden"] @ xp.matrix_transpose(arrays["weight"])
    x = x if arrays["bias"] is None else x + arrays["bias"]
    x = x if softcap is None else softcap * xp.tanh(x / softcap)
    settings = dict(class_weights=arrays["class_weights"], weights=arrays["weights"])
    entropy = xlosses.cross_entropy(
        x, arrays["targets"], label_smoothing=label_smoothing, reduction="none", **settings, **options
    )
    m, r = xp.log_sum_exp(x)
    labels = arrays["targets"]
    kept = xp.where(labels == options.get("ignore_index", -1), 0.0, arrays["weights"])
    return entropy + z_loss * kept * (m + r) ** 2


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("chunk", CHUNKS)
def test_it_is_cross_entropy_of_the_logits(on, options, chunk):
    arrays = drawn(on)
    settings = dict(options)
    for name in ("bias", "class_weights"):
        if not settings.pop(name):
            arrays[name] = None
    cotangents = on.array([[1.0, -2.0, 0.5], [3.0, 0.25, -1.0]])
    xp = on.bench.xp
    names = [name for name in ("hidden", "weight", "bias") if arrays[name] is not None]
    leaves = [arrays[name] for name in names]

    def ours(*leaves):
        given = {**arrays, **dict(zip(names, leaves, strict=True))}
        return xp.sum(cotangents * xlosses.linear_cross_entropy(**given, **settings, reduction="none"))

    def theirs(*leaves):
        return xp.sum(cotangents * dense(xp, {**arrays, **dict(zip(names, leaves, strict=True))}, **settings))

    with xlosses.engine("off"):
        if on.bench.differentiates:
            value, gradients = on.bench.value_and_grad(theirs, *leaves)
        else:
            value, gradients = theirs(*leaves), ()
    with xlosses.engine(chunk):
        if on.bench.differentiates:
            found, slopes = on.bench.value_and_grad(ours, *leaves)
        else:
            found, slopes = ours(*leaves), ()
    limit = 2e-5 if on.name == "mlx" else 2e-6
    assert on.read(found) == pytest.approx(on.read(value), rel=10 * limit)
    for slope, gradient in zip(slopes, gradients, strict=True):
        wanted = flatten(on.read(gradient))
        assert flatten(on.read(slope)) == pytest.approx(wanted, abs=limit * max(map(abs, wanted)))


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("reduction", ["sum", "mean", "weighted_mean"])
def test_reductions_with_what_is_left_out(on, chunk, reduction):
    """NaN in a masked position, and an ignored label: by the slope, and by each framework itself."""
    arrays = drawn(on)
    where = on.array([[True, False, True], [True, True, True]], "bool")
    hidden = on.read(arrays["hidden"])
    hidden[0][1] = [math.nan] * D
    labels = on.read(arrays["targets"])
    labels[0][1], labels[1][2] = 999, -100
    spoilt = {**arrays, "hidden": on.array(hidden), "targets": on.array(labels, "int32")}
    kept = [(0, 0), (0, 2), (1, 0), (1, 1)]
    alone = {
        **arrays,
        **{
            name: on.array([on.read(arrays[name])[i][j] for i, j in kept], dtype)
            for name, dtype in (("hidden", "float32"), ("targets", "int32"), ("weights", "float32"))
        },
    }

    def loss(given, **options):
        def of(hidden, weight, bias):
            given_here = {**given, "hidden": hidden, "weight": weight, "bias": bias}
            return xlosses.linear_cross_entropy(**given_here, reduction=reduction, **options)

        return of, [given[name] for name in ("hidden", "weight", "bias")]

    with xlosses.engine("off"):
        f, leaves = loss(alone)
        value, wanted = xlosses.value_and_grad(f, (0, 1, 2))(*leaves)
    with xlosses.engine(chunk):
        f, leaves = loss(spoilt, ignore_index=-100, where=where)
        results = [xlosses.value_and_grad(f, (0, 1, 2))(*leaves)]
        if on.bench.differentiates:
            results.append(on.bench.value_and_grad(f, *leaves))
    for found, (by_hidden, *others) in results:
        assert on.read(found) == pytest.approx(on.read(value), rel=1e-5)
        rows = on.read(by_hidden)
        assert rows[0][1] == rows[1][2] == [0.0] * D
        assert [rows[i][j] for i, j in kept] == [
            pytest.approx(row, rel=1e-5, abs=1e-6) for row in on.read(wanted[0])
        ]
        for gradient, exact in zip(others, wanted[1:], strict=True):
            assert flatten(on.read(gradient)) == pytest.approx(flatten(on.read(exact)), abs=2e-6)


def test_half_types_are_computed_in_float32(on, dtype):
    arrays = drawn(on, dtype)
    wide = {
        name: x if name not in ("hidden", "weight", "bias") else on.array(exactly(on, x))
        for name, x in arrays.items()
    }
    with xlosses.engine(14):
        found = xlosses.linear_cross_entropy(**arrays, reduction="none", dtype="float32")
        wanted = xlosses.linear_cross_entropy(**wide, reduction="none")
        assert flatten(on.read(found)) == pytest.approx(flatten(on.read(wanted)), rel=1e-6)
        assert on.dtype_of(xlosses.linear_cross_entropy(**arrays)) == dtype
        _, gradients = xlosses.value_and_grad(
            lambda hidden, weight: xlosses.linear_cross_entropy(
                **{**arrays, "hidden": hidden, "weight": weight}
            ),
            (0, 1),
        )(arrays["hidden"], arrays["weight"])
    assert [on.dtype_of(x) for x in gradients] == [dtype, dtype]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"weight": (D, C)},
            r"hidden must have as many entries along its last axis as weight of shape \(5, 7\)",
        ),
        ({"weight": (C,)}, r"weight must have the shape \(C, D\), got an array of shape \(7,\)"),
        ({"bias": (C, 1)}, r"bias must have the shape \(7,\), got an array of shape \(7, 1\)"),
        ({"class_weights": (D,)}, r"class_weights must have the shape \(7,\), got an array of shape \(5,\)"),
        ({"targets": (6,)}, r"targets must have the shape \(2, 3\)"),
    ],
    ids=["transposed", "a vector", "a column", "of features", "flat"],
)
def test_shapes_that_do_not_fit(on, change, message):
    arrays = drawn(on)
    for name, shape in change.items():
        xp = on.bench.xp
        like = arrays[name]
        arrays[name] = xp.zeros(shape, dtype=like.dtype)
    with pytest.raises(ValueError, match=message):
        xlosses.linear_cross_entropy(**arrays)


def test_a_label_names_a_class_and_not_a_feature(on):
    """Labels are below the number of classes, which is not the length of a row here."""
    arrays = drawn(on)
    for label, fine in ((C - 1, True), (C, False), (-1, False)):
        given = {**arrays, "targets": on.array([[label] * 3] * 2, "int32")}
        try:
            found = flatten(on.read(xlosses.linear_cross_entropy(**given, reduction="none")))
        except ValueError as error:
            assert f"targets must be class labels in [0, {C}), got {label}" in str(error)
            assert not fine
        else:
            assert all(math.isnan(x) != fine for x in found)
