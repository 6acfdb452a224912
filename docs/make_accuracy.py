"""The tables of accuracy.md, made of the figures that the tests hold, while the pages are built."""

from __future__ import annotations

import gzip
import json
import math
import re
import sys
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "tests" / "accuracy"
FILES = [*(SOURCE / name for name in ("held.json", "tables.json.gz", "targets.py")), Path(__file__)]
MUTANTS = SOURCE.parent / "mutants" / "survivors.json"
sys.path.insert(0, str(SOURCE))

from targets import PRIMITIVES, REASONS, ROWS, over, reason, target  # noqa: E402

FRAMEWORKS = {"numpy": "NumPy", "torch": "PyTorch", "jax": "JAX", "mlx": "MLX"}
ENDS = " at the ends"
SPACE, MINUS = "\u00a0", "\u2011"  # that do not break a line
VALUE, GRADIENTS = ("value",), ("gradient", "other gradients", "slope")

HELD = {
    (row["loss"], row["backend"], row["dtype"], row["what"]): float(row["error"])
    for row in json.loads(FILES[0].read_text())
}
POINTS = json.loads(gzip.decompress(FILES[1].read_bytes()))
LOSSES = [name for name in POINTS if name not in PRIMITIVES]


def fill_in(page: str) -> str:
    """The page with a table in place of each line `{{ words }}`."""
    return re.sub(r"^\{\{ (.+) \}\}$", lambda found: made(*found[1].split(", ")), page, flags=re.MULTILINE)


def made(kind: str, *words: str) -> str:
    return {
        "losses": losses,
        "primitives": primitives,
        "reasons": reasons,
        "points": points,
        "mutants": mutants,
    }[kind](*words)


def losses(dtype: str, which: str, where: str = "") -> str:
    """Value and gradient of each loss on each framework."""
    where = ENDS if where else ""
    some = [name for name in LOSSES if which == "all" or (name in ROWS) == (which == "rows")]
    backends = [b for b in FRAMEWORKS if any((some[0], b, dtype, "value" + where) == key for key in HELD)]
    lines = [[f"`{name}`", *(cell(name, b, dtype, where) for b in backends)] for name in some]
    targets = [brief(target(some[0], b, dtype, "value")) for b in backends]
    return table(["loss", *map(FRAMEWORKS.get, backends)], [*lines, ["*target*", *targets]])


def cell(loss: str, backend: str, dtype: str, where: str) -> str:
    return f"{SPACE}/ ".join(
        largest([(loss, backend, dtype, what + where) for what in whats]) for whats in (VALUE, GRADIENTS)
    )


def largest(keys: list[tuple[str, ...]]) -> str:
    """The largest of these figures, with the letters of their reasons."""
    found = [key for key in keys if key in HELD]
    if not found:
        return "-"
    marks = sorted({letter(key) for key in found if over(HELD[key], *key)})
    return brief(max(HELD[key] for key in found)) + "".join(f"{SPACE}[{mark}](#reasons)" for mark in marks)


def letter(key: tuple[str, ...]) -> str:
    texts = list(dict.fromkeys(found.text for found in REASONS))
    return "abcdefghijklmnopqrstuvwxyz"[texts.index(reason(*key).text)]


def primitives() -> str:
    """What the frameworks' own functions give: the largest error anywhere."""
    dtypes = ("float32", "float64")
    lines = [
        [
            f"`{name}`",
            *(f"{SPACE}/ ".join(worst(name, b, dtype) for dtype in dtypes) for b in FRAMEWORKS),
        ]
        for name in PRIMITIVES
    ]
    return table(["", *FRAMEWORKS.values()], lines)


def worst(primitive: str, backend: str, dtype: str) -> str:
    figures = [error for key, error in HELD.items() if key[:3] == (primitive, backend, dtype)]
    return brief(max(figures)) if figures else "-"


def reasons() -> str:
    """Each reason once, with the figures of the primitive that it blames."""
    lines = {}
    for found in REASONS:
        figures = ""
        if found.primitive:
            both = (worst(found.primitive, found.backend, dtype) for dtype in ("float32", "float64"))
            figures = " Measured of `{}`: {} ULP in float32, {} in float64.".format(found.primitive, *both)
        lines[found.text] = figures
    return "\n".join(
        f"- **{letter_of}** {text}{figures}"
        for letter_of, (text, figures) in zip("abcdefghijklmnopqrstuvwxyz", lines.items(), strict=False)
    )


def points() -> str:
    """How many points each loss is measured at."""
    dtypes = ("float16", "bfloat16", "float32", "float64")
    return table(
        ["loss", *dtypes],
        [
            [f"`{name}`", *(str(sum(size(group) for group in POINTS[name][dtype])) for dtype in dtypes)]
            for name in LOSSES
        ],
    )


def mutants() -> str:
    """How many small changes to the source the tests notice, and why they let the others pass."""
    found = json.loads(MUTANTS.read_text())
    figures = [
        [f"`{backend}`", f"{row['mutants']} of {row['of']}", f"{1 - row['survived'] / row['mutants']:.0%}"]
        for backend, row in found["figures"].items()
    ]
    lines = [
        [f"`{where}`", f"`{line}`", reason_of]
        for mutant, reason_of in found["survivors"].items()
        for where, line in [parts(mutant)]
    ]
    head = table(["tests on", "changes tried, of all", "noticed"], figures)
    return f"{head}\n\n{table(['in', 'line', 'why'], lines)}"


def parts(mutant: str) -> tuple[str, str]:
    file, _, *line, _ = mutant.split(" | ")
    return file, "\\|".join(line).replace(" | ", " \\| ")


def size(group: dict) -> int:
    return len(next(iter(group["arrays"].values())))


def brief(x: float) -> str:
    """Two digits; a wrong NaN or infinity is infinitely far off."""
    if math.isinf(x):
        return "∞"
    text = f"{x:.2g}" if x == 0 or 0.01 <= x < 100 else f"{x:.1e}"
    return re.sub(r"e([+-])0?(\d+)", lambda e: f"e{MINUS if e[1] == '-' else ''}{e[2]}", text)


def table(head: list[str], lines: list[list[str]]) -> str:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, rule, *lines])
