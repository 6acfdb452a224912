"""Dual numbers: the derivative of every word, and which words are refused."""

from __future__ import annotations

import operator
import re
from pathlib import Path

import pytest
from matrix import flatten

from xlosses._engine.duals import BILINEAR, CONSTANT, LINEAR, SLOPES, Dual, Duals

PAGE = (Path(__file__).parents[2] / "docs" / "words.md").read_text()
BEYOND, _, STANDARD = PAGE.partition("## Gradients at kinks")[0].partition("## Functions of the standard")

X = [[0.6, -0.5, 0.25], [-0.3, 0.8, 0.4]]
DIRECTION = [[1.0, 0.5, -1.0], [0.25, 2.0, 0.75]]
OTHER = [[0.7, 1.5, -0.8], [2.0, -1.25, 0.9]]


def labels(xp, like):
    return xp.astype(xp.stop_gradient(like)[:, 0] < 0, xp.widest_integer()) + 1


def rank(step, x):
    return step + x, step * x


OF_ONE = {
    **{word: lambda xp, x, word=word: getattr(xp, word)(x) for word in sorted(SLOPES)},
    **{
        word: lambda xp, x, word=word: getattr(xp, word)(x + 1.0) for word in ("log", "log2", "log10", "sqrt")
    },
    "acosh": lambda xp, x: xp.acosh(x + 2.0),
    "add_at": lambda xp, x: xp.add_at(x, labels(xp, x), x[:, 0] * x[:, 1]),
    "astype": lambda xp, x: xp.astype(x, x.dtype),
    "broadcasts": lambda xp, x: (
        xp.sum(x[:, :1] + xp.ones_like(x), axis=-1) + xp.sum(x[:, :1] * xp.ones_like(x))
    ),
    "broadcast_to": lambda xp, x: xp.broadcast_to(x, (2, 2, 3)),
    "clip": lambda xp, x: xp.clip(x, -0.4, 0.5) + xp.clip(x, None, 0.1),
    "concat": lambda xp, x: xp.concat([x * x, xp.ones_like(x)], axis=-1),
    "cumulative_sum": lambda xp, x: xp.cumulative_sum(x, axis=-1),
    "dot": lambda xp, x: xp.dot(x, x),
    "expand_dims": lambda xp, x: xp.expand_dims(x, axis=1),
    "flip": lambda xp, x: xp.flip(x, axis=-1),
    "log_softmax": lambda xp, x: xp.log_softmax(x),
    "log_sum_exp": lambda xp, x: sum(xp.log_sum_exp(x * x)),
    "matmul": lambda xp, x: (
        xp.matmul(x, xp.matrix_transpose(x)) + xp.matmul(x, xp.ones_like(x[0, ...]))[:, None]
    ),
    "matrix_transpose": lambda xp, x: xp.matrix_transpose(x),
    "max": lambda xp, x: xp.max(x, axis=-1) + xp.max(x, axis=0, keepdims=True)[0, :2],
    "mean": lambda xp, x: xp.mean(x, axis=0),
    "min": lambda xp, x: xp.min(x, axis=-1),
    "moveaxis": lambda xp, x: xp.moveaxis(x, 0, -1),
    "negative": lambda xp, x: xp.negative(x),
    "permute_dims": lambda xp, x: xp.permute_dims(x, (1, 0)),
    "pick": lambda xp, x: xp.pick(x, labels(xp, x)),
    "positive": lambda xp, x: xp.positive(x),
    "put_at": lambda xp, x: xp.put_at(x, labels(xp, x), x[:, 0] * x[:, 0]),
    "relu": lambda xp, x: xp.relu(x),
    "reshape": lambda xp, x: xp.reshape(x, (3, 2)),
    "roll": lambda xp, x: xp.roll(x, 1, axis=-1),
    "scan": lambda xp, x: xp.scan(rank, x[0, ...], x * x)[1],
    "sigmoid": lambda xp, x: xp.sigmoid(x),
    "softmax": lambda xp, x: xp.softmax(x),
    "softmax_less_one": lambda xp, x: xp.softmax_less_one(x, labels(xp, x)),
    "softplus": lambda xp, x: xp.softplus(x),
    "squeeze": lambda xp, x: xp.squeeze(x[:, None, :], axis=1),
    "stack": lambda xp, x: xp.stack([x, x * x], axis=1),
    "sum": lambda xp, x: xp.sum(x, axis=-1, keepdims=True) + xp.sum(x),
    "take": lambda xp, x: xp.take(x, labels(xp, x), axis=1),
    "tensordot": lambda xp, x: xp.tensordot(x, x, axes=2),
    "tile": lambda xp, x: xp.tile(x, (1, 2)),
    "total": lambda xp, x: xp.total(x),
    "tril": lambda xp, x: xp.tril(x),
    "triu": lambda xp, x: xp.triu(x),
    "vecdot": lambda xp, x: xp.vecdot(x, x),
    "where": lambda xp, x: xp.where(x > 0, x * x, 0.0) + xp.where(x > 0.5, 1.0, x),
    "operators": lambda xp, x: (
        1.0 - (2.0 - x) * x / (3.0 + x) - 1.0 / (x - 2.0) + abs(+x) + (x @ x[0, ...])[:, None]
    ),
    "powers": lambda xp, x: x**2 + (x + 1.0) ** 0.5 + 2.0**x + (x + 1.0) ** x,
    "selected": lambda xp, x: x[..., 0],
}
OF_TWO = {
    **{
        word: lambda xp, x, y, word=word: getattr(xp, word)(x, y)
        for word in ("add", "subtract", "multiply", "divide")
    },
    **{
        word: lambda xp, x, y, word=word: getattr(xp, word)(x, y)
        for word in ("maximum", "minimum", "logaddexp", "atan2")
    },
    "pow": lambda xp, x, y: xp.pow(x + 1.0, y),
}
PASSES = {  # what makes arrays or speaks of dtypes, and is given no dual numbers
    *(
        "e",
        "inf",
        "nan",
        "newaxis",
        "pi",
        "arange",
        "asarray",
        "can_cast",
        "dtype_name",
        "empty",
        "eye",
        "finfo",
    ),
    *("from_dlpack", "full", "iinfo", "isdtype", "linspace", "meshgrid", "ones", "zeros"),
}
REFUSED = {
    *(
        "bitwise_and",
        "bitwise_invert",
        "bitwise_left_shift",
        "bitwise_or",
        "bitwise_right_shift",
        "bitwise_xor",
    ),
    *(
        "broadcast_arrays",
        "conj",
        "floor_divide",
        "imag",
        "prod",
        "real",
        "remainder",
        "sort",
        "std",
        "unstack",
        "var",
    ),
}


