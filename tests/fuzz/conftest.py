"""Random input: a fixed hundred of examples each, or thousands from new seeds with XLOSSES_FUZZ=thousands."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

HERE = Path(__file__).parent
OF_ONE_FRAMEWORK = {"test_hostile_labels.py": "mlx", "test_numpy_hygiene.py": "numpy"}

sys.path.insert(0, str(HERE))

# No deadline: the first example of a shape may compile. No database: a run depends on nothing but its seed.
always = settings(
    deadline=None,
    database=None,
    print_blob=True,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.register_profile("normal", always, max_examples=100, derandomize=True)
settings.register_profile("thousands", always, max_examples=1000)
settings.load_profile(os.environ.get("XLOSSES_FUZZ", "normal"))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what is particular to another framework."""
    wanted = OF_ONE_FRAMEWORK.get(collection_path.name, config.getoption("backend"))
    return True if wanted != config.getoption("backend") else None
