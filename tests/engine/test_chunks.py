"""Formulas whose terms share an array, in chunks and whole, against double precision."""

from __future__ import annotations

import math

import pytest
from matrix import flatten
from own_info_nce import CHUNK, close, exact, given, info_nce

import xlosses


@pytest.fixture(params=[CHUNK, "off"], autouse=True)
def chunked(request):
    with xlosses.engine(request.param):
        yield


def test_value_and_gradients(on):
    queries, keys, places = given(on)
    temperature = on.bench.xp.reshape(on.array([0.5]), ())

    def loss(queries, keys, temperature):
        return info_nce(queries, keys, places, temperature, "sum")

    results = [xlosses.value_and_grad(loss, (0, 1, 2))(queries, keys, temperature)]
    if on.bench.differentiates:
        results.append(on.bench.value_and_grad(loss, queries, keys, temperature))
    for value, (by_queries, by_keys, by_temperature) in results:
        assert on.read(value) == close(on, math.fsum(exact("terms")))
        assert flatten(on.read(by_queries)) == close(on, exact("queries"))
        assert flatten(on.read(by_keys)) == close(on, exact("keys"))
        assert on.read(by_temperature) == close(on, exact("temperature")[0])


def test_one_gradient_of_several(on):
    queries, keys, places = given(on)
    gradient = xlosses.value_and_grad(info_nce, 1)(queries, keys, places, 0.5, "sum")[1]
    assert flatten(on.read(gradient)) == close(on, exact("keys"))


def test_an_array_in_two_places_has_the_sum(on):
    queries, _, places = given(on)

    def loss(x):
        return info_nce(x, x, places, reduction="sum")

    apart = xlosses.value_and_grad(info_nce, (0, 1))(queries, queries, places, reduction="sum")[1]
    together = xlosses.value_and_grad(loss)(queries)[1]
    wanted = [a + b for a, b in zip(*(flatten(on.read(x)) for x in apart), strict=True)]
    assert flatten(on.read(together)) == close(on, wanted)