def duals_of(on, dtype):
    return Duals(on.bench.xp, "a loss"), *(on.bench.array(rows, dtype) for rows in (X, DIRECTION, OTHER))


def read(on, x):
    return flatten(on.read(x))


def assert_derivative(on, function):
    """Against central differences along a direction."""
    exact = on.name in ("numpy", "strict", "torch")
    words, x, direction, _ = duals_of(on, "float64" if exact else "float32")
    step, limit = (1e-5, 1e-8) if exact else (1e-2, 5e-3)
    found = function(words, words.made(x, direction))
    plain = [read(on, function(on.bench.xp, x + s * direction)) for s in (step, -step, 0.0)]
    wanted = [(a - b) / (2.0 * step) for a, b in zip(*plain[:2], strict=True)]
    assert read(on, found.value) == pytest.approx(plain[2], rel=1e-6)
    assert found.derivative.shape == found.shape
    assert read(on, found.derivative) == pytest.approx(wanted, rel=limit, abs=limit)


@pytest.mark.parametrize("word", OF_ONE)
def test_derivative_of_one_argument(on, word):
    assert_derivative(on, OF_ONE[word])


@pytest.mark.parametrize("word", OF_TWO)
def test_derivatives_of_two_arguments(on, word):
    y = on.bench.array(OTHER, "float64" if on.name in ("numpy", "strict", "torch") else "float32")

    def other(xp):
        return xp.made(y) if isinstance(xp, Duals) else y

    assert_derivative(on, lambda xp, x: OF_TWO[word](xp, x, other(xp)))
    assert_derivative(on, lambda xp, x: OF_TWO[word](xp, x * x + 1.0, x))
    if word != "pow":
        assert_derivative(on, lambda xp, x: OF_TWO[word](xp, other(xp), x))
    else:
        assert_derivative(on, lambda xp, x: xp.pow(3.0, x))


