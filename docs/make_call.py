"""The picture of how_it_runs.md: one call, from its arguments to the result."""

from __future__ import annotations

import re
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from themes import Theme, images

FILES = [Path(__file__), Path(__file__).parent / "themes.py"]

# Top to bottom: what it is, what happens there, the fill of its box.
STEPS = (
    ("call", "arrays, parameters, reduction, weights, where, dtype", 2),
    ("plan", "one framework? shapes, dtypes, axis: checked, remembered", 0),
    ("operands", "laid out side by side; labels looked at", 0),
    ("engine", "", 1),
    ("formula", "one term per element or row; or its slope", 1),
    ("triple", "sum of weight x term, count, sum of weights", 0),
    ("reduction", "sum, mean or weighted_mean; none keeps the terms", 0),
    ("result", "rounded once to dtype, on the device of the inputs", 2),
)
WAYS = (
    ("whole", "MLX, others,\nsmall arrays"),
    ("blocks", "NumPy,\nPyTorch"),
    ("compiled", "JAX,\ntorch.compile"),
)
HIGH, TALL, GAP, WIDE = 0.78, 1.75, 0.34, 6.4


def fill_in(page: str) -> str:
    """The page with the picture in place of its line."""
    alt = "From top to bottom: " + ", ".join(f"{name} ({what})" if what else name for name, what, _ in STEPS)
    return re.sub(r"^\{\{ call \}\}$", lambda _: images("call", alt, draw, "call"), page, flags=re.MULTILINE)


def draw(theme: Theme) -> Figure:
    heights = [TALL if name == "engine" else HIGH for name, _, _ in STEPS]
    bottom = sum(heights) + GAP * (len(STEPS) - 1)
    figure = Figure(figsize=(4.6, 4.6 * bottom / (WIDE + 0.1)), layout="constrained")
    axes = figure.subplots()
    axes.patch.set_alpha(0)
    axes.set(xlim=(-0.05, WIDE + 0.05), ylim=(bottom + 0.05, -0.05), aspect="equal")
    axes.set_axis_off()
    y = 0.0
    for n, ((name, what, fill), height) in enumerate(zip(STEPS, heights, strict=True)):
        box(axes, theme, (0, y, WIDE, height), theme.fills[fill])
        text = {"ha": "center", "va": "center", "color": theme.ink}
        axes.text(WIDE / 2, y + 0.25, name, size=10, weight="bold", **text)
        if what:
            axes.text(WIDE / 2, y + 0.56, what, size=8, **text)
        else:
            for k, (way, where) in enumerate(WAYS):
                x = 0.2 + k * (WIDE - 0.2) / 3
                box(axes, theme, (x, y + 0.5, (WIDE - 0.8) / 3, 1.08), theme.page)
                axes.text(x + (WIDE - 0.8) / 6, y + 0.74, way, size=9, weight="bold", **text)
                axes.text(x + (WIDE - 0.8) / 6, y + 1.2, where, size=8, **text)
        y += height
        if n + 1 < len(STEPS):
            arrow = {"arrowstyle": "-|>", "color": theme.pale, "shrinkA": 0, "shrinkB": 0}
            axes.annotate("", (WIDE / 2, y + GAP), (WIDE / 2, y), arrowprops=arrow)
        y += GAP
    return figure


def box(axes, theme: Theme, place: tuple[float, float, float, float], fill: str) -> None:
    x, y, wide, high = place
    style = "round,pad=0,rounding_size=0.12"
    axes.add_patch(
        FancyBboxPatch(
            (x, y), wide, high, boxstyle=style, facecolor=fill, edgecolor=theme.pale, linewidth=0.8
        )
    )
