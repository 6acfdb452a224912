"""JAX arrays whose rows lie along another axis than the last, and are computed with where they lie.

XLA writes out what is moved: losses over classes along axis 1 would take two to four times as long.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

REFLECTED = ("add", "sub", "mul", "truediv", "pow", "and_", "or_")
OPERATORS = (*REFLECTED, "lt", "le", "gt", "ge", "eq", "ne", "neg", "abs", "invert")
BY_ENTRY = (
    *("abs", "absolute", "astype", "clip", "cosh", "exp", "expm1", "full_like", "isfinite", "isinf", "isnan"),
    *("log", "log1p", "maximum", "minimum", "ones_like", "relu", "sign", "sinh", "sqrt", "square", "step"),
    *("stop_gradient", "tanh", "where", "zeros_like"),
)
BY_ROW = ("all", "any", "max", "mean", "min", "prod", "sum")


@jax.tree_util.register_pytree_node_class
class Rows:
    """An array as if its `axis` were moved last; `lying` is the array as it is."""

    def __init__(self, lying: Any, axis: int) -> None:
        self.lying = lying
        self.axis = axis

    def moved(self) -> Any:
        return jnp.moveaxis(self.lying, self.axis, -1)

    @property
    def shape(self) -> tuple[int, ...]:
        before, after = self.lying.shape[: self.axis], self.lying.shape[self.axis + 1 :]
        return (*before, *after, self.lying.shape[self.axis])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.moved() if name not in ("dtype", "ndim", "size") else self.lying, name)

    def __getitem__(self, key: Any) -> Any:
        return self.moved()[key]

    def tree_flatten(self) -> tuple[tuple[Any], int]:
        return (self.lying,), self.axis

    @classmethod
    def tree_unflatten(cls, axis: int, lying: Sequence[Any]) -> Rows:
        return cls(lying[0], axis)


def as_they_lie(arrays: Sequence[Any], kinds: Sequence[str], axis: int) -> tuple[Any, ...]:
    """The arrays of a formula, whose rows were moved last from this axis: the compiler undoes both moves."""
    return tuple(
        Rows(jnp.moveaxis(x, -1, axis), axis) if x is not None and kind in ("rows", "vectors") else x
        for x, kind in zip(arrays, kinds, strict=True)
    )


def lifted(name: str, word: Any) -> Any:
    """The word of a namespace for such rows, too."""
    if name in BY_ENTRY:
        return by_entry(word)
    if name in BY_ROW:
        return by_row(word)
    return word if isinstance(word, type) or not callable(word) else moving(word)


def by_entry(word: Callable[..., Any]) -> Callable[..., Any]:
    def of(*given: Any, **options: Any) -> Any:
        rows = next((x for x in given if isinstance(x, Rows)), None)
        if rows is None:
            return word(*given, **options)
        return Rows(word(*(_beside(rows, x) for x in given), **options), rows.axis)

    return of


def by_row(word: Callable[..., Any]) -> Callable[..., Any]:
    def of(x: Any, *given: Any, **options: Any) -> Any:
        if not isinstance(x, Rows):
            return word(x, *given, **options)
        if given or options.get("axis") != -1:
            return word(x.moved(), *given, **options)
        found = word(x.lying, axis=x.axis)
        return found[..., None] if options.get("keepdims") else found

    return of


def moving(word: Callable[..., Any]) -> Callable[..., Any]:
    def of(*given: Any, **options: Any) -> Any:
        return word(*(x.moved() if isinstance(x, Rows) else x for x in given), **options)

    return of


def _beside(rows: Rows, x: Any) -> Any:
    """Another operand, laid beside them: numbers as they are, arrays with their last axis along the rows."""
    if isinstance(x, Rows):
        return x.lying
    if not isinstance(x, jax.Array) or not x.ndim:
        return x
    return jnp.moveaxis(x[(None,) * (rows.lying.ndim - x.ndim)], -1, rows.axis)


def _reflected(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, y: f(y, x)


for _name in OPERATORS:
    _operator = getattr(operator, _name)
    setattr(Rows, f"__{_name.strip('_')}__", by_entry(_operator))
    if _name in REFLECTED:
        setattr(Rows, f"__r{_name.strip('_')}__", by_entry(_reflected(_operator)))
