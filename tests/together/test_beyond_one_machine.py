"""The recipes of the page, run as a reader runs them; and what is sent between processes and devices.

Each is a process of its own, because devices and process groups are set up before a framework starts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
RECIPES = HERE.parent.parent / "examples" / "beyond_one_machine"
LIMIT = 300  # seconds, of which a quiet machine needs about 15


def run(*command: str | Path) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "default"}
    found = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, env=environment)
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        ("torch_data_parallel", ["DDP: the gradient of 2", "FSDP2: the gradient of 2"]),
        ("torch_sharded_vocabulary", ["with 500 of 1000 classes"]),
        ("jax_mesh", ["mesh of 4 devices"]),
        ("dask_cluster", ["mean over 292 MB: 4.6"]),
    ],
)
def test_recipe(recipe, expected):
    printed = run(sys.executable, RECIPES / f"{recipe}.py")
    assert [line for line in expected if line not in printed] == []


def test_recipe_of_mlx():
    launch = shutil.which("mlx.launch", path=Path(sys.executable).parent)
    printed = run(launch, "-n", "2", "--backend", "ring", sys.executable, RECIPES / "mlx_processes.py")
    assert "process 0 of 2" in printed
    assert "process 1 of 2" in printed


@pytest.mark.parametrize("script", ["sharded", "mesh"])
def test_logits_stay_where_they_are(script):
    assert "all losses agree" in run(sys.executable, HERE / f"{script}.py")
