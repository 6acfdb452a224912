"""Values and gradients of every loss, for each reduction, weights and mask, against its reference."""

from __future__ import annotations

import math

import pytest
from matrix import (
    TESTED,
    Call,
    every_case,
    every_loss,
    every_reduction,
    every_setting,
    fewer,
    flatten,
    floating,
    of_cases,
    traceable,
)

import xlosses
from xlosses.testing import KINDS, expected

WEIGHTS = [0.5, 2.0, 0.0, 1.0, 3.0, 0.25]
WHERE = [True, False, True, True, False, True]

weightings = pytest.mark.parametrize(
    ("weights", "where"),
    [(None, None), (WEIGHTS, None), (None, WHERE), (WEIGHTS, WHERE)],
    ids=["plain", "weights", "where", "weights and where"],
)


def extras(on, weights, where):
    found = {}
    if weights is not None:
        found["weights"] = on.array(weights)
    if where is not None:
        found["where"] = on.array(where, "bool")
    return found


def filled(x, value):
    """As many of this value as x has entries."""
    return [filled(part, value) for part in x] if isinstance(x, list) else value


@every_loss
@every_setting
@every_reduction
@weightings
@fewer(weights=[WEIGHTS], where=[WHERE])
def test_value_and_gradient(on, case, options, reduction, weights, where):
    call = Call(on, case)
    exact = expected(case, call.data, options, reduction, weights, where)
    settings = {**options, **extras(on, weights, where), "reduction": reduction}
    call.assert_close(call.loss(**settings)(*call.given), exact.value)
    if reduction == "none":
        settings["reduction"] = "sum"
    for name, gradient in call.gradients(list(exact.gradients), settings).items():
        call.assert_close(gradient, exact.gradients[name])


@every_setting
@every_reduction
@fewer(reduction=["weighted_mean"])
def test_slope_is_the_gradient(on, case, options, reduction):
    call = Call(on, case)
    reduction = "sum" if reduction == "none" else reduction
    exact = expected(case, call.data, options, reduction, WEIGHTS, WHERE)
    slopes = call.slopes(case.slopes, **options, **extras(on, WEIGHTS, WHERE), reduction=reduction)
    for name, slope in slopes.items():
        call.assert_close(slope, exact.gradients[name])
        assert tuple(slope.shape) == tuple(call.arrays[name].shape)


@every_setting
def test_every_dtype(on, case, options, dtype):
    call = Call(on, case, dtype=dtype)
    terms = expected(case, call.data, options)
    found = call.loss(**options, reduction="none")(*call.given)
    assert on.dtype_of(found) == dtype
    call.assert_close(found, terms.value)
    mean = expected(case, call.data, options, "mean")
    found = call.loss(**options, reduction="mean")(*call.given)
    assert on.dtype_of(found) == dtype
    call.assert_close(found, mean.value)
    for name, gradient in call.gradients(list(mean.gradients), {**options, "reduction": "mean"}).items():
        assert on.dtype_of(gradient) == dtype
        call.assert_close(gradient, mean.gradients[name])


@every_loss
@every_case
def test_nan_where_masked(on, case):
    call = Call(on, case)
    settings = {"reduction": "sum", **extras(on, WEIGHTS, WHERE)}
    exact = expected(case, call.data, {}, "sum", WEIGHTS, WHERE)
    for name in case.separate:
        dtype = KINDS[case.arrays[name]].dtype or "float32"
        spoilt = {"float32": math.nan, "int32": 999, "bool": False}[dtype]
        column = [x if kept else filled(x, spoilt) for x, kept in zip(call.data[name], WHERE, strict=True)]
        call.arrays[name] = on.array(column, dtype)
    call.given = list(call.arrays.values())
    settings["weights"] = on.array([w if kept else math.nan for w, kept in zip(WEIGHTS, WHERE, strict=True)])
    call.assert_close(call.loss(**settings)(*call.given), exact.value)
    for name, gradient in call.gradients(list(exact.gradients), settings).items():
        call.assert_close(gradient, exact.gradients[name])
    terms = on.read(call.loss(**{**settings, "reduction": "none"})(*call.given))
    assert [x for x, kept in zip(terms, WHERE, strict=True) if not kept] == [0.0, 0.0]


