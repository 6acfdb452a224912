"""Each compared with all: chunks, masks, batches of one, trained temperatures, one array in two places."""

from __future__ import annotations

import math

import pytest
from matrix import (
    SETTINGS,
    Call,
    every_reduction,
    exactly,
    except_on_jax,
    fewer,
    flatten,
    floating,
    of_settings,
)
from test_truth import INF, Row
from test_truth import test_truth as assert_truth
from test_values import WEIGHTS, WHERE, extras

import xlosses
from xlosses.testing import CASES, expected
from xlosses.testing.parity import difference

every_whole_setting = of_settings([(case, options) for case, options in SETTINGS if case.whole])
info_nce, siglip, supervised = (
    xlosses.info_nce_loss,
    xlosses.siglip_loss,
    xlosses.supervised_contrastive_loss,
)
LOG2, ONE = math.log(2), {"temperature": 1.0}
PLAIN = {"scale": 1.0, "bias": 0.0}

ROWS = [
    Row("a pair alone", info_nce, ([[3.0, 4.0]], [[-1.0, 2.0]]), [0.0], [[0.0, 0.0]]),
    Row(
        "zero queries",
        info_nce,
        ([[0.0, 0.0]] * 2, [[1.0, 0.0], [0.0, 1.0]]),
        [LOG2] * 2,
        [[-0.5, 0.5], [0.5, -0.5]],
        ONE,
    ),
    Row("equal large products", info_nce, ([[1e4]] * 2, [[1.0]] * 2), [LOG2] * 2, [[0.0]] * 2),
    Row(
        "far on the right and on the wrong side",
        info_nce,
        ([[100.0], [100.0]], [[1.0], [-1.0]]),
        [0.0, 200.0],
        [[0.0], [2.0]],
        ONE,
    ),
    Row(
        "far on the wrong side, both ways",
        info_nce,
        ([[-100.0], [100.0]], [[1.0], [-1.0]]),
        [200.0, 200.0],
        [[-2.0], [2.0]],
        {**ONE, "symmetric": True},
    ),
    Row(
        "products beyond float16",
        info_nce,
        ([[300.0, 300.0]] * 2, [[300.0, 300.0]] * 2),
        [LOG2] * 2,
        [[0.0, 0.0]] * 2,
        dtype="float16",
    ),
    Row(
        "logits of 0",
        siglip,
        ([[0.0], [0.0]], [[1.0], [3.0]]),
        [2 * LOG2] * 2,
        [[2.0], [-2.0]],
        {"scale": 2.0, "bias": 0.0},
    ),
    Row("tail", siglip, ([[1.0]], [[20.0]]), [2.0611536203185463e-09], [[-4.1223072363804074e-08]], PLAIN),
    Row("far tail", siglip, ([[1.0]], [[60.0]]), [8.75651076269652e-27], [[-5.253906457617912e-25]], PLAIN),
    Row("the wrong side", siglip, ([[1e30]], [[-1.0]]), [1e30], [[1.0]], PLAIN),
    Row("as it begins", siglip, ([[0.0]], [[2.0]]), [10.000045398899218], [[-19.999092042625953]]),
    Row("nobody else", supervised, ([[3.0, 4.0]], [7]), [0.0], [[0.0, 0.0]]),
    Row("nobody alike", supervised, ([[3.0], [1e18]], [7, 8]), [0.0, 0.0], [[0.0], [0.0]]),
    Row("nobody unlike", supervised, ([[3.0], [1.0]], [7, 7]), [0.0, 0.0], [[0.0], [0.0]]),
    Row(
        "the largest product is with itself",
        supervised,
        ([[100.0], [1.0], [1.0]], [-1, -1, 2147483647]),
        [LOG2, 0.0, 0.0],
        [[0.0], [-50.0], [50.0]],
        ONE,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_what_must_come_out(on, row):
    assert_truth(on, row)


@every_whole_setting
@every_reduction
@pytest.mark.parametrize(
    "chunk", [pytest.param(1, marks=except_on_jax), 15, pytest.param(1000, marks=except_on_jax)]
)
@fewer(reduction=["none", "weighted_mean"], chunk=[15])
def test_chunks_of_any_size(on, case, options, reduction, chunk):
    """One term each; two, of which the last has one; all. By every trained array."""
    call = Call(on, case, n=7)
    weights, where = [*WEIGHTS, 1.5], [*WHERE, True]
    settings = {**options, **extras(on, weights, where), "reduction": reduction}
    exact = expected(case, call.data, options, reduction, weights, where)
    with xlosses.engine(chunk):
        call.assert_close(call.loss(**settings)(*call.given), exact.value)
        settings["reduction"] = "sum" if reduction == "none" else reduction
        for found in (
            call.gradients(list(exact.gradients), settings),
            call.slopes(case.slopes, **settings),
        ):
            for name, gradient in found.items():
                call.assert_close(gradient, exact.gradients[name])


@pytest.mark.parametrize("loss", [info_nce, siglip])
def test_a_masked_query_may_hold_anything(on, loss):
    call = Call(on, CASES[loss.__name__])
    queries = call.data["queries"]
    exact = expected(call.case, call.data, {}, "mean", None, WHERE)
    hostile = [row if kept else [math.nan, INF, 0.0, -INF] for row, kept in zip(queries, WHERE, strict=True)]
    call.given = [on.array(hostile), call.arrays["keys"]]
    settings = {"where": on.array(WHERE, "bool"), "reduction": "mean"}
    call.assert_close(loss(*call.given, **settings), exact.value)
    for found in (
        call.gradients(["queries", "keys"], settings),
        call.slopes(["queries", "keys"], **settings),
    ):
        for name, gradient in found.items():
            call.assert_close(gradient, exact.gradients[name])


@pytest.mark.parametrize("loss", [info_nce, siglip, supervised])
def test_what_is_masked_still_is_among_the_others(on, loss):
    """So that NaN there comes out of all the rest."""
    case = CASES[loss.__name__]
    call = Call(on, case)
    compared = list(case.arrays)[0 if loss is supervised else 1]
    spoilt = [[math.nan] * 4 if i == 1 else row for i, row in enumerate(call.data[compared])]
    arrays = {**call.arrays, compared: on.array(spoilt)}
    terms = on.read(loss(**arrays, where=on.array([i != 1 for i in range(6)], "bool"), reduction="none"))
    assert [math.isnan(x) for x in terms] == [i != 1 for i in range(6)]


def test_nan_in_a_query_is_its_own(on):
    x = on.array([[math.nan, 1.0], [2.0, 3.0], [0.0, 1.0]])
    y = on.array([[1.0, 1.0], [0.5, -1.0], [0.0, 1.0]])
    for loss in (info_nce, siglip):
        assert [math.isnan(t) for t in on.read(loss(x, y, reduction="none"))] == [True, False, False]


@pytest.mark.parametrize("options", [{}, {"symmetric": True}])
def test_one_array_in_both_places(on, options):
    """Its gradient is the sum of both."""
    call = Call(on, CASES["info_nce_loss"])
    x = call.arrays["queries"]
    data = dict.fromkeys(("queries", "keys"), call.data["queries"])
    parts = expected(call.case, data, options, "mean").gradients.values()
    both = [sum(pair) for pair in zip(*map(flatten, parts), strict=True)]

    def loss(x, reduction="mean"):
        return info_nce(x, x, reduction=reduction, **options)

    found = [xlosses.value_and_grad(loss)(x)[1]]
    if on.bench.differentiates:
        found.append(on.bench.value_and_grad(loss, x)[1][0])
    for gradient in found:
        assert difference(flatten(exactly(on, gradient)), both) <= 2e-5


def test_a_temperature_decides_no_dtype(on):
    """As of all parameters: what is trained may be wider than what it is used for."""
    if "float64" not in on.bench.dtypes():
        return
    call, wide = Call(on, CASES["info_nce_loss"]), on.array(0.5, "float64")
    found = info_nce(*call.given, temperature=wide)
    assert on.dtype_of(found) == "float32"
    call.assert_close(found, expected(call.case, call.data, {"temperature": 0.5}, "mean").value)
    trained = CASES["info_nce_loss (trained temperature)"]
    assert on.dtype_of(xlosses.value_and_grad(trained.loss, 2)(*call.given, wide)[1]) == "float64"


def test_shapes(on):
    x, y = on.array([[1.0, 2.0]] * 3), on.array([[1.0, 2.0]] * 2)
    for loss in (info_nce, siglip):
        with pytest.raises(
            ValueError, match=r"^keys must have the shape \(3, 2\) to match queries of shape "
        ):
            loss(x, y)
        with pytest.raises(ValueError, match=r"^queries must have a shape \(N, D\), got \(3,\)$"):
            loss(x[:, 0], x[:, 0])
        with pytest.raises(TypeError, match=r"^keys must be an array, got the number 2.5$"):
            loss(x, 2.5)
    with pytest.raises(ValueError, match=r"^embeddings must have a shape \(N, D\), got \(1, 3, 2\)$"):
        supervised(x[None, ...], on.array([1, 2, 3], "int32"))
    with pytest.raises(ValueError, match=r"^labels must have the shape \(3,\) to match embeddings of shape "):
        supervised(x, on.array([[1], [2], [3]], "int32"))
    with pytest.raises(TypeError, match=r"^labels must be integers, got dtype float32$"):
        supervised(x, on.array([1.0, 2.0, 3.0]))
    with pytest.raises(ValueError, match=r"^queries has no entries along axis=1: its shape is \(1, 0\)$"):
        info_nce(on.array([[]]), on.array([[]]))


def test_the_order_of_a_batch_does_not_matter(on):
    order = [3, 0, 5, 1, 4, 2]
    for case in CASES.values():
        if not case.whole:
            continue
        call = Call(on, case)
        mixed = [
            x if case.is_shared(name) else on.array([call.data[name][i] for i in order], dtype_of(call, name))
            for name, x in call.arrays.items()
        ]
        straight = on.read(call.loss(reduction="none")(*call.given))
        found = on.read(call.loss(reduction="none")(*mixed))
        call.assert_close(found, [straight[i] for i in order])


def dtype_of(call, name):
    return "float32" if name in floating(call.case) else "int32"


def test_one_label_for_all(on):
    x = on.array([[1.0, 2.0], [0.5, 0.0], [0.0, 1.0]])
    assert on.read(supervised(x, 7)) == on.read(supervised(x, on.array([7, 7, 7], "int32")))


@every_whole_setting
def test_nothing_has_gradients_of_nothing(on, case, options):
    """An empty batch, by every trained array."""
    call = Call(on, case)
    call.arrays = {name: x if case.is_shared(name) else x[:0, ...] for name, x in call.arrays.items()}
    call.given = list(call.arrays.values())
    settings = {**options, "reduction": "mean"}
    assert tuple(call.loss(**options, reduction="none")(*call.given).shape) == (0,)
    assert on.read(call.loss(**settings)(*call.given)) == 0.0
    for found in (call.gradients(list(case.slopes), settings), call.slopes(case.slopes, **settings)):
        assert found.keys() == {*case.slopes}
        for name, gradient in found.items():
            assert tuple(gradient.shape) == tuple(call.arrays[name].shape)
            assert flatten([on.read(gradient)]) in ([], [0.0])
