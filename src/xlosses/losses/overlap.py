"""Two boxes beside each other: what they share, what is around them, and derivatives by their edges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from xlosses._core.numerics import quotient
from xlosses._typing import Array, Number


class Pair(NamedTuple):
    """Two boxes beside each other; each of these has an entry for either axis."""

    size1: Any
    size2: Any
    out1: Any  # how far box 1 sticks out of box 2, at both ends
    out2: Any
    overlap: Any  # negative where there is a gap
    hull: Any  # the size of the smallest box around both
    below: Any  # how far box 1 begins before box 2
    above: Any  # how far it ends after it
    shift: Any  # from center to center


def beside(xp: Any, a: Array, b: Array) -> Pair:
    below, above = b[..., :2] - a[..., :2], a[..., 2:] - b[..., 2:]
    size1, size2 = a[..., 2:] - a[..., :2], b[..., 2:] - b[..., :2]
    # max(x, 0) as (|x| + x) / 2, because of two edges that coincide each counts half.
    far = xp.absolute(below) + xp.absolute(above)
    out1, out2 = 0.5 * (far + (below + above)), 0.5 * (far - (below + above))
    overlap = inner(xp, above, a[..., 2:], b[..., 2:]) - inner(xp, below, a[..., :2], b[..., :2])
    return Pair(size1, size2, out1, out2, overlap, size1 + out2, below, above, 0.5 * (above - below))


def inner(xp: Any, difference: Array, a: Array, b: Array) -> Any:
    """The edge of b where the difference is positive, that of a where it is negative, else their mean."""
    return xp.where(difference == 0, 0.5 * (a + b), xp.where(difference > 0, b, a))


def areas(xp: Any, pair: Pair) -> tuple[Any, Any]:
    """What both boxes cover, and what only one does: a sum of strips, no difference of areas."""
    size1, size2, both = pair.size1, pair.size2, xp.relu(pair.overlap)
    meet = pair.overlap > 0
    rest1, rest2 = xp.where(meet, pair.out1, size1), xp.where(meet, pair.out2, size2)
    beside_both = both[..., 0] * (rest1[..., 1] + rest2[..., 1])
    apart = rest1[..., 0] * size1[..., 1] + rest2[..., 0] * size2[..., 1] + beside_both
    return area(both), apart


def area(size: Any) -> Any:
    return size[..., 0] * size[..., 1]


def iou_of(xp: Any, pair: Pair, eps: Number) -> Any:
    common, apart = areas(xp, pair)
    return one_less(xp, common, apart + eps, common + apart + eps)


def one_less(xp: Any, part: Array, rest: Array, total: Array) -> Any:
    """1 - part / total: as rest / total where the part is the larger, so that neither form cancels.

    Nor does its derivative then, which for boxes apart is exactly 0.
    """
    large = 2.0 * part >= total
    return xp.where(large, quotient(xp, rest, total), 1.0 - quotient(xp, part, total))


def distance_of(xp: Any, pair: Pair, eps: Number) -> Any:
    return quotient(xp, xp.dot(pair.shift, pair.shift), xp.dot(pair.hull, pair.hull) + eps)


def angle(xp: Any, size: Array) -> Any:
    """arctan(width / height), and 0 with gradient 0 where both are 0."""
    wide, high = size[..., 0], size[..., 1]
    return xp.atan2(wide, xp.where(xp.logical_and(wide == 0, high == 0), 1.0, high))


def turn(xp: Any, size: Array) -> Any:
    """The derivative of `angle` by width and height."""
    wide, high = size[..., 0], size[..., 1]
    return quotient(xp, xp.stack([high, -wide], axis=-1), xp.dot(size, size)[..., None])


def iou_slopes(xp: Any, pair: Pair, eps: Number) -> tuple[Any, Any]:
    """The derivatives by the area of either box, and by what they have in common."""
    common, apart = areas(xp, pair)
    total = common + apart + eps
    by_area = quotient(xp, quotient(xp, common, total), total)
    return by_area, -by_area - quotient(xp, 1.0, total)


def distance_slopes(xp: Any, pair: Pair, eps: Number) -> tuple[Any, Any]:
    """The derivatives by the hull, and half of that by the shift."""
    total = (xp.dot(pair.hull, pair.hull) + eps)[..., None]
    share = quotient(xp, xp.dot(pair.shift, pair.shift)[..., None], total)
    return quotient(xp, -2.0 * share * pair.hull, total), quotient(xp, pair.shift, total)


def by_edges(
    xp: Any,
    pair: Pair,
    by_area: Any,
    by_common: Any,
    by_hull: Any = 0.0,
    by_shift: Any = 0.0,
    by_sizes: tuple[Any, Any] = (0.0, 0.0),
) -> Iterator[Any]:
    """The derivatives by box 1 and by box 2: an edge counts half for each where two coincide."""
    both = xp.flip(xp.relu(pair.overlap), axis=-1) * xp.step(pair.overlap)
    by_overlap = by_common[..., None] * both
    for size, by_size, side in zip((pair.size1, pair.size2), by_sizes, (1.0, -1.0), strict=True):
        by_size = by_size + by_area[..., None] * xp.flip(size, axis=-1)
        begins, ends = 0.5 * side * xp.sign(pair.below), 0.5 * side * xp.sign(pair.above)
        low = (0.5 + begins) * by_hull + (0.5 - begins) * by_overlap
        high = (0.5 + ends) * by_hull + (0.5 - ends) * by_overlap
        low, high = side * by_shift - by_size - low, side * by_shift + by_size + high
        yield xp.concat([low, high], axis=-1)
