"""Functions composed of the backends' words: one value and one gradient everywhere."""

from __future__ import annotations

from functools import reduce
from typing import Any

from xlosses._typing import Array

# The smallest normal numbers: JAX and MLX flush smaller ones to 0.
_TINY = {"float32": 1.1754943508222875e-38, "float64": 2.2250738585072014e-308}
_LARGEST = {"float32": 3.4028234663852886e38, "float64": 1.7976931348623157e308}


def tiny(xp: Any, x: Array) -> float:
    """The smallest positive number in the dtype of x that no framework flushes to 0."""
    return _TINY[xp.dtype_name(x.dtype)]


def largest(xp: Any, x: Array) -> float:
    """The largest number in the dtype of x."""
    return _LARGEST[xp.dtype_name(x.dtype)]


def at_least(xp: Any, x: Array, low: float | Array) -> Any:
    """max(x, low), with gradient 0 where x <= low, keeping NaN."""
    return xp.where(x <= low, low, x)


def nan_if_negative(xp: Any, x: Array) -> Any:
    """x, and NaN where it is negative, in its gradient as well."""
    return xp.where(x < 0, float("nan"), x)


def ratio(xp: Any, x: Any, y: Array) -> Any:
    """x / y, whose gradient by y does not square y on the way: JAX's and MLX's do."""
    constant = xp.stop_gradient(y)
    # A quotient of quotients XLA would turn into one of products, which overflow.
    return x / constant / (1.0 + (y - constant) / constant)


def quotient(xp: Any, x: Any, total: Array) -> Any:
    """x / total, and 0 with gradient 0 where total is 0."""
    zero = total == 0
    return xp.where(zero, 0.0, x / xp.where(zero, 1.0, total))


def only_nan(xp: Any, x: Array) -> Any:
    """NaN where x is, which may be in no comparison, and 0 elsewhere."""
    return xp.where(xp.isnan(x), x, 0.0)


def product(xp: Any, factor: Array, x: Array) -> Any:
    """factor * x, and 0 where an exact 0 meets an infinity; NaN passes through."""
    # 0 * inf is NaN, and so is its gradient: the infinity is replaced before the product.
    nothing = xp.logical_and(factor == 0, xp.isinf(x))
    x = xp.where(nothing, 0.0, x)
    # Without the selection XLA does not fuse the product with what is around it.
    return xp.where(nothing, 0.0, factor * x)


def sum_of_products(xp: Any, factor: Array, x: Array) -> Any:
    """The sum over the last axis of `product`."""
    return xp.sum(product(xp, factor, x), axis=-1)


def log_add(xp: Any, *xs: Array) -> Any:
    """log of the sum of exp(x) over several arrays; -inf, with gradient 0, where all are -inf."""
    largest, shares = _shares(xp, xs)
    total = sum(shares[1:], shares[0])
    return largest + xp.log(xp.where(total == 0, 1.0, total))


def log_add_slopes(xp: Any, *xs: Array) -> list[Any]:
    """The derivative of `log_add` by each of the arrays."""
    _, shares = _shares(xp, xs)
    total = sum(shares[1:], shares[0])
    return [share / xp.where(total == 0, 1.0, total) for share in shares]


def _shares(xp: Any, xs: tuple[Array, ...]) -> tuple[Any, list[Any]]:
    """The largest, as a constant, and exp(x - largest)."""
    largest = reduce(xp.maximum, map(xp.stop_gradient, xs))
    finite = xp.where(largest == -float("inf"), 0.0, largest)
    return largest, [xp.exp(x - finite) for x in xs]


def clamped_log(xp: Any, p: Array, low: float) -> Any:
    """max(log p, low), with gradient 0 where the clamp acts, p = 0 included; NaN for negative p."""
    zero = p == 0
    return xp.where(zero, low, at_least(xp, xp.log(xp.where(zero, 1.0, p)), low))


def clamped_log1m(xp: Any, p: Array, low: float) -> Any:
    """max(log(1 - p), low), with gradient 0 at p = 1, the only p where the clamp acts; NaN beyond."""
    certain = p == 1
    return xp.where(certain, low, xp.log1p(-xp.where(certain, 0.0, p)))


def hypotenuse(xp: Any, r: Array, leg: float = 1.0) -> Any:
    """sqrt(leg^2 + r^2) for r >= 0, without overflow."""
    longer, share = _sides(xp, r, leg)
    # Not the product of longer and a root, in whose gradient autodiff multiplies by both.
    return longer + share / (1.0 + xp.sqrt(1.0 + share * share)) * xp.clip(r, None, leg)


def log_hypotenuse(xp: Any, r: Array) -> Any:
    """log sqrt(1 + r^2) for r >= 0, without overflow, and with its relative accuracy for small r."""
    longer, share = _sides(xp, r, 1.0)
    return xp.log(longer) + 0.5 * xp.log1p(share * share)


def _sides(xp: Any, r: Array, leg: float) -> tuple[Any, Any]:
    """max(r, leg), and min(r, leg) over it: of a tie the second has the gradient."""
    longer = leg + xp.relu(r - leg)
    return longer, xp.clip(r, None, leg) / longer


def nan_if_nan(xp: Any, y: Array) -> Any:
    """A factor of 1, or NaN where a target is NaN, which no comparison would show."""
    return xp.where(xp.isnan(y), y, 1.0)


