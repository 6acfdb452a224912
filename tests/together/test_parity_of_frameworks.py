"""`assert_parity` on all frameworks at once: the one that differs is named, and no other."""

from __future__ import annotations

import re

import numpy as np
import pytest

import xlosses
from xlosses._backends import FRAMEWORKS, load_workbench
from xlosses.testing import assert_parity
from xlosses.testing.subject import Subject, _differences, reference_gradients
from xlosses.testing.trees import Inputs

RNG = np.random.default_rng(0)
X, Y = (RNG.normal(size=(4, 3)).astype(np.float32) for _ in range(2))


def of(name):
    """A function that is off by a thousandth on one framework."""
    owns = load_workbench(name).xp.owns

    def function(x):
        return x * 1.001 if owns(x) and "float32" in str(x.dtype) else x * 1.0

    return function


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_the_framework_that_differs_is_named(name):
    with pytest.raises(AssertionError) as caught:
        assert_parity(of(name), X)
    told = str(caught.value).splitlines()[1:]
    assert {re.match(r"  (\w+)[,:]", line)[1] for line in told} == {FRAMEWORKS[name]}


def test_all_agree():
    assert_parity(xlosses.cross_entropy, X, np.asarray([0, 2, 1, 0]), reduction="mean", weights=Y[:, 0])


def test_references_of_gradients_agree(monkeypatch):
    def function(x, y):
        return {"a": np.exp(x) * y if isinstance(x, np.ndarray) else 2.718281828459045**x * y}

    subject = Subject(function, Inputs(function, (X, Y), {}))
    by_jax = reference_gradients(subject)
    assert by_jax.origin == "autodiff in float64 on JAX"
    from xlosses.testing import frameworks

    real = frameworks.version_of
    monkeypatch.setattr(frameworks, "version_of", lambda name: "" if name == "jax" else real(name))
    by_torch = reference_gradients(subject)
    assert by_torch.origin == "autodiff in float64 on PyTorch"
    by_differences = _differences(subject)
    for one, two, three in zip(by_jax.gradients, by_torch.gradients, by_differences.gradients, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-13)
        np.testing.assert_allclose(one, three, rtol=1e-8)


def test_a_function_that_fails_on_the_framework_of_the_reference():
    owns = load_workbench("jax").xp.owns

    def function(x):
        if owns(x):
            raise KeyError("not on JAX")
        return (x * x).sum()

    assert_parity(function, X, backends=["numpy", "torch", "mlx"])
    with pytest.raises(AssertionError, match="JAX: the output: raises KeyError") as caught:
        assert_parity(function, X)
    assert isinstance(caught.value.__cause__, KeyError)
