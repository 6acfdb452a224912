"""The sums of parts add up to those of the whole, on every framework, compiled and differentiated."""

from __future__ import annotations

import pickle

import pytest

import xlosses

X = [[0.5, -1.0, 2.0], [1.5, 0.25, -0.5], [3.0, 1.0, -2.0], [0.0, 0.0, 1.0], [-1.0, 2.0, 0.5]]
Y = [0, 2, -1, 1, -1]
WEIGHTS = [0.5, 2.0, 1.0, 3.0, 1.0]
PARTS = (slice(0, 2), slice(2, 3), slice(3, 5))  # keep 2, 0 and 1 rows


def of_part(on, part, weights=WEIGHTS, **options):
    loss = xlosses.sums(xlosses.cross_entropy)
    given = on.array(X)[part, ...], on.array(Y, "int32")[part]
    weights = None if weights is None else on.array(weights)[part]
    return loss(*given, weights=weights, ignore_index=-1, **options)


def whole(on, reduction, **options):
    options = {"weights": on.array(WEIGHTS), "ignore_index": -1, **options}
    return on.read(xlosses.cross_entropy(on.array(X), on.array(Y, "int32"), reduction=reduction, **options))


def test_parts_add_up(on):
    added = sum(of_part(on, part) for part in PARTS)
    assert on.read(added.total) == pytest.approx(whole(on, "sum"), rel=1e-6)
    assert on.read(added.mean()) == pytest.approx(whole(on, "mean"), rel=1e-6)
    assert on.read(added.weighted_mean()) == pytest.approx(whole(on, "weighted_mean"), rel=1e-6)
    assert (on.read(added.count), on.read(added.weight)) == (3.0, 5.5)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])
def test_three_arrays(on, weights):
    for part in (slice(0, 2), slice(0, 0)):
        triple = of_part(on, part, weights)
        assert [x.shape for x in triple] == [(), (), ()]
        assert {on.dtype_of(x) for x in triple} == {"float32"}
    assert [on.read(x) for x in triple] == [0.0, 0.0, 0.0]
    assert on.read(triple.mean()) == on.read(triple.weighted_mean()) == 0.0


def test_unmasked_terms_are_counted_by_their_number(on):
    triple = xlosses.sums(xlosses.mse_loss)(on.array(X), on.array(X), weights=2.0)
    assert [on.read(x) for x in triple] == [0.0, 15.0, 30.0]


def test_half_types_are_not_rounded(on):
    if "float16" in on.bench.dtypes():
        triple = xlosses.sums(xlosses.l1_loss)(on.array([1025 / 1024] * 3, "float16"), 0.0)
        assert {on.dtype_of(x) for x in triple} == {"float32"}
        assert on.read(triple.total) == 3075 / 1024  # which float16 would round


def test_weight_of_a_formula(on):
    weights = on.array([1.0, 2.0, 4.0])
    triple = of_part(on, slice(0, 5), weights=None, class_weights=weights)
    assert on.read(triple.weight) == 1.0 + 4.0 + 2.0
    exact = whole(on, "weighted_mean", weights=None, class_weights=weights)
    assert on.read(triple.weighted_mean()) == pytest.approx(exact, rel=1e-6)


def test_compiled(on, compiler):
    loss = xlosses.sums(xlosses.cross_entropy)
    compiled = compiler(lambda x, y: loss(x, y, ignore_index=-1))
    found = compiled(on.array(X), on.array(Y, "int32"))
    for x, exact in zip(found, of_part(on, slice(0, 5), weights=None), strict=True):
        assert on.read(x) == pytest.approx(on.read(exact), rel=1e-6)


def test_gradient(on, gradient):
    def mean(x):
        parts = (xlosses.sums(xlosses.mse_loss)(x[k : k + 2, ...], y[k : k + 2, ...]) for k in (0, 2, 4))
        return sum(parts).mean()

    y = on.array([[0.0] * 3] * 5)
    found = on.read(gradient(mean)(on.array(X)))
    for row, exact in zip(found, X, strict=True):
        assert row == pytest.approx([2 * x / 15 for x in exact], rel=1e-6)


def test_value_and_grad(on):
    loss = xlosses.sums(xlosses.mse_loss)
    triple, gradient = xlosses.value_and_grad(loss)(on.array(X), on.array([[0.0] * 3] * 5))
    assert on.read(triple.count) == 15.0
    assert on.read(gradient)[0] == [1.0, -2.0, 4.0]


def test_of_a_function_with_options():
    import numpy as np

    def loss(x, **options):
        return xlosses.mse_loss(x, np.zeros(2), **options)

    x = np.asarray([1.0, 2.0])
    assert xlosses.sums(loss)(x).total == 5.0
    triple, gradient = xlosses.value_and_grad(xlosses.sums(loss))(x)
    assert (triple.total, gradient.tolist()) == (5.0, [2.0, 4.0])


def test_pickles():
    import numpy as np

    triple = xlosses.sums(xlosses.mse_loss)(np.ones(3), np.zeros(3))
    assert pickle.loads(pickle.dumps(triple)) == triple  # noqa: S301


def test_refusals():
    import numpy as np

    x = np.ones(2)
    with pytest.raises(TypeError, match="takes no reduction"):
        xlosses.sums(xlosses.mse_loss)(x, x, reduction="mean")
    with pytest.raises(TypeError, match="needs a function that takes reduction"):
        xlosses.sums(lambda x: x)
    with pytest.raises(TypeError, match="unsupported operand"):
        xlosses.sums(xlosses.mse_loss)(x, x) + 1.0
