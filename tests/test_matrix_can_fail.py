"""The matrix fails when a loss is wrong: each break is made in a process of its own, and must be caught."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

WRAPPED_LABELS = """
widest = labels.widest
labels.safe = lambda xp, x, classes, mask, *_: (widest(xp, x) % classes, mask, None)
labels.check = lambda *arguments: False
"""

# What is broken, and the loss that notices it.
BREAKS = {
    "a value": ("huber_loss", "regression.huber.terms = lambda xp, x, y, delta: 1.001 * xp.absolute(x - y)"),
    "a slope": ("mse_loss", "regression.squared_error.slope_function = lambda xp, x, y: 2.002 * (x - y)"),
    "a weight of its own": ("nll_loss", "classification.nll.weight_function = None"),
    "a mask": ("mse_loss", "ready = reduce.ready\nreduce.ready = lambda o: ready(o)._replace(mask=None)"),
    "a reduction": ("mse_loss", "reduce._count = lambda o, terms: 7"),
    "labels": ("nll_loss", WRAPPED_LABELS),
}

TESTS = ("losses/test_values.py", "losses/test_labels.py")


@pytest.mark.usually_on("numpy")  # the tests are the same on all
@pytest.mark.parametrize("name", BREAKS)
def test_break_is_caught(on, name):
    loss, broken = BREAKS[name]
    code = (
        "import pytest, sys\n"
        "from xlosses._core import labels, reduce\n"
        "from xlosses.losses import classification, regression\n"
        f"{broken}\n"
        f"options = ['-q', '-x', '--backend', {on.name!r}, '-k', {loss!r}, '-p', 'no:cacheprovider']\n"
        # xlosses is imported before pytest, which warns that it cannot rewrite its assertions any more.
        "options += ['-W', 'ignore:Module already imported:pytest.PytestAssertRewriteWarning']\n"
        "sys.exit(pytest.main([*options, *sys.argv[1:]]))"
    )
    tests = [str(HERE / test) for test in TESTS]
    whole = {**os.environ, "XLOSSES_ENGINE": "off"}  # op by op: JAX need not compile every call
    found = subprocess.run(
        [sys.executable, "-c", code, *tests], capture_output=True, text=True, check=False, env=whole
    )
    assert found.returncode == pytest.ExitCode.TESTS_FAILED, found.stdout
    # What failed is an assertion of the matrix, and not the break itself.
    failure = next(line for line in found.stdout.splitlines() if line.startswith("E  "))
    assert re.match(r"E +(AssertionError|assert|Failed: DID NOT RAISE)", failure), found.stdout
