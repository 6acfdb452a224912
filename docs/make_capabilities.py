"""The table of capabilities.md: what every loss takes, checks and holds, asked of the losses themselves."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any
from unittest.mock import patch

import make_accuracy
import make_benchmarks
import make_gallery
import numpy as np

import xlosses
from xlosses import _engine
from xlosses.testing import CASES, Case
from xlosses.testing.data import drawn, kind_of

HERE = Path(__file__).parent
FILES = [
    *(HERE / name for name in ("make_capabilities.py", "make_gallery.py", "index.md")),
    *make_accuracy.FILES,
    *make_benchmarks.FILES,
]

ROWS_DRAWN = 6
BAD_NUMBERS = (-1.0, 0.0, 2.0, math.nan, math.inf)
UNITS = {False: 2.0**-24, True: 1.0}  # of errors of elements and of rows, so that both are sorted together
PROBABILITIES = ("probability", "chance", "distribution", "probabilities", "membership", "members")
TIMED = {
    "NumPy": ("numpy", make_benchmarks.EAGER_WAYS[1]),
    "PyTorch": ("torch", make_benchmarks.EAGER_WAYS[1]),
    "JAX": ("jax", make_benchmarks.COMPILED_WAYS[1]),
    "MLX": ("mlx", make_benchmarks.EAGER_WAYS[1]),
}
FROM_10K = tuple(make_benchmarks.GROUPS)[1:]


@dataclass
class Cell:
    """What is shown, and what the column is sorted by where that is not the text."""

    text: str
    key: float | None = None
    code: bool = False


@dataclass
class Asked:
    """What the cases of a loss show of it."""

    page: str
    family: str
    cases: list[Case] = field(default_factory=list)
    words: dict[str, None] = field(default_factory=dict)  # of the grammar, one entry for each form
    refused: dict[str, str] = field(default_factory=dict)  # parameters and what they must be


def fill_in(page: str) -> str:
    """The page with the table in place of its line."""
    return re.sub(r"^\{\{ capabilities \}\}$", lambda _: table(), page, flags=re.MULTILINE)


def losses() -> dict[str, Asked]:
    found = {
        loss: Asked(page, family) for page, (family, some) in make_gallery.families().items() for loss in some
    }
    for case in CASES.values():
        found[case.loss_name].cases.append(case)
        ask(case, found[case.loss_name])
    return found


def ask(case: Case, found: Asked) -> None:
    """Call the loss once as it should be, and once for each number that a parameter may not be."""
    calls = []

    def run(call: Any, xp: Any) -> Any:
        calls.append(call)
        return original(call, xp)

    original, arguments = _engine.run, arrays(case)
    settings = {**first_options(case), **({"axis": -1} if case.has_axis else {})}
    with patch.object(_engine, "run", run):
        case.loss(**arguments, **settings)
    words = calls[0].formula.alignment or ("elements",) * len(calls[0].arrays)
    found.words[", ".join(words)] = None
    for name in numbers(case):
        for bad in BAD_NUMBERS:
            try:
                with np.errstate(all="ignore"):
                    case.loss(**arguments, **{**settings, name: bad})
            except (ValueError, TypeError) as error:
                if told := re.match(rf"{name} must be (?:an? )?(.*?)(?:, got.*|;.*)?$", str(error)):
                    found.refused.setdefault(name, re.sub(r"(plain | ?number)", "", told[1]).strip())


def first_options(case: Case) -> dict[str, Any]:
    return dict(case.options[0]) if case.options else {}


def arrays(case: Case) -> dict[str, Any]:
    entries = drawn(case.arrays, ROWS_DRAWN)
    return {
        name: np.asarray(entries[name], dtype=kind_of(kind).dtype or "float64")
        for name, kind in case.arrays.items()
    }


def numbers(case: Case) -> list[str]:
    """The parameters that are plain numbers and no arrays of the case."""
    found = inspect.signature(getattr(xlosses, case.loss_name)).parameters
    return [
        name
        for name, parameter in found.items()
        if re.match(r"(Number|float|int)\b", str(parameter.annotation))
        and name not in (*case.arrays, "axis", "ignore_index", "class_axis")
    ]


def columns(loss: str, found: Asked) -> dict[str, Cell]:
    parameters = inspect.signature(getattr(xlosses, loss)).parameters
    kinds = {kind for case in found.cases for kind in case.arrays.values()}
    axis = str(parameters["axis"].annotation) if "axis" in parameters else ""
    terms = list(dict.fromkeys(term(case, axis) for case in found.cases))
    slopes = dict.fromkeys(name for case in found.cases for name in case.slopes)
    return {
        "family": Cell(found.family),
        "a term per": Cell(" or ".join(terms)),
        "labels": yes(any("int" in kind_of(kind).dtype for kind in kinds)),
        "probabilities": yes(any(word in kind for kind in kinds for word in PROBABILITIES)),
        "class weights": yes("class_weights" in parameters),
        "mask of": Cell(" or ".join(terms) + (", entry" if "kept" in parameters else "")),
        "axes": Cell("several" if "tuple" in axis else "one" if axis else "-"),
        "default reduction": Cell(parameters["reduction"].default, code=True),
        "error": error(found.cases, ("numpy", "torch", "jax")),
        "error, MLX": error(found.cases, ("mlx",)),
        **{f"time, {name}": time(found.cases[0].name, *way) for name, way in TIMED.items()},
        "slopes by": Cell(", ".join(slopes), code=True),
        "checked besides": Cell("; ".join(checks(found)) or "-"),
        "grammar": Cell("; ".join(found.words), code=True),
    }


def term(case: Case, axis: str) -> str:
    return "set" if "tuple" in axis else "row" if case.by_rows else "element"


def yes(found: object) -> Cell:
    return Cell("yes" if found else "-")


def checks(found: Asked) -> Iterable[str]:
    if any("labels" in form for form in found.words):
        yield "labels in range"
    for name, wanted in found.refused.items():
        yield f"{name} {wanted}"


def error(cases: Sequence[Case], backends: Sequence[str]) -> Cell:
    """The largest that is held in float32, of values and of gradients: in ULP, or relative over rows."""
    rows = [case.name in make_accuracy.ROWS for case in cases]
    texts, largest = [], 0.0
    for whats in (make_accuracy.VALUE, make_accuracy.GRADIENTS):
        keys = [(case.name, of, "float32", what) for case in cases for of in backends for what in whats]
        held = {key: make_accuracy.HELD[key] for key in keys if key in make_accuracy.HELD}
        mark = "*" if any(make_accuracy.over(figure, *key) for key, figure in held.items()) else ""
        texts.append(make_accuracy.brief(max(held.values())) + mark)
        largest = max(largest, *held.values())
    unit = "" if rows[0] else f"{make_accuracy.SPACE}ULP"
    return Cell(f"{make_accuracy.SPACE}/ ".join(texts) + unit, largest * UNITS[rows[0]])


def time(case: str, backend: str, way: str) -> Cell:
    ratios = [x for group in FROM_10K for x in make_benchmarks.ratios_of(backend, way, group, case)]
    found = make_benchmarks.mean(ratios)
    return Cell("-") if found is None else Cell(make_benchmarks.two_digits(found), found)


def table() -> str:
    """HTML: cells of Markdown have no number to be sorted by."""
    lines = {loss: columns(loss, found) for loss, found in losses().items()}
    pages = {loss: page for page, (_, some) in make_gallery.families().items() for loss in some}
    head = "".join(f'<th scope="col">{name}</th>' for name in ("loss", *next(iter(lines.values()))))
    body = "\n".join(
        f'<tr><th scope="row"><a href="{pages[loss]}.html#xlosses.{loss}"><code>{loss}</code></a></th>'
        + "".join(map(data, cells.values()))
        + "</tr>"
        for loss, cells in lines.items()
    )
    return (
        '<div class="sortable" tabindex="0" role="region" aria-label="All losses">\n'
        '<table class="docutils">\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def data(cell: Cell) -> str:
    key = "" if cell.key is None else f' data-key="{cell.key:.6g}"'
    key += ' class="long"' if len(cell.text) > 20 else ""
    text = escape(cell.text)
    return f"<td{key}>{f'<code>{text}</code>' if cell.code else text}</td>"
