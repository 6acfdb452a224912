"""Formulas whose terms share an array, in chunks, under every transformation of the framework."""

from __future__ import annotations

import math

import pytest
from matrix import flatten
from own_info_nce import CHUNK, N, close, exact, given, info_nce

import xlosses


@pytest.fixture(params=[CHUNK, "off"], autouse=True)
def chunked(request):
    with xlosses.engine(request.param):
        yield


def test_gradients_of_unreduced_terms(on):
    queries, keys, places = given(on)
    factors = [0.5, -1.0, 0.0, 2.0, 3.0]

    def loss(queries, keys):
        return on.bench.xp.sum(on.array(factors) * info_nce(queries, keys, places, reduction="none"))

    by_queries, by_keys = on.bench.value_and_grad(loss, queries, keys)[1]
    assert flatten(on.read(by_queries)) == close(on, exact("queries", factors))
    assert flatten(on.read(by_keys)) == close(on, exact("keys", factors))


def test_gradient_by_weights(on):
    arrays = given(on)
    _, (gradient,) = on.bench.value_and_grad(
        lambda w: info_nce(*arrays, reduction="sum", weights=w), on.array([1.0] * N)
    )
    assert on.read(gradient) == close(on, exact("terms"))


def test_compiled(on, compiler):
    found = compiler(lambda *arrays: info_nce(*arrays, reduction="none"))(*given(on))
    assert on.read(found) == close(on, exact("terms"))


def test_transformed_gradient(on, gradient):
    queries, keys, places = given(on)
    found = gradient(lambda keys: info_nce(queries, keys, places, reduction="sum"))(keys)
    assert flatten(on.read(found)) == close(on, exact("keys"))


def test_mapped(on, mapper):
    """Over a batch of batches, as vmap maps a loss over tasks."""
    xp = on.bench.xp
    arrays = [xp.stack([x, x]) for x in given(on)]
    found = mapper(lambda *arrays: info_nce(*arrays, reduction="sum"))(*arrays)
    assert on.read(found) == close(on, [math.fsum(exact("terms"))] * 2)


def test_forward_mode(on, forward):
    queries, keys, places = given(on)
    found = forward(
        lambda keys: info_nce(queries, keys, places, reduction="sum"), keys, on.bench.xp.ones_like(keys)
    )
    assert on.read(found) == close(on, math.fsum(exact("keys")))


def test_hessian(on, hessian):
    queries, keys, places = given(on)

    def loss(keys):
        return info_nce(queries, keys, places, reduction="sum")

    found = flatten(on.read(hessian(loss)(keys)))
    with xlosses.engine("off"):
        wanted = flatten(on.read(hessian(loss)(keys)))
    assert max(map(abs, wanted)) > 0.1
    assert found == pytest.approx(wanted, abs=2e-5)
