"""The pictures of benchmarks.md: ratios by size, and a heat map of all losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from themes import Theme

# As blue as an eighth of the time, as orange as eight times; nothing so dark that its number is lost.
COLOURS = LinearSegmentedColormap.from_list("ratios", ["#4a90c8", "#a9cfe8", "#ffffff", "#f9c79a", "#e0762b"])
SCALE = LogNorm(1 / 8, 8)
TICKS = {0.125: "1/8", 0.25: "1/4", 0.5: "1/2", 1: "1", 2: "2", 4: "4", 8: "8"}
GAP = 0.3  # between sizes, in cells
ON_CELLS = "#1a1a1a"

Line = Sequence[float | None]  # a ratio per size


def curves(theme: Theme, sizes: Sequence[str], panels: Mapping[str, Mapping[str, Line]]) -> Figure:
    """A panel for each framework: mean ratios by size, a line for each way."""
    figure = Figure(figsize=(5.2, 4.9), layout="constrained")
    grid = figure.subplots(2, 2, sharex=True, sharey=True)
    handles = {}
    for axes, (title, lines) in zip(grid.flat, panels.items(), strict=True):
        axes.patch.set_alpha(0)
        axes.set_title(title, size=9.5, weight="bold", color=theme.ink, loc="left")
        axes.axhline(1, color=theme.pale, linewidth=1)
        for n, (name, ratios) in enumerate(lines.items()):
            found = [(x, ratio) for x, ratio in enumerate(ratios) if ratio is not None]
            style = {"color": theme.lines[n // 2], "linestyle": "--" if n % 2 else "-"}
            handles[name] = axes.plot(*zip(*found, strict=True), marker="o", markersize=4, **style)[0]
        axes.set_yscale("log")
        axes.set_ylim(1 / 8, 8)
        axes.set_yticks(list(TICKS), list(TICKS.values()))
        axes.set_xticks(range(len(sizes)), sizes)
        axes.minorticks_off()
        axes.tick_params(colors=theme.pale, labelcolor=theme.ink, labelsize=8.5)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(theme.pale)
    figure.supylabel("our time / theirs", size=9, color=theme.ink)
    for axes in grid[1]:
        axes.set_xlabel("elements", size=9, color=theme.ink)
    figure.legend(
        handles.values(),
        handles.keys(),
        loc="outside lower center",
        ncols=2,
        fontsize=8.5,
        labelcolor=theme.ink,
        frameon=False,
    )
    return figure


def heat_map(
    theme: Theme, title: str, sizes: Sequence[str], ratios: Mapping[str, Sequence[tuple[float | None, ...]]]
) -> Figure:
    """Losses down, sizes across; every cell says its ratio, of the loss and of loss and gradient."""
    figure = Figure(figsize=(4.6, 0.7 + 0.23 * len(ratios)), layout="constrained")
    axes = figure.subplots()
    axes.patch.set_alpha(0)
    widths = [max((len(row[n]) for row in ratios.values()), default=0) for n in range(len(sizes))]
    starts = [sum(widths[:n]) + GAP * n for n in range(len(sizes) + 1)]
    for size, (start, stop) in zip(sizes, pairwise(starts), strict=True):
        label(axes, (start + stop - GAP) / 2, -1.0, size, weight="bold", size=8, color=theme.ink)
        for k, what in enumerate(["loss", "+grad"]):
            label(axes, start + k + 0.5, -0.35, what, size=7, color=theme.pale)
    for y, row in enumerate(ratios.values()):
        for start, cells in zip(starts, row, strict=False):
            for k, ratio in enumerate(cells):
                cell(axes, theme, start + k, y, ratio)
    names = [loss.replace(" (", "\n(") for loss in ratios]
    axes.set_yticks([y + 0.5 for y in range(len(names))], names, size=7.5, color=theme.ink)
    axes.set(xlim=(0, starts[-1] - GAP), ylim=(len(names), -1.4))
    axes.set_title(title, size=9, color=theme.ink, weight="bold")
    axes.tick_params(length=0)
    axes.set_xticks([])
    axes.spines[:].set_visible(False)
    return figure


def cell(axes: Axes, theme: Theme, x: float, y: float, ratio: float | None) -> None:
    colour = theme.empty if ratio is None else COLOURS(SCALE(ratio))
    axes.add_patch(Rectangle((x, y), 1, 1, facecolor=colour, edgecolor=theme.page, linewidth=1))
    if ratio is not None:
        label(axes, x + 0.5, y + 0.5, brief(ratio), size=8, color=ON_CELLS)


def label(axes: Axes, x: float, y: float, text: str, **look: object) -> None:
    axes.text(x, y, text, ha="center", va="center", **look)


def brief(ratio: float) -> str:
    """Two digits, without a leading 0."""
    return f"{ratio:.0f}" if ratio >= 9.95 else f"{ratio:.1f}" if ratio >= 0.995 else f"{ratio:.2f}"[1:]
