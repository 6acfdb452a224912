"""Random input: the same fifty examples in every run, or a thousand from new seeds in a deep one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from matrix import EXTENT

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
settings.register_profile("usual", always, max_examples=50, derandomize=True)
settings.register_profile("deep", always, max_examples=1000)
settings.load_profile("deep" if EXTENT == "deep" else "usual")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what is particular to another framework."""
    wanted = OF_ONE_FRAMEWORK.get(collection_path.name, config.getoption("backend"))
    return True if wanted != config.getoption("backend") else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Usually on JAX only the first loss of each sort: it compiles for every loss, setting and shape."""
    if config.getoption("backend") == "jax" and EXTENT == "usual":
        items[:] = [item for item in items if "[others" not in item.name]