@every_case
@every_reduction
@fewer(reduction=["none", "weighted_mean"])
def test_everything_masked(on, case, reduction):
    call = Call(on, case)
    settings = {"where": on.array([False] * 6, "bool"), "reduction": reduction}
    found = on.read(call.loss(**settings)(*call.given))
    assert found == ([0.0] * 6 if reduction == "none" else 0.0)
    settings["reduction"] = "sum" if reduction == "none" else reduction
    for gradient in call.gradients([call.first], settings).values():
        call.assert_close(gradient, on.read(gradient * 0.0))
        assert not any(x != 0 for x in flatten(on.read(gradient)))


@every_case
@pytest.mark.parametrize("reduction", ["mean", "weighted_mean", "sum"])
@fewer(reduction=["weighted_mean"])
def test_empty_batch(on, case, reduction):
    call = Call(on, case)
    call.given = [x if case.is_shared(name) else x[:0, ...] for name, x in call.arrays.items()]
    assert on.read(call.loss(reduction=reduction)(*call.given)) == 0.0
    for gradient in call.gradients([call.first], {"reduction": reduction}).values():
        assert tuple(gradient.shape) == tuple(call.given[0].shape)


# Whose terms count for their number of pairs or labels, by which signs of weights are multiplied.
OF_PAIRS = ("pairwise_logistic_loss", "nt_xent_loss", "ctc_loss")


@every_case
@pytest.mark.parametrize("weights", [0.0, [0.0] * 6], ids=["number", "array"])
def test_weights_of_zero(on, case, weights):
    assert_nothing(on, case, weights if isinstance(weights, float) else on.array(weights))


@of_cases([case for case in TESTED if case.loss_name not in OF_PAIRS])
def test_weights_that_sum_to_zero(on, case):
    assert_nothing(on, case, on.array([1.0, -1.0] * 3))


def assert_nothing(on, case, weights):
    call = Call(on, case)
    settings = {"weights": weights, "reduction": "weighted_mean"}
    assert on.read(call.loss(**settings)(*call.given)) == 0.0
    for gradient in call.gradients([call.first], settings).values():
        assert not any(x != 0 for x in flatten(on.read(gradient)))


@every_case
def test_nan_that_is_not_masked_comes_out(on, case):
    call = Call(on, case)
    for position, name in enumerate(set(floating(case)) & {*case.separate}):
        column = call.data[name]
        spoilt = [filled(column[0], math.nan), *column[1:]]
        given = list(call.given)
        given[list(call.arrays).index(name)] = on.array(spoilt)
        terms = on.read(call.loss(reduction="none")(*given))
        assert math.isnan(terms[0]), f"array {position}, {name}"
        assert not any(map(math.isnan, terms[1:]))
        assert math.isnan(on.read(call.loss(reduction="mean")(*given)))


@every_case
def test_inputs_are_unchanged(on, case):
    call = Call(on, case)
    for x in call.given:
        if hasattr(x, "flags"):
            x.flags.writeable = False
    before = [on.read(x) for x in call.given]
    call.loss(reduction="mean", where=on.array(WHERE, "bool"))(*call.given)
    xlosses.value_and_grad(call.case.loss)(*call.given)
    assert [on.read(x) for x in call.given] == before


@every_case
def test_keywords_and_positions_agree(on, case):
    call = Call(on, case)
    by_keyword = call.loss(reduction="mean")(**call.arrays)
    assert on.read(by_keyword) == on.read(call.loss(reduction="mean")(*call.given))


@every_setting
def test_parameters_as_arrays_of_no_axes(on, case, options):
    """The same as the number, for value and slope; beta = 0 included, which is then not seen."""
    numbers = traceable(case, options)
    call = Call(on, case)
    traced = {**options, **{k: on.array(v) for k, v in numbers.items()}}
    exact = expected(case, call.data, options, "mean")
    call.assert_close(call.loss(**traced, reduction="mean")(*call.given), exact.value)
    call.assert_close(call.slope(**traced, reduction="mean"), exact.gradients[call.first])
