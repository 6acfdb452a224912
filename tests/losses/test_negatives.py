"""Queries among given negatives: one or many, those of all or of each, far on both sides, NaN, shapes."""

from __future__ import annotations

import math

import pytest
from test_truth import INF, NAN, Row, check

import xlosses

LOG2, ONE = math.log(2), {"temperature": 1.0}


def info_nce(queries, keys, negatives, **options):
    return xlosses.info_nce_loss(queries, keys, negatives=negatives, **options)


ROWS = [
    Row("one like its own", info_nce, ([[2.0]], [[1.0]], [[1.0]]), [LOG2], [[0.0]]),
    Row(
        "zero queries",
        info_nce,
        ([[0.0]] * 2, [[1.0], [3.0]], [[2.0]] * 3),
        [2 * LOG2] * 2,
        [[0.75], [-0.75]],
        ONE,
    ),
    Row(
        "far on the right side",
        info_nce,
        ([[30.0]], [[1.0]], [[-1.0]]),
        [math.exp(-60.0)],
        [[-2 * math.exp(-60.0)]],
        ONE,
    ),
    Row("far on the wrong side", info_nce, ([[100.0]], [[-1.0]], [[1.0], [-1.0]]), [200.0], [[2.0]], ONE),
    Row("large and equal", info_nce, ([[1e4]], [[1.0]], [[1.0]]), [LOG2], [[0.0]]),
    Row("beyond float16", info_nce, ([[300.0]], [[300.0]], [[300.0]]), [LOG2], [[0.0]], dtype="float16"),
    Row(
        "its own negatives",
        info_nce,
        ([[1.0], [-1.0]], [[0.0], [0.0]], [[[0.0]], [[30.0]]]),
        [LOG2, math.exp(-30.0)],
        [[0.0], [30 * math.exp(-30.0)]],
        ONE,
    ),
    Row("NaN among those of all", info_nce, ([[1.0], [2.0]], [[0.0], [0.0]], [[NAN]]), [NAN, NAN]),
    Row("NaN among those of one", info_nce, ([[1.0]] * 2, [[1.0]] * 2, [[[NAN]], [[1.0]]]), [NAN, LOG2]),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_truth_of_negatives(on, row):
    check(on, row)


@pytest.mark.parametrize("own", [False, True])
def test_nothing_is_left_of_a_masked_query(on, own):
    """Its key is nobody else's negative."""
    q, k = on.array([[1.0], [NAN], [2.0]]), on.array([[1.0], [INF], [1.0]])
    negatives = on.array([[[1.0]], [[NAN]], [[2.0]]] if own else [[1.0]])
    where = on.array([True, False, True], "bool")
    found = xlosses.value_and_grad(xlosses.info_nce_loss, (0, 1))(
        q, k, negatives=negatives, where=where, temperature=1.0, reduction="sum"
    )
    assert on.read(found[0]) == pytest.approx(LOG2 + (math.log1p(math.exp(2.0)) if own else LOG2), rel=1e-6)
    for gradient in found[1]:
        assert on.read(gradient)[1] == [0.0]


@pytest.mark.parametrize("own", [False, True])
def test_the_negatives_and_the_temperature_are_trained(on, own):
    """By differences of the value."""
    shape = (4, 3, 2) if own else (3, 2)
    numbers = [0.25 * ((7 * i) % 11) - 1.0 for i in range(math.prod(shape))]
    q, k = (on.array([[0.5, -s], [s, 1.0], [-1.0, s], [0.25, s]]) for s in (0.75, -0.5))

    def loss(negatives, t):
        return info_nce(q, k, on.bench.xp.reshape(negatives, shape), temperature=t, reduction="sum")

    def trained(negatives, t):
        return xlosses.info_nce_loss(q, k, negatives=negatives, temperature=t, reduction="sum")

    flat, t = on.array(numbers), on.array(0.5)
    _, (by_n, by_t) = xlosses.value_and_grad(trained, (0, 1))(on.bench.xp.reshape(flat, shape), t)
    step = 2.0**-7
    moved = [[x + s * step * (i == 3) for i, x in enumerate(numbers)] for s in (1, -1)]
    up, down = (on.read(loss(on.array(x), t)) for x in moved)
    found = on.read(on.bench.xp.reshape(by_n, (-1,)))
    assert found[3] == pytest.approx((up - down) / step / 2, rel=2e-3)
    up, down = (on.read(loss(flat, on.array(0.5 + s * step))) for s in (1, -1))
    assert on.read(by_t) == pytest.approx((up - down) / step / 2, rel=2e-3)


@pytest.mark.parametrize("own", [False, True])
def test_chunks(on, own):
    q = on.array([[0.5 * (i % 3), 0.25 * (i % 5)] for i in range(11)])
    n = [[1.0, 0.25], [-0.5, 1.0], [0.0, -1.0]]
    negatives = on.array([n] * 11 if own else n)
    f = xlosses.value_and_grad(xlosses.info_nce_loss, (0, 1))
    with xlosses.engine(7):
        found = f(q, q, negatives=negatives)
    with xlosses.engine("off"):
        wanted = f(q, q, negatives=negatives)
    for ours, whole in zip((found[0], *found[1]), (wanted[0], *wanted[1]), strict=True):
        assert on.read(ours) == pytest.approx(on.read(whole), rel=1e-5) if ours.ndim == 0 else True
        assert on.read(on.bench.xp.max(on.bench.xp.abs(ours - whole))) <= 1e-6


def test_those_of_all_are_those_of_each(on):
    q, k = on.array([[0.5, 1.0], [1.0, 0.0], [0.25, 0.5]]), on.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    n = [[0.5, 0.5], [-1.0, 0.25]]
    found = on.read(info_nce(q, k, on.array(n), reduction="none"))
    assert on.read(info_nce(q, k, on.array([n] * 3), reduction="none")) == pytest.approx(found, rel=1e-6)


def test_batches_of_batches(on):
    q, n = on.array([[[1.0, 2.0]] * 3] * 2), on.array([[[[1.0, 2.0]] * 4] * 3] * 2)
    for negatives in (n, n[0, 0, ...]):
        found = info_nce(q, q, negatives, reduction="none")
        assert on.read(found) == [pytest.approx([math.log(5.0)] * 3, rel=1e-6)] * 2


def test_shapes_of_negatives(on):
    x = on.array([[1.0, 2.0]] * 3)
    for negatives, wanted in (
        (on.array([[1.0]]), r"\(M, 2\), got an array of shape \(1, 1\)"),
        (on.array([[[1.0, 2.0]]]), r"\(3, M, 2\), got an array of shape \(1, 1, 2\)"),
        (on.array([1.0, 2.0]), r"\(3, M, 2\), got an array of shape \(2,\)"),
        (2.5, r"\(3, M, 2\), got float"),
    ):
        with pytest.raises(ValueError, match=rf"^negatives must have the shape {wanted}$"):
            info_nce(x, x, negatives)
    with pytest.raises(ValueError, match=r"^negatives must be one or more, got the shape \(0, 2\)$"):
        info_nce(x, x, x[:0, :])
    with pytest.raises(ValueError, match=r"^symmetric=True compares with the batch: it takes no negatives$"):
        info_nce(x, x, x, symmetric=True)
