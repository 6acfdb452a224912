"""Triplets beside the functions that users have now: values and gradients by all three arrays."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

import xlosses

rng = np.random.default_rng(4)
A, B, N = rng.normal(size=(3, 40, 5))
B[0] = A[0]
N[1] = B[1]
PAIRS = {
    "norm": lambda x, y: torch.linalg.vector_norm(x - y, dim=-1),
    "squared": lambda x, y: ((x - y) ** 2).sum(-1),
    "cosine": lambda x, y: 1 - functional.cosine_similarity(x, y),
}


def both(ours, theirs, *arrays):
    """Values and gradients of the two functions."""
    results = []
    for loss in (ours, theirs):
        leaves = [torch.tensor(x, requires_grad=True) for x in arrays]
        value = loss(*leaves)
        results.append([value.detach(), *torch.autograd.grad(value.sum(), leaves)])
    return results


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("p", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("margin", [0.25, 2.0])
def test_triplet_margin_of_torch(swap, p, margin):
    options = {"p": p, "margin": margin, "swap": swap, "reduction": "none", "eps": 0.0}
    found, wanted = both(
        lambda *x: xlosses.triplet_loss(*x, **options),
        lambda *x: functional.triplet_margin_loss(*x, **options),
        *(A, B, N),
    )
    assert 0 < (found[0] > 0).sum() <= 40
    for ours, theirs in zip(found, wanted, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("distance", PAIRS)
def test_triplet_margin_with_distance_of_torch(swap, distance):
    options = {"margin": 0.75, "swap": swap, "reduction": "none"}
    found, wanted = both(
        lambda *x: xlosses.triplet_loss(*x, distance=distance, eps=0.0, **options),
        lambda *x: functional.triplet_margin_with_distance_loss(
            *x, distance_function=PAIRS[distance], **options
        ),
        *(A, B, N),
    )
    for ours, theirs in zip(found, wanted, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_a_tie_is_shared_as_in_torch():
    a, b, n = ([[0.0, 0.0]], [[4.0, 0.0]], [[2.0, 0.0]])
    options = {"swap": True, "eps": 0.0}
    found, wanted = both(
        lambda *x: xlosses.triplet_loss(*x, **options),
        lambda *x: functional.triplet_margin_loss(*x, **options),
        *(np.asarray(x) for x in (a, b, n)),
    )
    assert [x.tolist() for x in found[1:]] == [x.tolist() for x in wanted[1:]]


def test_the_eps_of_torch_is_in_the_differences():
    x = torch.zeros(1, 4, dtype=torch.float64)
    wanted = functional.triplet_margin_loss(x, x, 1e6 + x, eps=0.5, margin=2e6)
    assert wanted == pytest.approx(1.0 + 2e6 - 2 * (1e6 - 0.5), abs=1e-3)
    found = xlosses.triplet_loss(x, x, 1e6 + x, eps=0.25, margin=2e6)
    assert found == pytest.approx(0.5, abs=1e-3)


def test_a_written_norm_of_nothing_in_torch():
    def norm(x, y):
        return ((x - y) ** 2).sum(-1).sqrt()

    found, wanted = both(
        lambda *x: xlosses.triplet_loss(*x, eps=0.0),
        lambda *x: functional.triplet_margin_with_distance_loss(*x, distance_function=norm),
        *(A[:1], A[:1], A[:1] + 0.1),
    )
    assert torch.isnan(wanted[1]).all()
    assert torch.isfinite(found[1]).all()


def test_the_squares_of_facenet_in_numpy():
    near, far = ((A - B) ** 2).sum(1), ((A - N) ** 2).sum(1)
    found = xlosses.triplet_loss(A, B, N, distance="squared", margin=0.2)
    np.testing.assert_allclose(found, np.maximum(near - far + 0.2, 0), rtol=1e-13, atol=1e-14)
