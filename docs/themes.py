"""Pictures for both modes of the pages: drawn twice, of which the style sheet shows one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURES = Path(__file__).parent / "_build"


@dataclass(frozen=True)
class Theme:
    """Colours that can be read on the page of one mode."""

    name: str
    page: str
    ink: str
    pale: str
    empty: str  # a cell without a figure
    fills: tuple[str, str, str]  # of boxes: blue, orange, grey
    lines: tuple[str, str]  # blue, orange


THEMES = (
    Theme(
        *("light", "#ffffff", "#1a1a1a", "#5f5f5f", "#f0f0f0"),
        ("#dcebf7", "#fdebd8", "#f2f2f2"),
        ("#2b6ca3", "#c2561a"),
    ),
    Theme(
        *("dark", "#131416", "#e6e6e6", "#a8a8a8", "#26282b"),
        ("#1d3a52", "#4a2f18", "#26282b"),
        ("#7db8e8", "#f0a060"),
    ),
)


def images(name: str, alt: str, draw: Callable[[Theme], Figure], look: str = "", target: str = "") -> str:
    """The Markdown of a picture that `draw` makes for each theme; a link where there is a target."""
    PICTURES.mkdir(exist_ok=True)
    parts = []
    for theme in THEMES:
        classes = f"only-{theme.name} {look}".rstrip()
        file = f"{name}-{theme.name}.svg"
        draw(theme).savefig(PICTURES / file, transparent=True)
        link = f":target: {target}\n" if target else ""
        parts.append(f"```{{image}} _build/{file}\n:alt: {alt}\n:class: {classes}\n{link}```")
    return "\n".join(parts)
