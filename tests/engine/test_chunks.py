"""Formulas whose terms share an array, in chunks, under every transformation of the framework.

The formula is InfoNCE, as a user would write it.
"""

from __future__ import annotations

import math

import pytest
from matrix import flatten

import xlosses

N, D, CHUNK = 5, 3, 11  # two rows of scores fit in a chunk, and the last has one


@xlosses.formula("rows", "shared", "labels", "shared", width=lambda query, keys, *_: keys[0])
def contrast(xp, query, keys, place, temperature):
    scores = query @ xp.matrix_transpose(keys) / temperature
    return -xp.pick(xp.log_softmax(scores), place)


@contrast.vjp(by=("query", "keys", "temperature"))
def contrast_vjp(xp, g, query, keys, place, temperature):
    scores = query @ xp.matrix_transpose(keys) / temperature
    yield -xp.pick(xp.log_softmax(scores), place)
    slope = xp.softmax_less_one(scores, place) * g[..., None]
    yield slope @ keys / temperature
    yield (
        xp.matrix_transpose(xp.reshape(slope, (-1, keys.shape[0])))
        @ xp.reshape(query, (-1, keys.shape[1]))
        / temperature
    )
    yield -xp.sum(slope * scores) / temperature


def info_nce(queries, keys, places, temperature=0.5, reduction="mean", **options):
    arrays = dict(queries=queries, keys=keys, places=places, temperature=temperature)
    return xlosses.evaluate(contrast, arrays, reduction=reduction, classes=keys.shape[0], **options)


def given(on):
    queries = [[math.sin(3 * i + k) for k in range(D)] for i in range(N)]
    keys = [[math.cos(i - 2 * k) for k in range(D)] for i in range(N)]
    return on.array(queries), on.array(keys), on.array(list(range(N)), "int32")


def exact(name, weights=(1.0,) * N):
    """The weighted terms, or the gradients of their sum by central differences, in double precision."""
    arrays = {
        "queries": [[math.sin(3 * i + k) for k in range(D)] for i in range(N)],
        "keys": [[math.cos(i - 2 * k) for k in range(D)] for i in range(N)],
        "temperature": [[0.5]],
    }

    def terms():
        for i, q in enumerate(arrays["queries"]):
            t = arrays["temperature"][0][0]
            scores = [math.fsum(a * b for a, b in zip(q, k, strict=True)) / t for k in arrays["keys"]]
            yield weights[i] * (math.log(math.fsum(map(math.exp, scores))) - scores[i])

    if name == "terms":
        return list(terms())
    found = []
    for row in arrays[name]:
        for k in range(len(row)):
            was, ends = row[k], []
            for step in (1e-5, -1e-5):
                row[k] = was + step
                ends.append(math.fsum(terms()))
            row[k] = was
            found.append((ends[0] - ends[1]) / 2e-5)
    return found


@pytest.fixture(params=[CHUNK, "off"], autouse=True)
def chunked(request):
    with xlosses.engine(request.param):
        yield


def close(on, wanted):
    return pytest.approx(wanted, rel=2e-5 if on.name == "mlx" else 5e-6, abs=2e-6)


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


def test_gradients_of_unreduced_terms(on):
    if not on.bench.differentiates:
        return
    queries, keys, places = given(on)
    factors = [0.5, -1.0, 0.0, 2.0, 3.0]

    def loss(queries, keys):
        return on.bench.xp.sum(on.array(factors) * info_nce(queries, keys, places, reduction="none"))

    by_queries, by_keys = on.bench.value_and_grad(loss, queries, keys)[1]
    assert flatten(on.read(by_queries)) == close(on, exact("queries", factors))
    assert flatten(on.read(by_keys)) == close(on, exact("keys", factors))


def test_gradient_by_weights(on):
    if not on.bench.differentiates:
        return
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
