"""How the gallery draws each kind of picture: values by the loss, slopes by `value_and_grad`, on NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, Rectangle
from matplotlib.ticker import MaxNLocator

import xlosses
from gallery import kinds
from gallery.kinds import Arrows, Bars, Chunks, Curve, Density, Frames, Line, Lives, Map, Sliding, Steps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from themes import Theme

SIZE = (2.5, 1.75)
TEXT = 8.5
POINTS = 241
STEP = 1e-4  # of the number, by which the arguments are differentiated


def picture(theme: Theme, loss: str, what: kinds.Picture) -> Figure:
    figure = Figure(figsize=SIZE, layout="constrained")
    draw(figure.subplots(), theme, loss, what)
    return figure


def strip(theme: Theme, losses: dict[str, kinds.Picture], columns: int) -> Figure:
    """Several pictures side by side, each under its name."""
    rows = -(-len(losses) // columns)
    figure = Figure(figsize=(SIZE[0] * columns, (SIZE[1] + 0.25) * rows), layout="constrained")
    parts = figure.subfigures(rows, columns, hspace=0.04)
    for part, (loss, what) in zip(parts.flat, losses.items(), strict=True):
        part.set_facecolor("none")
        part.suptitle(loss, size=TEXT + 1, color=theme.ink, family="monospace")
        draw(part.subplots(), theme, loss, what)
    return figure


def draw(axes: Axes, theme: Theme, loss: str, what: kinds.Picture) -> None:
    axes.patch.set_alpha(0)
    axes.tick_params(colors=theme.pale, labelcolor=theme.ink, labelsize=TEXT - 1, length=2.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(theme.pale)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=2))
    DRAWN[type(what)](axes, theme, getattr(xlosses, loss), what)


def along(loss: Callable[..., Any], line: Line, x: Any) -> tuple[Any, Any]:
    """The value at each number, and the derivative by it: the gradient times how the arguments move."""
    arrays = line.make(x)
    values = loss(*arrays, **line.options, reduction="none")
    _, gradient = xlosses.value_and_grad(loss)(*arrays, **line.options, reduction="sum")
    moves = (line.make(x + STEP)[0] - line.make(x - STEP)[0]) / (2 * STEP)
    return values, (gradient * moves).reshape(len(x), -1).sum(-1)


def descent(loss: Callable[..., Any], arrays: Any, options: Any, by: int = 0) -> Any:
    """Minus the gradient."""
    return -xlosses.value_and_grad(loss, by)(*arrays, **options, reduction="sum")[1]


def curves(axes: Axes, theme: Theme, loss: Callable[..., Any], what: Curve) -> None:
    x = np.linspace(*what.span, POINTS)[1:-1]
    axes.axhline(0.0, color=theme.pale, linewidth=0.6)
    for line, colour in zip(what.lines, theme.lines, strict=False):
        values, slopes = along(loss, line, x)
        axes.plot(x, values, color=colour, linewidth=1.7, label=line.name)
        axes.plot(x, slopes, color=colour, linewidth=1.1, linestyle=(0, (3, 2)))
    axes.set(xlim=what.span, ylim=(limit(axes, 0, what.bottom), limit(axes, 1, what.top)))
    say(axes, theme, what.over)
    if len(what.lines) > 1:
        key(axes, theme)


def limit(axes: Axes, end: int, given: float | None) -> float:
    return axes.get_ylim()[end] if given is None else given


def say(axes: Axes, theme: Theme, across: str, up: str = "") -> None:
    axes.set_xlabel(across, size=TEXT, color=theme.ink, labelpad=2)
    axes.set_ylabel(up, size=TEXT, color=theme.ink, labelpad=2)


def key(axes: Axes, theme: Theme) -> None:
    """What the colours stand for, above the picture."""
    look = {"fontsize": TEXT - 0.5, "labelcolor": theme.ink, "frameon": False}
    place = {"loc": "lower left", "bbox_to_anchor": (-0.06, 1.02), "borderaxespad": 0.0, "borderpad": 0.1}
    axes.legend(**look, **place, ncols=2, handlelength=1.1, handletextpad=0.4, columnspacing=1.0)


def sliding(axes: Axes, theme: Theme, loss: Callable[..., Any], what: Sliding) -> None:
    x = np.linspace(*what.span, POINTS)
    values, slopes = along(loss, what.line, x)
    axes.axhline(0.0, color=theme.pale, linewidth=0.6)
    axes.plot(x, values, color=theme.lines[0], linewidth=1.7)
    axes.plot(x, slopes, color=theme.lines[0], linewidth=1.1, linestyle=(0, (3, 2)))
    axes.set(
        xlim=what.span, xticks=[], ylim=(min(slopes.min(), -0.6) - 0.1, max(values.max(), slopes.max()) + 0.1)
    )
    low, wide = axes.inset_axes((0.0, -0.36, 1.0, 0.32)), what.span[1] - what.span[0]
    low.patch.set_alpha(0)
    low.set(xlim=what.span, ylim=(-wide / 11, wide / 11), aspect="equal")
    low.set_axis_off()
    shape = round_shape if what.round else Rectangle
    for place in (0.2, 0.5, 0.8):
        middle, shift = what.span[0] + place * wide, (place - 0.5) * wide * 0.6
        for (left, top, across, high), colour, by in (
            (what.still, theme.pale, 0.0),
            (what.moved, theme.lines[0], shift),
        ):
            scale = wide / 11
            corner = (middle + (left + by) * scale, top * scale)
            low.add_patch(
                shape(corner, across * scale, high * scale, fill=False, edgecolor=colour, linewidth=1.2)
            )


def round_shape(corner: tuple[float, float], wide: float, high: float, **look: Any) -> Ellipse:
    return Ellipse((corner[0] + wide / 2, corner[1] + high / 2), wide, high, **look)


def height_map(axes: Axes, theme: Theme, loss: Callable[..., Any], what: Map) -> None:
    x, y = np.meshgrid(*(np.linspace(*span, 61) for span in what.spans))
    arrays = what.make(x.ravel(), y.ravel())
    values = loss(*arrays, **what.options, reduction="none").reshape(x.shape)
    filled = axes.contourf(x, y, values, 8, cmap=shades(theme))
    axes.contour(x, y, values, 8, colors=theme.page, linewidths=0.5)
    scale = axes.figure.colorbar(filled, ax=axes, pad=0.02, fraction=0.06)
    scale.ax.yaxis.set_major_locator(MaxNLocator(3))
    scale.ax.tick_params(colors=theme.pale, labelcolor=theme.ink, labelsize=TEXT - 1, length=2)
    scale.outline.set_visible(False)
    say(axes, theme, *what.over)


def shades(theme: Theme) -> LinearSegmentedColormap:
    """From little to much."""
    return LinearSegmentedColormap.from_list("heights", [theme.empty, theme.lines[0]])


def bars(axes: Axes, theme: Theme, loss: Callable[..., Any], what: Bars) -> None:
    scores = what.arrays[0][0]
    moves = descent(loss, what.arrays, {})[0]
    places = range(len(scores))
    colours = [theme.lines[0] if k in what.wanted else theme.fills[0] for k in places]
    axes.bar(places, scores, color=colours, width=0.62, edgecolor=theme.pale, linewidth=0.6)
    axes.axhline(0.0, color=theme.pale, linewidth=0.6)
    for k, move in enumerate(moves / abs(moves).max()):
        if abs(move) > 0.02:
            arrow(axes, theme, (k, scores[k]), (k, scores[k] + move))
    axes.set_xticks(places, what.names)
    axes.tick_params(axis="x", length=0)
    axes.set(xlim=(-0.6, len(scores) - 0.4), ylim=(min(scores) - 1.1, max(scores) + 1.1))
    say(axes, theme, "", "score")


def arrow(axes: Axes, theme: Theme, start: Any, end: Any) -> None:
    style = {"arrowstyle": "-|>,head_width=0.16,head_length=0.32", "shrinkA": 0, "shrinkB": 0}
    axes.annotate(
        "", end, start, arrowprops={**style, "color": theme.lines[1], "linewidth": 1.5}, annotation_clip=False
    )


def arrows(axes: Axes, theme: Theme, loss: Callable[..., Any], what: Arrows) -> None:
    moved = [descent(loss, what.arrays, what.options, by) for by in range(len(what.groups))]
    if what.on_circle:
        moved = [
            move - (move * array).sum(-1, keepdims=True) * array
            for move, array in zip(moved, what.arrays, strict=False)
        ]
    longest = max(np.linalg.norm(move, axis=-1).max() for move in moved)
    for n, (move, group) in enumerate(zip(moved, what.groups, strict=True)):
        for k, (point, by) in enumerate(zip(what.arrays[n], move * 0.7 / longest, strict=True)):
            look = {"s": 26, "marker": "os^"[n], "edgecolor": theme.lines[0], "zorder": 3}
            axes.scatter(*point, facecolor=theme.page if group[k] else theme.lines[0], **look)
            if np.linalg.norm(by) > 0.03:
                arrow(axes, theme, point, point + by)
            if what.names:
                place = {"textcoords": "offset points", "ha": "center", "size": TEXT, "color": theme.ink}
                axes.annotate(what.names[n], point, (0, -13 if by[1] > 0 else 7), **place)
    axes.set_axis_off()
    if what.on_circle:
        circle(axes, theme)
    else:
        axes.set(xlim=(-0.5, 2.2), ylim=(-1.1, 1.4))
    if len(what.groups) == 2:
        for query, its_key in zip(*what.arrays, strict=True):
            axes.plot(*zip(query, its_key, strict=True), color=theme.ink, linewidth=1.0, linestyle=":")


def circle(axes: Axes, theme: Theme) -> None:
    axes.add_patch(Ellipse((0, 0), 2, 2, fill=False, edgecolor=theme.pale, linewidth=0.6))
    axes.set(aspect="equal", xlim=(-1.5, 1.5), ylim=(-1.22, 1.22))


def density(axes: Axes, theme: Theme, loss: Callable[..., Any], what: Density) -> None:
    y = np.linspace(*what.span, POINTS)
    for part in what.parts(y).T:
        axes.plot(y, part, color=theme.pale, linewidth=1.0, linestyle=(0, (3, 2)))
    heights = np.exp(-loss(*what.make(y), reduction="none"))
    axes.fill_between(y, heights, color=theme.fills[0])
    axes.plot(y, heights, color=theme.lines[0], linewidth=1.7)
    axes.set(xlim=what.span, ylim=(0.0, None), yticks=[])
    say(axes, theme, what.over, "density")


def steps(axes: Axes, theme: Theme, loss: Callable[..., Any], what: Steps) -> None:
    members = np.sort(what.ensemble)
    span = members[0] - 0.8, members[-1] + 0.8
    x = np.linspace(*span, 1201)
    share = np.searchsorted(members, x, side="right") / len(members)
    axes.fill_between(x, share, x >= what.target, color=theme.fills[0], step="post")
    axes.plot(x, share, color=theme.lines[0], linewidth=1.7, label="ensemble")
    axes.plot(x, x >= what.target, color=theme.lines[1], linewidth=1.5, label="target")
    axes.set(xlim=span, ylim=(-0.04, 1.08))
    score = loss(np.asarray([what.ensemble]), np.asarray([what.target]))
    say(axes, theme, f"members and target: loss {score:.2f}", "share below")
    key(axes, theme)


def lives(axes: Axes, theme: Theme, loss: Callable[..., Any], what: Lives) -> None:
    arrays = (np.asarray([what.hazards]), np.asarray([what.times]), np.asarray([what.events], dtype=float))
    moves = descent(loss, arrays, {})[0]
    for k, (time, event) in enumerate(zip(what.times, what.events, strict=True)):
        y = len(what.times) - k
        axes.plot([0.0, time], [y, y], color=theme.pale, linewidth=1.2)
        look = {"facecolor": theme.lines[0] if event else theme.page, "edgecolor": theme.lines[0]}
        axes.scatter(time, y, s=24, zorder=3, **look)
        arrow(axes, theme, (9.2, y), (9.2 + 1.4 * moves[k] / abs(moves).max(), y))
    axes.axvline(9.2, color=theme.pale, linewidth=0.6)
    axes.set(xlim=(0.0, 10.8), ylim=(0.4, len(what.times) + 0.6), yticks=[], xticks=[0, 2, 4, 6])
    axes.text(9.2, len(what.times) + 0.75, "hazard", size=TEXT - 0.5, color=theme.ink, ha="center")
    say(axes, theme, "time", "")


def frames(axes: Axes, theme: Theme, loss: Callable[..., Any], what: Frames) -> None:
    n, classes = what.log_probs.shape
    arrays = what.log_probs[:, None, :], np.asarray([what.labels]), n, len(what.labels)
    likely = descent(loss, arrays, {})[:, 0]
    look = {"vmin": 0.0, "vmax": 1.0, "edgecolors": theme.page, "linewidth": 0.8}
    axes.pcolormesh(likely.T, cmap=shades(theme), **look)
    axes.set(ylim=(classes, 0), xticks=[0.5, n / 2, n - 0.5], xticklabels=["first", "frames", "last"])
    axes.set_yticks(np.arange(classes) + 0.5, what.names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def chunks(axes: Axes, theme: Theme, loss: Callable[..., Any], what: Chunks) -> None:
    for k in range(what.parts):
        full = k == what.parts // 3
        look = {"facecolor": theme.lines[0] if full else theme.fills[2], "edgecolor": theme.pale}
        axes.add_patch(Rectangle((0, k), 10, 1, linewidth=0.8, linestyle="-" if full else ":", **look))
    middle = {"ha": "center", "va": "center", "size": TEXT}
    axes.text(5, what.parts // 3 + 0.5, "logits at one time", color=theme.page, **middle)
    axes.set(xlim=(-0.1, 10.1), ylim=(what.parts + 0.1, -0.1), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    say(axes, theme, what.columns, what.rows)


DRAWN: dict[type, Callable[..., None]] = {
    Curve: curves,
    Sliding: sliding,
    Map: height_map,
    Bars: bars,
    Arrows: arrows,
    Density: density,
    Steps: steps,
    Lives: lives,
    Frames: frames,
    Chunks: chunks,
}
