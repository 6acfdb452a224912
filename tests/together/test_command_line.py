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
    found = run("demo", "--epochs", "1", cwd=tmp_path)
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
    assert main(["demo", "--epochs", "1", "--output", str(tmp_path / "x.png")]) == 1
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


@pytest.mark.parametrize("losses", ["mse_loss,cross_entropy", pytest.param("", marks=deep)])
def test_parity(tmp_path, losses):
    """On real data: a loss of elements and one of rows; and all."""
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


def test_there_is_real_data_of_every_case():
    from xlosses.testing.data import real

    for case in CASES.values():
        table = real(case.arrays)
        assert {*table} == {*case.arrays}
        if "kept" in table:
            assert len(table["kept"][0]) == len(next(iter(table.values()))[0])


MODULE = """
import xlosses

def huber(x, y):
    return xlosses.huber_loss(x, y, reduction="mean")

def picked(logits, labels, scale=1.0):
    return xlosses.cross_entropy(logits * scale, labels, reduction="mean")

def off(x):
    return x * 1.001 if type(x).__module__ == "torch" else x * 1.0

number = 3
"""


@pytest.fixture
def module(tmp_path):
    (tmp_path / "of_mine.py").write_text(MODULE)
    return tmp_path


def test_parity_of_functions(module):
    files = ("--json", "figures.json", "--html", "report.html")
    settings = ("--backends", "numpy,torch,mlx")
    found = run("parity", "of_mine:huber", "of_mine:off", *settings, *files, cwd=module)
    assert found.returncode == 1, found.stderr
    assert "PASS of_mine:huber on PyTorch: 6 results" in found.stdout
    assert "FAIL of_mine:off on PyTorch: 4 results" in found.stdout
    assert "  PyTorch, torch.compile: gradient by x: float32, 64 of 64 entries differ" in found.stdout
    rows = json.loads((module / "figures.json").read_text())
    assert {row["backend"] for row in rows if not row["passed"]} == {"torch"}
    page = (module / "report.html").read_text()
    for word in ("prefers-color-scheme: dark", "of_mine:off", "mx.compile", "4 of 22 results are out", "MLX"):
        assert word in page
    assert "http" not in page.replace("http-equiv", "")


@pytest.mark.parametrize("named", [True, False])
def test_parity_on_the_data_of_a_file(module, named):
    import numpy as np

    logits, labels = np.zeros((3, 2), np.float32), np.asarray([0, 1, 1])
    if named:
        np.savez(module / "data.npz", labels=labels, logits=logits, scale=np.float32(2.0))
    else:
        np.savez(module / "data.npz", logits, labels)
    settings = ("--backends", "numpy", "--data", "data.npz")
    found = run("parity", "of_mine:picked", *settings, cwd=module)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "PASS of_mine:picked on NumPy: 1 results" in found.stdout
    found = run("parity", "of_mine:huber", *settings, cwd=module)
    if named:
        assert found.returncode == 2
        assert "of_mine:huber has no parameter" in found.stderr


def test_parity_on_kinds_of_data(module):
    settings = ("--backends", "numpy", "--kinds", "logits,labels")
    found = run("parity", "of_mine:picked", *settings, cwd=module)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("of_mine",), "'of_mine' is not module:function"),
        (("no_such:f",), "no_such cannot be imported (ModuleNotFoundError"),
        (("of_mine:tea",), "there is no tea in of_mine"),
        (("of_mine:number",), "of_mine:number is no function"),
        (("of_mine:huber", "--kinds", "tea,cake"), "there is no kind 'tea'; there are prediction, "),
        (("of_mine:huber", "--kinds", "target"), "takes 2 arrays (x, y), but --kinds has 1"),
        (("of_mine:huber", "--kinds", "target", "--data", "x.npz"), "--data and --kinds exclude each other"),
        (("of_mine:huber", "--data", "x.npz"), "No such file"),
        (("of_mine:huber", "--data", "of_mine.py"), "of_mine.py is no .npz file of arrays"),
        (("of_mine:huber", "--losses", "mse_loss"), "--losses chooses among the losses of xlosses"),
        (("--data", "x.npz"), "are for functions of yours"),
    ],
)
def test_wrong_usage_of_parity(module, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(module)
    monkeypatch.syspath_prepend(str(module))
    assert main(["parity", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_report_of_the_losses(tmp_path):
    report = tmp_path / "report.html"
    assert main(["parity", "--losses", "mse_loss", "--backends", "numpy,mlx", "--html", str(report)]) == 0
    page = report.read_text()
    for word in (
        "mse_loss",
        "NumPy",
        "MLX",
        "results are within tolerance",
        "gradient by predictions",
        "Python",
    ):
        assert word in page
    assert "PyTorch</th>" not in page


def test_a_page_says_what_is_beyond_and_what_is_no_number():
    from xlosses._cli.page import Figure
    from xlosses._cli.page import page as text_of

    figures = [
        Figure("f<x>", "NumPy", "output", 0.0, 1e-6, True),
        Figure("f<x>", "JAX, jax.jit", "output", 9e-7, 1e-6, True),
        Figure("f<x>", "MLX", "output", float("nan"), float("nan"), False, "raises <TypeError>"),
        Figure("g", "MLX", "gradient", float("inf"), 1e-6, False, "NaN"),
    ]
    page = text_of("title", "note", figures)
    for word in ("f&lt;x&gt;", "raises &lt;TypeError&gt;", "exact", "JAX<br>jax.jit", "\u2717 no number"):
        assert word in page
    assert page.count("\u2717 infinite") == 1
    assert page.count("\u2013</td>") == 2 + 2  # two cells without a figure, and two numbers that are none
    assert "2 of 4 results are out of tolerance" in page
