"""The picture of boosting.md: three quantiles of points, each by boosted trees."""

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
TREES, RATE, LEAVES = 300, 0.15, 10


def fill_in(page: str) -> str:
    """The page with the picture in place of its line."""
    alt = "Points around a wave, wider to the right, and the quantiles 0.1, 0.5 and 0.9 of them by boosting"
    picture = images("boosting", alt, draw)
    return re.sub(r"^\{\{ boosting \}\}$", lambda _: picture, page, flags=re.MULTILINE)


def points() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(0.0, 10.0, 400))
    return x, np.sin(x) + 0.1 * (1.0 + x) * rng.normal(size=len(x))


def boosted(x: np.ndarray, y: np.ndarray, quantile: float) -> np.ndarray:
    """What trees predict whose splits lie at random places, a step of Newton in each leaf."""
    loss, scores = objective(xlosses.quantile_loss, quantile=quantile), np.zeros_like(y)
    rng = np.random.default_rng(1)
    for _ in range(TREES):
        leaf = np.searchsorted(np.sort(rng.uniform(x[0], x[-1], LEAVES - 1)), x)
        gradient, hessian = (np.bincount(leaf, of_row, LEAVES) for of_row in loss(y, scores))
        scores -= RATE * (gradient / (hessian + 1.0))[leaf]
    return scores


def draw(theme: Theme) -> Figure:
    x, y = points()
    figure = Figure(figsize=(5.2, 2.9), layout="constrained")
    axes = figure.subplots()
    axes.patch.set_alpha(0)
    axes.scatter(x, y, s=7, color=theme.pale, alpha=0.55, linewidth=0)
    for quantile, style in QUANTILES.items():
        colour = theme.lines[quantile == 0.5]
        label = f"quantile {quantile}"
        axes.plot(x, boosted(x, y, quantile), style, color=colour, linewidth=1.6, label=label)
    axes.tick_params(colors=theme.pale, labelcolor=theme.ink, labelsize=8.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(theme.pale)
    axes.legend(fontsize=8.5, labelcolor=theme.ink, frameon=False, loc="lower left")
    return figure
