"""MLX: the slope element by element, under its transformations too."""

from __future__ import annotations

import mlx.core as mx
import pytest
from matrix import wrong_slope

import xlosses


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
