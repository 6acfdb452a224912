"""Class labels that are safe to gather with, and what becomes of those that are out of range."""

from __future__ import annotations

from typing import Any

from xlosses._backends import INTEGRAL, Namespace
from xlosses._core.checks import is_number


def integers(xp: Namespace, name: str, value: Any, shape: tuple[int, ...], like: Any) -> Any:
    """The labels in the widest signed integer dtype: uint8 wraps in a comparison with 300."""
    widest = xp.widest_integer()
    if is_number(value):
        if isinstance(value, float):
            raise TypeError(f"{name} must be integer class labels, got the number {value}")
        return xp.broadcast_to(xp.array(int(value), like, widest), shape)
    if xp.dtype_name(value.dtype) not in INTEGRAL:
        raise TypeError(f"{name} must be integer class labels, got dtype {xp.dtype_name(value.dtype)}")
    return value if value.dtype == widest else xp.astype(value, widest)


def outside(xp: Namespace, name: str, labels: Any, classes: int, mask: Any) -> tuple[Any, Any]:
    """Labels made safe, and the kept rows whose label is outside [0, classes).

    Where Python may look at the values a bad label raises and the second is None. An unchecked
    label must never reach a gather: in MLX that reads, and in its gradient writes, other memory.
    """
    bad = (labels < 0) | (labels >= classes)
    safe = xp.where(bad, 0, labels)
    if mask is not None:
        bad = bad & mask
    seen = xp.look(bad)
    if seen:
        first = int(xp.argmax(xp.reshape(xp.astype(bad, xp.int8), (-1,))))
        value = int(xp.reshape(labels, (-1,))[first])
        raise ValueError(
            f"{name} must be class labels in [0, {classes}), got {value}; exclude rows by "
            f"`where` or `ignore_index`"
        )
    return safe, bad if seen is None else None
