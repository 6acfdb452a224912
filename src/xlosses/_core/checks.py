"""Checks on plain parameters: a ValueError names the parameter and its value.

A number comes back as a Python float, because a NumPy float64 would widen float32 arrays. A 0-d
array of the framework comes back as it is: under jax.jit a number arrives as a tracer, whose value cannot
be checked.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from numbers import Real
from typing import Any, get_args

from xlosses._backends import OtherNumber
from xlosses._typing import Number, Reduction

REDUCTIONS: tuple[str, ...] = get_args(Reduction)
SUMS = "sums"  # what `xlosses.sums` asks for


def reduction_name(reduction: str) -> str:
    """The reduction, if it is one of the four, or what `sums` asks for."""
    return reduction if reduction == SUMS else one_of(REDUCTIONS, reduction=reduction)


def one_of(names: tuple[str, ...], **parameter: str) -> str:
    """A name that is one of these."""
    ((name, value),) = parameter.items()
    if value not in names:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, names))}, got {value!r}")
    return value


def positive(**parameter: Number) -> Any:
    """A number > 0."""
    return _number(parameter, "a number > 0", lambda value: value > 0)


def nonnegative(**parameter: Number) -> Any:
    """A number >= 0."""
    return _number(parameter, "a number >= 0", lambda value: value >= 0)


def fraction(**parameter: Number) -> Any:
    """A number in [0, 1)."""
    return _number(parameter, "a number in [0, 1)", lambda value: 0 <= value < 1)


def proportion(**parameter: Number) -> Any:
    """A number in (0, 1)."""
    return _number(parameter, "a number in (0, 1)", lambda value: 0 < value < 1)


def finite(**parameter: Number) -> Any:
    """A number that is neither infinite nor NaN."""
    return _number(parameter, "a finite number", lambda value: -math.inf < value < math.inf)


def order(**parameter: Number) -> float:
    """The order of a norm: a plain number >= 1, infinity included."""
    return plain("a number >= 1", lambda p: p >= 1, **parameter)


def plain(requirement: str, is_met: Callable[[float], bool], **parameter: Number) -> float:
    """A number that chooses a branch, and is no array therefore."""
    ((name, value),) = parameter.items()
    if not is_number(value):
        wanted = requirement.replace("a ", "a plain ", 1)
        raise TypeError(f"{name} must be {wanted}, got {type(value).__name__}")
    return float(_number(parameter, requirement, is_met))


def axes_of(ndim: int, axis: int | tuple[int, ...]) -> tuple[int, ...]:
    """The axes of an array with `ndim` axes, counted from the front."""
    axes = tuple(map(operator.index, axis if isinstance(axis, tuple) else (axis,)))
    for each in axes:
        if not -ndim <= each < ndim:
            raise ValueError(f"axis={axis} is out of range for an array with {ndim} axes")
    found = tuple(each % ndim for each in axes)
    if not axes or len({*found}) < len(found):
        raise ValueError(f"axis={axis} must name one axis or several different ones")
    return found


def is_number(value: object) -> bool:
    """Whether this is a number rather than an array: of Python, of NumPy, or a compiler's symbol for one."""
    return isinstance(value, (float, int, OtherNumber))


def as_float(number: Any) -> Any:
    """The number as a Python float; a compiler's symbol, which has no value yet, as it is."""
    return float(number) if isinstance(number, Real) else number


def ndim(value: object) -> int:
    """How many axes this has; 0 if it is no array, which `evaluate` will refuse with a better message."""
    return 0 if is_number(value) else len(getattr(value, "shape", ()))


def _number(parameter: dict[str, Number], requirement: str, is_met: Callable[[float], bool]) -> Any:
    ((name, value),) = parameter.items()
    if is_number(value):
        value = float(value)  # type: ignore[arg-type]
        if not is_met(value):
            raise ValueError(f"{name} must be {requirement}, got {value}")
    elif getattr(value, "shape", None) != ():
        raise TypeError(f"{name} must be a number or a 0-d array, got {describe(value)}")
    return value


def describe(value: object) -> str:
    """The type or shape of a wrong argument, for the message of an error."""
    shape = getattr(value, "shape", None)
    return type(value).__name__ if shape is None else f"an array of shape {tuple(shape)}"


def shape_is(expected: tuple[int | str, ...], **parameter: Any) -> tuple[int, ...]:
    """The shape of an array, if its lengths are these; a letter stands for any length. None has no shape."""
    ((name, x),) = parameter.items()
    if x is None:
        return ()
    shape = tuple(getattr(x, "shape", ()))
    lengths = zip(shape, expected, strict=False)
    if len(shape) != len(expected) or any(isinstance(m, int) and n != m for n, m in lengths):
        wanted = f"({', '.join(map(str, expected))}{',' * (len(expected) == 1)})"
        raise ValueError(f"{name} must have the shape {wanted}, got {describe(x)}")
    return shape
