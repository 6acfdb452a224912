"""The picture of boosting.md: three quantiles of points, each by boosted stumps."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from themes import Theme, images

import xlosses
from xlosses.boosting import objective

FILES = [Path(__file__), Path(__file__).parent / "themes.py"]

QUANTILES = {0.9: "--", 0.5: "-", 0.1: ":"}
ROUNDS, RATE, LEAST = 400, 0.3, 12  # of trees, of learning, and how many points a leaf has


def fill_in(page: str) -> str:
    """The page with the picture in place of its line."""
    alt = "Points around a wave, wider to the right, and the quantiles 0.1, 0.5 and 0.9 of them by boosting"
    picture = images("boosting", alt, draw)
    return re.sub(r"^\{\{ boosting \}\}$", lambda _: picture, page, flags=re.MULTILINE)


def points() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(0.0, 10.0, 400))
    return x, np.sin(x) + 0.1 * (1.0 + x) * rng.normal(size=len(x))


def boosted(y: np.ndarray, quantile: float) -> np.ndarray:
    """What stumps along sorted points predict: of each round the split that gains most."""
    loss, scores = objective(xlosses.quantile_loss, quantile=quantile), np.zeros_like(y)
    for _ in range(ROUNDS):
        gradient, hessian = (np.cumsum(x) for x in loss(y, scores))
        left, right = gradient / (hessian + 1.0), (gradient[-1] - gradient) / (hessian[-1] - hessian + 1.0)
        gain = left * gradient + right * (gradient[-1] - gradient)
        split = LEAST + int(np.argmax(gain[LEAST:-LEAST]))
        scores[: split + 1] -= RATE * left[split]
        scores[split + 1 :] -= RATE * right[split]
    return scores


def draw(theme: Theme) -> Figure:
    x, y = points()
    figure = Figure(figsize=(5.2, 2.9), layout="constrained")
    axes = figure.subplots()
    axes.patch.set_alpha(0)
    axes.scatter(x, y, s=7, color=theme.pale, alpha=0.55, linewidth=0)
    for quantile, style in QUANTILES.items():
        colour = theme.lines[quantile == 0.5]
        axes.plot(x, boosted(y, quantile), style, color=colour, linewidth=1.6, label=f"quantile {quantile}")
    axes.tick_params(colors=theme.pale, labelcolor=theme.ink, labelsize=8.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(theme.pale)
    axes.legend(fontsize=8.5, labelcolor=theme.ink, frameon=False, loc="lower left")
    return figure
