"""The picture of the demo: the losses of all frameworks, and how far they lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlosses._cli.training import Curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# From wide and pale to narrow and dark, so that curves that coincide stay visible one on the other.
LINES: tuple[dict[str, Any], ...] = (
    {"color": "#f4a582", "linewidth": 9.0, "markersize": 12.0},
    {"color": "#4393c3", "linewidth": 4.5, "markersize": 7.0},
    {"color": "#1a1a1a", "linewidth": 1.6, "markersize": 3.0, "dashes": (4, 3)},
)


def draw(path: Path, curves: Curves, gaps: Sequence[float], tolerance: float) -> None:
    """Write the picture to a PNG file."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(10, 4.3), dpi=140, layout="constrained")
    losses, apart = figure.subplots(1, 2, width_ratios=(3, 2))
    _draw_losses(losses, curves)
    _draw_gaps(apart, gaps, tolerance)
    for axes in (losses, apart):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#dddddd", linewidth=0.6)
    figure.savefig(path)


def _draw_losses(axes: Axes, curves: Curves) -> None:
    axes.set(title="xlosses.cross_entropy on handwritten digits", ylabel="loss")
    for (name, reached), line in zip(curves.items(), LINES, strict=False):
        epochs = range(1, len(reached) + 1)
        axes.plot(epochs, [epoch.training_loss for epoch in reached], "o-", label=name, **line)
        axes.plot(epochs, [epoch.test_loss for epoch in reached], "o-", **line)
    _label(axes, "training", len(reached), reached[-1].training_loss)
    _label(axes, "test", len(reached), reached[-1].test_loss)
    axes.legend(frameon=False, handlelength=4)


def _draw_gaps(axes: Axes, gaps: Sequence[float], tolerance: float) -> None:
    axes.set(title="Largest disagreement", yscale="log", ylim=(1e-10, 1e-2))
    axes.plot(range(1, len(gaps) + 1), gaps, "o-", color="#1a1a1a", linewidth=1.2, markersize=4)
    axes.axhline(tolerance, color="#b2182b", linewidth=1.6)
    axes.annotate("tolerance", (1, tolerance), (0, 4), textcoords="offset points", color="#b2182b")


def _label(axes: Axes, text: str, x: float, y: float) -> None:
    axes.annotate(text, (x, y), (8, 0), textcoords="offset points", va="center")
