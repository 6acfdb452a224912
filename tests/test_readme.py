"""The README's examples run, each on its own framework, and give the same numbers."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
IMPORTS = {"numpy": "import numpy", "torch": "import torch", "jax": "import jax", "mlx": "import mlx.core"}


def test_one_block_per_framework():
    assert [[name in block for name in IMPORTS.values()].count(True) for block in BLOCKS] == [1, 1, 1, 1]


def test_block_runs(on):
    blocks = [block for block in BLOCKS if on.name in IMPORTS and IMPORTS[on.name] in block]
    assert len(blocks) == (on.name in IMPORTS)
    for block in blocks:
        names: dict[str, object] = {}
        exec(block, names)  # noqa: S102
        loss = names["loss"].detach() if on.name == "torch" else names["loss"]
        gradient = names["logits"].grad if on.name == "torch" else names["gradient"]
        assert on.read(loss) == pytest.approx(0.04858735, rel=1e-6)
        p = 0.0474259 / 2
        assert on.read(gradient) == [pytest.approx([-p, p], rel=1e-5), pytest.approx([p, -p], rel=1e-5)]


def test_the_table_of_speed_is_that_of_the_stored_results():
    path = str(Path(__file__).parent.parent / "docs")
    sys.path.append(path)
    try:
        from make_benchmarks import summary
    finally:
        sys.path.remove(path)
    assert summary() in README