def products(xp: Any, x: Array, y: Array) -> Any:
    """The product of each row of x with each row of y."""
    return xp.matmul(x, transposed(xp, y))


def transposed(xp: Any, x: Array) -> Any:
    """The matrix x with its axes exchanged."""
    return xp.permute_dims(x, (1, 0))


def per_class(xp: Any, c: Array, x: Array) -> Any:
    """The vector c, one number per class, with an axis of length one for each batch axis of the rows x."""
    return xp.reshape(c, (*(1 for _ in x.shape[1:]), -1))


def one_per_row(xp: Any, x: Array, labels: Array) -> Any:
    """A 1 for each label, in the dtype of x.

    Not the shape of x[..., 0]: where rows are spread over processes, a column has to be gathered.
    """
    return xp.astype(xp.ones_like(labels), x.dtype)


def of_class(xp: Any, c: Array, labels: Array) -> Any:
    """The entry of the vector c that each label names."""
    return xp.reshape(xp.take(c, xp.reshape(labels, (-1,)), axis=0), labels.shape)


def scale_of(xp: Any, x: Array) -> Any:
    """The largest |x| over the last axis, as a constant to divide by: squares then stay in range.

    XLA divides a row by multiplying it with the reciprocal of this number, and takes a subnormal
    reciprocal for 0: the number is made no larger than what has a normal one.
    """
    return xp.clip(xp.max(xp.absolute(xp.stop_gradient(x)), axis=-1), None, 1.0 / tiny(xp, x))


def nan_if_extreme(xp: Any, total: Array) -> Any:
    """Sums of powers as they are between 1e-18 and 1e18, and NaN beyond.

    Between these bounds no power has overflowed, and none that counts has vanished, nor will the
    product of two sums: no vector need be scaled. NaN makes the engine fall back to the formula.
    """
    return xp.where(xp.logical_and(total > 1e-18, total < 1e18), total, float("nan"))


def norm(xp: Any, d: Array, p: float, eps: float | Array) -> Any:
    r"""(sum |d|^p + eps)^(1/p) over the last axis, with gradient 0 at d = 0."""
    if p == float("inf"):
        return xp.max(xp.absolute(d), axis=-1)
    _, length, scale = _scaled_norm(xp, d if p == 2 else xp.absolute(d), p, eps)
    return scale * length


def norm_and_slope(xp: Any, d: Array, p: float, eps: float | Array) -> tuple[Any, Any]:
    """`norm` and its derivative by d; ties of the largest |d| share it evenly."""
    if p == float("inf"):
        size = xp.absolute(d)
        length = xp.max(size, axis=-1)
        largest = xp.astype(size == length[..., None], d.dtype)
        return length, xp.sign(d) * largest / xp.sum(largest, axis=-1, keepdims=True)
    size, length, scale = _scaled_norm(xp, d if p == 2 else xp.absolute(d), p, eps)
    return scale * length, _norm_slope(xp, d, size, length, p)


def ordinary_norm(xp: Any, d: Array, p: float, eps: float | Array) -> Any:
    """`norm` without scaling; NaN where that could overflow or vanish."""
    if p == float("inf"):
        return norm(xp, d, p, eps)
    return _root(xp, nan_if_extreme(xp, _powers(xp, d if p == 2 else xp.absolute(d), p)) + eps, p)


def ordinary_norm_and_slope(xp: Any, d: Array, p: float, eps: float | Array) -> tuple[Any, Any]:
    """`norm_and_slope` without scaling; NaN where that could overflow or vanish."""
    if p == float("inf"):
        return norm_and_slope(xp, d, p, eps)
    size = d if p == 2 else xp.absolute(d)
    length = _root(xp, nan_if_extreme(xp, _powers(xp, size, p)) + eps, p)
    slope = _norm_slope(xp, d, size, length, p)
    # With p = 1 the slope does not depend on the length, but has to be NaN where the length is.
    return length, slope + 0.0 * length[..., None] if p == 1 else slope


def _norm_slope(xp: Any, d: Array, size: Array, length: Array, p: float) -> Any:
    if p == 1:
        return xp.sign(d)
    share = size / xp.where(length == 0, 1.0, length)[..., None]
    return share if p == 2 else xp.sign(d) * _power(share, p - 1.0)


def _scaled_norm(xp: Any, size: Array, p: float, eps: float | Array) -> tuple[Any, Any, Any]:
    """(size / s, their norm, s): s keeps the powers near 1, where none overflows or vanishes."""
    root = eps ** (1.0 / p)
    scale = at_least(xp, scale_of(xp, size), root + tiny(xp, size))
    size = size / scale[..., None]
    return size, _root(xp, _powers(xp, size, p) + _power(root / scale, p), p), scale


def _root(xp: Any, total: Array, p: float) -> Any:
    """total^(1/p), with gradient 0 at 0."""
    zero = total == 0
    total = xp.where(zero, 1.0, total)
    return xp.where(zero, 0.0, xp.sqrt(total) if p == 2 else total ** (1.0 / p))


def _powers(xp: Any, x: Array, p: float) -> Any:
    return xp.dot(x, x) if p == 2 else xp.sum(_power(x, p), axis=-1)


def _power(x: Array, p: float) -> Any:
    return x if p == 1 else x * x if p == 2 else x**p
