"""`xlosses demo`: one network on handwritten digits, trained side by side in every framework.

PyTorch, JAX and MLX start from the same weights, see the same minibatches and differentiate the same
`cross_entropy`, each in its own way; NumPy judges the weights after every epoch.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from xlosses._backends import FRAMEWORKS, Workbench
from xlosses._cli import training
from xlosses._cli.requirements import TOOLS, TRAINABLE, Missing, require, workbench, workbenches

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

TOLERANCE = 1e-4


def run(args: argparse.Namespace) -> int:
    """Train, print the table, draw the curves."""
    require(("numpy", *TOOLS), args.backends or TRAINABLE)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # in so small a network threads wait for each other
    benches, absent = workbenches(args.backends, TRAINABLE)
    if not benches:
        raise Missing("; ".join(absent))

    from rich.console import Console

    from xlosses._cli.picture import draw

    console = Console(highlight=False, markup=False)
    for reason in absent:
        console.print(reason, soft_wrap=True)
    curves = _train(benches, args.epochs, console)
    gaps = training.disagreements(curves)
    console.print("", _table(curves, gaps), "", sep="\n")
    draw(args.output, curves, gaps, TOLERANCE)
    gap = training.largest(gaps)
    console.print(f"{_verdict(list(curves), gap)}\nCurves of the losses: {args.output}", soft_wrap=True)
    return 0 if gap <= TOLERANCE else 1


def _train(benches: Mapping[str, Workbench], epochs: int, console: Console) -> training.Curves:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    judge, digits = workbench("numpy"), training.load_digits()
    console.print(
        f"Handwritten digits: {len(digits.training_labels)} to learn, {len(digits.test_labels)} to test. "
        f"Network: {'-'.join(map(str, training.SIZES))}, tanh.\n"
    )
    columns = TextColumn("{task.description:8}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console) as progress:
        return {
            FRAMEWORKS[name]: list(
                progress.track(
                    training.train(bench, judge, digits, epochs),
                    total=epochs,
                    description=FRAMEWORKS[name],
                )
            )
            for name, bench in benches.items()
        }


def _table(curves: training.Curves, gaps: list[float]) -> Table:
    """Losses and accuracy per epoch, the frameworks side by side in 80 columns."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1), pad_edge=False, show_edge=False)
    table.add_column("\nepoch", justify="right")
    for name in curves:
        table.add_column(f"{name}\n  train    test acc%")
    table.add_column("\napart")
    for epoch, (gap, *reached) in enumerate(zip(gaps, *curves.values(), strict=True), start=1):
        cells = [f"{e.training_loss:7.5f} {e.test_loss:7.5f} {100 * e.accuracy:4.1f}" for e in reached]
        table.add_row(str(epoch), *cells, f"{gap:.0e}")
    return table


def _verdict(names: list[str], gap: float) -> str:
    if len(names) == 1:
        return f"There is only {names[0]} here: nothing to compare its losses with."
    relation = "within" if gap <= TOLERANCE else "NOT within"
    return f"Largest disagreement of their losses over all epochs: {gap:.1e}, {relation} {TOLERANCE:.0e}."
