"""JAX arrays whose rows lie along another axis than the last, and are computed with where they lie.

XLA writes out what is moved: losses over classes along axis 1 would take two to four times as long.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xlosses._backends.jax import Jax
from xlosses._core.formula import Formula
from xlosses._core.operands import Operands

REFLECTED = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_", "or_", "xor")
OPERATORS = (*REFLECTED, "lt", "le", "gt", "ge", "eq", "ne", "neg", "pos", "abs", "invert")
BY_ENTRY = (
    *("abs", "absolute", "astype", "clip", "cosh", "exp", "expm1", "full_like", "isfinite", "isinf", "isnan"),
    *("log", "log1p", "logical_and", "logical_not", "logical_or", "maximum", "minimum", "ones_like", "relu"),
    *("sign", "sinh", "sqrt", "square", "step", "stop_gradient", "tanh", "where", "zeros_like"),
)
BY_ROW = ("all", "any", "max", "mean", "min", "prod", "sum")


class Rows:
    """An array as if its `axis` were moved last; `stored` is the array as it is.

    What it cannot do where it lies it does moved, or raises: then the formula is given moved arrays.
    JAX itself takes no Rows, so that nothing of JAX's mistakes the one order of axes for the other.
    """

    __array_ufunc__ = None  # NumPy's constants leave an operator to the other side
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, stored: Any, axis: int) -> None:
        self.stored = stored
        self.axis = axis

    def moved(self) -> Any:
        return jnp.moveaxis(self.stored, self.axis, -1)

    @property
    def shape(self) -> tuple[int, ...]:
        before, after = self.stored.shape[: self.axis], self.stored.shape[self.axis + 1 :]
        return (*before, *after, self.stored.shape[self.axis])

    def __getattr__(self, name: str) -> Any:
        if name[:2] == "__" or name in ("stored", "axis"):
            raise AttributeError(name)
        return getattr(self.moved() if name not in ("dtype", "ndim", "size") else self.stored, name)

    def __getitem__(self, key: Any) -> Any:
        return self.moved()[key]

    def __matmul__(self, other: Any) -> Any:
        return self.moved() @ (other.moved() if isinstance(other, Rows) else other)

    def __rmatmul__(self, other: Any) -> Any:
        return other @ self.moved()


class RowsWords(Jax):
    """The words of JAX for such rows, too."""

    def __init__(self, standard: Any) -> None:
        super().__init__(standard)
        words = {name: getattr(self, name) for name in (*vars(self), *BY_ENTRY)}
        vars(self).update({name: _lifted(name, word) for name, word in words.items()})
        self.values = self

    def pick(self, x: Any, labels: Any) -> Any:
        if not isinstance(x, Rows):
            return super().pick(x, labels)
        return jnp.squeeze(jnp.take_along_axis(x.stored, jnp.expand_dims(labels, x.axis), x.axis), x.axis)


def rows_as_stored(operands: Operands) -> Operands:
    """The operands with rows that were moved last put back: the compiler undoes both moves."""
    arrays, axis, formula = operands.arrays, operands.plan.axis, operands.formula
    if not formula.by_rows or axis == arrays[0].ndim - 1:
        return operands
    stored = tuple(
        Rows(jnp.moveaxis(x, -1, axis), axis) if x is not None and kind in ("rows", "vectors") else x
        for x, kind in zip(arrays, operands.plan.kinds, strict=True)
    )
    return operands._replace(arrays=stored, xp=_words, formula=_falling_back(formula))


def _falling_back(formula: Formula) -> Formula:
    """The formula, which is given moved arrays where it cannot compute with rows as they lie."""
    slope_function = formula.slope_function and _either(formula.slope_function)
    form = formula.by(_either(formula.terms), slope_function)
    if formula.ordinary_form is not None:
        form.ordinary_form = _falling_back(formula.ordinary_form)
    if formula.weight_function:
        form.weight_function = _either(formula.weight_function)
    return form


def _either(function: Callable[..., Any]) -> Callable[..., Any]:
    def of(xp: Any, *arrays: Any, **parameters: Any) -> Any:
        try:
            return function(xp, *arrays, **parameters)
        except Exception:
            # Whatever was wrong: with usual arrays it is right, or raises what the user is to see.
            moved = (x.moved() if isinstance(x, Rows) else x for x in arrays)
            return function(xp, *moved, **parameters)

    of.__name__ = getattr(function, "__name__", "terms")
    return of


def _lifted(name: str, word: Any) -> Any:
    if name in ("standard", "dtype_names", "framework", "adopts", "values", "pick"):
        return word
    if name in BY_ENTRY:
        return by_entry(word)
    if name in BY_ROW:
        return by_row(word)
    return word if isinstance(word, type) or not callable(word) else moving(word)


def by_entry(word: Callable[..., Any]) -> Callable[..., Any]:
    def of(*given: Any, **options: Any) -> Any:
        rows = next((x for x in (*given, *options.values()) if isinstance(x, Rows)), None)
        if rows is None:
            return word(*given, **options)
        beside = {name: _beside(rows, x) for name, x in options.items()}
        return Rows(word(*(_beside(rows, x) for x in given), **beside), rows.axis)

    return of


def by_row(word: Callable[..., Any]) -> Callable[..., Any]:
    whole = moving(word)

    def of(x: Any, *given: Any, **options: Any) -> Any:
        simple = not given and options.get("axis") == -1 and options.keys() <= {"axis", "keepdims"}
        if not isinstance(x, Rows) or not simple:
            return whole(x, *given, **options)
        found = word(x.stored, axis=x.axis)
        return found[..., None] if options.get("keepdims") else found

    return of


def moving(word: Callable[..., Any]) -> Callable[..., Any]:
    def usual(x: Any) -> Any:
        if isinstance(x, (list, tuple)):
            return type(x)(map(usual, x))
        return x.moved() if isinstance(x, Rows) else x

    def of(*given: Any, **options: Any) -> Any:
        return word(*map(usual, given), **{name: usual(x) for name, x in options.items()})

    return of


def _beside(rows: Rows, x: Any) -> Any:
    """Another operand, laid beside them: numbers as they are, arrays with their last axis along the rows."""
    if isinstance(x, Rows):
        if x.axis != rows.axis:
            raise ValueError("rows along two axes")
        return x.stored
    if isinstance(x, np.ndarray):
        x = jnp.asarray(x)
    if not isinstance(x, jax.Array) or not x.ndim:
        return x
    if x.ndim > rows.stored.ndim:
        raise ValueError("an array with more axes than the rows")
    return jnp.moveaxis(x[(None,) * (rows.stored.ndim - x.ndim)], -1, rows.axis)


def _reflected(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, y: f(y, x)


for _name in OPERATORS:
    _operator = getattr(operator, _name)
    setattr(Rows, f"__{_name.strip('_')}__", by_entry(_operator))
    if _name in REFLECTED:
        setattr(Rows, f"__r{_name.strip('_')}__", by_entry(_reflected(_operator)))

_words = RowsWords(jnp)
