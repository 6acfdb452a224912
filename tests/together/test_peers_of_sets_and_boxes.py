"""Sets beside scikit-learn, and boxes beside the definitions of torchvision.ops."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import xlosses

rng = np.random.default_rng(2)
P = (rng.random((6, 40)) < 0.5).astype(np.float64)
T = (rng.random((6, 40)) < 0.5).astype(np.float64)


def boxes(n):
    return np.sort(rng.normal(size=(n, 2, 2)), axis=1).reshape(n, 4)


A, B = boxes(300), boxes(300)
A[:5] = B[:5]
A[5:10] = B[5:10] + 10.0


def test_jaccard_of_scikit_learn():
    from sklearn.metrics import jaccard_score

    wanted = [1 - jaccard_score(t, p) for p, t in zip(P, T, strict=True)]
    found = xlosses.jaccard_loss(P, T, axis=1, smooth=0.0, reduction="none")
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_dice_of_scikit_learn():
    from sklearn.metrics import f1_score

    wanted = [1 - f1_score(t, p) for p, t in zip(P, T, strict=True)]
    np.testing.assert_allclose(
        xlosses.dice_loss(P, T, axis=1, smooth=0.0, reduction="none"), wanted, rtol=1e-12
    )


def torchvision(a, b, name, eps=1e-7):
    """`_loss_inter_union`, `_diou_iou_loss` and what is built of them."""
    x1, y1, x2, y2 = a.unbind(-1)
    u1, v1, u2, v2 = b.unbind(-1)
    wide, high = torch.minimum(x2, u2) - torch.maximum(x1, u1), torch.minimum(y2, v2) - torch.maximum(y1, v1)
    common = torch.where((wide > 0) & (high > 0), wide * high, 0.0)
    union = (x2 - x1) * (y2 - y1) + (u2 - u1) * (v2 - v1) - common
    iou = common / (union + eps)
    across, up = torch.maximum(x2, u2) - torch.minimum(x1, u1), torch.maximum(y2, v2) - torch.minimum(y1, v1)
    if name == "box_iou_loss":
        return 1 - iou
    if name == "giou_loss":
        return 1 - (iou - (across * up - union) / (across * up + eps))
    distance = ((x1 + x2) / 2 - (u1 + u2) / 2) ** 2 + ((y1 + y2) / 2 - (v1 + v2) / 2) ** 2
    loss = 1 - iou + distance / (across**2 + up**2 + eps)
    if name == "diou_loss":
        return loss
    unlike = 4 / torch.pi**2 * (torch.atan((u2 - u1) / (v2 - v1)) - torch.atan((x2 - x1) / (y2 - y1))) ** 2
    with torch.no_grad():
        alpha = unlike / (1 - iou + unlike + eps)
    return loss + alpha * unlike


@pytest.mark.parametrize("name", ["box_iou_loss", "giou_loss", "diou_loss", "ciou_loss"])
@pytest.mark.parametrize("eps", [1e-7, 1e-3])
def test_boxes_of_torchvision(name, eps):
    results = []
    for loss, options in ((getattr(xlosses, name), {"reduction": "none"}), (torchvision, {"name": name})):
        a, b = (torch.tensor(x, requires_grad=True) for x in (A, B))
        value = loss(a, b, eps=eps, **options)
        results.append((value.detach(), *torch.autograd.grad(value.sum(), (a, b))))
    for found, wanted in zip(*results, strict=True):
        assert torch.allclose(found, wanted, rtol=1e-9, atol=1e-12)
