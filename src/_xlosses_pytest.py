"""The pytest plugin: fixtures that run a test once per installed framework.

pytest loads it wherever xlosses is installed, so that it stands beside the package and imports nothing
of it before a test asks for a fixture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xlosses._backends import Workbench

FRAMEWORKS = {"numpy": "NumPy", "torch": "PyTorch", "jax": "JAX", "mlx": "MLX"}
MARK = "not_for(*frameworks, reason): leave these frameworks out of a test that takes `xp` or `arrays`"
PROPERTY = "xlosses framework"
DTYPES = {float: "float32", int: "int32", bool: "bool"}
OUTCOMES = ("passed", "failed", "skipped", "xfailed", "xpassed", "error")


class Arrays:
    """Makes arrays of one framework, and reads them.

    Call it with numbers in nested lists, or with an array of NumPy, whose dtype is kept. Numbers become
    float32, int32 or bool unless `dtype` names another.
    """

    def __init__(self, framework: str, bench: Workbench) -> None:
        self.framework = framework
        self._bench = bench

    def __repr__(self) -> str:
        return f"arrays of {FRAMEWORKS[self.framework]}"

    def __call__(self, values: Any, dtype: str | None = None) -> Any:
        """An array of this framework."""
        return self._bench.array(values, dtype or _dtype_of(values))

    def read(self, x: Any) -> Any:
        """An array as nested lists, or as a number where it has no axes."""
        from xlosses.testing.subject import read

        return read(self._bench, x).tolist()

    def value_and_grad(self, function: Callable[..., Any], *arrays: Any) -> tuple[Any, tuple[Any, ...]]:
        """A function's value and its gradients by each array, by autodiff; TypeError where there is none."""
        return self._bench.value_and_grad(function, *arrays)


def _dtype_of(values: Any) -> str:
    dtype = getattr(getattr(values, "dtype", None), "name", None)
    if dtype is not None:
        return str(dtype)
    found = {type(x) for x in _numbers(values)}
    return DTYPES[next((kind for kind in (float, int, bool) if kind in found), float)]


def _numbers(values: Any) -> Iterator[Any]:
    if not isinstance(values, (list, tuple)):
        yield values
        return
    for part in values:
        yield from _numbers(part)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("xlosses", "frameworks of arrays")
    group.addoption(
        "--xp",
        metavar="A,B",
        help="run tests that take `xp` or `arrays` on these of numpy, torch, jax, mlx (all installed)",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARK)
    _chosen(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "_xlosses_framework" not in metafunc.fixturenames:
        return
    left_out: dict[str, str] = {}
    for mark in metafunc.definition.iter_markers("not_for"):
        for name in mark.args:
            left_out[_known(name)] = _reason_of(mark)
    chosen = [
        pytest.param(name, marks=[pytest.mark.skip(reason=left_out[name])] if name in left_out else [])
        for name in _chosen(metafunc.config)
    ]
    metafunc.parametrize("_xlosses_framework", chosen, indirect=True, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        framework = getattr(item, "callspec", None) and item.callspec.params.get("_xlosses_framework")  # type: ignore[attr-defined]
        if framework:
            item.user_properties.append((PROPERTY, framework))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    counts: dict[str, Counter[str]] = {}
    for outcome in OUTCOMES:
        for report in terminalreporter.stats.get(outcome, ()):
            framework = dict(getattr(report, "user_properties", ())).get(PROPERTY)
            if framework:
                counts.setdefault(framework, Counter())[outcome] += 1
    if not counts:
        return
    parts = [
        f"{FRAMEWORKS[name]} {', '.join(f'{n} {outcome}' for outcome, n in counts[name].items())}"
        for name in FRAMEWORKS
        if name in counts
    ]
    missing = [label for name, label in FRAMEWORKS.items() if not _version_of(name)]
    parts += [f"not installed: {', '.join(missing)}"] if missing else []
    terminalreporter.write_line(f"xlosses: {'; '.join(parts)}")


@pytest.fixture(scope="session")
def _xlosses_framework(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def _xlosses_bench(_xlosses_framework: str) -> Workbench:
    from xlosses._backends import load_workbench

    return load_workbench(_xlosses_framework)


@pytest.fixture(scope="session")
def xp(_xlosses_bench: Workbench) -> Any:
    """The namespace of one framework, by the array API standard, and the words of xlosses."""
    return _xlosses_bench.xp


@pytest.fixture(scope="session")
def arrays(_xlosses_framework: str, _xlosses_bench: Workbench) -> Arrays:
    """Makes arrays of one framework: `arrays([1.0, 2.0])`; `arrays.read(x)` reads them."""
    return Arrays(_xlosses_framework, _xlosses_bench)


def _chosen(config: pytest.Config) -> list[str]:
    """The frameworks to run on: those that were named, which must be installed, or all that are."""
    asked = config.getoption("--xp")
    if not asked:
        return [name for name in FRAMEWORKS if _version_of(name)]
    names = list(dict.fromkeys(_known(name.strip()) for name in asked.split(",")))
    for name in names:
        if not _version_of(name):
            install = f'python -m pip install "xlosses[{name}]"'
            raise pytest.UsageError(f"--xp: {FRAMEWORKS[name]} is not installed; install with: {install}")
    return names


def _known(name: str) -> str:
    if name not in FRAMEWORKS:
        raise pytest.UsageError(f"{name!r} is no framework; there are {', '.join(FRAMEWORKS)}")
    return name


def _reason_of(mark: pytest.Mark) -> str:
    if not mark.kwargs.get("reason"):
        raise pytest.UsageError("not_for needs a reason: not_for('mlx', reason='...')")
    return str(mark.kwargs["reason"])


def _version_of(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
