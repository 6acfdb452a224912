"""`nox` runs all tests, `nox -s demo` the demo. Versions are those of constraints.txt."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
from pathlib import Path

import nox

HERE = Path(__file__).parent
CONSTRAINTS = str(HERE / "constraints.txt")
PINNED = {
    "PIP_CONSTRAINT": CONSTRAINTS,
    "PIP_BUILD_CONSTRAINT": CONSTRAINTS,
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_COMPILE": "0",  # Python compiles what it imports, which is less than all that pip installs
}
TEST_TOOLS = ("numpy", "pytest", "pytest-xdist", "hypothesis", "mpmath", "cloudpickle")
PEERS = ("optax", "scipy", "scikit-learn", "keras")  # what the benchmark measures against
# What losses are given to as objectives; for Linux xgboost-cpu is XGBoost without hundreds of MB for GPUs.
BOOSTERS = (
    "xgboost-cpu" if platform.system() == "Linux" else "xgboost",
    "lightgbm",
    "catboost",
    "scikit-learn",
)
EXAMPLES = (
    "xlosses._core",
    "xlosses._engine.switch",
    "xlosses._evaluate",
    "xlosses._sums",
    "xlosses._hessian_diagonal",
    "xlosses._value_and_grad",
    "xlosses.boosting",
    "xlosses.losses",
    "xlosses.keras",
    "xlosses.testing",
)
BACKENDS = ("numpy", "strict", "torch", "jax", "mlx")
# How formulas run in the tests. On JAX first op by op: XLA compiles every call of every test, which takes
# three times as long. "1" is "on" for small arrays, too, and "40" cuts them into blocks.
BLOCKS = ("on", "off", "40")
ENGINES = {"numpy": BLOCKS, "torch": BLOCKS, "jax": ("off", "1"), "mlx": ("on", "off")}

# What of test_values.py: on JAX the longest and the shortest reduction, because each test is compiled.
OTHER_ENGINES = {"jax": "nan or gradient and (none or weighted_mean)"}

# Tests run side by side on up to four cores: a process of JAX and its tests may take 2 GB.
CORES = min(os.cpu_count() or 1, 4)
SIDE_BY_SIDE = ("-n", str(CORES)) if CORES > 1 else ()

# Most of the time on JAX is spent in XLA's compiler, so that most tests ask it for little, and what it has
# compiled is kept: the next run takes a third of the time.
HASTY = {"XLA_FLAGS": "--xla_backend_optimization_level=0"}
PROGRAMS = {
    "JAX_COMPILATION_CACHE_DIR": str(HERE / ".nox" / "jax-programs"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}

# What `nox -s mutants` changes, each by the tests of one framework.
MUTATED = {
    "numpy": (
        *("_backends/cache.py", "_backends/generic.py", "_backends/numpy.py", "_core", "losses"),
        *("_engine/blocks.py", "_engine/careful.py", "_engine/numpy.py", "_engine/switch.py"),
        *("_engine/whole.py", "_engine/diagonal.py", "_engine/duals.py", "_evaluate.py"),
        *("_value_and_grad.py", "_hessian_diagonal.py", "boosting.py"),
    ),
    "torch": (
        "_backends/torch.py",
        "_engine/torch.py",
        "_engine/torch_compiled.py",
        "_engine/torch_private.py",
    ),
    "jax": (
        *("_backends/jax.py", "_engine/jax.py", "_engine/jax_careful.py", "_engine/jax_rows.py"),
        *("_engine/jax_slopes.py", "_engine/jax_chunks.py"),
    ),
    "mlx": ("_backends/mlx.py", "_engine/mlx.py", "_engine/mlx_chunks.py"),
}

# Environments of pip, so that its own configuration counts: a CPU build of PyTorch, a mirror.
nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "together", "tests", "boosting", "bare", "docs"]


def has_mlx() -> bool:
    """Whether there is an MLX wheel for this machine."""
    return platform.system() == "Linux" or (platform.system(), platform.machine()) == ("Darwin", "arm64")


def install(session: nox.Session, *packages: str, extras: str = "") -> None:
    """Install this package with extras, and others, in the pinned versions."""
    target = f".[{extras}]" if extras else "."
    session.env.update(PINNED)
    session.install(target, *packages, silent=True)


def everything(*others: str) -> str:
    """The extras of all frameworks that this machine can have."""
    frameworks = [name for name in ("numpy", "torch", "jax", "mlx") if name != "mlx" or has_mlx()]
    return ",".join((*frameworks, *others))


def has(backend: str) -> bool:
    """Whether this machine can have the framework; if not, say so."""
    if backend == "mlx" and not has_mlx():
        print("There is no MLX wheel for this machine, so its tests are left out")
        return False
    return True


def install_for_tests(session: nox.Session, backend: str) -> None:
    """One framework alone, with NumPy as a test tool."""
    if backend == "strict":
        install(session, *TEST_TOOLS, "array-api-strict")
    else:
        install(session, *TEST_TOOLS, *(("dask[array]",) if backend == "numpy" else ()), extras=backend)


@nox.session
@nox.parametrize("backend", [nox.param(name, id=name) for name in BACKENDS])
def tests(session: nox.Session, backend: str) -> None:
    """The test matrix on one framework, and one loss of each sort by its other engines."""
    if not has(backend):
        return
    install_for_tests(session, backend)
    session.env.update(PROGRAMS if backend == "jax" else {})
    first, *others = ENGINES.get(backend, ("on",))
    hasty = HASTY if backend == "jax" else {}
    run = ("pytest", "--backend", backend, *SIDE_BY_SIDE, *session.posargs)
    session.run(*run, env={"XLOSSES_ENGINE": first, **hasty})
    for engine in others:
        side_by_side = SIDE_BY_SIDE if backend == "jax" else ()  # else it takes longer to start
        run = ("pytest", "--backend", backend, *side_by_side, "tests/losses/test_values.py")
        run = (*run, "-k", OTHER_ENGINES.get(backend, "gradient or nan"), *session.posargs)
        session.run(*run, env={"XLOSSES_ENGINE": engine, "XLOSSES_TESTS": "sorts"})
    if backend == "numpy":
        session.run("pytest", "--doctest-modules", "--pyargs", *EXAMPLES, *session.posargs)


@nox.session(default=False)
@nox.parametrize("backend", [nox.param(name, id=name) for name in (*BACKENDS, "together")])
def deep(session: nox.Session, backend: str) -> None:
    """All tests by all engines, on every loss and a thousand random examples: before a release."""
    if not has(backend):
        return
    session.env["XLOSSES_TESTS"] = "deep"
    if backend == "together":
        together(session)
        return
    install_for_tests(session, backend)
    for engine in ENGINES.get(backend, ("on",)):
        run = ("pytest", "--backend", backend, *SIDE_BY_SIDE, *session.posargs)
        session.run(*run, env={"XLOSSES_ENGINE": engine})


# What `oldest` and `newest` run of the matrix, in a few minutes.
PART = ("tests/losses", "tests/own", "tests/backends", "tests/engine")
PARTS = {
    "torch": (*PART, "tests/transformations"),
    "jax": ("tests/losses/test_values.py", *PART[1:], "tests/transformations/test_closed_over.py"),
}


def lower_bounds() -> dict[str, str]:
    """The lowest version of this package's own requirements that pyproject.toml allows."""
    project = nox.project.load_toml(HERE / "pyproject.toml")["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *(x for name in BACKENDS for x in extras.get(name, ()))]
    # Without markers: what is for another machine is a constraint that nothing asks for.
    return dict(re.findall(r"^([\w-]+)(?:\[\w+\])?>=([\d.]+)", "\n".join(lines), re.MULTILINE))


def can_install(session: nox.Session, backend: str, version: str = "") -> bool:
    """Whether pip can have this framework for the CPU of this machine; if not, say so.

    For Linux on x86_64, PyPI has PyTorch for CUDA alone, which takes gigabytes. A configured index may
    have a build that is marked "+cpu".
    """
    if not has(backend):
        return False
    if backend != "torch" or (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return True
    listed = str(session.run("python", "-m", "pip", "index", "versions", "torch", silent=True))
    builds = re.search(r"Available versions: (.*)", listed)[1].split(", ")
    wanted = (f"{version}+cpu", f"{version}.0+cpu") if version else builds[:1]
    if any(build in wanted and build.endswith("+cpu") for build in builds):
        return True
    print(f"{session.name}: pip finds no CPU build of PyTorch {version or '(the newest)'}, so it is left out")
    return False


def run_part(session: nox.Session, backend: str, *options: str) -> None:
    """Install one framework and run its part of the matrix."""
    # jax.export of JAX 0.4.35 imports absl, which it does not require.
    others = {"numpy": ["dask[array]"], "strict": ["array-api-strict"], "jax": ["absl-py"]}.get(backend, [])
    target = "." if backend == "strict" else f".[{backend}]"
    session.install(*options, target, *TEST_TOOLS, *others, silent=True)
    session.run("python", "-m", "pip", "list")
    first = ENGINES.get(backend, ("on",))[0]
    run = ("pytest", "--backend", backend, *PARTS.get(backend, PART), *session.posargs)
    session.run(*run, env={"XLOSSES_ENGINE": first})


@nox.session(default=False)
@nox.parametrize("backend", [nox.param(name, id=name) for name in BACKENDS])
def oldest(session: nox.Session, backend: str) -> None:
    """A part of the matrix on the lower bounds of pyproject.toml; the test tools stay pinned."""
    held = lower_bounds()
    if not can_install(session, backend, held["torch"]):
        return
    tools = {*TEST_TOOLS, "array_api_strict", "dask"} - {*held}
    pinned = [line for line in Path(CONSTRAINTS).read_text().splitlines() if line.split("==")[0] in tools]
    file = Path(session.create_tmp()).resolve() / "oldest.txt"
    file.write_text("\n".join([*pinned, *(f"{name}=={version}" for name, version in held.items())]))
    session.env.update(PINNED, PIP_CONSTRAINT=str(file))
    run_part(session, backend)


@nox.session(default=False)
@nox.parametrize("backend", [nox.param(name, id=name) for name in BACKENDS])
def newest(session: nox.Session, backend: str) -> None:
    """The same part on the newest of everything, without constraints."""
    if can_install(session, backend):
        run_part(session, backend, "--upgrade", "--upgrade-strategy", "eager")


@nox.session
def together(session: nox.Session) -> None:
    """With all frameworks: types, every loss against its reference on real data, the command line."""
    tools = ("mypy", "pytest", "pytest-xdist", "dask[array,distributed]")
    install(session, *tools, *PEERS, extras=everything("demo"))
    session.run("mypy", "--strict", "src")
    session.run("mypy", "--strict", "tests/typing_for_users.py")  # torch in, torch out
    env = {**PROGRAMS, **HASTY}
    session.run("pytest", "tests/together", *SIDE_BY_SIDE, *session.posargs, env=env)
    session.run("pytest", "examples/logistic", *session.posargs)  # of the plugin, on all frameworks


@nox.session
def boosting(session: nox.Session) -> None:
    """Losses as objectives of XGBoost, LightGBM and CatBoost, beside their own."""
    install(session, *TEST_TOOLS, *BOOSTERS, extras="numpy")
    session.run("pytest", "tests/boosting", *session.posargs)


@nox.session
@nox.parametrize("backend", [nox.param(name, id=name) for name in ("none", "torch", "mlx")])
def bare(session: nox.Session, backend: str) -> None:
    """Without NumPy: import, the command line, and a few losses with one framework alone."""
    if backend == "mlx" and not has_mlx():
        print("bare(mlx): there is no MLX wheel for this machine, so it is left out")
        return
    install(session, extras="" if backend == "none" else backend)
    torchs_own = "ignore:Failed to initialize NumPy:UserWarning"
    session.run("python", "-W", "error", "-W", torchs_own, str(HERE / "tests" / "bare.py"), backend)


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff: rules and format."""
    session.env.update(PINNED)
    session.install("ruff", silent=True)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def docs(session: nox.Session) -> None:
    """The pages, where a warning is an error, and their examples."""
    install(session, "pytest", extras="numpy,docs")  # which an example imports
    session.run("sphinx-build", "-W", "--keep-going", "-q", "-b", "html", "docs", "docs/_build/html")
    session.run("sphinx-build", "-W", "-q", "-b", "doctest", "docs", "docs/_build/doctest")
    print(f"The pages are in {os.path.relpath(HERE / 'docs' / '_build' / 'html' / 'index.html')}")


@nox.session(default=False)
@nox.parametrize("backend", [nox.param(name, id=name) for name in MUTATED])
def mutants(session: nox.Session, backend: str) -> None:
    """Change the source in many small ways, on a copy: nearly all of them must fail a test."""
    install(session, *TEST_TOOLS, "array-api-strict", "cosmic-ray", "dask[array]", extras=backend)
    copy = Path(session.create_tmp()).resolve() / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(HERE, copy, ignore=shutil.ignore_patterns(".*", "_build", "__pycache__"))
    config, found = copy / "tests" / "mutants" / "cosmic-ray.toml", "mutants.sqlite"
    modules = [f"src/xlosses/{module}" for module in MUTATED[backend]]
    filled = {"MODULES": json.dumps(modules), "BACKEND": backend}
    config.write_text(re.sub("|".join(filled), lambda found: filled[found[0]], config.read_text()))
    with session.chdir(copy):
        session.env["PYTHONPATH"] = str(copy / "src")
        session.run("cosmic-ray", "baseline", str(config))  # without a change nothing may fail
        session.run("cosmic-ray", "init", str(config), found)
        session.run("cr-filter-operators", found, str(config))
        session.run("cosmic-ray", "exec", str(config), found)
    session.run("python", "tests/mutants/report.py", backend, str(copy / found), *session.posargs)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Time and memory against the frameworks' own losses: `nox -s bench -- --quick` for two minutes."""
    install(session, *PEERS, "rich", extras=everything())
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """Train one network in three frameworks through the same loss."""
    install(session, extras=everything("demo"))
    session.run("xlosses", "demo", *session.posargs)
