"""What is installed, and the one sentence that says what is missing and how to install it."""

from __future__ import annotations

from collections.abc import Collection
from importlib.metadata import PackageNotFoundError, version

from xlosses._backends import FRAMEWORKS, Workbench, load_workbench

EXTRA = "demo"
TOOLS = ("scikit-learn", "rich", "matplotlib")  # what the extra brings beside NumPy
TRAINABLE = tuple(name for name in FRAMEWORKS if name != "numpy")  # the frameworks with autodiff


class Missing(Exception):  # noqa: N818  (raised, it reads as a sentence)
    """Something is not there; the message is the sentence for the user."""


def installed(package: str) -> str | None:
    """The version of a package, or None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def install(*extras: str) -> str:
    """The command that installs these extras."""
    return f'python -m pip install "xlosses[{",".join(extras)}]"'


def require(packages: Collection[str], frameworks: Collection[str] = ()) -> None:
    """Raise Missing unless these packages of the extra are there, and one of the frameworks."""
    lacking = [package for package in packages if not installed(package)]
    extras = [EXTRA] if lacking else []
    if frameworks and not any(map(installed, frameworks)):
        lacking.append(" or ".join(FRAMEWORKS[name] for name in frameworks))
        extras += frameworks
    if lacking:
        needed = " and ".join(filter(None, (", ".join(lacking[:-1]), lacking[-1])))
        raise Missing(f"this needs {needed}, not installed here; install with: {install(*extras)}")


def workbench(name: str) -> Workbench:
    """The workbench of a framework, or Missing with the reason."""
    if not installed(name):
        raise Missing(f"{FRAMEWORKS[name]} is not installed; install with: {install(name)}")
    try:
        return load_workbench(name)
    except Exception as error:  # whatever a broken installation raises
        problem = f"{FRAMEWORKS[name]} fails on import ({summary(error)})"
        raise Missing(f"{problem}; install all of it with: {install(name)}") from error


def workbenches(
    asked: Collection[str] | None, known: Collection[str]
) -> tuple[dict[str, Workbench], list[str]]:
    """The workbenches asked for; or all known ones that are here, and why the others are not."""
    found: dict[str, Workbench] = {}
    reasons: list[str] = []
    for name in asked or known:
        try:
            found[name] = workbench(name)
        except Missing as missing:
            if asked:
                raise
            reasons.append(str(missing))
    return found, reasons


def summary(error: Exception) -> str:
    """An error on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())
