"""Every loss under every transformation of the framework: the same value, the same gradient."""

from __future__ import annotations

import math

import pytest
from differences import second_differences
from matrix import (
    DETACHED,
    SETTINGS,
    Call,
    every_attached_setting,
    every_case,
    every_loss,
    every_reduction,
    every_setting,
    except_on_jax,
    fewer,
    flatten,
    of_settings,
    traceable,
)
from tolerances import second_tolerance

import xlosses
import xlosses.keras
from xlosses.testing import expected

LOGITS = [[0.5, -1.0, 2.0], [1.5, 0.0, -0.5], [-2.0, 1.0, 0.25]]


@every_setting
@every_reduction
@fewer(reduction=["none"])
def test_compiled_value(on, case, options, reduction, compiler):
    call = Call(on, case)
    loss = call.loss(**options, reduction=reduction)
    exact = expected(case, call.data, options, reduction)
    call.assert_close(compiler(lambda *a: loss(*a))(*call.given), exact.value)


@every_case
def test_compiled_with_weights_and_mask(on, case, compiler):
    call = Call(on, case)
    weights, where = [0.5, 2.0, 0.0, 1.0, 3.0, 0.25], [True, False, True, True, False, True]

    def loss(w, keep, *given):
        return call.loss(weights=w, where=keep, reduction="weighted_mean")(*given)

    exact = expected(case, call.data, {}, "weighted_mean", weights, where)
    found = compiler(loss)(on.array(weights), on.array(where, "bool"), *call.given)
    call.assert_close(found, exact.value)


@every_loss
@every_setting
@fewer(gradient="last", options="first")
def test_gradient(on, case, options, gradient):
    call = Call(on, case)
    exact = expected(case, call.data, options, "mean")
    rest = call.given[1:]
    loss = call.loss(**options, reduction="mean")
    found = gradient(lambda x: loss(x, *rest))(call.given[0])
    call.assert_close(found, exact.gradients[call.first])


@every_setting
def test_forward_mode(on, case, options, forward):
    call = Call(on, case)
    x, *rest = call.given
    exact = expected(case, call.data, options, "mean")
    along = on.bench.xp.ones_like(x)
    loss = call.loss(**options, reduction="mean")
    slopes = flatten(exact.gradients[call.first])
    found = forward(lambda x: loss(x, *rest), x, along)
    assert math.isclose(on.read(found), math.fsum(slopes), abs_tol=1e-5 * max(map(abs, slopes)) * len(slopes))


@every_loss
@every_setting
@fewer(mapper="last", options="first")
def test_mapped_over_terms(on, case, options, mapper):
    """Or over batches, where the terms of one belong together."""
    call = Call(on, case)
    loss = call.loss(**options, reduction="none")
    if case.whole:
        calls = [call, Call(on, case, seed=1)]
        stacked = [on.bench.xp.stack(columns) for columns in zip(*(c.given for c in calls), strict=True)]
        exact = [expected(case, c.data, options).value for c in calls]
        call.assert_close(mapper(lambda *a: loss(*a))(*stacked), exact)
        return
    exact = expected(case, call.data, options)
    shared = {name: x for name, x in call.arrays.items() if case.is_shared(name)}
    separate = {name: x for name, x in call.arrays.items() if name not in shared}

    def one(*mapped):
        return loss(**dict(zip(separate, mapped, strict=True)), **shared)

    call.assert_close(mapper(one)(*separate.values()), exact.value)


@every_attached_setting
@fewer(hessian="last", options="first")
def test_hessian(on, case, options, hessian):
    """Against central differences of the exact gradient, in double precision."""
    call = Call(on, case, n=3)
    x, *rest = call.given
    loss = call.loss(**options, reduction="mean")
    found = flatten(on.read(hessian(lambda x: loss(x, *rest))(x)))
    wanted = flatten(second_differences(case, call.data, options))
    scale = max(map(abs, wanted)) or 1.0
    limit = second_tolerance(case.name, by_products=case.whole)
    assert max(abs(a - b) for a, b in zip(found, wanted, strict=True)) <= limit * scale