def test_kinks(on):
    """At 0 the derivatives that the words of the namespace have."""
    words = Duals(on.bench.xp, "a loss")
    x = words.made(on.array([0.0, 2.0]), on.array([3.0, 3.0]))
    for word, slopes in (("absolute", [0.0, 3.0]), ("relu", [0.0, 3.0]), ("softplus", [1.5, 2.64239])):
        assert read(on, getattr(words, word)(x).derivative) == pytest.approx(slopes, rel=1e-5)
    assert read(on, words.clip(x, 0.0, 2.0).derivative) == [3.0, 3.0]
    ties = words.made(on.array([[1.0, 1.0]]), on.array([[2.0, 4.0]]))
    assert read(on, words.max(ties, axis=-1).derivative) == [3.0]
    assert read(on, words.maximum(x, 0.0).derivative) == [1.5, 3.0]


def test_constants_have_no_derivative(on):
    words, x, direction, _ = duals_of(on, "float32")
    x = words.made(x, direction)
    for constant in (
        words.sign(x),
        words.step(x),
        words.stop_gradient(x),
        words.ones_like(x),
        words.floor(x),
    ):
        assert isinstance(constant, Dual)
        assert constant.derivative is None
    for plain in (x > 0, x >= 0.5, x == x, x != x, x < 0, x <= 0, words.isnan(x), words.argmax(x, axis=-1)):
        assert not isinstance(plain, Dual)
    assert (x * words.step(x)).derivative is not None


def test_every_word_has_a_rule_or_is_refused():
    rows = "".join(line for line in STANDARD.splitlines() if line[:1] == "|")
    names = {*re.findall(r"^\| `(\w+)\(", BEYOND, re.MULTILINE), *re.findall(r"`(\w+)`", rows)}
    own = {name for name in vars(Duals) if name[0] != "_"}
    known = {"step", *SLOPES, *LINEAR, *BILINEAR, *CONSTANT, *own, *OF_ONE, *OF_TWO}
    assert names - known - PASSES == REFUSED
    assert REFUSED & known == set()
    derived = {*SLOPES, *LINEAR, *BILINEAR} - {"take_along_axis"}
    assert derived <= {*OF_ONE, *OF_TWO}


def test_refusals(on):
    words, x, direction, _ = duals_of(on, "float32")
    x = words.made(x, direction)
    for use in (lambda: words.sort(x), lambda: words.prod(x), lambda: words.var(x)):
        with pytest.raises(TypeError, match=r"^a loss has no second derivative here: .* derivative of xp\."):
            use()
    for refused in (operator.mod, operator.floordiv):
        for arguments in ((x, 2.0), (2.0, x)):
            with pytest.raises(
                TypeError, match=r"^a loss has no second derivative here: .* derivative of [%/]"
            ):
                refused(*arguments)
    with pytest.raises(TypeError, match=r"derivative of the attribute sum of an array"):
        x.sum()
    with pytest.raises(TypeError, match=r"derivative of a further argument"):
        words.take(x, x, axis=0)
    assert isinstance(words.sort(words.stop_gradient(x)), Dual)
    assert not hasattr(x, "__array__")
    with pytest.raises(AttributeError):
        words.__absent__  # noqa: B018
