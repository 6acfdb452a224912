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
    COMPILED_WAYS,
    EAGER_WAYS,
    LOSSES,
    SHAPES,
    UNREDUCED,
    WAYS,
    elements,
    heading,
)
from benchmarks.targets import TARGETS, Verdict, geometric_mean, verdict  # noqa: E402

HERE = Path(__file__).parent
FILES = [
    STORED,
    *(HERE / name for name in ("make_benchmarks.py", "make_picture.py", "themes.py")),
    *(ROOT / "benchmarks" / name for name in ("targets.py", "reasons.py", "sizes.py")),
]
ALL_WAYS = (*WAYS, UNREDUCED)
SPACE, HYPHEN = "\u00a0", "\u2011"  # that do not break a line

# How each framework is called and compiled, and what its users have.
CALLED = {
    ("torch", EAGER_WAYS): ("PyTorch", "`torch.nn.functional`"),
    ("torch", COMPILED_WAYS): ("PyTorch, `torch.compile`", "`torch.nn.functional`"),
    ("jax", EAGER_WAYS): ("JAX, outside `jit`", "optax"),
    ("jax", COMPILED_WAYS): ("JAX, inside `jit`", "optax"),
    ("mlx", EAGER_WAYS): ("MLX", "`mlx.nn.losses`"),
    ("mlx", COMPILED_WAYS): ("MLX, `mx.compile`", "`mlx.nn.losses`"),
    ("numpy", EAGER_WAYS): ("NumPy", "the textbook formula"),
}


def sizes_between(least: int, most: int) -> tuple[str, ...]:
    return tuple(size for size in SHAPES if least <= elements(size) < most)


GROUPS = {
    "64": sizes_between(0, 10_000),
    "10k to 0.5M": sizes_between(10_000, 1_000_000),
    "1M to 8M": sizes_between(1_000_000, 10_000_000),
    "from 11M": sizes_between(10_000_000, 10**9),
}
BRIEF = ("64", "10k+", "1M+", "11M+")  # the groups, in pictures

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


def ratios_of(backend: str, way: str, group: str, loss: str = "") -> list[float]:
    """Of all losses or one in the sizes of a group, on the CPU, one thread."""
    return [
        row["ratio"]
        for row in RESULTS.all("times")
        if (row["backend"], row["way"], row["device"], row["threads"]) == (backend, way, "cpu", 1)
        and row["size"] in GROUPS[group]
        and loss in ("", row["loss"])
        and row["ratio"] is not None
    ]


def mean(ratios: list[float]) -> float | None:
    return geometric_mean(ratios) if ratios else None


def summary() -> str:
    """Mean ratios by size, of the loss and of the loss and its gradient; also in the README."""
    lines = []
    for (backend, ways), (name, peer) in CALLED.items():
        cells = []
        for group in GROUPS:
            means = [mean(ratios_of(backend, way, group)) for way in ways]
            cells.append("-" if None in means else f"{SPACE}/{SPACE}".join(map(two_digits, means)))
        lines.append([name, *cells, peer])
    return table(["", *GROUPS, "against"], lines)


def framework(backend: str) -> str:
    """Its heat maps, and the means with the best and the worst loss."""
    parts, lines = [], []
    for of, ways in CALLED:
        if of != backend:
            continue
        parts.append(losses_by_size(backend, ways))
        for way in ways:
            cells = (spread(ratios_of(backend, way, group)) for group in GROUPS)
            lines.append([in_words(backend, way), *cells])
    pictures = "\n".join(parts)
    return f"````{{container}} pair\n{pictures}\n````\n\n{table(['', *GROUPS], lines)}"


def in_words(backend: str, way: str) -> str:
    called = next(name for (of, ways), (name, _) in CALLED.items() if of == backend and way in ways)
    how = called.partition(", ")[2]
    what = "loss" if way in (EAGER_WAYS[0], COMPILED_WAYS[0]) else "loss and gradient"
    return f"{what}, {how}" if how else what


def spread(ratios: list[float]) -> str:
    """The mean, and from where to where."""
    if not ratios:
        return "-"
    low, high = two_digits(min(ratios)), two_digits(max(ratios))
    return f"**{two_digits(geometric_mean(ratios))}** ({low}{SPACE}to{SPACE}{high})"


def two_digits(x: float) -> str:
    return f"{x:.0f}" if x >= 9.95 else f"{x:.1f}" if x >= 0.995 else f"{x:.2f}"


def losses_by_size(backend: str, ways: tuple[str, ...]) -> str:
    from make_picture import heat_map
    from themes import images

    found = {
        loss: [tuple(mean(ratios_of(backend, way, group, loss)) for way in ways) for group in GROUPS]
        for loss in LOSSES
    }
    rows = found.items()
    measured = {loss: row for loss, row in rows if any(x is not None for cells in row for x in cells)}
    title = CALLED[backend, ways][0].replace("`", "")
    kind = "compiled" if ways == COMPILED_WAYS else "eager"
    return images(
        f"benchmarks-{backend}-{kind}",
        f"{title}: the ratio of every loss that was measured, in every group of sizes",
        lambda theme: heat_map(theme, title, BRIEF, measured),
    )


def overview() -> str:
    from make_picture import curves
    from themes import images

    names = dict(zip(WAYS, ["loss", "loss and gradient", "loss, compiled", "both, compiled"], strict=True))
    panels = {
        BACKENDS[backend]: {
            names[way]: [mean(ratios_of(backend, way, group)) for group in GROUPS]
            for way in (EAGER_WAYS if backend == "numpy" else WAYS)
        }
        for backend in ("torch", "jax", "mlx", "numpy")
    }
    alt = "Our time over theirs by the size of the arrays: the table below as lines"
    return images("benchmarks-overview", alt, lambda theme: curves(theme, BRIEF, panels), "overview")


MADE: dict[str, Callable[..., str]] = {
    "environment": environment,
    "targets": targets,
    "reasons": reasons,
    "overview": overview,
    "summary": summary,
    "framework": framework,
    "calls": calls,
    "memory": memory,
    "times": times,
}
