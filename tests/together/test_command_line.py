"""The commands as a user runs them: output, files, exit codes, and what they say is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from matrix import deep

from xlosses._backends import FRAMEWORKS
from xlosses._cli import main
from xlosses.testing import CASES, Comparison

HERE = Path(__file__).parent


def run(*args: str, cwd: Path | None = None, **hidden: bool) -> subprocess.CompletedProcess[str]:
    """`python -m xlosses` in a process of its own, as if the hidden packages were not installed."""
    code = (
        "import sys; from importlib import metadata; real = metadata.version\n"
        f"hidden = {sorted(hidden)!r}\n"
        "def version(name):\n"
        "    if name.replace('-', '_') in hidden: raise metadata.PackageNotFoundError(name)\n"
        "    return real(name)\n"
        "metadata.version = version\n"
        "from xlosses._cli import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *args], capture_output=True, text=True, cwd=cwd, check=False
    )


def test_module_and_script():
    for command in ([sys.executable, "-m", "xlosses"], [str(Path(sys.executable).parent / "xlosses")]):
        found = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True)
        for word in ("demo", "parity", "doctor", "exit codes"):
            assert word in found.stdout


@pytest.mark.parametrize(
    "arguments", [[], ["bake"], ["demo", "--epochs", "0"], ["demo", "--output", "x.jpg"]]
)
def test_wrong_usage(arguments):
    found = run(*arguments)
    assert found.returncode == 2
    assert "usage: xlosses" in found.stderr
    assert "Traceback" not in found.stderr


def test_demo(tmp_path):
    found = run("demo", "--epochs", "3", cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    for word in ("PyTorch", "JAX", "MLX", "Largest disagreement", "within 1e-04", "xlosses-demo.png"):
        assert word in found.stdout
    picture = (tmp_path / "xlosses-demo.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 10_000


def test_demo_learns_and_agrees():
    from xlosses._backends import load_workbench
    from xlosses._cli import training

    digits, judge = training.load_digits(), load_workbench("numpy")
    curves = {
        name: list(training.train(load_workbench(name), judge, digits, 4)) for name in ("torch", "jax", "mlx")
    }
    for reached in curves.values():
        assert reached[-1].training_loss < 0.2
        assert reached[-1].accuracy > 0.93
    assert training.largest(training.disagreements(curves)) < 1e-6


def test_demo_says_when_frameworks_disagree(tmp_path, monkeypatch, capsys):
    from xlosses._cli import demo

    monkeypatch.setattr(demo, "TOLERANCE", 1e-12)
    assert main(["demo", "--epochs", "2", "--output", str(tmp_path / "x.png")]) == 1
    assert "NOT within" in capsys.readouterr().out


def test_demo_without_one_framework(tmp_path):
    found = run("demo", "--epochs", "1", cwd=tmp_path, jax=True)
    assert found.returncode == 0, found.stderr
    assert 'JAX is not installed; install with: python -m pip install "xlosses[jax]"' in found.stdout


@pytest.mark.parametrize("command", ["demo", "parity"])
def test_missing_extra(command, tmp_path):
    found = run(command, cwd=tmp_path, rich=True, scikit_learn=True)
    assert found.returncode == 2
    assert 'python -m pip install "xlosses[demo]"' in found.stderr
    assert found.stderr.count("\n") == 1


def test_missing_framework_that_was_asked_for(tmp_path):
    found = run("parity", "--backends", "numpy,mlx", cwd=tmp_path, mlx=True)
    assert found.returncode == 2
    assert 'MLX is not installed; install with: python -m pip install "xlosses[mlx]"' in found.stderr


@pytest.mark.parametrize("losses", ["mse_loss,cross_entropy,info_nce_loss", pytest.param("", marks=deep)])
def test_parity(tmp_path, losses):
    """On real data: a loss of elements, one of rows, one of whole batches; and all."""
    figures = tmp_path / "parity.json"
    found = run("parity", "--json", str(figures), *(("--losses", losses) if losses else ()))
    assert found.returncode == 0, found.stdout + found.stderr
    rows = json.loads(figures.read_text())
    cases = {name for name, case in CASES.items() if not losses or case.loss_name in losses.split(",")}
    assert {row["case"] for row in rows} == cases
    assert {row["backend"] for row in rows} == set(FRAMEWORKS)
    assert all(row["passed"] and row["difference"] <= row["tolerance"] for row in rows)
    assert f"{len(rows)} of {len(rows)} arrays within tolerance" in found.stdout
    for name in FRAMEWORKS.values():
        assert name in found.stdout


def test_parity_with_numpy_alone():
    found = run("parity", "--losses", "mse_loss,hinge_loss", torch=True, jax=True, mlx=True)
    assert found.returncode == 0, found.stderr
    for name in ("PyTorch", "JAX", "MLX"):
        assert f"Not compared: {name} is not installed" in found.stdout
    assert "cosine" not in found.stdout


def test_parity_fails(monkeypatch, capsys):
    from xlosses._cli import parity

    def broken(case, backend, data):
        return [Comparison(case.name, backend, {"delta": 2.0}, "gradient by inputs", 0.25, 2e-6)]

    monkeypatch.setattr(parity, "compare", broken)
    assert main(["parity", "--losses", "huber_loss", "--backends", "numpy"]) == 1
    shown = capsys.readouterr().out
    assert "FAIL huber_loss(delta=2.0) on numpy: gradient by inputs differs by 0.25, more than 2e-06" in shown
    assert "0 of 1 arrays within tolerance" in shown


def test_parity_of_an_unknown_loss(capsys):
    assert main(["parity", "--losses", "tea_loss"]) == 2
    assert "there is no loss 'tea_loss'; there are mse_loss, " in capsys.readouterr().err


def test_doctor():
    found = run("doctor")
    assert found.returncode == 0
    for word in (*FRAMEWORKS.values(), "bfloat16", "cpu", "Nothing is missing."):
        assert word in found.stdout


def test_doctor_with_nothing_installed():
    found = run("doctor", **dict.fromkeys(("numpy", "torch", "jax", "mlx", "rich"), True))
    assert found.returncode == 0
    assert (
        'What is missing comes with:  python -m pip install "xlosses[numpy,torch,jax,mlx,demo]"'
        in found.stdout
    )
