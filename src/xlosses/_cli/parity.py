"""`xlosses parity`: every loss on every framework against its reference, on real data; or your functions."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection, Sequence
from typing import Any

from xlosses._backends import FRAMEWORKS
from xlosses._cli import functions, page
from xlosses._cli.requirements import Missing, require, workbenches
from xlosses.testing import CASES, Case, Comparison, compare
from xlosses.testing.data import real

OF_LOSSES = (
    "Every loss of xlosses in float32 on real data, beside a reference in float64: value and gradients. "
    "A difference is the largest of |a \u2212 b| over the largest |b|."
)
OF_FUNCTIONS = (
    "Each function on every framework, as it is and compiled, beside the function in float64 on NumPy; "
    "gradients beside autodiff in float64. A difference is the largest of |a \u2212 b| over the largest |b|."
)


def run(args: argparse.Namespace) -> int:
    """Print the table, write the figures, and return 1 when something is out of tolerance."""
    return _of_functions(args) if args.functions else _of_losses(args)


def _of_functions(args: argparse.Namespace) -> int:
    if args.losses:
        raise Missing("--losses chooses among the losses of xlosses, and no functions of yours")
    found = functions.compared(args.functions, _installed(args.backends), args.data, args.kinds)
    code = functions.report(found)
    if args.json:
        args.json.write_text(json.dumps(functions.rows(found), indent=1) + "\n")
    if args.html:
        page.write(args.html, "Parity of your functions", OF_FUNCTIONS, functions.figures(found))
    return code


def _installed(asked: Collection[str] | None) -> list[str] | None:
    """The frameworks that were named, each of which must be there."""
    return list(workbenches(asked, FRAMEWORKS)[0]) if asked else None


def _of_losses(args: argparse.Namespace) -> int:
    if args.data or args.kinds:
        raise Missing("--data and --kinds are for functions of yours: xlosses parity module:function")
    require(("scikit-learn", "rich"), FRAMEWORKS)
    found, reasons = workbenches(args.backends, FRAMEWORKS)
    cases = _chosen(args.losses)
    comparisons = _compared(cases, list(found))
    _print(cases, list(found), comparisons)
    failed = [c for c in comparisons if not c.passed]
    for c in failed:
        options = ", ".join(f"{name}={value}" for name, value in c.options.items())
        print(
            f"FAIL {c.case}({options}) on {c.backend}: {c.array} differs by {c.difference:.3g}, "
            f"more than {c.tolerance:g}"
        )
    for reason in reasons:
        print(f"Not compared: {reason}")
    print(
        f"{len(comparisons) - len(failed)} of {len(comparisons)} arrays within tolerance; a difference is "
        "max|a - b| / max|b|, float32 against the float64 reference."
    )
    if args.json:
        args.json.write_text(json.dumps([_figures(c) for c in comparisons], indent=1) + "\n")
    if args.html:
        page.write(args.html, "Parity of the losses", OF_LOSSES, [_figure(c) for c in comparisons])
    return 1 if failed else 0


def _chosen(names: Collection[str] | None) -> list[Case]:
    """The cases of these losses, or all."""
    for name in names or ():
        if name not in {case.loss_name for case in CASES.values()}:
            known = ", ".join(dict.fromkeys(case.loss_name for case in CASES.values()))
            raise Missing(f"there is no loss {name!r}; there are {known}")
    return [case for case in CASES.values() if names is None or case.loss_name in names]


def _compared(cases: Sequence[Case], backends: Sequence[str]) -> list[Comparison]:
    from rich.console import Console
    from rich.progress import track

    pairs = [(case, backend) for backend in backends for case in cases]
    console = Console(stderr=True)
    steps = track(pairs, "comparing", console=console, transient=True, disable=not sys.stderr.isatty())
    return [c for case, backend in steps for c in compare(case, backend, real(case.arrays))]


def _print(cases: Sequence[Case], backends: Sequence[str], comparisons: Sequence[Comparison]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    title = "Worst difference from the reference, values and gradients"
    table = Table("loss", title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for backend in backends:
        table.add_column(FRAMEWORKS[backend], justify="right")
    for case in cases:
        table.add_row(case.name, *(_cell(case, backend, comparisons) for backend in backends))
    Console().print(table)


def _cell(case: Case, backend: str, comparisons: Sequence[Comparison]) -> str:
    here = [c for c in comparisons if (c.case, c.backend) == (case.name, backend)]
    worst = max(here, key=lambda c: c.difference)
    if all(c.passed for c in here):
        return f"{worst.difference:.1e} [green]PASS[/green]"
    return f"[bold red]{worst.difference:.1e} {worst.array}[/bold red]"


def _figure(c: Comparison) -> page.Figure:
    options = ", ".join(f"{name}={value}" for name, value in c.options.items())
    what = f"{c.array} ({options})" if options else c.array
    return page.Figure(c.case, FRAMEWORKS[c.backend], what, c.difference, c.tolerance, c.passed)


def _figures(c: Comparison) -> dict[str, Any]:
    return {
        "case": c.case,
        "backend": c.backend,
        "options": {name: repr(value) for name, value in c.options.items()},
        "array": c.array,
        "difference": c.difference if c.difference < float("inf") else "inf",
        "tolerance": c.tolerance,
        "passed": c.passed,
    }
