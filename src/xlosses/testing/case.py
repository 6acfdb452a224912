"""A `Case`: a loss, what its arrays hold, and an independent reference of value and gradient."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, TypeAlias

from xlosses.testing.data import kind_of
from xlosses.testing.references import Term

Data: TypeAlias = Mapping[str, list[Any]]
"""Per array a list with one entry per term: a float, a label, or a list of floats for a row. Of an array
that all terms share it is the array itself, as nested lists."""


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
        One entry of each array (or the whole of one that is shared) and the options -> `Term`, in
        Python floats.
    arrays : mapping of str to str
        The name of each array in the loss's signature, and the kind of what it holds: a key of
        `xlosses.testing.KINDS`, to which you may add a `Kind` of your own.
    options : sequence of mappings
        Settings of the other parameters to check.
    by : tuple of str
        The arrays that the loss has a slope by, by which NumPy has gradients; the first unless given.
    whole : bool
        Whether a term depends on entries that belong to others, as where each is compared with all.
        The reference is then given the number of the term and all arrays whole, and so are partials.
    kinks : sequence of mappings
        Entries of each array at which the loss has a kink, where its slope must agree with autodiff.
        Arrays that are equal or zero are tried anyhow.
    """

    name: str
    loss: Callable[..., Any]
    reference: Callable[..., Term]
    arrays: Mapping[str, str]
    options: Sequence[Mapping[str, Any]] = ({},)
    by: tuple[str, ...] = ()
    whole: bool = False
    kinks: Sequence[Data] = ()

    @property
    def slopes(self) -> tuple[str, ...]:
        """The names of the arrays that the loss has a slope by."""
        return self.by or (next(iter(self.arrays)),)

    @property
    def separate(self) -> list[str]:
        """The names of the arrays whose entries matter to one term each."""
        return [name for name in self.arrays if not self.whole and not self.is_shared(name)]

    def is_shared(self, name: str) -> bool:
        """Whether all terms share this array."""
        return kind_of(self.arrays[name]).shared

    @property
    def has_axis(self) -> bool:
        """Whether the loss is told along which axis its rows lie, and takes batches of any shape."""
        return self.by_rows and "axis" in inspect.signature(self.loss).parameters

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
    shared = [case.is_shared(name) for name in case.arrays]
    number = len(columns[0])
    kept = [i for i in range(number) if where is None or where[i]]
    w = [1.0 if weights is None else weights[i] for i in range(number)]

    def term(i: int) -> Term:
        if case.whole:
            return case.reference(i, *columns, **(options or {}))
        entries = (x if is_shared else x[i] for x, is_shared in zip(columns, shared, strict=True))
        return case.reference(*entries, **(options or {}))

    terms = {i: term(i) for i in kept}
    total = math.fsum(w[i] * terms[i].value for i in kept)
    divisor = {
        "none": 1.0,
        "sum": 1.0,
        "mean": float(len(kept)),
        "weighted_mean": math.fsum(w[i] * terms[i].weight for i in kept),
    }[reduction]
    scale = 1 / divisor if divisor else 0.0
    if reduction == "none":
        value: Any = [w[i] * terms[i].value if i in terms else 0.0 for i in range(number)]
    else:
        value = total * scale
    gradients: dict[str, list[Any]] = {}
    partials = terms[kept[0]].partials if kept else (0.0,)
    for k, (name, column) in enumerate(zip(case.arrays, columns, strict=True)):
        if k >= len(partials) or partials[k] is None:
            continue
        if case.whole or shared[k]:
            parts = (_times(terms[i].partials[k], w[i] * scale) for i in kept)
            gradients[name] = reduce(_plus, parts, _times(column, 0.0))
        else:
            gradients[name] = [
                _times(terms[i].partials[k], w[i] * scale) if i in terms else _times(column[i], 0.0)
                for i in range(number)
            ]
    return Expected(value, gradients)


def _times(partial: Any, factor: float) -> Any:
    if isinstance(partial, list):
        return [_times(entry, factor) for entry in partial]
    return partial * factor if factor else 0.0


def _plus(x: Any, y: Any) -> Any:
    return [_plus(a, b) for a, b in zip(x, y, strict=True)] if isinstance(x, list) else x + y
