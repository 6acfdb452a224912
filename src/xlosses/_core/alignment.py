"""The words by which a formula says how each of its arrays lies beside the first one."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

Alignment: TypeAlias = Literal[
    "elements",
    "rows",
    "vectors",
    "scalars",
    "arrays",
    "labels",
    "integers",
    "integer rows",
    "classes",
    "shared",
    "shared integers",
    "kept",
]
"""How the shape of an array relates to that of the first one.

elements         the same shape, one term each
rows             the same shape, its `axis` moved last, one term per row
vectors          like rows, and batch axes of length one broadcast
scalars          one real number per row
arrays           real numbers in any shape per row, the axes of the terms before its own; may be None
labels           one integer class per row, in [0, classes)
integers         one integer per row, which is compared and never picked by
integer rows     integers along a last axis of its own length, of which each row of the first array has some
classes          one number per class, the same for every row; may be left out (None)
shared           real numbers in any shape, which every term sees whole; may be left out (None)
shared integers  integers in any shape, which every term sees whole
kept             one boolean per entry of each row, whether the entry counts; may be left out (None)
"""

OF_INTEGERS = ("labels", "integers", "integer rows", "shared integers")
_BESIDE_ROWS = ("scalars", "arrays", *OF_INTEGERS, "shared", "kept")

COMPANIONS: dict[str, tuple[str, ...]] = {
    "elements": ("elements", "shared", "shared integers"),
    "rows": ("rows", "classes", *_BESIDE_ROWS),
    "vectors": ("vectors", *_BESIDE_ROWS),
}
"""For each alignment of the first array, those that the other arrays may have."""

OF_ENTRIES = ("rows", "vectors", "kept")  # as many entries for each term as a row has
WITH_AXIS = (*OF_ENTRIES, "integer rows")  # a last axis that the terms do not have
UNCUT = ("classes", "shared", "shared integers")  # the same for every term
OPTIONAL = ("arrays", "classes", "shared", "kept")  # may be None


def check(alignment: tuple[Any, ...]) -> None:
    """Raise a ValueError for a word that is none of these, or that cannot stand beside the first."""
    for word in alignment:
        if word not in get_args(Alignment):
            raise ValueError(
                f"an array of a formula is one of {', '.join(map(repr, get_args(Alignment)))}, got {word!r}"
            )
    if not alignment:
        return
    first, *others = alignment
    if first not in COMPANIONS:
        raise ValueError(
            f"the first array of a formula is one of {', '.join(map(repr, COMPANIONS))}, got {first!r}"
        )
    for word in others:
        if word not in COMPANIONS[first]:
            raise ValueError(
                f"beside {first!r} an array is one of {', '.join(map(repr, COMPANIONS[first]))}, got {word!r}"
            )
    for word in ("labels", "kept"):
        if others.count(word) > 1:
            raise ValueError(f"a formula has one array of {word!r} at most")
