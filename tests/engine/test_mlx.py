"""MLX: the slope element by element, under its transformations too."""

from __future__ import annotations

import mlx.core as mx
import pytest
from matrix import wrong_slope

import xlosses
from xlosses._backends.mlx import namespace


@pytest.fixture(autouse=True)
def usual():
    with xlosses.engine("on"):
        yield


X = mx.array([1.0, -2.0, 0.5])
FACTOR = mx.array(2.0)


def loss(x, y, factor):
    return xlosses.evaluate(wrong_slope, dict(x=x, y=y), dict(factor=factor), "sum")


@pytest.mark.parametrize("outer", [lambda f: f, mx.compile], ids=["eager", "compiled"])
@pytest.mark.parametrize("factor", [2.0, FACTOR], ids=["number", "array"])
def test_the_slope_is_the_derivative_by_the_first_array(outer, factor):
    """Told from the formula's by being wrong."""

    def by(which):
        return outer(lambda x, y: mx.grad(loss, argnums=which)(x, y, factor))(X, 3.0 * X)

    assert by(0).tolist() == (60.0 * X).tolist()
    assert by(1).tolist() == (2.0 * X).tolist()
    assert [g.tolist() for g in by((0, 1))] == [(60.0 * X).tolist(), (2.0 * X).tolist()]
    with xlosses.engine("off"):
        assert by(0).tolist() == (6.0 * X).tolist()


def test_a_parameter_has_the_derivative_of_the_formula():
    assert mx.grad(loss, argnums=2)(X, 3.0 * X, FACTOR).item() == (3.0 * mx.sum(X * X)).item()


def test_forward_mode_takes_the_formula():
    _, (moved,) = mx.jvp(lambda x: loss(x, 3.0 * X, 2.0), [X], [X])
    assert moved.item() == (6.0 * mx.sum(X * X)).item()


def test_one_array_alone():
    @xlosses.formula
    def square(xp, x):
        return x * x

    @square.slope
    def ten_times_too_large(xp, x):
        return 20.0 * x

    gradient = mx.grad(lambda x: xlosses.evaluate(square, dict(x=x), reduction="sum"))
    assert gradient(X).tolist() == (20.0 * X).tolist()


def test_a_vjp_element_by_element_is_taken_like_a_slope():
    """Of two arrays; a parameter that is an array has the derivative of the formula."""

    @xlosses.formula
    def product(xp, x, y, factor):
        return factor * x * y

    @product.vjp(by=("x", "y"))
    def ten_times_too_large(xp, g, x, y, factor):
        yield factor * x * y
        yield 10.0 * g * factor * y
        yield 10.0 * g * factor * x

    def loss(x, y, factor):
        return xlosses.evaluate(product, dict(x=x, y=y), dict(factor=factor), "sum")

    by_x, by_y, by_factor = mx.grad(loss, argnums=(0, 1, 2))(X, 3.0 * X, FACTOR)
    assert by_x.tolist() == (60.0 * X).tolist()
    assert by_y.tolist() == (20.0 * X).tolist()
    assert by_factor.item() == (3.0 * mx.sum(X * X)).item()


def test_batches_and_second_derivatives():
    def huber(x):
        return xlosses.huber_loss(x, mx.zeros_like(x), reduction="sum")

    rows = mx.stack([X, 3.0 * X])
    clipped = mx.clip(rows, -1.0, 1.0)
    assert mx.vmap(mx.grad(huber))(rows).tolist() == clipped.tolist()
    assert mx.grad(lambda x: mx.sum(mx.vmap(huber)(x)))(rows).tolist() == clipped.tolist()
    second = mx.grad(lambda x: mx.sum(mx.grad(huber)(x) * mx.array([1.0, 1.0, 7.0])))
    assert second(X).tolist() == [1.0, 0.0, 7.0]


@pytest.mark.parametrize("n", [0, 1, 15, 32, 33, 1000, 4097])
def test_a_sum_in_stages_has_everybodys_gradient(n):
    x = mx.arange(n).astype(mx.float32)
    value, gradient = mx.value_and_grad(lambda x: 2.0 * xlosses.mse_loss(x, 0.0 * x, reduction="sum"))(x)
    assert value.item() == pytest.approx(2.0 * sum(float(i) ** 2 for i in range(n)), rel=1e-6)
    assert gradient.tolist() == (4.0 * x).tolist()


@pytest.mark.parametrize("n", [511, 512, 1000, 4097])
def test_sums_of_long_rows(n):
    xp = namespace
    rows = mx.stack([mx.arange(n), mx.arange(n)[::-1], mx.ones((n,))]).astype(mx.float32)
    wanted = [n * (n - 1) / 2, n * (n - 1) / 2, n]
    assert xp.sum(rows, axis=-1).tolist() == pytest.approx(wanted, rel=1e-6)
    assert xp.sum(rows, axis=-1, keepdims=True).tolist() == [[x] for x in xp.sum(rows, axis=-1).tolist()]
    thirds = mx.full((2, 20_000), 1.0 / 3.0)
    assert xp.sum(thirds, axis=-1).tolist() == pytest.approx([20_000 / 3.0] * 2, rel=3e-7)


def peak_memory(f):
    """The most bytes that MLX holds while it computes f()."""
    mx.clear_cache()
    before = mx.get_active_memory()
    mx.reset_peak_memory()
    mx.eval(f())
    return mx.get_peak_memory() - before


QUERIES, KEYS = mx.random.normal((2, 2048, 16))


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("by", [(), (0,), (1,), (0, 1)])
def test_one_chunk_is_held_at_a_time(reduction, by):
    def loss(queries, keys):
        terms = xlosses.info_nce_loss(queries, keys, reduction=reduction)
        return terms if reduction == "mean" or not by else mx.sum(terms * mx.arange(2048))

    f = mx.grad(loss, argnums=by) if by else loss
    n_bytes = 4 * 2048 * 2048
    with xlosses.engine("off"):
        assert peak_memory(lambda: f(QUERIES, KEYS)) > n_bytes
    with xlosses.engine(1 << 18):  # a sixteenth of the scores
        assert peak_memory(lambda: f(QUERIES, KEYS)) < n_bytes / 2


@pytest.mark.parametrize("by", [0, 1, (0, 1)])
def test_one_chunk_is_held_at_a_time_for_value_and_gradients(by):
    loss = xlosses.value_and_grad(xlosses.info_nce_loss, by)
    with xlosses.engine(1 << 18):
        assert peak_memory(lambda: loss(QUERIES, KEYS)) < 4 * 2048 * 2048
        assert peak_memory(lambda: loss(QUERIES, KEYS)[1]) < 4 * 2048 * 2048
