"""Run by `nox -s bare` where NumPy is not installed: `python bare.py none|torch|mlx`."""

from __future__ import annotations

import math
import subprocess
import sys
from importlib.util import find_spec

import xlosses

PACKAGES = {"numpy", "torch", "jax", "mlx", "scipy", "sklearn", "rich", "matplotlib"}


def check_alone(backend: str) -> None:
    there = {name for name in PACKAGES if find_spec(name)}
    assert there == {backend} - {"none"}, f"not a bare environment: {there}"
    assert not PACKAGES & set(sys.modules)


def check_commands() -> None:
    doctor = subprocess.run(
        [sys.executable, "-m", "xlosses", "doctor"], capture_output=True, text=True, check=True
    )
    assert "not installed" in doctor.stdout
    assert "python -m pip install" in doctor.stdout
    for command in ("demo", "parity"):
        found = subprocess.run(
            [sys.executable, "-m", "xlosses", command], capture_output=True, text=True, check=False
        )
        assert found.returncode == 2, found
        assert "python -m pip install" in found.stderr, found
        assert "Traceback" not in found.stderr, found


def check_losses(array, integers) -> None:
    x, y = array([0.5, -2.0, 3.0]), array([0.0, 1.0, 1.0])
    assert math.isclose(
        xlosses.huber_loss(x, y, reduction="mean").item(), (0.125 + 2.5 + 1.5) / 3, rel_tol=1e-6
    )
    assert math.isclose(xlosses.mse_loss(x, 0.5).item(), (0 + 6.25 + 6.25) / 3, rel_tol=1e-6)
    assert xlosses.mse_loss(integers([0]), integers([3])).item() == 9.0
    logits = array([[2.0, -1.0], [-1.0, 2.0]])
    loss = xlosses.cross_entropy(logits, integers([0, 1]), reduction="mean", where=integers([1, 0]) == 1)
    assert math.isclose(loss.item(), 0.0485873, rel_tol=1e-5)
    value, gradient = xlosses.value_and_grad(xlosses.cross_entropy)(logits, integers([0, 1]))
    assert math.isclose(value.item(), 0.0485873, rel_tol=1e-5)
    assert gradient.shape == logits.shape
    try:
        xlosses.cross_entropy(logits, integers([0, 2]))
    except ValueError as error:
        assert "got 2" in str(error)
    else:
        raise AssertionError("a label out of range was accepted")


def main(backend: str) -> None:
    check_alone(backend)
    check_commands()
    if backend == "torch":
        import torch

        check_losses(torch.tensor, torch.tensor)
    elif backend == "mlx":
        import mlx.core as mx

        check_losses(mx.array, mx.array)
    print(f"bare({backend}): fine")


if __name__ == "__main__":
    main(sys.argv[1])
