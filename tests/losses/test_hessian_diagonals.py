"""The diagonal of the Hessian, of every loss that has one by an array whose entries matter to one term."""

from __future__ import annotations

import math

import numpy as np
import pytest
from differences import diagonal_differences
from matrix import Call, every_case, every_setting, exactly, except_on_jax, fewer, flatten
from tolerances import second_tolerance

import xlosses
from xlosses._core.formula import declared

WEIGHTS, KEPT = [0.5, 2.0, 0.0, 1.5], [True, False, True, True]
SHARED = "which all terms share"


def diagonal(call, name, **options):
    """The diagonal by the array of this name, as numbers; None if all terms share that array."""
    place = [*call.arrays].index(name)
    try:
        found = xlosses.hessian_diagonal(call.loss(**options), place)(*call.given)
    except TypeError as error:
        assert SHARED in str(error)
        assert call.case.whole or call.case.is_shared(name)
        return None
    assert found.dtype == call.given[place].dtype
    assert found.shape == call.given[place].shape
    return exactly(call.on, found)


def assert_close(case, found, wanted):
    found, limit = flatten(found), second_tolerance(case.loss_name, by_products=case.whole)
    scale = max(map(abs, wanted))
    rounding = 1e-9  # of the central differences
    assert max(abs(a - b) for a, b in zip(found, wanted, strict=True)) <= limit * scale + rounding


@except_on_jax
@every_setting
@fewer(options="first")
def test_diagonal(on, case, options):
    """Against central differences of the exact gradient, in double precision."""
    call = Call(on, case, n=4)
    for name in case.slopes:
        found = diagonal(call, name, **options, reduction="mean")
        if found is not None:
            assert_close(case, found, diagonal_differences(case, call.data, options, name, "mean"))


@except_on_jax
@every_case
def test_weights_and_mask(on, case, setting):
    call = Call(on, case, n=4)
    weights, where = on.array(WEIGHTS), on.bench.array(KEPT, "bool")
    for name in case.slopes:
        with xlosses.engine(setting):
            found = diagonal(call, name, reduction="weighted_mean", weights=weights, where=where)
        if found is not None:
            wanted = diagonal_differences(case, call.data, {}, name, "weighted_mean", WEIGHTS, KEPT)
            assert_close(case, found, wanted)
            width = len(flatten(found)) // 4
            assert flatten(found)[width : 2 * width] == [0.0] * width


def test_a_nan_that_is_masked_adds_nothing(on):
    x, y = on.array([0.5, math.nan, 3.0]), on.array([0.0, 1.0, math.nan])
    kept = on.bench.array([True, False, True], "bool")
    found = on.read(xlosses.hessian_diagonal(xlosses.log_cosh_loss)(x, y, where=kept, reduction="sum"))
    assert found[0] == pytest.approx(1.0 / math.cosh(0.5) ** 2, rel=1e-5)
    assert found[1] == 0.0
    assert math.isnan(found[2])


def test_rows_along_other_axes(on):
    rows = [[0.5, -1.0, 2.0], [1.5, 0.0, -0.5]]
    columns, labels = (
        on.array([[*column] for column in zip(*rows, strict=True)]),
        on.bench.array([2, 0], "int32"),
    )
    ask = xlosses.hessian_diagonal(xlosses.cross_entropy)
    found, wanted = on.read(ask(columns, labels, axis=0)), on.read(ask(on.array(rows), labels))
    assert flatten([[*row] for row in zip(*found, strict=True)]) == pytest.approx(flatten(wanted), rel=1e-5)
    shares = [[math.exp(x) / sum(map(math.exp, row)) for x in row] for row in rows]
    assert flatten(wanted) == pytest.approx([0.5 * p * (1.0 - p) for row in shares for p in row], rel=1e-4)


def test_relative_accuracy_far_from_zero(on):
    """p (1 - p) of a logit of 30, where 1 - p is 0 in float32."""
    x, ones = on.array([30.0, -30.0, 0.0]), on.array([1.0, 1.0, 1.0])
    found = on.read(xlosses.hessian_diagonal(xlosses.binary_cross_entropy)(x, ones, reduction="sum"))
    assert found == pytest.approx([math.exp(-30.0), math.exp(-30.0), 0.25], rel=1e-5)


