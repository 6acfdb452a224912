"""`xlosses doctor`: what is installed, and how to install what is missing."""

from __future__ import annotations

import argparse
import platform

from xlosses._backends import FRAMEWORKS, load_workbench
from xlosses._cli.requirements import EXTRA, TOOLS, install, installed, summary


def run(args: argparse.Namespace) -> int:
    """Print the report."""
    print(f"xlosses {installed('xlosses')}, Python {platform.python_version()}", end=", ")
    print(f"{platform.system()} {platform.machine()}\n")
    wanting = [name for name in FRAMEWORKS if not _framework(name)]
    print()
    for package in ("array-api-compat", *TOOLS):
        _package(package)
    if not all(map(installed, TOOLS)):
        wanting.append(EXTRA)
    print()
    print(f"What is missing comes with:  {install(*wanting)}" if wanting else "Nothing is missing.")
    return 0


def _framework(name: str) -> bool:
    """Print a framework's version, devices and floating dtypes; whether it can be used."""
    if not _package(name, FRAMEWORKS[name]):
        return False
    try:
        bench = load_workbench(name)
        devices, dtypes = ", ".join(bench.devices()), ", ".join(bench.dtypes())
    except Exception as error:  # whatever a broken installation raises
        print(f"{'':18}fails: {summary(error)}")
        return False
    print(f"{'':18}devices: {devices}\n{'':18}dtypes:  {dtypes}")
    return True


def _package(name: str, label: str = "") -> bool:
    """Print a package's version; whether it is installed."""
    version = installed(name)
    print(f"{label or name:18}{version or 'not installed'}")
    return version is not None
