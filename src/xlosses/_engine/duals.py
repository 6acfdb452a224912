"""Dual numbers: arrays that carry their derivative along, and the words of a formula for them.

Each word has its rule of derivation or is composed of words that have one; any other is refused, since the
derivative would be missing from the result without a sign of it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NoReturn

from xlosses._backends import FLOATING, INTEGRAL, Namespace, namespace_of


class Dual:
    """An array and its derivative: an array of the same shape, or None for a constant."""

    __slots__ = ("derivative", "value", "words")
    __array_ufunc__ = None  # NumPy then leaves its operators to those below
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, words: Duals, value: Any, derivative: Any = None) -> None:
        self.words, self.value, self.derivative = words, value, derivative

    @property
    def shape(self) -> Any:
        return self.value.shape

    @property
    def dtype(self) -> Any:
        return self.value.dtype

    @property
    def ndim(self) -> int:
        return len(self.value.shape)

    def __getattr__(self, name: str) -> Any:
        if name[:2] == "__":  # protocols of Python and of the frameworks, which ask whether there is one
            raise AttributeError(name)
        self.words.refuse(f"the attribute {name} of an array")

    def __getitem__(self, index: Any) -> Any:
        return self.words.linear(lambda x: x[index], self)

    def __neg__(self) -> Any:
        return self.words.linear(operator.neg, self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return self.words.absolute(self)

    def __add__(self, other: Any) -> Any:
        (x, dx), (y, dy) = _parts(self), _parts(other)
        return self.words.made(x + y, _sum(dx, dy))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        (x, dx), (y, dy) = _parts(self), _parts(other)
        return self.words.made(x - y, _sum(dx, _negative(dy)))

    def __rsub__(self, other: Any) -> Any:
        return self.words.made(other - self.value, _negative(self.derivative))

    def __mul__(self, other: Any) -> Any:
        return self.words.bilinear(operator.mul, self, other)

    __rmul__ = __mul__

    def __matmul__(self, other: Any) -> Any:
        return self.words.bilinear(operator.matmul, self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return self.words.bilinear(operator.matmul, other, self)

    def __truediv__(self, other: Any) -> Any:
        return self.words.divide(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self.words.divide(other, self)

    def __pow__(self, other: Any) -> Any:
        return self.words.pow(self, other)

    def __rpow__(self, other: Any) -> Any:
        return self.words.pow(other, self)

    def __floordiv__(self, other: Any) -> NoReturn:
        self.words.refuse("//")

    def __mod__(self, other: Any) -> NoReturn:
        self.words.refuse("%")

    __rfloordiv__, __rmod__ = __floordiv__, __mod__

    def __lt__(self, other: Any) -> Any:
        return self.value < _parts(other)[0]

    def __le__(self, other: Any) -> Any:
        return self.value <= _parts(other)[0]

    def __gt__(self, other: Any) -> Any:
        return self.value > _parts(other)[0]

    def __ge__(self, other: Any) -> Any:
        return self.value >= _parts(other)[0]

    def __eq__(self, other: object) -> Any:
        return self.value == _parts(other)[0]

    def __ne__(self, other: object) -> Any:
        return self.value != _parts(other)[0]


def _parts(x: Any) -> tuple[Any, Any]:
    return (x.value, x.derivative) if isinstance(x, Dual) else (x, None)


def _sum(x: Any, y: Any) -> Any:
    return y if x is None else x if y is None else x + y


def _negative(x: Any) -> Any:
    return None if x is None else -x


def values(x: Any) -> Any:
    """What a word of the framework takes: arrays in place of dual numbers, in tuples and lists as well."""
    if isinstance(x, (tuple, list)):
        return type(x)(map(values, x))
    return _parts(x)[0]


def varies(x: Any) -> bool:
    """Whether there is a derivative in this argument of a word."""
    return any(map(varies, x)) if isinstance(x, (tuple, list)) else _parts(x)[1] is not None


Slope = Callable[[Any, Any, Any], Any]

SLOPES: dict[str, Slope] = {  # from the namespace, x and the value there
    "abs": lambda xp, x, _: xp.sign(x),
    "absolute": lambda xp, x, _: xp.sign(x),
    "exp": lambda _, __, y: y,
    "expm1": lambda xp, x, _: xp.exp(x),
    "log": lambda _, x, __: 1.0 / x,
    "log1p": lambda _, x, __: 1.0 / (1.0 + x),
    "log2": lambda _, x, __: 1.4426950408889634 / x,
    "log10": lambda _, x, __: 0.4342944819032518 / x,
    "sqrt": lambda _, __, y: 0.5 / y,
    "square": lambda _, x, __: 2.0 * x,
    "sin": lambda xp, x, _: xp.cos(x),
    "cos": lambda xp, x, _: -xp.sin(x),
    "tan": lambda _, __, y: 1.0 + y * y,
    "asin": lambda xp, x, _: 1.0 / xp.sqrt((1.0 - x) * (1.0 + x)),
    "acos": lambda xp, x, _: -1.0 / xp.sqrt((1.0 - x) * (1.0 + x)),
    "atan": lambda _, x, __: 1.0 / (1.0 + x * x),
    "sinh": lambda xp, x, _: xp.cosh(x),
    "cosh": lambda xp, x, _: xp.sinh(x),
    "tanh": lambda xp, x, _: _tanh_slope(xp.exp(-2.0 * xp.absolute(x))),
    "asinh": lambda xp, x, _: 1.0 / xp.sqrt(1.0 + x * x),
    "acosh": lambda xp, x, _: 1.0 / xp.sqrt((x - 1.0) * (x + 1.0)),
    "atanh": lambda _, x, __: 1.0 / ((1.0 - x) * (1.0 + x)),
}


def _tanh_slope(small: Any) -> Any:
    """1 - tanh^2, without the cancellation of that."""
    share = small / (1.0 + small)
    return 4.0 * share / (1.0 + small)


LINEAR = {
    *("astype", "broadcast_to", "cumulative_sum", "expand_dims", "flip", "matrix_transpose", "mean"),
    *("moveaxis", "negative", "permute_dims", "pick", "positive", "reshape", "roll", "squeeze", "sum"),
    *("take", "take_along_axis", "tile", "total", "tril", "triu"),
}
BILINEAR = {"dot", "matmul", "multiply", "tensordot", "vecdot"}
CONSTANT = {  # the derivative of what these return is 0, or they return no real numbers
    *("all", "any", "argmax", "argmin", "argsort", "array", "ceil", "empty_like", "equal", "floor"),
    *("full_like", "greater", "greater_equal", "indices", "isfinite", "isinf", "isnan", "less"),
    *("less_equal", "logical_and", "logical_not", "logical_or", "logical_xor", "not_equal", "ones_like"),
    *("result_type", "round", "searchsorted", "sign", "stop_gradient", "trunc", "zeros_like"),
}
OF_DTYPES = ("default_float", "dtype_name", "dtype_named", "widest_integer")


class Duals(Namespace):
    """The words for dual numbers; those that `Namespace` composes of others it composes here as well."""

    def __init__(self, inner: Namespace, user: str) -> None:
        self.standard, self.user, self.values = inner, user, self
        self.dtype_names = inner.dtype_names
        self.kept: Any = None  # the last softmax
        for word in OF_DTYPES:
            setattr(self, word, getattr(inner, word))
        for word in (*LINEAR, *BILINEAR, *CONSTANT, *SLOPES):
            if hasattr(Namespace, word):  # else it would be composed, and not found by __getattr__
                setattr(self, word, self._word(word))

    def __getattr__(self, word: str) -> Any:
        if word[:2] == "__" or word in ("standard", "user", "kept"):
            raise AttributeError(word)
        found = getattr(self.standard, word)
        return self._word(word) if callable(found) and word not in (*FLOATING, *INTEGRAL, "bool") else found

    def _word(self, word: str) -> Callable[..., Any]:
        function = getattr(self.standard, word)

        def applied(*args: Any, **options: Any) -> Any:
            if word in CONSTANT or not any(map(varies, (*args, *options.values()))):
                found = function(*map(values, args), **{name: values(x) for name, x in options.items()})
                return self.constant(found)
            if word in SLOPES:
                return self._by_slope(function, SLOPES[word], *args)
            if word in LINEAR:
                return self.linear(function, *args, **options)
            return (
                self.bilinear(function, *args, **options) if word in BILINEAR else self.refuse(f"xp.{word}")
            )

        return applied

    def refuse(self, what: str) -> NoReturn:
        """There is no rule for this."""
        raise TypeError(
            f"{self.user} has no second derivative here: that of its slope needs the derivative of {what}, "
            "which is not known; differentiate by the framework, or write the slope with other words"
        )

    def made(self, value: Any, derivative: Any = None) -> Any:
        """A dual number; what holds no real numbers, such as a comparison, stays as it is."""
        if self.dtype_name(value.dtype) not in FLOATING:
            return value
        if derivative is not None and tuple(derivative.shape) != tuple(value.shape):
            derivative = self.standard.broadcast_to(derivative, value.shape)
        return Dual(self, value, derivative)

    def constant(self, found: Any) -> Any:
        """What a word of the framework returned, with its arrays of real numbers as constants."""
        if isinstance(found, (tuple, list)):
            return type(found)(map(self.constant, found))
        return found if namespace_of(found) is None else self.made(found)

    def linear(self, function: Callable[..., Any], x: Any, *args: Any, **options: Any) -> Any:
        """A word that does with the derivative what it does with its first argument."""
        value, derivative = _parts(x)
        if any(map(varies, args)):
            self.refuse("a further argument of a word that is linear in its first")
        args = values(args)
        if derivative is not None:
            derivative = function(derivative, *args, **options)
        return self.made(function(value, *args, **options), derivative)

    def bilinear(self, function: Callable[..., Any], x: Any, y: Any, **options: Any) -> Any:
        """A product of some kind."""
        (x, dx), (y, dy) = _parts(x), _parts(y)
        by_x = None if dx is None else function(dx, y, **options)
        return self.made(
            function(x, y, **options), _sum(by_x, None if dy is None else function(x, dy, **options))
        )

    def _by_slope(self, function: Callable[..., Any], slope: Slope, x: Dual) -> Any:
        value = function(x.value)
        return self.made(value, slope(self.standard, x.value, value) * x.derivative)

    # Words with rules of their own

    def add(self, x: Any, y: Any) -> Any:
        return x + y

    def subtract(self, x: Any, y: Any) -> Any:
        return x - y

    def divide(self, x: Any, y: Any) -> Any:
        (x, dx), (y, dy) = _parts(x), _parts(y)
        value = x / y
        above = _sum(dx, None if dy is None else -value * dy)
        return self.made(value, None if above is None else above / y)

    def pow(self, x: Any, y: Any) -> Any:
        (x, dx), (y, dy) = _parts(x), _parts(y)
        value = x**y
        is_square = type(y) in (int, float) and y == 2
        by_x = None if dx is None else (2.0 * x if is_square else y * x ** (y - 1)) * dx
        by_y = None if dy is None else value * self._log(x, dy) * dy
        return self.made(value, _sum(by_x, by_y))

    def _log(self, x: Any, like: Any) -> Any:
        xp = self.standard
        return xp.log(x if hasattr(x, "dtype") else xp.array(x, like, like.dtype))

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        (x, dx), (y, dy), xp = _parts(x), _parts(y), self.standard
        if dx is None and dy is None:
            return self.made(xp.where(condition, x, y))
        derivative = xp.where(condition, 0.0 if dx is None else dx, 0.0 if dy is None else dy)
        return self.made(xp.where(condition, x, y), derivative)

    def maximum(self, x: Any, y: Any) -> Any:
        return self._one_of(self.standard.maximum, x, y, x > y, x < y)

    def minimum(self, x: Any, y: Any) -> Any:
        return self._one_of(self.standard.minimum, x, y, x < y, x > y)

    def _one_of(self, word: Callable[..., Any], x: Any, y: Any, is_x: Any, is_y: Any) -> Any:
        """The first or the second, and the mean of their derivatives where they are equal."""
        derivative = _parts(self.where(is_x, x, self.where(is_y, y, 0.5 * (x + y))))[1]
        return self.made(word(values(x), values(y)), derivative)

    def max(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self._extreme(self.standard.max, x, axis, keepdims)

    def min(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self._extreme(self.standard.min, x, axis, keepdims)

    def _extreme(self, word: Callable[..., Any], x: Any, axis: Any, keepdims: bool) -> Any:
        """The largest or smallest entry; where several are, the mean of their derivatives."""
        (x, dx), xp = _parts(x), self.standard
        value = word(x, axis=axis, keepdims=keepdims)
        if dx is None:
            return self.made(value)
        is_it = xp.astype(x == word(x, axis=axis, keepdims=True), x.dtype)
        total = xp.sum(xp.where(is_it == 0, 0.0, dx), axis=axis, keepdims=keepdims)
        return self.made(value, total / xp.sum(is_it, axis=axis, keepdims=keepdims))

    def softmax(self, x: Any) -> Any:
        p, largest = self._softmax_of(values(x))
        slope = self._log_softmax_slope(x, p, largest)
        return self.made(p, None if slope is None else p * slope)

    def softmax_less_one(self, x: Any, labels: Any) -> Any:
        p, xp = self.softmax(x), self.standard
        value = xp.add_at(p.value, labels, -xp.ones_like(p.value[..., 0]))
        return self.made(value, p.derivative)

    def log_softmax(self, x: Any) -> Any:
        slope = self._log_softmax_slope(x, *self._softmax_of(values(x)))
        return self.made(self.standard.log_softmax(values(x)), slope)

    def _log_softmax_slope(self, x: Any, p: Any, largest: Any) -> Any:
        """dx less its mean under p, less dx at the largest entry first: 1 - p cancels where p is nearly 1."""
        dx, xp = _parts(x)[1], self.standard
        if dx is None:
            return None
        dx = dx - xp.pick(dx, largest)[..., None]
        return dx - xp.dot(p, dx)[..., None]

    def _softmax_of(self, x: Any) -> Any:
        """The softmax and the place of the largest entry, kept for the next entry of the diagonal."""
        if self.kept is None or self.kept[0] is not x:
            xp = self.standard
            self.kept = x, (xp.softmax(x), xp.astype(xp.argmax(x, axis=-1), xp.widest_integer()))
        return self.kept[1]

    def logaddexp(self, x: Any, y: Any) -> Any:
        value = self.standard.logaddexp(values(x), values(y))
        to_x, to_y = (self.standard.exp(values(z) - value) for z in (x, y))
        return self._with_partials(value, x, to_x, y, to_y)

    def atan2(self, x: Any, y: Any) -> Any:
        value, square = self.standard.atan2(values(x), values(y)), values(x) ** 2 + values(y) ** 2
        return self._with_partials(value, x, values(y) / square, y, -values(x) / square)

    def _with_partials(self, value: Any, x: Any, by_x: Any, y: Any, by_y: Any) -> Any:
        dx, dy = _parts(x)[1], _parts(y)[1]
        return self.made(value, _sum(None if dx is None else by_x * dx, None if dy is None else by_y * dy))

    def stack(self, arrays: Any, axis: int = 0) -> Any:
        return self._joined(self.standard.stack, arrays, axis)

    def concat(self, arrays: Any, axis: int = 0) -> Any:
        return self._joined(self.standard.concat, arrays, axis)

    def _joined(self, word: Callable[..., Any], arrays: Any, axis: int) -> Any:
        value, derivative = word([*map(values, arrays)], axis=axis), None
        if varies(arrays):
            parts = [_parts(x) for x in arrays]
            zeros = self.standard.zeros_like
            derivative = word([zeros(x) if dx is None else dx for x, dx in parts], axis=axis)
        return self.made(value, derivative)
