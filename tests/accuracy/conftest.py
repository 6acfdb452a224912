"""The reference tables and the figures held against them; `measure.py` says how."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Figures are held of the four frameworks; what is of none of them runs once, with NumPy."""
    backend = config.getoption("backend")
    if collection_path.name == "test_held_accuracy.py":
        return True if backend == "strict" else None
    if collection_path.name in ("test_tables.py", "test_targets.py"):
        return True if backend != "numpy" else None
    return None
