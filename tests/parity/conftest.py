from __future__ import annotations

import pytest


@pytest.fixture
def name(on):
    """The framework under test, as `assert_parity` knows it: NumPy where that is array-api-strict."""
    return "numpy" if on.name == "strict" else on.name
