"""What a type checker sees of the losses: the array that goes in comes out. Checked, never run."""

from __future__ import annotations

from typing import Any, assert_type

import jax
import mlx.core as mx
import numpy as np
import numpy.typing as npt
import torch

import xlosses
from xlosses.keras import Hinge


def numpy_in_numpy_out(x: npt.NDArray[np.float32], y: npt.NDArray[np.int64]) -> None:
    assert_type(xlosses.mse_loss(x, 0.0), npt.NDArray[np.float32])
    assert_type(xlosses.cross_entropy(x, y, reduction="mean"), npt.NDArray[np.float32])
    assert_type(xlosses.triplet_loss(x, x, x, weights=x), npt.NDArray[np.float32])


def torch_in_torch_out(x: torch.Tensor, y: torch.Tensor) -> None:
    assert_type(xlosses.huber_loss(x, y, 2.0, "mean"), torch.Tensor)
    assert_type(xlosses.binary_cross_entropy(x, y, where=x > 0, dtype=torch.float64), torch.Tensor)
    assert_type(xlosses.cross_entropy(x, y, class_weights=x, ignore_index=-100), torch.Tensor)
    assert_type(xlosses.nll_loss(x, y, reduction="sum").grad, torch.Tensor | None)


def jax_in_jax_out(x: jax.Array, y: jax.Array) -> None:
    assert_type(xlosses.kl_div_loss(x, y), jax.Array)
    assert_type(xlosses.gaussian_nll_loss(x, y, 1.0, full=True), jax.Array)
    assert_type(xlosses.smooth_l1_loss(x, y, beta=x[0]), jax.Array)


def mlx_in_mlx_out(x: mx.array, y: mx.array) -> None:
    assert_type(xlosses.cosine_similarity_loss(x, y), mx.array)
    assert_type(xlosses.hinge_loss(x, y, weights=2), mx.array)


def mistakes(x: torch.Tensor) -> None:
    xlosses.mse_loss(x, 0.0, "average")  # type: ignore[arg-type]
    xlosses.mse_loss("x", 0.0)  # type: ignore[type-var]
    xlosses.mse_loss(x, 0.0, where=None, weight=x)  # type: ignore[call-arg]


def a_loss_of_ones_own(x: torch.Tensor) -> None:
    @xlosses.formula
    def doubled(xp: Any, x: Any) -> Any:
        return 2.0 * x

    xlosses.evaluate(doubled, {"x": x}, reduction="mean")
    xlosses.value_and_grad(xlosses.mse_loss)(x, 0.0)
    Hinge(reduction="sum")(x, x, sample_weight=[1.0, 2.0])