@except_on_jax
@of_settings([row for row in SETTINGS if not row[0].whole and row[0].loss_name not in DETACHED])
@fewer(hessian="last", options="first")
def test_hessian_diagonal_is_that_of_autodiff(on, case, options, hessian):
    call = Call(on, case, n=3)
    x, *rest = call.given
    loss = call.loss(**options, reduction="mean")
    wanted = flatten(on.read(hessian(lambda x: loss(x, *rest))(x)))
    n = len(flatten(on.read(x)))
    found = flatten(on.read(xlosses.hessian_diagonal(loss)(x, *rest)))
    scale = max(map(abs, wanted)) or 1.0
    limit = second_tolerance(case.name, by_products=False)
    assert max(abs(a - b) for a, b in zip(found, wanted[:: n + 1], strict=True)) <= limit * scale


@every_case
def test_parameters_as_arrays(on, case, compiler):
    """A number arrives as a 0-d array where it is traced; value and gradient stay the same."""
    for options in case.options:
        numbers = traceable(case, options)
        plain = {k: v for k, v in options.items() if k not in numbers}
        if not numbers:
            continue
        call = Call(on, case)
        exact = expected(case, call.data, options, "mean")

        def loss(x, *values, call=call, numbers=numbers, plain=plain):
            traced = dict(zip(numbers, values, strict=True))
            return call.loss(**plain, **traced, reduction="mean")(x, *call.given[1:])

        found = compiler(loss)(call.given[0], *(on.array(v) for v in numbers.values()))
        call.assert_close(found, exact.value)


@every_case
def test_gradient_by_a_parameter_or_weight(on, case):
    """Weights are differentiable too: the derivative of the sum by a weight is its term."""
    call = Call(on, case)
    terms = expected(case, call.data).value
    loss = call.loss(reduction="sum")
    weights = on.array([1.0] * len(terms))
    _, (gradient,) = on.bench.value_and_grad(lambda w: loss(*call.given, weights=w), weights)
    call.assert_close(gradient, terms)


@pytest.mark.parametrize("loss", [xlosses.cross_entropy, xlosses.nll_loss], ids=["cross_entropy", "nll_loss"])
def test_label_out_of_range_while_tracing(on, loss, compiled_or_mapped):
    """Where Python may not look, the row is NaN in value and gradient, and no other."""
    x, y = on.array(LOGITS), on.array([0, 7, 1], "int32")
    terms = on.read(compiled_or_mapped(lambda x, y: loss(x, y))(x, y))
    assert [math.isnan(t) for t in terms] == [False, True, False]


@pytest.mark.parametrize("loss", [xlosses.cross_entropy, xlosses.nll_loss], ids=["cross_entropy", "nll_loss"])
def test_gradient_of_a_label_out_of_range_while_compiled(on, loss):
    x, y = on.array(LOGITS), on.array([0, 7, 1], "int32")
    compiled = [g for name, g in on.gradients.items() if "compile" in name or "jit" in name]
    assert compiled
    for gradient in compiled:
        rows = on.read(gradient(lambda x, y: loss(x, y, reduction="sum"))(x, y))
        assert [[math.isnan(g) for g in row] for row in rows] == [[False] * 3, [True] * 3, [False] * 3]


def test_keras_class(on, compiled_or_mapped):
    y, x = on.array([[[0.0, 1.0]], [[0.0, 0.0]]]), on.array([[[0.6, 0.4]], [[0.4, 0.6]]])
    loss = xlosses.keras.Hinge("none")
    wanted = [1.1, 1.5] if compiled_or_mapped in on.mappers.values() else [[1.1], [1.5]]
    found = flatten(on.read(compiled_or_mapped(lambda y, x: loss(y, x))(y, x)))
    assert all(math.isclose(a, b, rel_tol=1e-6) for a, b in zip(found, flatten(wanted), strict=True))
