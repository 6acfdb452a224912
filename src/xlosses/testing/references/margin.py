"""Margins."""

from __future__ import annotations

from xlosses.testing.references.common import (
    Term,
)


def hinge(x: float, y: float) -> Term:
    short = 1 - y * x > 0
    return Term(max(0.0, 1 - y * x), (-y * short, -x * short))
