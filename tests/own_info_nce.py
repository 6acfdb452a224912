"""InfoNCE as a user would write it: a formula whose terms share an array."""

from __future__ import annotations

import math

import pytest

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


def close(on, wanted):
    return pytest.approx(wanted, rel=2e-5 if on.name == "mlx" else 5e-6, abs=2e-6)
