"""Which frameworks are installed, found without importing one."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from xlosses._backends import FRAMEWORKS


def installed() -> list[str]:
    """The keys of the frameworks that are installed."""
    return [name for name in FRAMEWORKS if version_of(name)]


def version_of(name: str) -> str:
    """The version of a framework, or "" where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def asked(names: Iterable[str] | None) -> list[str]:
    """These frameworks, which must be installed; or all that are."""
    if names is None:
        return installed()
    chosen = list(dict.fromkeys([names] if isinstance(names, str) else names))
    for name in chosen:
        if name not in FRAMEWORKS:
            raise ValueError(f"unknown framework {name!r}; known are {', '.join(FRAMEWORKS)}")
        if not version_of(name):
            raise ModuleNotFoundError(f"{FRAMEWORKS[name]} is not installed", name=name)
    return chosen
