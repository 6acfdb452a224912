"""What is particular to JAX: static names, promotion rules, 64 bits, recompilation."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import pytest
from matrix import Call, every_case

import xlosses
from xlosses.testing import expected

X = jnp.asarray([0.5, -2.0, 3.0])


@every_case
def test_jit_of_the_public_function(on, case):
    call = Call(on, case)
    exact = expected(case, call.data, {}, "mean")
    static = {"reduction": "mean", **({"axis": -1} if case.by_rows else {})}
    loss = jax.jit(case.loss, static_argnames=tuple(static))
    call.assert_close(loss(*call.given, **static), exact.value)


def test_jit_with_reduction_static_alone():
    assert jax.jit(xlosses.huber_loss, static_argnames="reduction")(X, 0 * X, 2.0, reduction="sum") == 6.125


@every_case
def test_eval_shape(on, case):
    call = Call(on, case)
    assert jax.eval_shape(call.loss(reduction="none"), *call.given).shape == (6,)
    assert jax.eval_shape(call.loss(reduction="mean"), *call.given).shape == ()


@every_case
def test_no_rank_or_dtype_promotion_inside(on, case):
    """JAX as a linter: what we write broadcasts and promotes only where it says so."""
    call = Call(on, case)
    weights, where = jnp.ones(6), jnp.ones(6, dtype=bool)
    with jax.numpy_rank_promotion("raise"), jax.numpy_dtype_promotion("strict"):
        for reduction in ("none", "weighted_mean"):
            call.loss(reduction=reduction, weights=weights, where=where)(*call.given)


@every_case
def test_second_order_in_double_precision(on, case):
    from jax.test_util import check_grads

    with jax.enable_x64(True):
        call = Call(on, case, n=3, dtype="float64")
        loss = call.loss(reduction="mean")
        check_grads(lambda x: loss(jnp.asarray(x), *call.given[1:]), (call.given[0],), order=2)


def test_sixty_four_bits():
    with pytest.raises(ValueError, match=r"^dtype='float64' needs 64-bit JAX: set "):
        xlosses.mse_loss(X, 0.0, dtype="float64")
    with jax.enable_x64(True):
        assert xlosses.mse_loss(X, 0.0, dtype="float64").dtype == jnp.float64
        assert xlosses.mse_loss(jnp.asarray([1]), 0).dtype == jnp.float64
        assert xlosses.mse_loss(X, 0.0, dtype=jnp.float64).dtype == jnp.float64


def test_a_changing_number_does_not_recompile():
    traces = 0

    @partial(jax.jit, static_argnames="reduction")
    def loss(x, delta, reduction):
        nonlocal traces
        traces += 1
        return xlosses.huber_loss(x, 0.0, delta, reduction)

    for delta in (0.5, 1.0, 1.5):
        assert loss(X, delta, "sum") == pytest.approx(float(xlosses.huber_loss(X, 0.0, delta, "sum")))
    assert traces == 1


def test_mapped_over_weights_and_masks():
    weights, where = jnp.asarray([[1.0, 2.0, 0.0]] * 2), jnp.asarray([[True, False, True]] * 2)
    found = jax.vmap(lambda w, k: xlosses.mse_loss(X, 0.0, weights=w, where=k))(weights, where)
    assert found.tolist() == [0.125, 0.125]


def test_whole_bounds_have_a_gradient():
    @xlosses.formula
    def clipped(xp, x, y):
        return xp.clip(x - y, -1, 2)

    def loss(x):
        return xlosses.evaluate(clipped, dict(x=x, y=0.0), {}, "sum")

    assert jax.grad(loss)(X).tolist() == [1.0, 0.0, 0.0]
