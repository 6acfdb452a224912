"""Mapped over some arrays: mask, weights and labels that are closed over are the same for all."""

from __future__ import annotations

import pytest
from matrix import Call, every_setting, fewer

import xlosses
from xlosses.testing import expected

WEIGHTS, WHERE = [0.5, 2.0, 0.0, 1.0, 3.0, 0.25], [True, False, True, True, False, True]


@every_setting
@pytest.mark.parametrize("reduction", ["sum", "weighted_mean"])
@fewer(reduction=["weighted_mean"], mapper="last", options="first")
def test_mapped_with_all_else_closed_over(on, case, options, reduction, mapper):
    calls = [Call(on, case, seed=seed) for seed in range(3)]
    weights, where = on.array(WEIGHTS), on.array(WHERE, "bool")
    rest = calls[0].given[1:]
    loss = calls[0].loss(**options, reduction=reduction, weights=weights, where=where)
    found = on.read(mapper(lambda x: loss(x, *rest))(on.bench.xp.stack([call.given[0] for call in calls])))
    for value, call in zip(found, calls, strict=True):
        data = {**calls[0].data, call.first: call.data[call.first]}
        exact = expected(case, data, options, reduction, WEIGHTS, WHERE).value
        assert value == pytest.approx(exact, rel=1e-4, abs=1e-5)


LABELS = [[0, -1, 7, 2], [7, 1, 0, 1], [-1, 2, 2, -1]]
KEPT = [True, True, True, False]


@pytest.mark.parametrize("loss", [xlosses.cross_entropy, xlosses.nll_loss], ids=["cross_entropy", "nll_loss"])
def test_mapped_labels_with_a_mask_and_an_ignored_one(on, loss, mapper):
    xp = on.bench.xp
    x = on.array(
        [[[0.5 * i - j, 1.0 * k, j * k - 1.0] for j, k in enumerate((1, 2, 0, 1))] for i in range(3)]
    )
    labels, where = on.array(LABELS, "int32"), on.array(KEPT, "bool")
    found = on.read(mapper(lambda x, y: loss(x, y, ignore_index=-1, where=where))(x, labels))
    for i, row in enumerate(LABELS):
        for j, (label, kept) in enumerate(zip(row, KEPT, strict=True)):
            if label == -1 or not kept:
                assert found[i][j] == 0.0
            elif label == 7:
                assert found[i][j] != found[i][j]
            else:
                alone = loss(x[i : i + 1, j, ...], xp.reshape(labels[i, j], (1,)))
                assert found[i][j] == pytest.approx(on.read(alone)[0], rel=1e-5)
