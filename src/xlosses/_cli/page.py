"""The report of `xlosses parity` as one page of HTML that needs nothing else, readable in light and dark."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from importlib.metadata import version
from pathlib import Path

from xlosses._backends import FRAMEWORKS
from xlosses.testing.frameworks import version_of

WORST = 15  # entries in the table of the worst
DECADES = 4.0  # below the tolerance, over which the colour runs

STYLE = """
:root { color-scheme: light dark; --page: #fff; --ink: #1a1a1a; --pale: #5f5f5f; --line: #d9d9d9;
  --exact: #eef3f8; --near: #2b6ca3; --deep: #fff; --bad: #b3261e; --badpage: #fdeceb; --empty: #f4f4f4; }
@media (prefers-color-scheme: dark) { :root { --page: #131416; --ink: #e6e6e6; --pale: #a8a8a8;
  --line: #3a3d42; --exact: #1b232c; --near: #3a76ab; --deep: #fff; --bad: #ff9b90; --badpage: #47201d;
  --empty: #1b1c1f; } }
body { margin: 2rem auto; max-width: 68rem; padding: 0 1.5rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin-bottom: .25rem; } h2 { font-size: 1.1rem; margin-top: 2.25rem; }
p { max-width: 46rem; } .pale { color: var(--pale); }
.verdict { font-weight: 600; } .verdict.failed { color: var(--bad); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { font-weight: 600; text-align: left; padding: .3rem .7rem; vertical-align: bottom; }
td { padding: .3rem .7rem; border-top: 1px solid var(--line); vertical-align: top; }
.map th[scope=col] { text-align: right; }
.map th[scope=row] { font-weight: 400; white-space: nowrap; padding-left: 0; }
.map td { text-align: right; border: 2px solid var(--page); min-width: 5.5rem; white-space: nowrap; }
.map td.empty { background: var(--empty); color: var(--pale); text-align: center; }
.map td.bad { background: var(--badpage); color: var(--bad); font-weight: 600; }
.legend { display: flex; gap: .6rem; align-items: center; margin: .8rem 0; color: var(--pale);
  font-size: .85rem; flex-wrap: wrap; }
.legend i { width: 9rem; height: .8rem; background: linear-gradient(90deg, var(--exact), var(--near)); }
.legend b { background: var(--badpage); color: var(--bad); padding: 0 .5rem; }
.list td:first-child, .list th:first-child { padding-left: 0; }
.list td.number { text-align: right; white-space: nowrap; } .list th.number { text-align: right; }
.detail { color: var(--pale); font-size: .9rem; overflow-wrap: anywhere; }
.bad-text { color: var(--bad); font-weight: 600; }
"""


@dataclass(frozen=True)
class Figure:
    """One result in the report."""

    row: str
    column: str
    what: str
    difference: float
    tolerance: float
    passed: bool
    detail: str = ""

    @property
    def share(self) -> float:
        """The difference over the tolerance; infinite for what cannot be compared."""
        if math.isnan(self.difference):
            return math.inf
        return self.difference / self.tolerance if self.tolerance else (math.inf if self.difference else 0.0)


def write(path: Path, title: str, note: str, figures: Sequence[Figure]) -> None:
    """Write the page."""
    path.write_text(page(title, note, figures), encoding="utf-8")


def page(title: str, note: str, figures: Sequence[Figure]) -> str:
    """The page as text."""
    failed = sum(not figure.passed for figure in figures)
    verdict = (
        f"{failed} of {len(figures)} results are out of tolerance"
        if failed
        else f"All {len(figures)} results are within tolerance"
    )
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        f'<p class="verdict{" failed" if failed else ""}">{verdict}.</p>',
        f'<p class="pale">{escape(note)}</p>',
        "<h2>Largest difference</h2>",
        _map(figures),
        "<h2>Closest to the tolerance, and beyond</h2>",
        _worst(figures),
        "<h2>Where it ran</h2>",
        _rows(_machine()),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _map(figures: Sequence[Figure]) -> str:
    """Functions down, frameworks across, coloured by the share of the tolerance that is used."""
    columns = list(dict.fromkeys(figure.column for figure in figures))
    labels = [escape(column).replace(", ", "<br>") for column in columns]
    heads = "".join(f'<th scope="col">{label}</th>' for label in labels)
    lines = [f'<div class="scroll"><table class="map"><thead><tr><th></th>{heads}</tr></thead><tbody>']
    by_cell: dict[tuple[str, str], list[Figure]] = {}
    for figure in figures:
        by_cell.setdefault((figure.row, figure.column), []).append(figure)
    for row in dict.fromkeys(figure.row for figure in figures):
        cells = "".join(_cell(by_cell.get((row, column), [])) for column in columns)
        lines.append(f'<tr><th scope="row">{escape(row)}</th>{cells}</tr>')
    legend = "<span>exact</span><i></i><span>at the tolerance</span><b>\u2717 beyond it</b>"
    return "\n".join([*lines, "</tbody></table></div>", f'<div class="legend">{legend}</div>'])


def _cell(figures: Sequence[Figure]) -> str:
    if not figures:
        return '<td class="empty">\u2013</td>'
    worst = max(figures, key=lambda figure: (not figure.passed, figure.share))
    tip = escape(f"{worst.what}: {worst.detail}" if worst.detail else worst.what, quote=True)
    text = "no number" if math.isnan(worst.difference) else _number(worst.difference)
    if not worst.passed:
        return f'<td class="bad" title="{tip}">\u2717 {text}</td>'
    share = _shade(worst.share)
    ink = "var(--deep)" if share > 0.85 else "var(--ink)"
    shade = f"color-mix(in oklab, var(--near) {100 * share:.0f}%, var(--exact))"
    return f'<td style="background:{shade};color:{ink}" title="{tip}">{text}</td>'


def _shade(share: float) -> float:
    """From 0 for what is exact, or far below the tolerance, to 1 at it."""
    return min(1.0, max(0.0, 1.0 + math.log10(share) / DECADES)) if share > 0.0 else 0.0


def _number(x: float) -> str:
    if math.isnan(x):
        return "\u2013"
    return "exact" if x == 0.0 else "infinite" if math.isinf(x) else f"{x:.1e}"


def _worst(figures: Sequence[Figure]) -> str:
    ordered = sorted(figures, key=lambda figure: (figure.passed, -figure.share))
    failed = [figure for figure in ordered if not figure.passed]
    shown = ordered[: max(WORST, len(failed))]
    heads = "<th>function</th><th>framework</th><th>result</th>"
    heads += '<th class="number">difference</th><th class="number">tolerance</th>'
    lines = [f'<div class="scroll"><table class="list"><thead><tr>{heads}</tr></thead><tbody>']
    for figure in shown:
        mark = "" if figure.passed else ' class="bad-text"'
        detail = f'<div class="detail">{escape(figure.detail)}</div>' if figure.detail else ""
        lines.append(
            f"<tr><td>{escape(figure.row)}</td><td{mark}>{escape(figure.column)}</td>"
            f"<td>{escape(figure.what)}{detail}</td>"
            f'<td class="number">{_number(figure.difference)}</td>'
            f'<td class="number">{_number(figure.tolerance)}</td></tr>'
        )
    return "\n".join([*lines, "</tbody></table></div>"])


def _rows(facts: Mapping[str, str]) -> str:
    lines = [f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in facts.items()]
    return "\n".join(['<table class="list"><tbody>', *lines, "</tbody></table>"])


def _machine() -> dict[str, str]:
    found = {"xlosses": version("xlosses"), "Python": platform.python_version()}
    found |= {label: version_of(name) or "not installed" for name, label in FRAMEWORKS.items()}
    found["System"] = f"{platform.system()} {platform.machine()}"
    found["Date"] = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return found
