"""`assert_parity` on one framework: what passes, and what each failure says."""

from __future__ import annotations

import math
from collections import namedtuple

import numpy as np
import pytest

import xlosses
from xlosses._backends import load_workbench
from xlosses.testing import assert_parity
from xlosses.testing.asserting import parity_of
from xlosses.testing.subject import Subject, _differences
from xlosses.testing.trees import Inputs

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3)).astype(np.float32)
Y = RNG.normal(size=(4, 3)).astype(np.float32)
Pair = namedtuple("Pair", "left right")


def fails(function, *arrays, match, **settings):
    with pytest.raises(AssertionError, match=match) as caught:
        assert_parity(function, *arrays, **settings)
    return str(caught.value)


def results(function, *arrays, name, **options):
    return list(parity_of(function, arrays, options, [name]))


def test_a_loss_passes_in_every_way(name):
    found = results(xlosses.huber_loss, X, Y, name=name, reduction="mean")
    assert all(result.passed for result in found)
    ways = {result.way for result in found}
    wanted = {"", load_workbench(name).compiler}
    assert ways == wanted
    gradients = [result.what for result in found if result.what.startswith("gradient")]
    per_way = ["gradient by inputs", "gradient by targets"] if name != "numpy" else []
    assert gradients == per_way * len(wanted)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_every_dtype_of_numpy(name, dtype):
    assert_parity(xlosses.mse_loss, X.astype(dtype), Y.astype(dtype), backends=[name], reduction="none")


def test_trees_of_arrays(name):
    def function(parameters, x, *rest, factor=1.0, words=()):
        out = parameters["w"] * x + parameters["pair"].left
        return {"out": out * factor, "parts": [out.sum(), (rest[0] > 1, rest[0])], "n": 3, "words": words}

    parameters = {"w": X, "pair": Pair(np.float32(2.0), "kept")}
    labels = np.asarray([0, 1, 2], np.int32)
    assert_parity(function, parameters, Y, labels, backends=[name], factor=np.float32(0.5), words=("a", None))
    found = results(function, parameters, Y, labels, name=name)
    whats = {result.what for result in found}
    assert {"output['out']", "output['parts'][0]", "output['parts'][1][0]", "output['n']"} <= whats
    if name != "numpy":
        assert {
            "gradient by parameters['w']",
            "gradient by parameters['pair'].left",
            "gradient by x",
        } <= whats
        assert "gradient by rest[0]" not in whats


def test_a_value_that_is_off(name):
    text = fails(
        lambda x: x * 1.001, X, match="float32", backends=[name], gradients=False, reference=lambda x: x
    )
    assert "12 of 12 entries differ by more than" in text
    worst = np.unravel_index(np.argmax(np.abs(X)), X.shape)
    assert f"worst at [{worst[0]}, {worst[1]}]: found " in text
    assert "0.001 relative" in text
    assert "ULP)" in text


@pytest.mark.parametrize(
    ("wrong", "cause"), [(math.nan, "NaN"), (math.inf, "inf"), (-math.inf, "inf"), (9.0, "ULP")]
)
def test_what_one_entry_is(name, wrong, cause):
    wanted = X.astype(np.float64)
    wanted[2, 1] = wrong
    text = fails(
        lambda x: x * 1.0, X, match=rf"{cause}\)$", backends=[name], compiled=False, reference=wanted
    )
    assert "1 of 12 entries" in text
    assert f"worst at [2, 1]: found {float(X[2, 1])!r}, expected {wrong!r}" in text


def test_nan_and_infinity_that_are_expected(name):
    x = np.asarray([math.nan, math.inf, -math.inf, 60000.0], np.float16)
    assert_parity(lambda x: x * 2.0, x, backends=[name], gradients=False)  # 120000 is beyond float16
    fails(lambda x: x * 2.0, x, match="NaN", backends=[name], gradients=False, reference=[math.nan] * 4)


def test_shape_and_form(name):
    fails(lambda x: x, X, match=r"\(4, 3\) where the reference has \(3, 4\)", backends=[name], reference=X.T)
    form = r"output is a tuple of 2 where the reference has a ndarray"
    fails(lambda x: (x, x), X, match=form, backends=[name], reference=X)
    form = r"output is a tuple of 2 where the reference has a tuple of 3"
    fails(lambda x: (x, x), X, match=form, backends=[name], reference=(X, X, X))
    form = r"output\[0\] is a dict of 'a' where the reference has a dict of 'b'"
    fails(lambda x: [{"a": x}], X, match=form, backends=[name], reference=[{"b": X}])


def test_numbers_in_an_output(name):
    fails(lambda x: (x, 3), X, match=r"output\[1\]: is 3 where the ref", backends=[name], reference=(X, 4))
    fails(lambda x: 0.5, X, match=r"the number differs by", backends=[name], reference=0.75)
    assert_parity(lambda x: 0.5, X, backends=[name], reference=0.5)


def test_a_reference_that_is_a_function_or_numbers(name):
    settings = {"backends": [name], "gradients": False}
    assert_parity(lambda x: x * x, X, reference=lambda x: x**2, **settings)
    assert_parity(lambda x: x[:1, 0] * 2.0, X, reference=[2.0 * float(X[0, 0])], **settings)


def test_another_dtype(name):
    xp = load_workbench(name).xp

    def rounds(x):
        return xp.astype(x, xp.dtype_named("float16", x)) if xp.owns(x) else x

    fails(rounds, X, match="is of float16 where the arrays that went in are of float32", backends=[name])
    fails(
        lambda x: x > 0, X, match="is of bool where the reference is of float32", backends=[name], reference=X
    )


