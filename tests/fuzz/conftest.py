"""Random input: the same fifty examples in every run (twenty on the other frameworks than NumPy, which check
the same rules), or a thousand from new seeds in a deep one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from matrix import EXTENT, GROUPS

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
settings.register_profile("numpy", always, max_examples=50, derandomize=True)
settings.register_profile("other", always, max_examples=20, derandomize=True)
settings.register_profile("deep", always, max_examples=1000)

# Usually on JAX, which compiles for every loss, setting and shape: elements, labels beside rows, vectors.
ON_JAX = ("mse_loss", "cross_entropy", "triplet_loss")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what is particular to another framework; set how many examples the tests draw."""
    of_backend = "numpy" if config.getoption("backend") == "numpy" else "other"
    settings.load_profile("deep" if EXTENT == "deep" else of_backend)
    wanted = OF_ONE_FRAMEWORK.get(collection_path.name, config.getoption("backend"))
    return True if wanted != config.getoption("backend") else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("backend") == "jax" and EXTENT == "usual":
        left_out = GROUPS.keys() - {*ON_JAX}
        items[:] = [item for item in items if item.name.partition("[")[2].rstrip("]") not in left_out]