def test_relative_accuracy_of_a_certain_class(on):
    """p (1 - p) of classes 20 above the others, where 1 - p is 0 in float32."""
    logits, labels = on.array([[20.0, 0.0, 0.0], [0.0, 0.0, 20.0]]), on.bench.array([0, 0], "int32")
    found = on.read(xlosses.hessian_diagonal(xlosses.cross_entropy)(logits, labels, reduction="sum"))
    small = math.exp(-20.0)
    assert found[0] == pytest.approx([2.0 * small, small, small], rel=1e-5)
    assert found[1] == pytest.approx([small, small, 2.0 * small], rel=1e-5)


def test_by_several_arrays(on):
    x, s, y = (on.array(values) for values in ([0.5, 4.0], [1.0, 2.0], [0.0, 0.0]))

    def loss(x, s, reduction="mean"):
        return xlosses.gaussian_nll_loss(x, y, s, reduction=reduction)

    by_x, by_s = xlosses.hessian_diagonal(loss, (0, 1))(x, s)
    assert on.read(by_x) == pytest.approx([0.5, 0.25])
    assert on.read(by_s) == pytest.approx([0.5 * (0.25 - 0.5), 0.5 * (16.0 / 8.0 - 0.125)])


def test_a_broadcast_row_has_the_sum(on):
    x, y = on.array([[1.0, 2.0]]), on.array([[2.0, 0.5], [0.5, -1.0]])
    ask = xlosses.hessian_diagonal(xlosses.cosine_similarity_loss)
    apart = ask(on.array([[1.0, 2.0], [1.0, 2.0]]), y, reduction="sum")
    found, (first, second) = on.read(ask(x, y, reduction="sum")), on.read(apart)
    assert found[0] == pytest.approx([a + b for a, b in zip(first, second, strict=True)], rel=1e-4)


@declared("rows", "labels", reads_one_entry=True)
def cubed(xp, x, label):
    return xp.pick(x, label) ** 3


@cubed.slope
def cubed_slope(xp, x, label):
    return 3.0 * xp.pick(x, label) ** 2


def test_a_formula_that_reads_one_entry(on):
    x, labels = on.array([[1.0, 2.0], [3.0, 4.0]]), on.bench.array([1, 0], "int32")
    found = xlosses.hessian_diagonal(
        lambda x: xlosses.evaluate(cubed, dict(x=x, labels=labels), reduction="sum")
    )
    assert on.read(found(x)) == [[0.0, 12.0], [18.0, 0.0]]


def of(form):
    return lambda x, y: xlosses.evaluate(form, dict(x=x, y=y))


@xlosses.formula
def steep(xp, x, y):
    return xp.where(x > y, x - y, 0.0) ** 1.5


@steep.slope
def steep_slope(xp, x, y):
    return 1.5 * xp.where(x > y, xp.sqrt(x - y), 0.0)


def test_an_infinite_derivative_that_is_not_selected(on):
    """It neither gets into the sum nor warns."""
    x, y = on.array([1.0, 5.0]), on.array([1.0, 1.0])
    # array-api-strict warns as NumPy does, which the engine quiets for NumPy alone.
    with np.errstate(all="ignore" if on.name == "strict" else None):
        assert on.read(xlosses.hessian_diagonal(of(steep))(x, y)) == [0.0, 0.1875]


@xlosses.formula
def sorted_error(xp, x, y):
    return (x - y) ** 2


@sorted_error.slope
def sorted_error_slope(xp, x, y):
    return 2.0 * xp.sort(x - y)


@xlosses.formula
def no_slope(xp, x, y):
    return (x - y) ** 2


def test_what_has_no_diagonal_is_refused(on):
    x, y = on.array([0.5, 4.0]), on.array([0.0, 1.0])
    vectors, diagonal = on.array([[0.5, 1.0], [0.25, -1.0]]), xlosses.hessian_diagonal
    with pytest.raises(TypeError, match=r"<formula sorted_error> .* derivative of xp\.sort"):
        diagonal(of(sorted_error))(x, y)
    with pytest.raises(TypeError, match=r"<formula no_slope> has no slope"):
        diagonal(of(no_slope))(x, y)
    with pytest.raises(ValueError, match=r"reduction='none'"):
        diagonal(xlosses.mse_loss)(x, y, reduction="none")
    with pytest.raises(TypeError, match=r"^hessian_diagonal has the second derivative of a loss alone"):
        diagonal(lambda x, y: 2.0 * xlosses.mse_loss(x, y))(x, y)
    with pytest.raises(TypeError, match=r"compares the array with itself"):
        diagonal(lambda x: xlosses.cosine_similarity_loss(x, x, reduction="mean"))(vectors)
    with pytest.raises(TypeError, match=SHARED):
        diagonal(xlosses.info_nce_loss, 1)(vectors, on.array([[1.0, 0.0], [0.0, 1.0]]))
