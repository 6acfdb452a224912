"""How the shapes of a call must fit together, and which shape each array takes in the formula."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from xlosses._core.formula import Alignment

Shape: TypeAlias = tuple[int, ...]


def of_formula(shapes: Mapping[str, Shape], kinds: Mapping[str, Alignment], axis: int) -> dict[str, Shape]:
    """The shape of each array in the formula, where rows lie along the last axis."""
    first_name, shape = next(iter(shapes.items()))
    if kinds[first_name] == "elements":
        _check_equal(shapes, dict.fromkeys(shapes, shape), first_name)
        return dict.fromkeys(kinds, shape)
    if shape[axis] == 0:
        raise ValueError(f"{first_name} has no entries along axis={axis}: its shape is {shape}")
    if kinds[first_name] == "vectors":
        common = _broadcast(shapes, axis)
        return dict.fromkeys(kinds, (*_without(common, axis), common[axis]))
    batch, classes = _without(shape, axis), shape[axis : axis + 1]
    given_shape = {"rows": shape, "labels": batch, "classes": classes}
    _check_equal(shapes, {name: given_shape[kinds[name]] for name in shapes}, first_name)
    formula_shape = {"rows": batch + classes, "labels": batch, "classes": classes}
    return {name: formula_shape[kind] for name, kind in kinds.items()}


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


def _check_equal(shapes: Mapping[str, Shape], expected: Mapping[str, Shape], first: str) -> None:
    for name, shape in shapes.items():
        if shape != expected[name]:
            raise ValueError(
                f"{name} must have the shape {expected[name]} to match {first} of shape {shapes[first]}, "
                f"got {shape}"
            )


def _broadcast(shapes: Mapping[str, Shape], axis: int) -> Shape:
    common = next(iter(shapes.values()))
    for shape in shapes.values():
        fits = len(shape) == len(common) and shape[axis] == common[axis]
        if not fits or any(n != m and 1 not in (n, m) for n, m in zip(shape, common, strict=True)):
            each = ", ".join(f"{name} has shape {shape}" for name, shape in shapes.items())
            raise ValueError(
                f"vectors must have equally many axes, the same length along axis={axis} and lengths "
                f"that are equal or 1 along the others, but {each}"
            )
        common = tuple(m if n == 1 else n for n, m in zip(shape, common, strict=True))
    return common


def _without(shape: Shape, axis: int) -> Shape:
    return shape[:axis] + shape[axis + 1 :]
