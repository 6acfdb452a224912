"""The vocabulary of the formulas, in pure array API.

A `Namespace` is the array API namespace of some arrays plus the few words that the standard
lacks or that a framework gets wrong. Every word stands here once for any framework; the files
beside this one override a word only where their framework does it better or needs it otherwise.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Hashable
from contextlib import suppress
from numbers import Real
from typing import Any

FLOATING = ("float16", "bfloat16", "float32", "float64")
INTEGRAL = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


class OtherNumber(ABC):  # noqa: B024 (others are registered, none inherit)
    """Numbers besides float and int: NumPy's scalars, and symbols that a compiler has for numbers."""


OtherNumber.register(Real)  # type: ignore[type-abstract]


class Namespace:
    """An array API namespace (`standard`) with the words that it lacks."""

    framework = ""
    lengths_vary = False  # whether the graph that is traced may be run for arrays of other lengths
    adopts: frozenset[str] = frozenset()  # frameworks whose arrays are converted if mixed with this one's

    def __init__(self, standard: Any, framework: str | None = None) -> None:
        self.standard = standard
        self.framework = framework or self.framework
        self.values: Namespace = self  # the namespace to use where no gradient is needed
        words = vars(standard).items()
        # As attributes of the instance: a word then costs one dictionary look-up, and compilers need not
        # trace __getattr__.
        vars(self).update({k: v for k, v in words if k[0] != "_" and not hasattr(type(self), k)})
        self.dtype_names: dict[Any, str] = {}
        for name in (*FLOATING, *INTEGRAL, "bool"):
            with suppress(AttributeError, TypeError):  # a dtype that this framework lacks
                self.dtype_names[self._key(name)] = name

    def __getattr__(self, word: str) -> Any:
        if word[:2] == "__" or word == "standard":  # copy and pickle ask before `standard` is set
            raise AttributeError(word)
        standard = self.standard
        try:
            return getattr(standard, word)
        except AttributeError:
            raise AttributeError(f"{self.framework} has no {word}, which this loss needs") from None

    def __copy__(self) -> Namespace:
        return self

    def __deepcopy__(self, memo: Any) -> Namespace:
        return self

    def _key(self, name: str) -> Any:
        return getattr(self.standard, name)

    # Values and gradients

    def absolute(self, x: Any) -> Any:
        """|x|, with gradient 0 at 0."""
        return self.abs(x)

    def relu(self, x: Any) -> Any:
        """max(x, 0), with gradient 0 at 0, keeping NaN."""
        return self.where(x <= 0, 0.0, x)

    def step(self, x: Any) -> Any:
        """1 where x > 0, else 0, as a constant of the dtype of x."""
        return self.astype(x > 0, x.dtype)

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        """x within bounds (None is no bound), with gradient 1 there, the bounds included.

        Not by the standard's clip and minimum: JAX and MLX halve or drop their gradient at the bounds,
        and outside JAX multiplies it by 0, so that an infinite gradient becomes NaN.
        """
        x = x if high is None else self.where(x > high, high, x)
        return x if low is None else self.where(x < low, low, x)

    def stop_gradient(self, x: Any) -> Any:
        """x as a constant; a framework without gradients has nothing to stop."""
        return x

    def log_sum_exp(self, x: Any) -> tuple[Any, Any]:
        """(m, r) with log sum exp(x) = m + r over the last axis, where m is the largest entry.

        Not added up, because m + r rounds r away when m is large: what a formula subtracts from them
        it subtracts from m first. m is a constant to autodiff, and r has the gradient of m + r. Beside
        NaN r is NaN, and m may be a number.
        """
        m = self._shift(self.stop_gradient(x), axis=-1)
        return m, self.log(self.sum(self.exp(x - m[..., None]), axis=-1))

    def _shift(self, x: Any, axis: int, keepdims: bool = False) -> Any:
        """The largest entry of each row; it may skip NaN, which the exponentials of all entries show."""
        return self.max(x, axis=axis, keepdims=keepdims)

    def softplus(self, x: Any) -> Any:
        """log(1 + exp(x)) without overflow, with gradient 1/2 at 0."""
        positive = x > 0  # selected by this, because |x| and max(x, 0) have the gradient 0 at 0
        return self.where(positive, x, 0.0) + self.log1p(self.exp(self.where(positive, -x, x)))

    def sigmoid(self, x: Any) -> Any:
        """1 / (1 + exp(-x)), with its relative accuracy for negative x, too."""
        positive = x > 0
        small = self.exp(self.where(positive, -x, x))
        return self.where(positive, 1.0, small) / (1.0 + small)

    def log_softmax(self, x: Any) -> Any:
        """The logarithm of the softmax over the last axis."""
        m, r = self.log_sum_exp(x)
        return (x - m[..., None]) - r[..., None]

    def scan(self, step: Callable[[Any, Any], tuple[Any, Any]], start: Any, xs: Any) -> tuple[Any, Any]:
        """(last, ys) of a recursion: step(state, x) -> (state, y) for each x along the first axis.

        `xs` is an array or a tuple of arrays, and so are `start` and y; ys are stacked along the first axis.
        """
        several = isinstance(xs, tuple)
        state, ys = start, []
        for k in range((xs[0] if several else xs).shape[0]):
            state, y = step(state, tuple(x[k, ...] for x in xs) if several else xs[k, ...])
            ys.append(y)
        if isinstance(ys[0], tuple):
            return state, tuple(self.stack(list(parts)) for parts in zip(*ys, strict=True))
        return state, self.stack(ys)

    def pick(self, x: Any, labels: Any) -> Any:
        """The entry of each row (last axis) that its label names; labels are in range.

        Labels with as many axes as x name several entries of each row. A sum over a mask rather than a
        gather, because Dask has no `take_along_axis`.
        """
        x = x[..., None, :] if len(labels.shape) == len(x.shape) else x
        return self.sum(self.where(self._is_at_label(x, labels), x, 0.0), axis=-1)

    def nan_gradient(self, x: Any, factor: Any) -> Any:
        """x with its gradient multiplied by a factor per row: 1, or NaN for a label out of range."""
        return x * factor[..., None]

    def dot(self, x: Any, y: Any) -> Any:
        """The sum of x times y over the last axis."""
        return self.sum(x * y, axis=-1)

    def softmax(self, x: Any) -> Any:
        """exp(x) / sum exp(x) over the last axis."""
        p = self.exp(x - self._shift(x, axis=-1, keepdims=True))
        return p / self.sum(p, axis=-1, keepdims=True)

    def softmax_less_one(self, x: Any, labels: Any) -> Any:
        """The softmax, less 1 at the label of each row; one word, because two would allocate two arrays."""
        p = self.softmax(x)
        return self.where(self._is_at_label(x, labels), p - 1.0, p)

    def add_at(self, x: Any, labels: Any, values: Any) -> Any:
        """x plus a value at the label of each row (last axis); x stays as it is."""
        return self.where(self._is_at_label(x, labels), x + values[..., None], x)

    def put_at(self, x: Any, labels: Any, values: Any) -> Any:
        """An array like x of zeros, with a value at the label of each row (last axis)."""
        return self.where(self._is_at_label(x, labels), values[..., None], self.zeros_like(x))

    def _is_at_label(self, x: Any, labels: Any) -> Any:
        """A mask of the shape of x, true at the label of each row."""
        classes = self.reshape(self.indices(x.shape[-1], x), (*(1 for _ in labels.shape), -1))
        return labels[..., None] == classes

    def total(self, x: Any) -> Any:
        """The sum over everything, added pairwise or in stages to keep rounding errors small."""
        return self.sum(x)

    # Making and reading

    def array(self, values: Any, like: Any, dtype: Any) -> Any:
        """An array of a number or of (nested) lists of numbers, on the device of `like`."""
        return self.asarray(values, dtype=dtype, device=_device(like))

    def indices(self, n: int, like: Any) -> Any:
        """0, 1, ..., n - 1 in the widest signed integer dtype on the device of `like`."""
        return self.arange(n, dtype=self.widest_integer(), device=_device(like))

    def ends(self, labels: Any) -> tuple[int, int] | None:
        """The smallest and largest label; None where reading them would make Python wait or break a trace."""
        return None

    # dtypes

    def dtype_name(self, dtype: Any) -> str:
        """The standard's name of a dtype, such as "float32"."""
        known = self.dtype_names.get(dtype)
        name = known or str(dtype).rpartition(".")[2]
        return name if name.isidentifier() else str(dtype)

    def dtype_named(self, name: str, like: Any) -> Any:
        """The dtype of this name, or a ValueError with the remedy where there is none."""
        if name not in list(self.dtype_names.values()):
            raise ValueError(f"dtype={name!r} does not exist in {self.framework}; take another")
        return self._key(name)

    def default_float(self) -> str:
        """The name of the dtype that a Python float becomes here."""
        info = self.standard.__array_namespace_info__()
        return self.dtype_name(info.default_dtypes()["real floating"])

    def widest_integer(self) -> Any:
        """The signed integer dtype that labels are compared and picked in."""
        return self.int64

    # What an array is

    def owns(self, x: Any) -> bool:
        """Whether x is an array of this framework."""
        return True

    def refusal(self, x: Any) -> str:
        """Why this array cannot be computed with, and what to do about it; "" for nearly all."""
        if self.framework == "sparse":
            return "a sparse array; convert it by its method todense()"
        return ""

    def adopt(self, x: Any, like: Any) -> Any:
        """x as an array such as `like`: x itself, or converted from one that this framework adopts."""
        return x

    def signature(self, x: Any) -> Hashable:
        """What the plan of a call depends on in x, as a part of the key that it is cached by."""
        return type(x), x.dtype, x.shape

    def settings(self) -> Hashable:
        """The framework's settings that decide dtypes, as a part of the key that a plan is cached by."""
        return None

    def tracing(self) -> bool:
        """Whether a compiler is tracing the Python code that runs now, so that nothing may be cached."""
        return False

    def for_this_call(self) -> Namespace:
        """The namespace to compute with now: another while a graph is traced that needs other words."""
        return self


def _device(x: Any) -> Any:
    from array_api_compat import device

    return device(x)
