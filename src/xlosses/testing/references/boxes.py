"""Boxes: the definitions of torchvision.ops, with dual numbers for the derivatives by the eight edges."""

from __future__ import annotations

import math
from collections.abc import Callable

from xlosses.testing.references.common import Row, Term


class Dual:
    """A number and its derivatives."""

    def __init__(self, value: float, by: tuple[float, ...] = (0.0,) * 8) -> None:
        self.value, self.by = value, by

    def chained(self, value: float, slope: float) -> Dual:
        return Dual(value, tuple(slope * d for d in self.by))

    def __add__(self, other: Dual | float) -> Dual:
        y = other if isinstance(other, Dual) else Dual(other)
        return Dual(self.value + y.value, tuple(a + b for a, b in zip(self.by, y.by, strict=True)))

    def __mul__(self, other: Dual | float) -> Dual:
        y = other if isinstance(other, Dual) else Dual(other)
        by = tuple(a * y.value + self.value * b for a, b in zip(self.by, y.by, strict=True))
        return Dual(self.value * y.value, by)

    def __sub__(self, other: Dual) -> Dual:
        return self + other * -1.0

    def __truediv__(self, other: Dual) -> Dual:
        return self * other.chained(1 / other.value, -(other.value**-2))


def largest(x: Dual, y: Dual) -> Dual:
    """The larger of the two; where they are equal the derivative is half of each."""
    if x.value == y.value:
        return (x + y) * 0.5
    return x if x.value > y.value else y


def smallest(x: Dual, y: Dual) -> Dual:
    return largest(x * -1.0, y * -1.0) * -1.0


class Boxes:
    """What the losses are made of."""

    def __init__(self, a: Row, b: Row, eps: float) -> None:
        edges = [Dual(x, tuple(float(k == n) for k in range(8))) for n, x in enumerate((*a, *b))]
        x1, y1, x2, y2, u1, v1, u2, v2 = edges
        self.w1, self.h1, self.w2, self.h2 = x2 - x1, y2 - y1, u2 - u1, v2 - v1
        wide, high = smallest(x2, u2) - largest(x1, u1), smallest(y2, v2) - largest(y1, v1)
        meet = wide.value > 0 and high.value > 0
        common = wide * high if meet else Dual(0.0)
        self.union = self.w1 * self.h1 + self.w2 * self.h2 - common
        self.iou = common / (self.union + eps)
        self.across, self.up = largest(x2, u2) - smallest(x1, u1), largest(y2, v2) - smallest(y1, v1)
        dx, dy = (x1 + x2 - u1 - u2) * 0.5, (y1 + y2 - v1 - v2) * 0.5
        self.distance = dx * dx + dy * dy
        self.eps = eps

    def apart(self) -> Dual:
        return Dual(1.0) - self.iou

    def share(self) -> Dual:
        return self.distance / (self.across * self.across + self.up * self.up + self.eps)


def reference(loss: Callable[[Boxes], Dual]) -> Callable[..., Term]:
    def term(a: Row, b: Row, eps: float = 1e-7) -> Term:
        found = loss(Boxes(a, b, eps))
        return Term(found.value, (list(found.by[:4]), list(found.by[4:])))

    return term


@reference
def iou(boxes: Boxes) -> Dual:
    return boxes.apart()


@reference
def giou(boxes: Boxes) -> Dual:
    hull = boxes.across * boxes.up
    return boxes.apart() + (hull - boxes.union) / (hull + boxes.eps)


@reference
def diou(boxes: Boxes) -> Dual:
    return boxes.apart() + boxes.share()


@reference
def ciou(boxes: Boxes) -> Dual:
    ratio1, ratio2 = boxes.w1 / boxes.h1, boxes.w2 / boxes.h2
    angle1, angle2 = (r.chained(math.atan(r.value), 1 / (1 + r.value**2)) for r in (ratio1, ratio2))
    unlike = (angle2 - angle1) * (angle2 - angle1) * (4 / math.pi**2)
    constant = unlike.value / (1 - boxes.iou.value + unlike.value + boxes.eps)
    return boxes.apart() + boxes.share() + unlike * constant
