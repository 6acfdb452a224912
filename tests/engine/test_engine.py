"""The engine changes no result: every case in blocks, compiled, with slopes, against the whole formula."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from matrix import Call, every_reduction, every_setting, except_on_jax, fewer, flatten
from test_values import WEIGHTS, WHERE, extras

import xlosses
from xlosses.testing import expected


@every_setting
@every_reduction
@pytest.mark.parametrize(
    "extra",
    [pytest.param(False, marks=except_on_jax), True],
    ids=["plain", "weights and where"],
)
@fewer(reduction=["none", "weighted_mean"], extra=[True], options="first")
def test_values_and_gradients_are_those_of_the_formula(on, case, options, reduction, extra, setting):
    call = Call(on, case)
    settings = {**options, **(extras(on, WEIGHTS, WHERE) if extra else {}), "reduction": reduction}
    with xlosses.engine("off"):
        value = flatten(on.read(call.loss(**settings)(*call.given)))
    with xlosses.engine(setting):
        call.assert_close(flatten(on.read(call.loss(**settings)(*call.given))), value)
    settings["reduction"] = "sum" if reduction == "none" else reduction
    with xlosses.engine("off"):
        gradient = on.read(call.slope(**settings))
    with xlosses.engine(setting):
        call.assert_close(call.slope(**settings), gradient)
        call.assert_close(call.gradients([call.first], settings)[call.first], gradient)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_rows_along_any_axis(on, axis, setting):
    shape = [4, 3, 5]
    x = on.array([[[0.3 * i - 0.7 * j + 0.1 * k * i for k in range(5)] for j in range(3)] for i in range(4)])
    del shape[axis]
    labels = on.array([[(i + j) % 3 for j in range(shape[1])] for i in range(shape[0])], "int32")
    classes = [4, 3, 5][axis]
    extra = {"axis": axis, "ignore_index": 1, "class_weights": on.array([0.5 + i for i in range(classes)])}
    for reduction in ("none", "mean", "weighted_mean"):
        with xlosses.engine("off"):
            wanted = flatten(on.read(xlosses.cross_entropy(x, labels, reduction=reduction, **extra)))
            exact = xlosses.value_and_grad(xlosses.cross_entropy)(x, labels, **extra)[1]
        with xlosses.engine(setting):
            found = xlosses.cross_entropy(x, labels, reduction=reduction, **extra)
            slope = xlosses.value_and_grad(xlosses.cross_entropy)(x, labels, **extra)[1]
        assert flatten(on.read(found)) == pytest.approx(wanted, rel=1e-5)
        assert flatten(on.read(slope)) == pytest.approx(flatten(on.read(exact)), abs=1e-6)


def test_numbers_in_place_of_arrays(on, setting):
    x = on.array([0.1 * i for i in range(20)])
    half, two = on.array([0.5] * 20), on.array([2.0] * 20)
    with xlosses.engine(setting):
        for loss in (xlosses.mse_loss, xlosses.l1_loss):
            wanted = on.read(loss(x, half, reduction="weighted_mean", weights=two))
            found = loss(x, 0.5, reduction="weighted_mean", weights=2.0)
            assert on.read(found) == pytest.approx(wanted, rel=1e-6)
            assert on.read(loss(x, 0.5, reduction="sum", weights=2)) == pytest.approx(40 * wanted, rel=1e-6)


def test_a_label_out_of_range_in_a_late_block(on, setting):
    x = on.array([[0.1 * i, 0.2, 0.3] for i in range(8)])
    labels = on.array([0, 1, 2, 0, 1, 2, 7, -1], "int32")
    kept = on.array([True] * 6 + [False] * 2, "bool")
    with xlosses.engine(setting):
        found = on.read(xlosses.cross_entropy(x, labels, where=kept))
        assert found[6:] == [0.0, 0.0]
        if on.looks:
            with pytest.raises(ValueError, match="got 7"):
                xlosses.cross_entropy(x, labels)
        else:
            assert [y != y for y in on.read(xlosses.cross_entropy(x, labels))] == [False] * 6 + [True] * 2


def test_a_negative_variance_in_a_late_block(on, setting):
    var = [1.0] * 20 + [-1.0] + [1.0] * 20
    x = on.array([2.0] * len(var))
    with xlosses.engine(setting):
        terms = on.read(xlosses.gaussian_nll_loss(x, 0.0, on.array(var), reduction="none"))
        total, gradient = xlosses.value_and_grad(xlosses.gaussian_nll_loss)(x, 0.0, on.array(var))
    assert [math.isnan(term) for term in terms] == [v < 0 for v in var]
    assert [math.isnan(slope) for slope in on.read(gradient)] == [v < 0 for v in var]
    assert math.isnan(on.read(total))


@pytest.mark.parametrize("name", ["gaussian_nll_loss", "laplace_nll_loss", "student_t_nll_loss"])
def test_a_negative_spread_is_nan_in_every_gradient(on, setting, name):
    spread = [1.0] * 20 + [-1.0] + [1.0] * 20
    x, df = on.array([2.0] * len(spread)), {"df": 4.0} if name == "student_t_nll_loss" else {}
    with xlosses.engine(setting):
        loss = xlosses.value_and_grad(getattr(xlosses, name), (0, 2))
        _, gradients = loss(x, 0.0 * x, on.array(spread), **df)
    for gradient in gradients:
        assert [math.isnan(slope) for slope in on.read(gradient)] == [s < 0 for s in spread]


@pytest.mark.parametrize("length", [0.0, 1e-25, 1e-11, 1.0, 1e11, 1e25])
@pytest.mark.parametrize("p", [0.0, 1.0, 2.0, 3.0], ids=["cosine", "p = 1", "p = 2", "p = 3"])
def test_vectors_of_any_length(on, setting, p, length):
    """Where none is near an end of its dtype, blocks scale no vector."""
    a, b, c = (
        on.array([[length * x for x in row] for row in rows * 3], "float32")
        for rows in (
            [[3.0, 4.0], [4.0, -3.0], [1.0, 0.0], [2.0, 1.0]],
            [[-0.1, -0.2], [-0.3, 0.4], [-0.5, 0.6], [0.5, 0.5]],
            [[2.9, 4.1], [4.1, -3.2], [1.1, 0.1], [2.0, 1.0]],  # the last at no distance from the first
        )
    )

    def loss(a, **settings):
        if p:
            return xlosses.triplet_loss(a, b, c, p=p, margin=0.0, eps=0.0, **settings)
        return xlosses.cosine_similarity_loss(a, b, eps=0.0, **settings)

    def found():
        yield flatten(on.read(loss(a, reduction="none")))
        yield flatten(on.read(xlosses.value_and_grad(loss)(a)[1]))

    with xlosses.engine("off"):
        wanted = list(found())
    with xlosses.engine(setting):
        for x, y in zip(found(), wanted, strict=True):
            assert x == pytest.approx(y, abs=1e-6 * max(map(abs, y)))


def test_a_formula_that_asks_about_a_static_parameter(on, setting):
    @xlosses.formula("elements", "elements", static=("most",))
    def clipped(xp, x, y, most):
        return xp.clip(xp.absolute(x - y), None, most) if most < 10 else xp.absolute(x - y)

    x, y = on.array([1.0, -20.0, 3.0]), on.array([0.0, 0.0, 0.0])
    with xlosses.engine(setting):
        for most, wanted in ((2.5, 6.0), (11.5, 24.0), (2.5, 6.0)):
            assert on.read(xlosses.evaluate(clipped, dict(x=x, y=y), dict(most=most), "sum")) == wanted


def test_settings():
    for wrong in ("fast", 0, -1, "", None):
        with pytest.raises(ValueError, match="the engine is 'on', 'off' or a number"), xlosses.engine(wrong):
            pass


def test_a_setting_ends_with_its_context_and_stays_in_its_thread():
    from xlosses._engine.switch import entries

    outside = entries(99)
    with xlosses.engine("off"), ThreadPoolExecutor(1) as other:
        with xlosses.engine(3):
            assert entries(99) == 3
            assert other.submit(entries, 99).result() == outside
        assert entries(99) == 0
    assert entries(99) == outside


@pytest.mark.parametrize(("variable", "wanted"), [("off", "0"), ("on", "99"), ("12", "12"), ("OFF", "0")])
def test_environment_variable(variable, wanted):
    code = "from xlosses._engine.switch import entries; print(entries(99))"
    environment = {**os.environ, "XLOSSES_ENGINE": variable}
    run = [sys.executable, "-c", code]
    assert subprocess.run(run, env=environment, capture_output=True, text=True).stdout.strip() == wanted


@every_setting
@fewer(options="first")
def test_plans_are_remembered_and_change_nothing(on, case, options):
    """The second call takes the remembered way; other shapes, dtypes and wrong ones do not."""
    call = Call(on, case)
    settings = {**options, **extras(on, WEIGHTS, WHERE), "reduction": "mean"}
    first, second = (on.read(call.loss(**settings)(*call.given)) for _ in range(2))
    assert first == second
    other = Call(on, case, n=3)
    other.assert_close(
        other.loss(**options, reduction="none")(*other.given), expected(case, other.data, options).value
    )
    with pytest.raises(ValueError, match="must have the shape"):
        other.loss(**settings)(*other.given)
