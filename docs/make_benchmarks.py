"""The tables and pictures of benchmarks.md, made of benchmarks/results.json while the pages are built."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import mode

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.results import STORED, Row, read  # noqa: E402
from benchmarks.sizes import (  # noqa: E402
    BACKENDS,
    FROM_2M,
    LOSSES,
    SHAPES,
    SMALL,
    UNREDUCED,
    WAYS,
    heading,
)
from benchmarks.targets import TARGETS, Verdict, geometric_mean, verdict  # noqa: E402

FILES = [
    STORED,
    Path(__file__).parent / "make_picture.py",
    ROOT / "benchmarks" / "targets.py",
    ROOT / "benchmarks" / "sizes.py",
    Path(__file__),
]
PICTURES = Path(__file__).parent / "_build"
ALL_WAYS = (*WAYS, UNREDUCED)
SPACE, HYPHEN = "\u00a0", "\u2011"  # that do not break a line

RESULTS = read(STORED)
VERDICTS = [verdict(target, RESULTS) for target in TARGETS]
TEXTS = list(dict.fromkeys(text for found in VERDICTS for text in found.reasons))


def fill_in(page: str) -> str:
    """The page with what it stands for in place of each line `{{ words }}`."""
    return re.sub(r"^\{\{ (.+) \}\}$", lambda found: made(*found[1].split(", ")), page, flags=re.MULTILINE)


def made(kind: str, *words: str) -> str:
    return MADE[kind](*words)


def environment() -> str:
    where = RESULTS.environment
    versions = ", ".join(f"{name} {version}" for name, version in where["versions"].items())
    devices = "".join(f", {name}" for name in where["accelerators"])
    return f"Measured on {where['date']}: {where['cpu']}, {where['cores']} cores{devices}; {versions}."


def targets() -> str:
    lines = [[found.target.text, found.goal, found.figures or "-", outcome(found)] for found in VERDICTS]
    return table(["", "goal", "measured", ""], lines)


def outcome(found: Verdict) -> str:
    if not found.measured:
        return "not measured"
    numbers = [f"[{TEXTS.index(text) + 1}](#targets)" for text in found.reasons]
    return "met" if found.met else SPACE.join(["missed", *numbers])


def reasons() -> str:
    return "\n".join(f"{number}. {text}" for number, text in enumerate(TEXTS, 1))


def calls() -> str:
    columns = sorted({(row["backend"], row["device"]) for row in RESULTS.all("calls")}, key=in_order)
    losses = dict.fromkeys(row["loss"] for row in RESULTS.all("calls"))
    lines = [
        [f"`{loss}`", *(call(RESULTS.get("calls", *column, loss)) for column in columns)] for loss in losses
    ]
    return table(["", *(BACKENDS[b] + on(device) for b, device in columns)], lines)


def call(row: Row | None) -> str:
    return f"{number(row['above'])}{SPACE}/ {number(row['ours'])}" if row else "-"


def memory() -> str:
    """A table for each framework, the ways across."""
    parts = []
    kinds = grouped(RESULTS.all("memory"), "backend", "device")
    for backend, device in sorted(kinds, key=in_order):
        rows = {(row["loss"], row["size"], row["way"]): row for row in kinds[backend, device]}
        ways = [way for way in ALL_WAYS if any(way == key[2] for key in rows)]
        lines = [
            [f"`{loss}` {size}", *(megabytes(rows.get((loss, size, way))) for way in ways)]
            for loss, size in sorted({key[:2] for key in rows}, key=by_loss)
        ]
        parts.append(table([BACKENDS[backend] + on(device), *ways], lines))
    return "\n\n".join(parts)


def grouped(rows: Iterable[Row], *names: str) -> dict[tuple[str, ...], list[Row]]:
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in names), []).append(row)
    return found


def megabytes(row: Row | None) -> str:
    return f"{row['ours']:.0f}{SPACE}/ {row['theirs']:.0f}" if row else "-"


def in_order(key: tuple[str, ...]) -> tuple[int, str, int]:
    backend, device, *way = key
    return list(BACKENDS).index(backend), device, ALL_WAYS.index(way[0]) if way else 0


def by_loss(point: tuple[str, str]) -> tuple[int, int]:
    loss, size = point
    return list(LOSSES).index(loss), list(SHAPES).index(size)


def on(device: str) -> str:
    return "" if device == "cpu" else f" on {device}"


def times() -> str:
    """A section that opens for each framework and way."""
    kinds = grouped(RESULTS.all("times"), "backend", "device", "way")
    return "\n\n".join(section(*kind, kinds[kind]) for kind in sorted(kinds, key=in_order))


def section(backend: str, device: str, way: str, rows: list[Row]) -> str:
    """Figures of one thread, and the ratios of more beside them."""
    least, *more = sorted({row["threads"] for row in rows})
    usual = mode([row["peer"] for row in rows if row["peer"]] or ["-"])
    found = {(row["loss"], row["size"], row["threads"]): row for row in rows}
    lines = []
    for point in sorted({key[:2] for key in found if key[2] == least}, key=by_loss):
        first = found[*point, least]
        others = (ratio(found.get((*point, n))) for n in more)
        lines.append([*figures(first), *others, remark(first, usual)])
    head = ["loss", "size", "ours", "theirs", "ratio", "quartiles", *(f"{n} threads" for n in more), ""]
    title = f"{heading(backend, device, least)}: {way}, against {usual} unless another is named"
    return f"<details><summary>{title}</summary>\n\n{table(head, lines)}\n\n</details>"


def figures(row: Row) -> list[str]:
    start = [f"`{row['loss']}`", row["size"]]
    if row["ratio"] is None:
        return [*start, "-", "-", "-", "-"]
    spread = f"{row['low']:.2f}{HYPHEN}{row['high']:.2f}"
    return [*start, number(row["ours"]), number(row["theirs"]), ratio(row), spread]


def remark(row: Row, usual: str) -> str:
    """The peer where it is not the usual one, and what there is to say of the row."""
    peer = row["peer"] if row["peer"] != usual else None
    return "; ".join(filter(None, (peer, row["note"]))).replace("|", "\\|")


def ratio(row: Row | None) -> str:
    return "-" if row is None or row["ratio"] is None else f"{row['ratio']:.2f}"


def number(x: float) -> str:
    """Three digits without a power of ten."""
    return f"{x:.0f}" if abs(x) >= 100 else f"{x:.3g}"


def table(head: list[str], lines: Iterable[list[str]]) -> str:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, rule, *lines])


def picture(which: str) -> str:
    from make_picture import draw

    sizes, words = {"large": (FROM_2M, "from 2M elements"), "small": (SMALL, "64 elements or rows")}[which]
    PICTURES.mkdir(exist_ok=True)
    draw(PICTURES / f"benchmarks-{which}.svg", mean_ratios(sizes))
    alt = f"Heat map of the ratios of all losses on all frameworks, {words}"
    return f"```{{figure}} _build/benchmarks-{which}.svg\n:alt: {alt}\n:width: 100%\n```"


def mean_ratios(sizes: tuple[str, ...]) -> dict[tuple[str, str, str], float]:
    """(loss, backend, way) -> the geometric mean of the ratios in these sizes, on the CPU, one thread."""
    found: dict[tuple[str, str, str], list[float]] = {}
    for row in RESULTS.all("times"):
        on_one_thread = (row["device"], row["threads"]) == ("cpu", 1)
        if on_one_thread and row["size"] in sizes and row["ratio"] is not None:
            found.setdefault((row["loss"], row["backend"], row["way"]), []).append(row["ratio"])
    return {key: geometric_mean(ratios) for key, ratios in found.items()}


MADE: dict[str, Callable[..., str]] = {
    "environment": environment,
    "targets": targets,
    "reasons": reasons,
    "picture": picture,
    "calls": calls,
    "memory": memory,
    "times": times,
}
