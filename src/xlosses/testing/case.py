"""A `Case`: a loss, what its arrays hold, and an independent reference of value and gradient."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from xlosses.testing.data import kind_of
from xlosses.testing.references import Term

Data: TypeAlias = Mapping[str, list[Any]]
"""Per array a list with one entry per term: a float, a label, or a list of floats for a row."""


@dataclass(frozen=True)
class Case:
    """Everything that is to be known of a loss in order to check it.

    Parameters
    ----------
    name : str
        The name of the loss, with the form of its arrays in parentheses where it has several.
    loss : callable
        The public function.
    reference : callable
        One entry of each array and the options -> `Term`, in Python floats.
    arrays : mapping of str to str
        The name of each array in the loss's signature, and the kind of what it holds: a key of
        `xlosses.testing.KINDS`, to which you may add a `Kind` of your own.
    options : sequence of mappings
        Settings of the other parameters to check.
    """

    name: str
    loss: Callable[..., Any]
    reference: Callable[..., Term]
    arrays: Mapping[str, str]
    options: Sequence[Mapping[str, Any]] = ({},)

    @property
    def loss_name(self) -> str:
        """The name of the loss, without the form of its arrays."""
        return self.name.partition(" ")[0]

    @property
    def by_rows(self) -> bool:
        """Whether the first array holds a row per term, along its last axis."""
        return kind_of(next(iter(self.arrays.values()))).row


@dataclass(frozen=True)
class Expected:
    """The exact result of one call."""

    value: Any
    gradients: dict[str, list[Any]]


def expected(
    case: Case,
    data: Data,
    options: Mapping[str, Any] | None = None,
    reduction: str = "none",
    weights: Sequence[float] | None = None,
    where: Sequence[bool] | None = None,
) -> Expected:
    """Value and gradients of a loss by its reference; for "none" the gradients of the sum."""
    columns = [data[name] for name in case.arrays]
    rows = list(zip(*columns, strict=True))
    kept = [i for i in range(len(rows)) if where is None or where[i]]
    w = [1.0 if weights is None else weights[i] for i in range(len(rows))]
    terms = {i: case.reference(*rows[i], **(options or {})) for i in kept}
    total = math.fsum(w[i] * terms[i].value for i in kept)
    divisor = {
        "none": 1.0,
        "sum": 1.0,
        "mean": float(len(kept)),
        "weighted_mean": math.fsum(w[i] * terms[i].weight for i in kept),
    }[reduction]
    scale = 1 / divisor if divisor else 0.0
    if reduction == "none":
        value: Any = [w[i] * terms[i].value if i in terms else 0.0 for i in range(len(rows))]
    else:
        value = total * scale
    gradients: dict[str, list[Any]] = {}
    partials = len(terms[kept[0]].partials) if kept else 1
    for k, (name, column) in enumerate(zip(case.arrays, columns, strict=True)):
        if k < partials:
            gradients[name] = [
                _times(terms[i].partials[k], w[i] * scale) if i in terms else _times(column[i], 0.0)
                for i in range(len(rows))
            ]
    return Expected(value, gradients)


def _times(partial: Any, factor: float) -> Any:
    if isinstance(partial, list):
        return [entry * factor if factor else 0.0 for entry in partial]
    return partial * factor if factor else 0.0
