"""The tables on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import mode

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.results import Results, Row
from benchmarks.sizes import BACKENDS, WAYS
from benchmarks.targets import TARGETS, short, verdict


def print_times(console: Console, title: str, rows: Sequence[Row]) -> None:
    """Ratios to the best peer, which is named where it is not the usual one."""
    ways = [way for way in WAYS if any(row["way"] == way for row in rows)]
    timed = [row for row in rows if row.get("ratio") is not None]
    usual = mode(row["peer"] for row in timed) if timed else ""
    heading = f"{title}: ours / best peer ({usual} unless named)"
    table = plain_table(heading, ["loss", "size", *(way.replace("+", " + ") for way in ways)])
    cells = {(row["loss"], row["size"], row["way"]): cell(row, usual) for row in rows}
    for loss, size in dict.fromkeys((row["loss"], row["size"]) for row in rows):
        table.add_row(loss, size, *(cells.get((loss, size, way), "") for way in ways))
    console.print(table)
    if any(differs(row) for row in rows):
        console.print("* the peer's result is more than 0.1 % off ours")
    for row in rows:
        if row.get("ratio") is None or "fails" in row["note"]:
            say(console, f"{row['loss']} {row['size']} {row['way']}: {row['note']}")


def cell(row: Row, usual: str) -> str:
    if row.get("ratio") is None:
        return "-"
    peer = "" if row["peer"] == usual else f" [dim]{row['peer']}[/dim]"
    return ratio(row["ratio"]) + "*" * differs(row) + peer


def differs(row: Row) -> bool:
    return row.get("note", "").startswith("differs")


def ratio(x: float) -> str:
    colour = "green" if x <= 1 else "red" if x > 1.3 else "yellow"
    return f"[{colour}]{short(x)}[/{colour}]"


def print_memory(console: Console, rows: Iterable[Row]) -> None:
    table = plain_table("Peak memory beyond the inputs, MB", ["", "loss", "size", "", "ours", "peer", ""])
    for row in rows:
        framework = BACKENDS[row["backend"]] + ("" if row["device"] == "cpu" else f" {row['device']}")
        numbers = (f"{row[name]:.4g}" for name in ("ours", "theirs"))
        table.add_row(framework, row["loss"], row["size"], row["way"], *numbers, row["peer"])
    console.print(table)


def print_calls(console: Console, rows: Iterable[Row]) -> None:
    table = plain_table("One call on 64 elements, µs", ["", "loss", "ours", "bare formula", "above"])
    for row in rows:
        framework = BACKENDS[row["backend"]] + ("" if row["device"] == "cpu" else f" {row['device']}")
        table.add_row(framework, row["loss"], *(f"{row[name]:.3g}" for name in ("ours", "bare", "above")))
    console.print(table)


def print_targets(console: Console, results: Results) -> None:
    table = plain_table("Targets, one thread", ["", "goal", "measured", ""])
    for found in (verdict(target, results) for target in TARGETS):
        if found.measured:
            met = "[green]met[/green]" if found.met else "[red]missed[/red]"
            table.add_row(found.target.text, found.goal, found.figures, met)
    if table.rows:
        console.print(table)


def say(console: Console, text: str) -> None:
    """A line that is no figure; it may hold brackets, which rich would read as styles."""
    console.print(text, style="yellow", markup=False, highlight=False)


def plain_table(title: str, columns: Iterable[str]) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for name in columns:
        table.add_column(name)
    return table
