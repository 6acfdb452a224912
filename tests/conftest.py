"""The matrix: `pytest --backend torch` runs every test on that framework, which must be installed."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
BACKENDS = ("numpy", "strict", "torch", "jax", "mlx")
TABLES = {  # of the adaptor, by the argument of a test that runs for each entry
    "compiler": "compilers",
    "gradient": "gradients",
    "mapper": "mappers",
    "forward": "forward",
    "hessian": "hessians",
}

# Where tests spend their time in compilers, the first loss of each sort stands for the others, except in the
# tests marked `every_loss`. Folders of tests, by the framework.
COMPILED = {"jax": ("backends", "engine", "losses", "transformations"), "torch": ("transformations",)}

# Losses that take a compiler seconds in each test: of these a usual run takes what it takes of every loss.
LONG_PROGRAMS = {"jax": ("ctc_loss",)}

APART = ("together", "boosting")  # folders of sessions of their own

sys.path[:0] = [str(HERE), str(HERE / "backends"), str(HERE / "losses"), str(HERE / "boosting")]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--backend", choices=BACKENDS, default="numpy", help="the framework to run on")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "usually_on(*backends): other frameworks come in a deep run")
    config.addinivalue_line("markers", "fewer: what is run of losses that others stand for (matrix.py)")
    config.addinivalue_line("markers", "every_loss: also where compiling takes long (matrix.py)")
    config.adaptor = import_module(f"on_{config.getoption('backend')}").adaptor


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what is particular to other frameworks, or belongs to a session of its own."""
    here, backend = collection_path.relative_to(HERE), config.getoption("backend")
    if here.suffix == ".py" and here.stem.removeprefix("test_") in BACKENDS:
        return here.stem != f"test_{backend}"
    if here.parts[:1] == ("transformations",):
        return not config.adaptor.gradients
    folder = here.parts[0]
    asked = any(Path(arg).resolve().is_relative_to(HERE / folder) for arg in config.args)
    return True if folder in APART and not asked else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items[:] = [item for item in items if _is_run(item, config.adaptor)]


def _is_run(item: pytest.Item, adaptor: Any) -> bool:
    """Whether a test is among those of this run: in a deep one all are."""
    from matrix import EXTENT, FIRSTS

    if EXTENT != "deep" and any(adaptor.name not in mark.args for mark in item.iter_markers("usually_on")):
        return False
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    case = parameters.get("case")
    if EXTENT == "deep" or case is None:
        return True
    if "(trained" in case.name and adaptor.name != "numpy":  # the loss without that parameter stands for it
        return False
    in_first_setting = parameters.get("options", case.options[0]) == case.options[0]
    long = case.loss_name in LONG_PROGRAMS.get(adaptor.name, ())
    if case in FIRSTS and in_first_setting and not long:
        return True
    folder = item.path.relative_to(HERE).parts[0]
    if folder in COMPILED.get(adaptor.name, ()) and not item.get_closest_marker("every_loss"):
        return False
    for mark in item.iter_markers("fewer"):
        for name, kept in mark.kwargs.items():
            kept = [case.options[0]] if kept == "first" else kept
            kept = list(getattr(adaptor, TABLES[name]).values())[-1:] if kept == "last" else kept
            if parameters[name] not in kept:
                return False
    return True


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `compiler`, `gradient`, ... runs for each that the framework has."""
    for argument, table in TABLES.items():
        if argument in metafunc.fixturenames:
            found = getattr(metafunc.config.adaptor, table)
            metafunc.parametrize(argument, found.values(), ids=found.keys())
    if "compiled_or_mapped" in metafunc.fixturenames:
        found = {**metafunc.config.adaptor.compilers, **metafunc.config.adaptor.mappers}
        metafunc.parametrize("compiled_or_mapped", found.values(), ids=found.keys())
    if "setting" in metafunc.fixturenames:
        # Blocks of one term, blocks that fit no row or cut a batch unevenly, and the usual way.
        blocks = [1, 7] if metafunc.config.getoption("backend") in ("numpy", "torch") else []
        metafunc.parametrize("setting", [*blocks, "on"])
    if "dtype" in metafunc.fixturenames and not _decided(metafunc, "dtype"):
        metafunc.parametrize("dtype", metafunc.config.adaptor.bench.dtypes())


@pytest.fixture(autouse=True, scope="module")
def forgets(request: pytest.FixtureRequest):
    """What a framework has compiled for one file is of no use to the next, and takes gigabytes."""
    yield
    request.config.adaptor.forget()


@pytest.fixture(scope="session")
def on(request: pytest.FixtureRequest):
    """The adaptor of the framework under test."""
    return request.config.adaptor


def _decided(metafunc: pytest.Metafunc, argument: str) -> bool:
    """Whether a test says itself what this argument is."""
    marks = metafunc.definition.iter_markers("parametrize")
    return any(
        argument in (mark.args[0] if isinstance(mark.args[0], tuple) else mark.args[0].split(","))
        for mark in marks
    )
