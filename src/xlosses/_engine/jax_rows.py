"""JAX arrays whose rows lie along another axis than the last, and are computed with in place.

Formulas reduce over the last axis. If the rows were moved there, XLA would write out a transposed
copy: losses over classes along axis 1 would take two to four times as long. So a formula is given
`Rows`, which look like the moved array, and whose operations are carried out along the axis where
the rows are stored.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xlosses._backends.jax import Jax
from xlosses._core.alignment import OF_ENTRIES
from xlosses._core.formula import Formula
from xlosses._core.operands import Operands

REFLECTED = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_", "or_", "xor")
OPERATORS = (*REFLECTED, "lt", "le", "gt", "ge", "eq", "ne", "neg", "pos", "abs", "invert")
BY_ENTRY = (
    *("abs", "absolute", "astype", "clip", "cosh", "exp", "expm1", "full_like", "isfinite", "isinf", "isnan"),
    *("log", "log1p", "logical_and", "logical_not", "logical_or", "maximum", "minimum", "ones_like", "relu"),
    *("sigmoid", "sign", "sinh", "softplus", "sqrt", "square", "step", "stop_gradient", "tanh", "where"),
    "zeros_like",
)
BY_ROW = ("all", "any", "max", "mean", "min", "prod", "sum", "_shift")


class Rows:
    """Looks like an array whose `axis` was moved last; `stored` is that array, not moved.

    An operation that cannot be done in place moves the array, or raises: then the formula is run again
    on moved arrays. JAX's functions must not accept Rows as arrays, since they would take one order of
    axes for the other.
    """

    __array_ufunc__ = None  # NumPy's scalars then leave an operator to this class
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
    """The namespace of JAX, whose functions take Rows as well as arrays."""

    def __init__(self, standard: Any) -> None:
        super().__init__(standard)
        words = {name: getattr(self, name) for name in (*vars(self), *BY_ENTRY, *BY_ROW)}
        vars(self).update({name: _for_rows(name, word) for name, word in words.items()})
        self.values = self

    def pick(self, x: Any, labels: Any) -> Any:
        if not isinstance(x, Rows) or labels.ndim == x.ndim:
            return super().pick(x.moved() if isinstance(x, Rows) else x, labels)
        return jnp.squeeze(jnp.take_along_axis(x.stored, jnp.expand_dims(labels, x.axis), x.axis), x.axis)


def rows_as_stored(operands: Operands) -> Operands:
    """The operands with Rows: moved back to where `prepare` found them, upon which XLA drops both moves."""
    arrays, axes, formula = operands.arrays, operands.plan.axes, operands.formula
    if len(axes) != 1 or axes[0] == arrays[0].ndim - 1:
        return operands
    (axis,) = axes
    stored = tuple(
        Rows(jnp.moveaxis(x, -1, axis), axis) if x is not None and kind in OF_ENTRIES else x
        for x, kind in zip(arrays, operands.plan.kinds, strict=True)
    )
    return operands._replace(arrays=stored, xp=_rows_namespace, formula=_with_fallback(formula))


def _with_fallback(formula: Formula) -> Formula:
    """The formula with functions that fall back to moved arrays where they cannot compute with Rows."""
    slope_function = formula.slope_function and _moved_on_error(formula.slope_function)
    form = formula.by(_moved_on_error(formula.terms), slope_function)
    if formula.ordinary_form is not None:
        form.ordinary_form = _with_fallback(formula.ordinary_form)
    if formula.weight_function:
        form.weight_function = _moved_on_error(formula.weight_function)
    return form


def _moved_on_error(function: Callable[..., Any]) -> Callable[..., Any]:
    def complete(result: Any) -> Any:
        return tuple(result) if isinstance(result, Iterator) else result  # what a slope yields

    def with_fallback(xp: Any, *arrays: Any, **parameters: Any) -> Any:
        try:
            return complete(function(xp, *arrays, **parameters))
        except Exception:
            # Of any kind, since Rows may be what raised it. An error of the formula itself is raised again
            # with moved arrays, in the form that the user should see.
            moved = (x.moved() if isinstance(x, Rows) else x for x in arrays)
            return complete(function(xp, *moved, **parameters))

    with_fallback.__name__ = getattr(function, "__name__", "terms")
    return with_fallback


def _for_rows(name: str, word: Any) -> Any:
    """The function or constant of JAX that has this name, made to take Rows."""
    if name in ("standard", "dtype_names", "framework", "adopts", "values", "pick"):
        return word
    if name in BY_ENTRY:
        return by_entry(word)
    if name in BY_ROW:
        return by_row(word)
    return word if isinstance(word, type) or not callable(word) else moving(word)


def by_entry(word: Callable[..., Any]) -> Callable[..., Any]:
    """A function of single entries, carried out on the stored arrays."""

    def in_place(*arguments: Any, **options: Any) -> Any:
        rows = next((x for x in (*arguments, *options.values()) if isinstance(x, Rows)), None)
        if rows is None:
            return word(*arguments, **options)
        aligned_options = {name: _aligned(rows, x) for name, x in options.items()}
        return Rows(word(*(_aligned(rows, x) for x in arguments), **aligned_options), rows.axis)

    return in_place


def by_row(word: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction over the last axis, carried out along the axis where the rows are stored."""
    on_moved = moving(word)

    def in_place(x: Any, *others: Any, **options: Any) -> Any:
        over_last_axis = not others and options.get("axis") == -1 and options.keys() <= {"axis", "keepdims"}
        if not isinstance(x, Rows) or not over_last_axis:
            return on_moved(x, *others, **options)
        result = word(x.stored, axis=x.axis)
        return result[..., None] if options.get("keepdims") else result

    return in_place


def moving(word: Callable[..., Any]) -> Callable[..., Any]:
    """Any other function, given moved arrays."""

    def moved(x: Any) -> Any:
        if isinstance(x, (list, tuple)):
            return type(x)(map(moved, x))
        return x.moved() if isinstance(x, Rows) else x

    def on_moved(*arguments: Any, **options: Any) -> Any:
        return word(*map(moved, arguments), **{name: moved(x) for name, x in options.items()})

    return on_moved


def _aligned(rows: Rows, x: Any) -> Any:
    """Another operand, to broadcast against the stored array: its last axis is moved to that of the rows."""
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

_rows_namespace = RowsWords(jnp)
