"""The pytest plugin, in runs of their own: fixtures, choice of frameworks, marker and summary."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from xlosses._backends import FRAMEWORKS
from xlosses.testing.frameworks import installed

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.usually_on("numpy", "torch")  # runs of their own, with whatever is installed

PLUGIN = "_xlosses_pytest"
ROOT = Path(__file__).parent.parent.parent

TESTS = """
import numpy as np
import pytest

def test_both(xp, arrays):
    x = arrays([1.0, -2.0])
    assert xp.owns(x)
    assert arrays.read(xp.abs(x)) == [1.0, 2.0]
    assert arrays.read(xp.sum(x)) == -1.0
    assert [xp.dtype_name(arrays(v).dtype) for v in ([[1.0]], [2, 3], [True], [1, 0.5], [])] == [
        "float32", "int32", "bool", "float32", "float32"
    ]
    assert xp.dtype_name(arrays([1.0], "float16").dtype) == "float16"
    assert xp.dtype_name(arrays(np.zeros(2, np.int8)).dtype) == "int8"

def test_one(arrays, tmp_path):
    assert arrays.framework in repr(arrays).lower() or arrays.framework == "torch"

@pytest.mark.not_for("NAME", reason="of another sort")
def test_not_here(xp):
    raise AssertionError

def test_gradient(arrays):
    if arrays.framework == "numpy":
        with pytest.raises(TypeError, match="no autodiff"):
            arrays.value_and_grad(lambda x: x, arrays(1.0))
    else:
        value, (by_x,) = arrays.value_and_grad(lambda x: (x * x).sum(), arrays([3.0]))
        assert (arrays.read(value), arrays.read(by_x)) == (9.0, [6.0])

def test_none():
    pass
"""


@pytest.fixture
def run(pytester, monkeypatch, name):
    """Run tests with the plugin alone, whether or not it is installed as one.

    In a process of their own: pytester forgets what was imported in this one, and no framework can be
    imported twice.
    """
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run(source, *options, here=False):
        pytester.makepyfile(source.replace("NAME", name))
        runner = pytester.runpytest_inprocess if here else pytester.runpytest_subprocess
        return runner("-p", PLUGIN, "-p", "no:cacheprovider", *options)

    return run


def test_fixtures(run, name):
    found = run(TESTS, "--xp", name, "-v", "--strict-markers", "-rs")
    found.assert_outcomes(passed=4, skipped=1)
    found.stdout.fnmatch_lines([f"*test_both[[]{name}[]] PASSED*", "*of another sort*"])
    found.stdout.fnmatch_lines([f"xlosses: {FRAMEWORKS[name]} 3 passed, 1 skipped*"])


def test_all_that_are_installed(run):
    found = run("def test(xp):\n    pass")
    found.assert_outcomes(passed=len(installed()))
    missing = [label for name, label in FRAMEWORKS.items() if name not in installed()]
    told = str(found.stdout)
    assert all(f"{FRAMEWORKS[name]} 1 passed" in told for name in installed())
    assert ("not installed: " + ", ".join(missing) in told) == bool(missing)


def test_a_framework_that_is_missing(run, monkeypatch):
    plugin = import_module(PLUGIN)
    monkeypatch.setattr(plugin, "_version_of", lambda name: "1.0" if name == "numpy" else "")
    found = run("def test(_xlosses_framework):\n    pass", "-v", here=True)
    found.assert_outcomes(passed=1)
    found.stdout.fnmatch_lines(["xlosses: NumPy 1 passed; not installed: PyTorch, JAX, MLX"])
    found = run("def test(xp):\n    pass", "--xp", "numpy,mlx", here=True)
    assert found.ret == pytest.ExitCode.USAGE_ERROR
    found.stderr.fnmatch_lines(['*--xp: MLX is not installed; install with: *"xlosses[[]mlx[]]"'])


def test_wrong_usage(run):
    found = run("def test(xp):\n    pass", "--xp", "tea", here=True)
    assert found.ret == pytest.ExitCode.USAGE_ERROR
    found.stderr.fnmatch_lines(["*'tea' is no framework; there are numpy, torch, jax, mlx"])
    marked = "import pytest\n@pytest.mark.not_for(%s)\ndef test(xp):\n    pass"
    found = run(marked % "'numpy'", "--xp", "numpy")
    assert found.ret != pytest.ExitCode.OK
    assert "not_for needs a reason" in str(found.stdout) + str(found.stderr)
    found = run(marked % "'tea', reason='x'", "--xp", "numpy")
    assert "'tea' is no framework" in str(found.stdout) + str(found.stderr)


def test_what_fails_is_counted(run, name):
    found = run("def test(xp):\n    assert not xp", "--xp", name)
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["xlosses: * 1 failed*"])


def test_tests_that_have_such_names_already(run):
    """Arguments and fixtures of others come before those of the plugin, and no line is added."""
    source = (
        "import pytest\n@pytest.fixture\ndef arrays():\n    return 3\n"
        "def test(arrays):\n    assert arrays == 3\n"
        "@pytest.mark.parametrize('xp', [1, 2])\ndef test_parameters(xp):\n    assert xp in (1, 2)\n"
    )
    found = run(source)
    found.assert_outcomes(passed=3)
    assert "xlosses:" not in str(found.stdout)


def test_side_by_side(run, name):
    found = run(TESTS, "--xp", name, "-p", "xdist.plugin", "-n", "2")
    found.assert_outcomes(passed=4, skipped=1)
    found.stdout.fnmatch_lines(["xlosses: * 3 passed, 1 skipped*"])


def test_parametrized_checks(run, name):
    source = (
        "import xlosses\nfrom xlosses.testing import parametrize_with_checks\n"
        "@parametrize_with_checks([xlosses.mse_loss], backends=['numpy'], skip={'check_nan': 'none'})\n"
        "def test_losses(case, check):\n    check(case)\n"
    )
    found = run(source, "-v")
    found.stdout.fnmatch_lines(["*test_losses[[]mse_loss-numpy-check_values[]] PASSED*"])
    assert found.parseoutcomes()["skipped"] == 1
    assert "failed" not in found.parseoutcomes()


def test_loading_imports_neither_the_package_nor_a_framework():
    names = {"xlosses", *FRAMEWORKS}
    code = f"import sys, {PLUGIN}; print(sorted({names!r} & {{*sys.modules}}))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_it_is_an_entry_point_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"xlosses": PLUGIN}


def test_it_knows_all_frameworks():
    assert import_module(PLUGIN).FRAMEWORKS == FRAMEWORKS