def test_an_array_of_another_framework(name):
    if name != "numpy":
        text = f"is a numpy.ndarray and no array of {load_workbench(name).xp.framework}"
        fails(lambda x: np.asarray(X), X, match=text, backends=[name], compiled=False, gradients=False)


def test_an_argument_that_is_written_to(name):
    def writes(x):
        if not (isinstance(x, np.ndarray) and x.dtype == np.float64):  # the reference
            x[0] = 0.0 * x[0]
        return x.sum()

    if name == "jax":
        fails(writes, X, match="raises TypeError", backends=[name])
    else:
        text = "argument x: was written to"
        fails(writes, X, match=text, backends=[name], compiled=False, gradients=False, reference=X[1:].sum())
    kept = X.copy()
    assert (kept == X).all()


def test_what_a_function_raises_is_the_cause(name):
    def raises(x):
        if x.dtype != np.float64:
            raise KeyError("no such word")
        return x

    with pytest.raises(AssertionError, match="the output: raises KeyError") as caught:
        assert_parity(raises, X, backends=[name], gradients=False)
    assert isinstance(caught.value.__cause__, KeyError)
    assert load_workbench(name).xp.framework in str(caught.value)


def test_a_reference_that_raises(name):
    def raises(x):
        raise KeyError("no such word")

    text = r"NumPy: the reference, the function in float64: raises KeyError"
    fails(raises, X, match=text, backends=[name])
    fails(lambda x: x, X, match="NumPy: the reference: raises KeyError", backends=[name], reference=raises)


def test_tolerances_of_the_caller(name):
    settings = {"backends": [name], "gradients": False, "reference": lambda x: x}
    assert_parity(lambda x: x * 1.001, X, rtol=1e-2, **settings)
    assert_parity(lambda x: x * 1.001, X, atol=1e-1, **settings)
    assert_parity(lambda x: x * 1.001, X, rtol=2e-3, atol=0.0, **settings)
    fails(lambda x: x + 0.001, X, match="times the entry", rtol=2e-3, atol=0.0, **settings)
    fails(lambda x: x * 1.001, X, match="by more than 0.0001;", atol=1e-4, **settings)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_tolerances_hold_the_largest_entry(name, dtype):
    """Two in the last place pass; what is beyond the tolerance fails."""
    from xlosses.testing.agreement import tolerance_of, ulp

    x = np.asarray([1.0, 0.25], dtype)
    settings = {"backends": [name], "gradients": False, "compiled": False}
    assert_parity(lambda x: x, x, reference=[1.0 + 2.0 * ulp(1.0, dtype), 0.25], **settings)
    off = 1.5 * tolerance_of(name, dtype)
    fails(lambda x: x, x, match="1 of 2", reference=[1.0, 0.25 + off], **settings)


def test_gradients_without_autodiff():
    """Central differences against a gradient that is known."""

    def function(x, p, k):
        return {"a": np.exp(x) * p["scale"], "b": (x * x * x).sum(), "c": k}

    x, scale = np.asarray([[0.0, 1e-3], [-2.0, 3.0]]), np.float64(0.5)
    subject = Subject(function, Inputs(function, (x, {"scale": scale}, np.asarray([1])), {}))
    found = _differences(subject)
    np.testing.assert_allclose(found.gradients[0], np.exp(x) * 0.5 + 3.0 * x * x, rtol=1e-8)
    np.testing.assert_allclose(found.gradients[1], np.exp(x).sum(), rtol=1e-9)
    assert _differences(Subject(lambda k: k, Inputs(function, (np.asarray([1]),), {}))) is None


def test_a_gradient_that_is_wrong(name):
    """As of a sign that counts as a constant on the framework, but not in the reference."""
    bench = load_workbench(name)
    if not bench.differentiates:
        return

    def detached(x):
        wide = bench.xp.owns(x) and bench.xp.dtype_name(x.dtype) == "float64"
        return x * (x if wide or not bench.xp.owns(x) else bench.xp.stop_gradient(x))

    text = fails(detached, X, match="gradient by x: float32", backends=[name])
    assert "expected by " in text
    assert "output" not in text


def test_wrong_usage():
    with pytest.raises(ValueError, match="unknown framework 'tensorflow'; known are numpy, torch, jax, mlx"):
        assert_parity(lambda x: x, X, backends=["tensorflow"])
    with pytest.raises(TypeError, match="complex arrays cannot be compared"):
        assert_parity(lambda x: x, np.ones(2, complex))


def test_a_framework_that_is_not_installed(monkeypatch):
    from xlosses.testing import frameworks

    monkeypatch.setattr(frameworks, "version_of", lambda name: "1.0" if name == "numpy" else "")
    assert_parity(xlosses.mse_loss, X, Y, reduction="mean")
    with pytest.raises(ModuleNotFoundError, match="MLX is not installed"):
        assert_parity(xlosses.mse_loss, X, Y, backends=["mlx"])
    with pytest.raises(ModuleNotFoundError, match="PyTorch is not installed"):
        assert_parity(xlosses.mse_loss, X, Y, backends="torch")


def test_the_arrays_that_are_given_are_copied():
    x = X.copy()
    fails(lambda x: x.__setitem__(0, 9.0) or x, x, match="written", backends=["numpy"])
    assert (x == X).all()


def test_an_array_of_a_dtype_that_a_framework_lacks(name):
    brain = pytest.importorskip("ml_dtypes", reason="NumPy has bfloat16 from JAX's ml_dtypes").bfloat16
    if name != "numpy":
        assert_parity(xlosses.mse_loss, X.astype(brain), Y.astype(brain), backends=[name])
    fails(xlosses.mse_loss, X.astype(brain), Y.astype(brain), match="has no bfloat16", backends=["numpy"])
