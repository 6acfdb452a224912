"""How the shapes of a call must fit together, and which shape each array takes in the formula."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

from xlosses._core.alignment import UNCUT, Alignment

Shape: TypeAlias = tuple[int, ...]


def of_formula(
    shapes: Mapping[str, Shape],
    kinds: Mapping[str, Alignment],
    axes: tuple[int, ...],
    classes: int | None = None,
) -> dict[str, Shape]:
    """The shape of each array in the formula, where the entries of a row lie along the last axis.

    Of a shared array that is left out, the shape is empty.
    """
    first_name, shape = next(iter(shapes.items()))
    if kinds[first_name] == "elements":
        cut = [name for name in shapes if kinds[name] not in UNCUT]
        check_equal(shapes, dict.fromkeys(cut, shape), first_name)
        return {name: shapes.get(name, ()) if kind in UNCUT else shape for name, kind in kinds.items()}
    lengths = tuple(shape[axis] for axis in axes)
    if 0 in lengths:
        along = axes[0] if len(axes) == 1 else axes
        raise ValueError(f"{first_name} has no entries along axis={along}: its shape is {shape}")
    if kinds[first_name] == "vectors":
        shape = _broadcast({name: shapes[name] for name in shapes if kinds[name] == "vectors"}, axes)
    batch, row = _without(shape, axes), (math.prod(lengths),)
    of_classes = row if classes is None else (classes,)
    given_shape = {"rows": shape, "kept": shape, "classes": of_classes}
    expected = {
        name: given_shape.get(kinds[name], batch)
        for name in shapes
        if kinds[name] not in ("vectors", "arrays", "shared", "shared integers")
    }
    own_length = {name: shapes[name][-1:] or (1,) for name in shapes if kinds[name] == "integer rows"}
    expected.update({name: batch + length for name, length in own_length.items()})
    own = {name: batch + shapes[name][len(batch) :] for name in shapes if kinds[name] == "arrays"}
    check_equal(shapes, {**expected, **own}, first_name)
    of_rows = {"rows": batch + row, "vectors": batch + row, "kept": batch + row, "classes": of_classes}
    of_others = {name: of_rows.get(kind, batch) for name, kind in kinds.items()}
    numbers = {name: (*batch, 1) for name in kinds if kinds[name] == "integer rows" and name not in shapes}
    rows_of_integers = {name: expected[name] for name in own_length}
    shared = {name: shapes.get(name, ()) for name, kind in kinds.items() if kind.startswith("shared")}
    return {**of_others, **numbers, **rows_of_integers, **own, **shared}


def check_broadcasts(name: str, x: Any, shape: Shape) -> None:
    """Refuse `weights` or a mask unless 0-d or of the shape of the terms, with 1 for any of the lengths."""
    given = tuple(x.shape)
    if given and not (
        len(given) == len(shape) and all(n in (1, m) for n, m in zip(given, shape, strict=True))
    ):
        raise ValueError(
            f"{name} must have the shape {shape} of the unreduced loss, or 1 in place of some of its "
            f"lengths, got {given}"
        )


def check_equal(shapes: Mapping[str, Shape], expected: Mapping[str, Shape], first: str) -> None:
    for name, shape in expected.items():
        if shapes[name] != shape:
            raise ValueError(
                f"{name} must have the shape {shape} to match {first} of shape {shapes[first]}, "
                f"got {shapes[name]}"
            )


def _broadcast(shapes: Mapping[str, Shape], axes: tuple[int, ...]) -> Shape:
    common = next(iter(shapes.values()))
    for shape in shapes.values():
        fits = len(shape) == len(common) and all(shape[axis] == common[axis] for axis in axes)
        if not fits or any(n != m and 1 not in (n, m) for n, m in zip(shape, common, strict=True)):
            each = ", ".join(f"{name} has shape {shape}" for name, shape in shapes.items())
            along = axes[0] if len(axes) == 1 else axes
            raise ValueError(
                f"vectors must have equally many axes, the same length along axis={along} and lengths "
                f"that are equal or 1 along the others, but {each}"
            )
        common = tuple(m if n == 1 else n for n, m in zip(shape, common, strict=True))
    return common


def _without(shape: Shape, axes: tuple[int, ...]) -> Shape:
    return tuple(n for axis, n in enumerate(shape) if axis not in axes)
