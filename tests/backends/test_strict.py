"""What only array-api-strict can show: nothing beyond the standard is used, and devices are kept."""

from __future__ import annotations

import array_api_strict as xp
import pytest
from matrix import every_case

from xlosses.testing.data import drawn
from xlosses.testing.parity import arrays


@every_case
def test_results_live_on_the_device_of_the_inputs(on, case):
    given = arrays(case, on.bench, drawn(case.arrays, 3))
    device = xp.Device("device1")
    moved = [x.to_device(device) for x in given.values()]
    for reduction in ("none", "mean", "weighted_mean"):
        assert case.loss(*moved, reduction=reduction).device == device


@pytest.mark.parametrize("version", ["2024.12", "2025.12"])
@every_case
def test_versions_of_the_standard(on, case, version):
    given = arrays(case, on.bench, drawn(case.arrays, 3)).values()
    with xp.ArrayAPIStrictFlags(api_version=version):
        case.loss(*given, reduction="mean")
