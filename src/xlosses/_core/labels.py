"""Checks of class labels: those out of range raise, or become NaN where values cannot be read.

An unchecked label must never reach a gather. MLX checks no bounds: it would read memory beyond the
array, and in the gradient write there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xlosses._backends import INTEGRAL, Namespace
from xlosses._core.alignment import OF_INTEGERS, WITH_AXIS
from xlosses._core.checks import is_number
from xlosses._core.formula import Formula


def check_dtype(xp: Namespace, name: str, value: Any, kind: str) -> None:
    """Raise a TypeError unless the labels are integers."""
    what = "integer class labels" if kind == "labels" else "integers"
    if is_number(value):
        if isinstance(value, float):
            raise TypeError(f"{name} must be {what}, got the number {value}")
    elif xp.dtype_name(value.dtype) not in INTEGRAL:
        raise TypeError(f"{name} must be {what}, got dtype {xp.dtype_name(value.dtype)}")


def check(xp: Namespace, name: str, labels: Any, classes: int, mask: Any, ignored: int | None) -> bool:
    """Whether the labels of all kept rows are known to be in [0, classes); one that is not raises."""
    ends = xp.ends(labels)
    if ends is None:
        return False
    low, high = ends
    if low >= 0 and high < classes:
        return True
    _, _, bad = safe(xp, labels, classes, mask, ignored, in_range=False)
    if bool(xp.any(bad)):
        first_bad = int(xp.argmax(xp.reshape(xp.astype(bad, xp.int8), (-1,))))
        value = int(xp.reshape(widest(xp, labels), (-1,))[first_bad])
        raise ValueError(
            f"{name} must be class labels in [0, {classes}), got {value}; exclude rows by "
            f"`where` or `ignore_index`"
        )
    return True


def safe(
    xp: Namespace, labels: Any, classes: int, mask: Any, ignored: int | None, in_range: bool
) -> tuple[Any, Any, Any]:
    """Labels that are safe to gather with in kept rows, the mask of kept rows with ignored labels left
    out, and a mask of the kept rows whose label was out of range.

    The last is None if `in_range` says that there are none. The labels are cast to the widest signed
    integer dtype, because uint8 would wrap in a comparison with 300.
    """
    labels = widest(xp, labels)
    if ignored is not None:
        kept = labels != ignored
        mask = kept if mask is None else xp.logical_and(mask, kept)
    if in_range:
        return labels, mask, None
    # Not `|` and `&`: under vmap MLX computes them wrongly between a mapped and an unmapped array.
    bad = xp.logical_or(labels < 0, labels >= classes)
    return xp.where(bad, 0, labels), mask, bad if mask is None else xp.logical_and(bad, mask)


def accepted(
    xp: Namespace, formula: Formula, names: tuple[str, ...], arrays: Any, parameters: Any, mask: Any
) -> bool:
    """Whether the formula is known to refuse no integer of a kept row; one that it refuses raises."""
    if formula.refused is None:
        return True
    for place, bad, wanted in _refusals(xp, formula, arrays, parameters, mask):
        ends = xp.ends(xp.astype(bad, xp.int8))
        if ends is None:
            return False
        if ends[1]:
            first_bad = int(xp.argmax(xp.reshape(xp.astype(bad, xp.int8), (-1,))))
            value = int(xp.reshape(arrays[place], (-1,))[first_bad])
            raise ValueError(f"{names[place]} must be {wanted}, got {value}; exclude rows by `where`")
    return True


def refused(xp: Namespace, formula: Formula, arrays: Any, parameters: Any, mask: Any) -> Any:
    """A mask of the kept rows of which the formula refuses an integer."""
    found: Any = None
    for place, bad, _ in _refusals(xp, formula, arrays, parameters, mask):
        bad = xp.any(bad, axis=-1) if formula.alignment[place] in WITH_AXIS else bad
        found = bad if found is None else xp.logical_or(found, bad)
    return found


def _refusals(
    xp: Namespace, formula: Formula, arrays: Any, parameters: Any, mask: Any
) -> Iterator[tuple[int, Any, str]]:
    """The place of each array of integers, which of those of kept rows are refused, and what they must be."""
    kinds = formula.alignment
    # int32 is compared as it is, because a wider copy of a whole batch would take more memory than a block.
    arrays = [
        widest(xp, x) if kind in OF_INTEGERS and xp.dtype_name(x.dtype) != "int32" else x
        for x, kind in zip(arrays, kinds, strict=True)
    ]
    assert formula.refused
    for place, bad, wanted in formula.refused(xp, *arrays, **parameters):
        if mask is not None:
            bad = xp.logical_and(bad, mask[..., None] if kinds[place] in WITH_AXIS else mask)
        yield place, bad, wanted


def widest(xp: Namespace, labels: Any) -> Any:
    """Integers in the widest signed dtype."""
    return labels if labels.dtype == xp.widest_integer() else xp.astype(labels, xp.widest_integer())
