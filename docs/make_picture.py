"""The heat maps of benchmarks.md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.sizes import BACKENDS, EAGER_WAYS, FORWARD, LOSSES, WAYS
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Ratios = Mapping[tuple[str, str, str], float]

# As blue as an eighth of the time, as orange as eight times; nothing so dark that its number is lost.
COLOURS = LinearSegmentedColormap.from_list("ratios", ["#4a90c8", "#a9cfe8", "#ffffff", "#f9c79a", "#e0762b"])
SCALE = LogNorm(1 / 8, 8)
TICKS = {0.125: "1/8", 0.25: "1/4", 0.5: "1/2", 1: "1", 2: "2", 4: "4", 8: "8"}
GAP = 0.35  # between frameworks, in cells
UNKNOWN, INK, PALE = "#f2f2f2", "#1a1a1a", "#666666"


def draw(path: Path, ratios: Ratios) -> None:
    """Losses down, frameworks and their ways across; every cell says its ratio."""
    figure = Figure(figsize=(8.6, 5.4), layout="constrained", facecolor="white")
    axes = figure.subplots()
    x = 0.0
    for backend, name in BACKENDS.items():
        ways = EAGER_WAYS if backend == "numpy" else WAYS
        label(axes, x + len(ways) / 2, -1.75, name, weight="bold", size=9)
        for n, kind in enumerate(["eager", "compiled"][: len(ways) // 2]):
            label(axes, x + 2 * n + 1, -1.05, kind, color=PALE)
        for way in ways:
            label(axes, x + 0.5, -0.4, "fwd" if way.endswith(FORWARD) else "+bwd", color=PALE)
            for y, loss in enumerate(LOSSES):
                cell(axes, x, y, ratios.get((loss, backend, way)))
            x += 1
        x += GAP
    axes.set(xlim=(0, x - GAP), ylim=(len(LOSSES), -2.2))
    axes.set_yticks([y + 0.5 for y in range(len(LOSSES))], LOSSES, size=8)
    axes.tick_params(length=0)
    axes.set_xticks([])
    axes.spines[:].set_visible(False)
    legend(figure, axes)
    figure.savefig(path)


def cell(axes: Axes, x: float, y: float, ratio: float | None) -> None:
    colour = UNKNOWN if ratio is None else COLOURS(SCALE(ratio))
    axes.add_patch(Rectangle((x, y), 1, 1, facecolor=colour, edgecolor="white", linewidth=1))
    if ratio is not None:
        label(axes, x + 0.5, y + 0.5, brief(ratio))


def label(axes: Axes, x: float, y: float, text: str, **look: object) -> None:
    axes.text(x, y, text, **{"ha": "center", "va": "center", "size": 8, "color": INK, **look})


def brief(ratio: float) -> str:
    """Two digits, without a leading 0."""
    return f"{ratio:.0f}" if ratio >= 9.95 else f"{ratio:.1f}" if ratio >= 0.995 else f"{ratio:.2f}"[1:]


def legend(figure: Figure, axes: Axes) -> None:
    from matplotlib.cm import ScalarMappable

    bar = figure.colorbar(
        ScalarMappable(SCALE, COLOURS), ax=axes, location="bottom", shrink=0.5, aspect=40, pad=0.02
    )
    bar.set_ticks(list(TICKS), labels=list(TICKS.values()), size=8)
    bar.ax.minorticks_off()
    bar.outline.set_visible(False)
    bar.set_label("our time / the best peer's; below 1, in blue, is faster", size=8, color=PALE)
