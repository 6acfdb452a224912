"""Margins."""

from __future__ import annotations

from definitions.common import Number, Term


def hinge(x: Number, y: Number) -> Term:
    short = int(1 - y * x > 0)
    scale = max(1, abs(y * x)) if short else 0
    return Term((1 - y * x) * short, (-y * short, -x * short), scale, (None, None))


DEFINITIONS = {
    "hinge_loss": hinge,
}
