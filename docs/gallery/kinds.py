"""What a picture of the gallery shows, as data: a kind for each way to look at a loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

Arrays: TypeAlias = tuple[Any, ...]
Options: TypeAlias = Mapping[str, Any]
Make: TypeAlias = Callable[[Any], Arrays]


@dataclass(frozen=True)
class Line:
    """One curve: what a number becomes as arguments of the loss, and how the curve is called."""

    make: Make
    name: str = ""
    options: Options = field(default_factory=dict)


@dataclass(frozen=True)
class Curve:
    """Value and derivative over one number."""

    over: str
    span: tuple[float, float]
    lines: Sequence[Line]
    top: float | None = None
    bottom: float | None = None


@dataclass(frozen=True)
class Sliding:
    """A curve over the shift of one shape past another, which are drawn below it: (left, top, wide, high)."""

    line: Line
    span: tuple[float, float]
    still: tuple[float, float, float, float]
    moved: tuple[float, float, float, float]
    round: bool = False


@dataclass(frozen=True)
class Map:
    """The value over two numbers, as height lines."""

    over: tuple[str, str]
    spans: tuple[tuple[float, float], tuple[float, float]]
    make: Callable[[Any, Any], Arrays]
    options: Options = field(default_factory=dict)


@dataclass(frozen=True)
class Bars:
    """The entries of one row, and where a step down the gradient moves them; some are to be large."""

    arrays: Arrays
    wanted: Sequence[int]
    names: Sequence[str]


@dataclass(frozen=True)
class Arrows:
    """Points of the plane by group, and where a step down the gradient moves them."""

    arrays: Arrays
    groups: Sequence[Sequence[int]]  # of each point of each array that is moved: 0 is full, 1 open
    options: Options = field(default_factory=dict)
    names: Sequence[str] = ()
    on_circle: bool = True  # where they stay, as unit vectors do


@dataclass(frozen=True)
class Density:
    """The density whose negative logarithm the loss is."""

    over: str
    span: tuple[float, float]
    make: Make
    parts: Callable[[Any], Any]


@dataclass(frozen=True)
class Steps:
    """The distribution of an ensemble beside that of its target: the loss is between them."""

    ensemble: Sequence[float]
    target: float


@dataclass(frozen=True)
class Lives:
    """How long each was watched, whether the event came, and where the gradient moves the hazard."""

    hazards: Sequence[float]
    times: Sequence[float]
    events: Sequence[int]


@dataclass(frozen=True)
class Frames:
    """How likely each frame has each class, given the labels: minus the gradient by its log probability."""

    log_probs: Any  # frames by classes, of which the first is the blank
    labels: Sequence[int]
    names: Sequence[str]


@dataclass(frozen=True)
class Chunks:
    """A table of rows by classes of which a part exists at a time."""

    rows: str
    columns: str
    parts: int


Picture: TypeAlias = Curve | Sliding | Map | Bars | Arrows | Density | Steps | Lives | Frames | Chunks


@dataclass(frozen=True)
class Entry:
    """What the gallery shows of a loss and says of it: when to use it, and when not."""

    text: str
    picture: Picture


def at(*others: float) -> Make:
    """The number beside constants."""
    return lambda x: (x, *(np.full_like(x, other) for other in others))


def row(*others: float, label: int = 0) -> Make:
    """A row of the number and of constants, beside a class."""
    return lambda x: (beside(x, *others), np.full(x.shape, label))


def beside(*entries: Any) -> Any:
    """Rows of these entries, which are arrays or constants."""
    return np.stack(np.broadcast_arrays(*entries), axis=-1)


def curve(over: str, span: tuple[float, float], *lines: Line | Make, **limits: float) -> Curve:
    """A curve of lines, or of what makes one."""
    return Curve(over, span, [x if isinstance(x, Line) else Line(x) for x in lines], **limits)
