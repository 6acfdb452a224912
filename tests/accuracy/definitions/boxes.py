"""Boxes, with the derivatives by the edges from those by sizes and areas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mpmath import mp

from definitions.common import Number, Row, Term, sign


class Side:
    """Two boxes along one axis: each of their lengths with its derivatives by a1, a2, b1, b2."""

    def __init__(self, a1: Number, a2: Number, b1: Number, b2: Number) -> None:
        low, high = (1 + mp.mpf(sign(b1 - a1))) / 2, (1 + mp.mpf(sign(a2 - b2))) / 2
        self.a, self.b = (a2 - a1, [-1, 1, 0, 0]), (b2 - b1, [0, 0, -1, 1])
        self.both = min(a2, b2) - max(a1, b1), [low - 1, 1 - high, -low, high]
        self.hull = max(a2, b2) - min(a1, b1), [-low, high, low - 1, 1 - high]
        self.shift = (a1 + a2 - b1 - b2) / 2, [mp.mpf(k) / 2 for k in (1, 1, -1, -1)]


Parts = list[tuple[Any, ...]]  # factors, the derivatives that they stand before, how much rounding grows
Loss = tuple[Number, Parts, Parts]  # the value, and its parts along x and along y


def areas(x: Side, y: Side) -> tuple[Number, Number]:
    """What both boxes cover together, and what they have in common."""
    meet = x.both[0] > 0 and y.both[0] > 0
    common = x.both[0] * y.both[0] if meet else mp.mpf(0)
    return x.a[0] * y.a[0] + x.b[0] * y.b[0] - common, common


def of_areas(x: Side, y: Side, by_area: Number, by_common: Number) -> tuple[Parts, Parts]:
    meet = x.both[0] > 0 and y.both[0] > 0

    def parts(along: Side, other: Side) -> Parts:
        found = [(by_area * other.a[0], along.a[1]), (by_area * other.b[0], along.b[1])]
        return [*found, (by_common * other.both[0] * meet, along.both[1])]

    return parts(x, y), parts(y, x)


def overlap(x: Side, y: Side, eps: Number) -> Loss:
    union, common = areas(x, y)
    total = union + eps
    value = (total - common) / total if total else mp.mpf(0)
    by_area = common / total**2 if total else mp.mpf(0)
    return value, *of_areas(x, y, by_area, -by_area - 1 / total if total else mp.mpf(0))


def waste(x: Side, y: Side, eps: Number) -> Loss:
    union, _ = areas(x, y)
    hull = x.hull[0] * y.hull[0] + eps
    by_hull = (union + eps) / hull**2
    along_x, along_y = of_areas(x, y, -1 / hull, 1 / hull)
    along_x.append((by_hull * y.hull[0], x.hull[1]))
    along_y.append((by_hull * x.hull[0], y.hull[1]))
    return (hull - eps - union) / hull, along_x, along_y


def distance(x: Side, y: Side, eps: Number) -> Loss:
    square, total = x.shift[0] ** 2 + y.shift[0] ** 2, x.hull[0] ** 2 + y.hull[0] ** 2 + eps

    def parts(along: Side) -> Parts:
        by_hull = -2 * along.hull[0] * square / total**2
        return [(2 * along.shift[0] / total, along.shift[1]), (by_hull, along.hull[1])]

    return square / total, parts(x), parts(y)


def proportion(x: Side, y: Side, eps: Number) -> Loss:
    """All but one of its factors is a constant to the derivative."""
    angles = [mp.atan(x.a[0] / y.a[0]), mp.atan(x.b[0] / y.b[0])]
    difference = angles[1] - angles[0]
    grown = max(angles) / abs(difference) if difference else 1  # a difference of rounded angles
    unlike = 4 / mp.pi**2 * difference**2
    factor = unlike / (overlap(x, y, eps)[0] + unlike + eps) if unlike else mp.mpf(0)
    steep = 8 / mp.pi**2 * factor * difference
    square_a, square_b = x.a[0] ** 2 + y.a[0] ** 2, x.b[0] ** 2 + y.b[0] ** 2
    along_x = [(-steep * y.a[0] / square_a, x.a[1], grown), (steep * y.b[0] / square_b, x.b[1], grown)]
    along_y = [(steep * x.a[0] / square_a, y.a[1], grown), (-steep * x.b[0] / square_b, y.b[1], grown)]
    return factor * unlike, along_x, along_y


def sum_of(*losses: Callable[..., Loss]) -> Callable[..., Term]:
    def term(a: Row, b: Row, eps: float = 1e-7) -> Term:
        x, y = Side(a[0], a[2], b[0], b[2]), Side(a[1], a[3], b[1], b[3])
        found = [loss(x, y, mp.mpf(eps)) for loss in losses]
        by, of = [], []
        for k in range(4):
            for along in (1, 2):
                parts = [(f * d[k], *grown) for loss in found for f, d, *grown in loss[along]]
                by.append(mp.fsum(part[0] for part in parts))
                of.append(max(abs(mp.fprod(part)) for part in parts))
        value = mp.fsum(loss[0] for loss in found)
        # Edges are rounded before they are subtracted: relative to the boxes this may be much.
        return Term(value, (by[:4], by[4:]), mp.mpf(1), (of[:4], of[4:]))

    return term


DEFINITIONS = {
    "box_iou_loss": sum_of(overlap),
    "giou_loss": sum_of(overlap, waste),
    "diou_loss": sum_of(overlap, distance),
    "ciou_loss": sum_of(overlap, distance, proportion),
}
