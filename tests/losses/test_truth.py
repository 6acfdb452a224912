"""What must come out: kinks, ties, infinities, tails, half types. One row per case, value and gradient."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from matrix import exactly
from tolerances import tolerance

import xlosses
from xlosses.testing.parity import flat

INF, NAN = math.inf, math.nan
ANY = object()  # the convention leaves it open

bce = xlosses.binary_cross_entropy
bce_of_probabilities = partial(bce, with_logits=False)


@dataclass(frozen=True)
class Row:
    """Arguments, the unreduced loss, and the gradient of its sum by the first array."""

    name: str
    loss: Any
    args: tuple[Any, ...]
    value: Any
    gradient: Any = ANY
    options: dict[str, Any] = field(default_factory=dict)
    dtype: str = "float32"


E3 = math.exp(-1) / (1 + math.exp(-1))  # softmax of [-inf, 0, 1]: 0, E3, 1 - E3
THIRD = 1 / 3
CE1 = [[1e4, 1e4 - 0.5]]
CE1_LOSS, CE1_P = math.log1p(math.exp(0.5)), 1 / (1 + math.exp(-0.5))

ROWS = [
    Row("large close logits", xlosses.cross_entropy, (CE1, [1]), [CE1_LOSS], [[CE1_P, -CE1_P]]),
    Row(
        "equal logits 1e8",
        xlosses.cross_entropy,
        ([[1e8] * 3], [1]),
        [math.log(3)],
        [[THIRD, THIRD - 1, THIRD]],
    ),
    Row("a logit of 1e30", xlosses.cross_entropy, ([[1e30, 0.0]], [1]), [1e30], [[1.0, -1.0]]),
    Row(
        "impossible class, not the label",
        xlosses.cross_entropy,
        ([[-INF, 0.0, 1.0]], [2]),
        [0.31326168751822286],
        [[0.0, E3, -E3]],
    ),
    Row(
        "impossible class, the label",
        xlosses.cross_entropy,
        ([[-INF, 0.0, 1.0]], [0]),
        [INF],
        [[-1.0, E3, 1 - E3]],
    ),
    Row(
        "impossible class, one-hot",
        xlosses.cross_entropy,
        ([[-INF, 0.0, 1.0]], [[0.0, 0.0, 1.0]]),
        [0.31326168751822286],
        [[0.0, E3, -E3]],
    ),
    Row(
        "impossible class, smoothed",
        xlosses.cross_entropy,
        ([[-INF, 0.0, 1.0]], [2]),
        [INF],
        options={"label_smoothing": 0.1},
    ),
    Row("nothing possible", xlosses.cross_entropy, ([[-INF, -INF]], [0]), [NAN]),
    Row(
        "probabilities that do not sum to 1",
        xlosses.cross_entropy,
        ([[0.0, 0.0]], [[2.0, 1.0]]),
        [3 * math.log(2)],
        [[-0.5, 0.5]],
    ),
    Row(
        "infinite logits",
        bce,
        ([INF, -INF, INF, -INF], [1.0, 0.0, 0.0, 1.0]),
        [0.0, 0.0, INF, INF],
        [0.0, 0.0, 1.0, -1.0],
    ),
    Row(
        "tails of the logistic, right side",
        bce,
        ([20.0], [1.0]),
        [2.0611536203185463e-09],
        [-2.061153618190204e-09],
    ),
    Row("far tail, right side", bce, ([-60.0], [0.0]), [8.75651076269652e-27], [8.75651076269652e-27]),
    Row(
        "logit 0",
        bce,
        ([0.0, 0.0, 0.0], [0.0, 0.25, 1.0]),
        [math.log(2)] * 3,
        [0.5, 0.25, -0.5],
    ),
    Row(
        "certain probabilities",
        bce_of_probabilities,
        ([0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]),
        [0.0, 0.0, 100.0, 100.0],
        [1.0, -1.0, 0.0, 0.0],
    ),
    Row(
        "probability 1e-20",
        bce_of_probabilities,
        ([1e-20], [1.0]),
        [46.051701859880914],
        [-1e20],
    ),
    Row("probability outside [0, 1]", bce_of_probabilities, ([-0.5, 1.5], [0.0, 1.0]), [NAN, NAN]),
    Row(
        "zero target probability",
        xlosses.kl_div_loss,
        ([[-1.0, -INF], [-0.5, 0.0], [0.0, -3.0]], [[0.0, -INF], [-INF, -INF], [0.0, -INF]]),
        [1.0, 0.0, 0.0],
        [[-1.0, 0.0], [0.0, 0.0], [-1.0, 0.0]],
    ),
    Row("predicted impossible", xlosses.kl_div_loss, ([[-INF, 0.0]], [[0.0, -INF]]), [INF], [[-1.0, 0.0]]),
    Row("NaN beside zero probability", xlosses.kl_div_loss, ([[0.0, NAN]], [[0.0, -INF]]), [NAN]),
    Row(
        "small errors",
        xlosses.log_cosh_loss,
        ([1e-4], [0.0]),
        [4.9999999916666665e-09],
        [9.999999966666667e-05],
    ),
    Row("smaller errors", xlosses.log_cosh_loss, ([1e-5], [0.0]), [5e-11], [1e-5]),
    Row(
        "large errors",
        xlosses.log_cosh_loss,
        ([1e4, -1e4, 40.0, -40.0], [0.0] * 4),
        [9999.306852819441, 9999.306852819441, 39.30685281944005, 39.30685281944005],
        [1.0, -1.0, 1.0, -1.0],
    ),
    Row("small errors in half", xlosses.log_cosh_loss, ([0.01], [0.0]), [5e-5], [0.01], dtype="float16"),
    Row("Huber at 1e30", xlosses.huber_loss, ([1e30, -1e30], [0.0, 0.0]), [1e30, 1e30], [1.0, -1.0]),
    Row("Huber at inf", xlosses.huber_loss, ([INF, -INF], [0.0, 0.0]), [INF, INF]),
    Row(
        "Huber at its thresholds",
        xlosses.huber_loss,
        ([0.0, 1.0, -1.0, 0.5], [0.0] * 4),
        [0.0, 0.5, 0.5, 0.125],
        [0.0, 1.0, -1.0, 0.5],
    ),
    Row("smooth l1 at 1e30", xlosses.smooth_l1_loss, ([1e30], [0.0]), [1e30], [1.0]),
    Row("smooth l1 at inf", xlosses.smooth_l1_loss, ([INF], [0.0]), [INF]),
    Row(
        "smooth l1 at its thresholds",
        xlosses.smooth_l1_loss,
        ([0.0, 0.5, -0.5], [0.0] * 3),
        [0.0, 0.25, 0.25],
        [0.0, 1.0, -1.0],
        {"beta": 0.5},
    ),
    Row(
        "smooth l1, beta 0",
        xlosses.smooth_l1_loss,
        ([0.0, 2.0], [0.0, 0.0]),
        [0.0, 2.0],
        [0.0, 1.0],
        {"beta": 0.0},
    ),
    Row("l1 at 1e30", xlosses.l1_loss, ([1e30], [0.0]), [1e30], [1.0]),
    Row("l1 at inf", xlosses.l1_loss, ([INF, -INF], [0.0, 0.0]), [INF, INF], [1.0, -1.0]),
    Row("l1 at its kink", xlosses.l1_loss, ([2.0, 0.0], [2.0, 0.0]), [0.0, 0.0], [0.0, 0.0]),
    Row(
        "hinge on both sides of its kink",
        xlosses.hinge_loss,
        ([1.5, 0.5, -1.5, -0.5, 0.0], [1.0, 1.0, -1.0, -1.0, 1.0]),
        [0.0, 0.5, 0.0, 0.5, 1.0],
        [0.0, -1.0, 0.0, 1.0, -1.0],
    ),
    Row("hinge at its kink", xlosses.hinge_loss, ([1.0, -1.0], [1.0, -1.0]), [0.0, 0.0], [0.0, 0.0]),
    Row(
        "margin ranking at its kink",
        xlosses.margin_ranking_loss,
        ([1.0], [0.5], [1.0]),
        [0.0],
        [0.0],
        {"margin": 0.5},
    ),
    Row(
        "zero vectors",
        xlosses.cosine_similarity_loss,
        ([[0.0, 0.0], [0.0, 0.0], [3.0, 4.0]], [[0.0, 0.0], [1.0, 2.0], [0.0, 0.0]]),
        [0.0, 0.0, 0.0],
        [[0.0, 0.0]] * 3,
    ),
    Row(
        "vectors of length 1e30 and 1e-30",
        xlosses.cosine_similarity_loss,
        ([[1e30, 0.0], [1e30, 1e30]], [[1e30, 0.0], [3e-5, 3e-5]]),
        [1.0, 1.0],
    ),
    Row(
        "half vectors whose squares overflow",
        xlosses.cosine_similarity_loss,
        ([[300.0, 300.0], [0.0, 0.0]], [[300.0, 300.0], [1.0, 1.0]]),
        [1.0, 0.0],
        dtype="float16",
    ),
    Row(
        "lengths whose product is eps: the clamp acts",
        xlosses.cosine_similarity_loss,
        ([[3.0, 4.0]], [[4.0, 3.0]]),
        [0.96],
        [[0.16, 0.12]],
        {"eps": 25.0},
    ),
    Row(
        "eps of 0 and zero vectors",
        xlosses.cosine_similarity_loss,
        ([[0.0, 0.0], [0.0, 0.0], [3.0, 4.0]], [[0.0, 0.0], [1.0, 2.0], [0.0, 0.0]]),
        [0.0, 0.0, 0.0],
        [[0.0, 0.0]] * 3,
        {"eps": 0.0},
    ),
    *(
        Row(
            f"anchor is positive, p={p}, eps={eps}",
            xlosses.triplet_loss,
            ([[1.0, 2.0]], [[1.0, 2.0]], [[1.0, 2.0]]),
            [1.0],
            [[0.0, 0.0]],
            {"p": p, "eps": eps},
        )
        for p in (1, 2, 3, INF)
        for eps in (0.0, 1e-6)
    ),
    *(
        Row(
            f"anchor is positive, negative is not, p={p}",
            xlosses.triplet_loss,
            ([[0.0, 0.0]], [[0.0, 0.0]], [[0.0, 5.0]]),
            [1.0],
            [[0.0, 1.0]],
            {"p": p, "eps": 0.0, "margin": 6.0},
        )
        for p in (1, 2, 3, INF)
    ),
    Row(
        "odd p takes |d|",
        xlosses.triplet_loss,
        ([[0.0, 0.0]], [[-3.0, 4.0]], [[0.0, 1.0]]),
        [91 ** (1 / 3)],
        options={"p": 3, "eps": 0.0},
    ),
    Row(
        "p = inf is the maximum, ties share",
        xlosses.triplet_loss,
        ([[0.0, 0.0, 0.0]], [[-4.0, 4.0, 1.0]], [[0.0, 1.0, 0.5]]),
        [4.0],
        [[0.5, -0.5 + 1.0, 0.0]],
        {"p": INF},
    ),
    Row(
        "distances whose squares overflow",
        xlosses.triplet_loss,
        ([[0.0, 0.0]], [[3e30, 4e30]], [[0.0, 0.0]]),
        [5e30],
        [[-0.6, -0.8]],
        {"eps": 0.0},
    ),
    Row(
        "distances whose reciprocal is subnormal",
        xlosses.triplet_loss,
        ([[0.0, 0.0]], [[0.0, 2e38]], [[0.0, 0.0]]),
        [2e38],
        [[0.0, -1.0]],
        {"eps": 0.0},
    ),
    Row(
        "a cosine of lengths whose reciprocal is subnormal",
        xlosses.cosine_similarity_loss,
        ([[0.0, 2e38]], [[0.0, 3e38]]),
        [1.0],
    ),
    Row(
        "variance 0 in half",
        xlosses.gaussian_nll_loss,
        ([1.0], [1.0], [0.0]),
        [-6.907755278982137],
        [0.0],
        dtype="float16",
    ),
    Row("negative variance", xlosses.gaussian_nll_loss, ([1.0], [1.0], [-1.0]), [NAN]),
]


# NumPy says so where a result is NaN that no input was.
@pytest.mark.filterwarnings("ignore:invalid value encountered in (subtract|log1p|log):RuntimeWarning")
@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_truth(on, row):
    check(on, row)


def check(on, row):
    if row.dtype not in on.bench.dtypes():
        assert on.name == "strict"  # the one framework without half types
        return
    given = [on.array(a, row.dtype if isinstance(flat(a)[0], float) else "int32") for a in row.args]
    value = exactly(on, row.loss(*given, reduction="none", **row.options))
    assert_same(on, value, row.value, row.dtype)
    if row.gradient is not ANY:
        for gradient in gradients(on, row, given):
            assert_same(on, exactly(on, gradient), row.gradient, row.dtype)


def gradients(on, row, given):
    if on.bench.differentiates:
        f = partial(row.loss, reduction="sum", **row.options)
        yield on.bench.value_and_grad(lambda x: f(x, *given[1:]), given[0])[1][0]
    yield xlosses.value_and_grad(row.loss)(*given, reduction="sum", **row.options)[1]


def assert_same(on, found, wanted, dtype):
    """Entry by entry, each relative to itself: a tail must be as exact as the largest loss."""
    for a, b in zip(flat(found), flat(wanted), strict=True):
        if math.isnan(b):
            assert math.isnan(a), f"{found} is not {wanted}"
        else:
            limit = 2 * tolerance(on.name, dtype)
            assert math.isclose(a, b, rel_tol=limit, abs_tol=0 if b else 1e-12), f"{found} is not {wanted}"


def test_unsigned_integers_do_not_wrap(on):
    zero, one = on.array([0], "uint8"), on.array([1], "uint8")
    loss = xlosses.mse_loss(zero, one)
    assert on.read(loss) == 1.0
    assert on.dtype_of(loss) == on.default_float
    assert on.read(xlosses.value_and_grad(xlosses.mse_loss)(zero, one)[1]) == [-2.0]


def test_values_of_the_seed(on):
    x1 = on.array([-0.573409, -0.765166, -0.0638])
    x2 = on.array([0.75596, 0.225763, 0.256995])
    y = on.array([1, 1, -1], "int32")
    assert math.isclose(
        on.read(xlosses.margin_ranking_loss(x1, x2, y, reduction="mean")), 0.773433, rel_tol=1e-5
    )
    terms = on.read(xlosses.margin_ranking_loss(x1, x2, y))
    assert terms == pytest.approx([1.32937, 0.990929, 0.0], rel=1e-5)
    logits = on.array([[2.0, -1.0], [-1.0, 2.0]])
    found = on.read(xlosses.cross_entropy(logits, on.array([0, 1], "int32")))
    assert found == pytest.approx([0.0485873, 0.0485873], rel=5e-6)
    found = on.read(xlosses.cross_entropy(logits, on.array([[0.9, 0.1], [0.1, 0.9]])))
    assert found == pytest.approx([0.348587, 0.348587], rel=5e-6)
    triplet = [on.array(v, "int32") for v in ([[1, 2, 3]], [[4, 5, 6]], [[7, 8, 9]])]
    assert on.read(xlosses.triplet_loss(*triplet)) == [0.0]
