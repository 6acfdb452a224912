"""Lists of scores: ties, items that are not kept, lists without pairs, infinite scores, blocks."""

from __future__ import annotations

import math

import pytest
from matrix import exactly
from test_truth import INF, NAN, Row, check
from tolerances import tolerance

import xlosses
from xlosses.testing import CASES, expected
from xlosses.testing.parity import difference

softmax, pairs = xlosses.ranking_softmax_loss, xlosses.pairwise_logistic_loss
LOG2, TAIL = math.log(2), 8.75651076269652e-27

ROWS = [
    Row("equal scores", softmax, ([[5.0, 5.0]], [[1.0, 0.0]]), [LOG2], [[-0.5, 0.5]]),
    Row("relevances are a factor", softmax, ([[5.0, 5.0]], [[3.0, 1.0]]), [4 * LOG2], [[-1.0, 1.0]]),
    Row("nothing is relevant", softmax, ([[5.0, -5.0]], [[0.0, 0.0]]), [0.0], [[0.0, 0.0]]),
    Row("one item", softmax, ([[5.0]], [[2.0]]), [0.0], [[0.0]]),
    Row("large scores", softmax, ([[1e8, 1e8]], [[1.0, 0.0]]), [LOG2], [[-0.5, 0.5]]),
    Row("an item that cannot be", softmax, ([[0.0, 0.0, -INF]], [[1, 0, 0]]), [LOG2], [[-0.5, 0.5, 0.0]]),
    Row("a relevant item that cannot be", softmax, ([[0.0, -INF]], [[0.0, 1.0]]), [INF], [[1.0, -1.0]]),
    Row("NaN", softmax, ([[NAN, 0.0], [0.0, 0.0]], [[1.0, 0.0], [NAN, 0.0]]), [NAN, NAN]),
    Row("a tie of scores", pairs, ([[5.0, 5.0]], [[1.0, 0.0]]), [LOG2], [[-0.5, 0.5]]),
    Row("a tie of relevances", pairs, ([[5.0, -5.0]], [[1.0, 1.0]]), [0.0], [[0.0, 0.0]]),
    Row("three pairs", pairs, ([[0.0, 0.0, 0.0]], [[2.0, 1.0, 0.0]]), [3 * LOG2], [[-1.0, 0.0, 1.0]]),
    Row("tail", pairs, ([[60.0, 0.0]], [[1, 0]]), [TAIL], [[-TAIL, TAIL]]),
    Row("far behind", pairs, ([[0.0, 1e30]], [[1, 0]]), [1e30], [[-1.0, 1.0]]),
    Row("infinitely ahead", pairs, ([[INF, 0.0]], [[1, 0]]), [0.0], [[0.0, 0.0]]),
    Row("infinitely behind", pairs, ([[-INF, 0.0]], [[1, 0]]), [INF], [[-1.0, 1.0]]),
    Row("equal infinities that no pair has", pairs, ([[INF, INF]], [[1, 1]]), [0.0], [[0.0, 0.0]]),
    Row("NaN that no pair has", pairs, ([[NAN, 0.0], [0.0, 0.0]], [[1.0, 1.0], [NAN, 1.0]]), [NAN, NAN]),
    Row(
        "half types",
        pairs,
        ([[-200.0, 300.0, 400.0]], [[1, 0, 0]]),
        [1100.0],
        [[-2.0, 1.0, 1.0]],
        dtype="float16",
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_truth_of_lists(on, row):
    check(on, row)


@pytest.mark.parametrize("loss", [softmax, pairs])
def test_what_is_not_kept_may_hold_anything(on, loss):
    """And is as if it were not there; a list of nothing costs nothing."""
    s = on.array([[0.5, NAN, 1.5], [NAN, INF, -INF]])
    y = on.array([[1.0, INF, 0.0], [NAN, 1.0, 0.0]])
    kept = on.array([[True, False, True], [False, False, False]], "bool")
    wanted = math.log1p(math.e)
    chance = math.e / (1 + math.e)
    assert on.read(loss(s, y, kept=kept, reduction="none")) == pytest.approx([wanted, 0.0], rel=1e-6)
    value, gradient = xlosses.value_and_grad(loss)(s, y, kept=kept, reduction="sum")
    assert on.read(value) == pytest.approx(wanted, rel=1e-6)
    assert on.read(gradient) == [pytest.approx([-chance, 0.0, chance], rel=1e-6), [0.0] * 3]
    if on.bench.differentiates:
        _, (found,) = on.bench.value_and_grad(lambda s: loss(s, y, kept=kept, reduction="sum"), s)
        assert on.read(found) == [pytest.approx([-chance, 0.0, chance], rel=1e-6), [0.0] * 3]


def test_the_weighted_mean_is_that_of_all_pairs(on):
    s, y = on.array([[0.0, 0.0, 0.0], [0.0, 1.0, 7.0]]), on.array([[2.0, 1.0, 0.0], [1.0, 0.0, 1.0]])
    terms = [3 * LOG2, math.log1p(math.e) + math.log1p(math.exp(-6))]
    assert on.read(pairs(s, y, reduction="mean")) == pytest.approx(sum(terms) / 2, rel=1e-6)
    assert on.read(pairs(s, y, reduction="weighted_mean")) == pytest.approx(sum(terms) / 5, rel=1e-6)
    nothing = on.read(pairs(s, on.array([[1.0] * 3] * 2), reduction="weighted_mean"))
    assert nothing == 0.0


def test_long_lists_in_blocks(on):
    """Lists of which a few have as many pairs as a block has entries."""
    s = [[math.sin(7.0 * i + 3.0 * k) for k in range(40)] for i in range(6)]
    y = [[float((i + k) % 3) for k in range(40)] for i in range(6)]
    wanted = expected(CASES["pairwise_logistic_loss"], {"scores": s, "relevances": y}, {}, "mean")
    with xlosses.engine(4096):
        value, gradient = xlosses.value_and_grad(pairs)(on.array(s), on.array(y))
    assert difference(exactly(on, value), wanted.value) <= tolerance(on.name)
    assert difference(exactly(on, gradient), wanted.gradients["scores"]) <= tolerance(on.name)


@pytest.mark.parametrize("loss", [softmax, pairs])
def test_the_items_lie_along_any_axis(on, loss):
    s, y = on.array([[0.5, -1.0, 2.0], [1.5, 0.0, -0.5]]), on.array([[1.0, 0.0, 2.0], [0.0, 1.0, 1.0]])
    turned = [on.bench.xp.permute_dims(x, (1, 0)) for x in (s, y)]
    wanted = on.read(loss(s, y, reduction="none"))
    assert on.read(loss(*turned, axis=0, reduction="none")) == pytest.approx(wanted, rel=1e-6)
