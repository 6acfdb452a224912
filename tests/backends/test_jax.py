"""What is particular to JAX: static names, promotion rules, 64 bits, recompilation."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matrix import Call, deep, every_attached_case, every_case, every_setting, fewer
from on_jax import enable_x64

import xlosses
from xlosses.testing import expected

X = jnp.asarray([0.5, -2.0, 3.0])


@every_case
def test_jit_of_the_public_function(on, case):
    call = Call(on, case)
    exact = expected(case, call.data, {}, "mean")
    static = {"reduction": "mean", **({"axis": -1} if case.has_axis else {})}
    loss = jax.jit(case.loss, static_argnames=tuple(static))
    call.assert_close(loss(*call.given, **static), exact.value)


def test_jit_with_reduction_static_alone():
    assert jax.jit(xlosses.huber_loss, static_argnames="reduction")(X, 0 * X, 2.0, reduction="sum") == 6.125


@every_case
def test_eval_shape(on, case):
    call = Call(on, case)
    assert jax.eval_shape(call.loss(reduction="none"), *call.given).shape == (6,)
    assert jax.eval_shape(call.loss(reduction="mean"), *call.given).shape == ()


@every_setting
@pytest.mark.parametrize("reduction", ["none", "weighted_mean"])
@fewer(reduction=["weighted_mean"])
def test_no_rank_or_dtype_promotion_inside(on, case, options, reduction):
    """JAX as a linter: what we write broadcasts and promotes only where it says so; gradients too."""
    call = Call(on, case)
    weights, where = jnp.ones(6), jnp.ones(6, dtype=bool)
    loss = call.loss(**options, reduction=reduction, weights=weights, where=where)
    rest = call.given[1:]
    with jax.numpy_rank_promotion("raise"), jax.numpy_dtype_promotion("strict"):
        loss(*call.given)
        jax.grad(lambda x: jnp.sum(loss(x, *rest)))(call.given[0])
        if reduction != "none":
            call.slope(**options, reduction=reduction, weights=weights, where=where)


@deep  # test_hessian has them in single precision
@every_attached_case
def test_second_order_in_double_precision(on, case):
    from jax.test_util import check_grads

    with enable_x64(True):
        call = Call(on, case, n=3, dtype="float64")
        loss = call.loss(reduction="mean")
        check_grads(lambda x: loss(jnp.asarray(x), *call.given[1:]), (call.given[0],), order=2)


def test_sixty_four_bits():
    with pytest.raises(ValueError, match=r"^dtype='float64' needs 64-bit JAX: set "):
        xlosses.mse_loss(X, 0.0, dtype="float64")
    with enable_x64(True):
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


LARGE = {
    "gaussian_nll_loss": lambda x: xlosses.gaussian_nll_loss(x, 0.0, 1.0),
    "binary_cross_entropy": lambda x: xlosses.binary_cross_entropy(x, jnp.abs(x)),
    "kl_div_loss": lambda x: xlosses.kl_div_loss(x.reshape(100, -1), x.reshape(100, -1), reduction="mean"),
    "cosine along axis 0": lambda x: xlosses.cosine_similarity_loss(
        x.reshape(100, -1), 2.0 * x.reshape(100, -1) + 1.0, axis=0, reduction="mean"
    ),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[deep] if name.startswith(("bin", "kl")) else []) for name in LARGE]
)
def test_nothing_holds_on_to_tracers(name):
    loss, x = LARGE[name], jnp.linspace(-1.0, 1.0, 20_000)
    with xlosses.engine("on"), jax.checking_leaks():
        jax.jit(loss)(x)
        jax.jit(jax.grad(loss))(x)
        loss(x)


def test_arrays_of_numpy_are_jaxs():
    """As in JAX itself: inside jit a batch of NumPy is a tracer, under disable_jit it is not."""
    weights = jnp.ones((2, 3))
    labels, where = np.asarray([0, 1]), np.asarray([True, False])

    def loss(w):
        return xlosses.cross_entropy(w, labels, reduction="mean", where=where)

    wanted = jax.value_and_grad(jax.jit(loss))(weights)
    for engine in ("on", "off"):
        with xlosses.engine(engine):
            with jax.disable_jit():
                found = jax.value_and_grad(loss)(weights)
            assert jnp.allclose(found[0], wanted[0])
            assert jnp.allclose(found[1], wanted[1])
            first = xlosses.mse_loss(np.asarray([1.0, 3.0]), jnp.zeros(2), reduction="none")
            assert isinstance(first, jax.Array)
            assert first.tolist() == [1.0, 9.0]


def test_numbers_are_sent_to_a_device_by_asking():
    x = jnp.asarray([0.5, -2.0, 3.0])
    with xlosses.engine("on"):
        with jax.transfer_guard("disallow"):
            found = xlosses.huber_loss(x, x, 0.37, "sum"), xlosses.mse_loss(x, x, weights=0.37)
        assert found == (0.0, 0.0)


@pytest.mark.parametrize("p", [1, 2, 3, 2.5, float("inf")])
def test_static_parameters_are_compiled(p):
    """And another number is another program."""
    from xlosses.losses.ranking import triplet

    a = jnp.asarray([[0.5, 1.0], [2.0, -1.0]])
    triplet.programs.clear()
    with xlosses.engine("on"):
        found = [xlosses.triplet_loss(a, 2.0 * a, -a, p=p) for _ in range(3)]
    assert len(triplet.programs) == 1
    with xlosses.engine("off"):
        assert jnp.allclose(found[0], xlosses.triplet_loss(a, 2.0 * a, -a, p=p))


def test_a_call_that_fails_leaves_no_program():
    from xlosses.losses.divergence import kl_divergence

    x = jnp.ones((2, 3))
    kl_divergence.programs.clear()
    with xlosses.engine("on"):
        for axis in (1.0, 5):
            with pytest.raises((TypeError, ValueError), match="axis"):
                xlosses.kl_div_loss(x, x, axis=axis)
        assert len(kl_divergence.programs) == 0
        xlosses.kl_div_loss(x, x, axis=1)
        assert len(kl_divergence.programs) == 1


def test_each_setting_has_programs_of_its_own():
    from xlosses.losses.divergence import kl_divergence

    x = jnp.ones((2, 3))
    kl_divergence.programs.clear()
    for n, engine in enumerate(("on", 1, 2), 1):
        with xlosses.engine(engine):
            xlosses.kl_div_loss(x, x, reduction="mean")
        assert len(kl_divergence.programs) == n


def test_a_formula_that_asks_about_a_traced_number_says_so():
    x = jnp.ones(3)
    asking = xlosses.formula(lambda xp, x, k: x * k if k < 1 else x)
    with xlosses.engine("on"), pytest.raises(TypeError, match=r"asks Python about a value .* static="):
        xlosses.evaluate(asking, dict(x=x), dict(k=0.5))


def test_programs_are_safe_under_threads():
    from concurrent.futures import ThreadPoolExecutor

    from xlosses._backends.cache import Cache
    from xlosses.losses.regression import huber

    arrays = [jnp.full(n, float(n)) for n in range(1, 7)]

    def work(seed):
        for i in range(40):
            x = arrays[(i * seed) % len(arrays)]
            assert xlosses.huber_loss(x, 0.0, reduction="sum") == len(x) * (len(x) - 0.5)

    kept = huber.plans, huber.programs
    huber.plans, huber.programs = Cache(2), Cache(2)
    try:
        with xlosses.engine("on"), ThreadPoolExecutor(4) as pool:
            assert list(pool.map(work, range(1, 5))) == [None] * 4
        assert len(huber.programs) <= 2
    finally:
        huber.plans, huber.programs = kept


def test_extrema_of_a_part_do_not_see_the_rest(on):
    """By the options that JAX has beyond the standard."""
    x, part = jnp.ones((2, 100)).at[1, 50].set(jnp.nan), jnp.arange(100) != 50
    assert jnp.isnan(on.bench.xp.max(x, axis=-1)).tolist() == [False, True]
    assert on.bench.xp.max(x, axis=-1, initial=-jnp.inf, where=part).tolist() == [1.0, 1.0]
    assert on.bench.xp.min(x, axis=-1, initial=jnp.inf, where=part).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("keepdims", [False, True])
def test_the_largest_of_short_rows(on, axis, keepdims):
    """By integers in the order of the numbers: the value and the gradient are those of jnp.max."""
    signed_nan = jnp.asarray([[jnp.nan, 1.0, -jnp.inf], [2.0, -jnp.nan, jnp.inf]])
    rows = jnp.asarray([[-jnp.inf] * 3, [-1e-40, -3.0, -0.0], [0.0, jnp.inf, 1.0], [5.0, 5.0, -5.0]])
    x = jnp.concatenate([rows, rows[::-1], signed_nan if axis else rows])

    def value_and_gradient(largest):
        y, by = jax.vjp(lambda x: largest(x, axis=axis, keepdims=keepdims), x)
        return y, by(jnp.ones_like(y))[0]

    for found, by_jax in zip(value_and_gradient(on.bench.xp.max), value_and_gradient(jnp.max), strict=True):
        np.testing.assert_array_equal(found, by_jax)


def test_the_largest_of_rows_whose_length_is_a_symbol(on):
    (n,) = jax.export.symbolic_shape("n")
    largest = jax.jit(lambda x: on.bench.xp.max(x, axis=-1))
    exported = jax.export.export(largest)(jax.ShapeDtypeStruct((2, n), jnp.float32))
    assert exported.call(jnp.asarray([[1.0, 3.0], [2.0, jnp.inf]])).tolist() == [3.0, jnp.inf]


def test_extrema_of_integers_are_integers(on):
    xp, x, y = on.bench.xp, on.array([[3, -1], [0, 7]], "int32"), on.array([[1, 2], [0, 9]], "int32")
    assert xp.min(on.array([3, 0], "uint8")).dtype == jnp.uint8
    found = {
        "max": xp.max(x, axis=-1),
        "min": xp.min(x, axis=-1),
        "maximum": xp.maximum(x, y),
        "minimum": xp.minimum(x, y),
        "relu": xp.relu(x),
        "clip": xp.clip(x, 0, 5),
    }
    assert {name: on.dtype_of(z) for name, z in found.items()} == dict.fromkeys(found, "int32")
    assert {name: z.tolist() for name, z in found.items()} == {
        "max": [3, 7],
        "min": [-1, 0],
        "maximum": [[3, 2], [0, 9]],
        "minimum": [[1, -1], [0, 7]],
        "relu": [[3, 0], [0, 7]],
        "clip": [[3, 0], [0, 5]],
    }


@xlosses.formula("rows")
def of_many_operators(xp, x):
    scale = np.arange(1.0, 5.0, dtype=np.float32)
    folded = (x % 2.0) * scale + (+x) // 1.0 + scale * x - 3.0 % (x + 1.0)
    return xp.sum(folded, axis=-1, dtype=jnp.float32) + xp.max(x, axis=-1, initial=100.0) + (x @ scale)


@of_many_operators.slope
def of_many_operators_slope(xp, x):
    return xp.where(x > 2.0, 1.0, x) + jnp.arange(4.0)


@xlosses.formula("rows")
def by_vmap(xp, x):
    return jax.vmap(lambda row: xp.sum(row * row, axis=-1))(x)


@pytest.mark.parametrize("form", [of_many_operators, by_vmap], ids=lambda form: form.__name__)
@pytest.mark.parametrize("axis", [0, 1])
def test_rows_that_lie_elsewhere_are_those_that_lie_last(form, axis):
    """Whatever a formula does with them: with an operator, an option of a word, or JAX itself."""
    x = jnp.arange(48.0).reshape(4, 4, 3) / 7.0
    last = jnp.moveaxis(x, axis, -1)

    def loss(x, axis):
        return xlosses.evaluate(form, dict(x=x), reduction="none", axis=axis)

    with xlosses.engine("on"):
        assert jnp.allclose(loss(x, axis), loss(last, -1))
        gradient = jax.grad(lambda x, axis: jnp.sum(loss(x, axis)))
        assert jnp.allclose(jnp.moveaxis(gradient(x, axis), axis, -1), gradient(last, -1))


def test_products_are_rounded_only_where_the_user_says_so():
    x = jnp.ones((2, 3))

    def program():
        return str(jax.make_jaxpr(jax.grad(lambda x: xlosses.info_nce_loss(x, x)))(x))

    assert "HIGHEST" in program()
    assert "DEFAULT" not in program()
    with jax.default_matmul_precision("bfloat16"):
        assert "HIGHEST" not in program()


def test_a_scan_is_one_loop_of_any_length():
    @xlosses.formula("rows")
    def last_of_averages(xp, x):
        def step(state, entry):
            return 0.5 * (state + entry), state

        return xp.scan(step, 0.0 * x[..., 0], xp.moveaxis(x, -1, 0))[0]

    def equations(n):
        loss = jax.grad(lambda x: xlosses.evaluate(last_of_averages, dict(x=x), reduction="sum"))
        program = jax.make_jaxpr(loss)(jnp.ones((2, n))).pretty_print(source_info=False)
        return program.count(" = ")

    assert equations(10) == equations(80)


@pytest.mark.parametrize("grown", ["frames", "labels"])
def test_ctc_is_no_longer_a_program_for_longer_sequences(grown):
    def equations(n):
        frames, labels = (n, 3) if grown == "frames" else (100, n)
        integers = jnp.ones((2, labels), int), jnp.full(2, frames), jnp.full(2, labels)
        loss = jax.value_and_grad(lambda x: xlosses.ctc_loss(x, *integers))
        program = jax.make_jaxpr(loss)(jnp.ones((frames, 2, 5))).pretty_print(source_info=False)
        assert program.count("scan[") == 2  # forward and backward, each once
        return program.count(" = ")

    assert equations(10) == equations(40)


def test_hessian_diagonal_under_jit_and_vmap():
    logits, labels = jnp.asarray([[1.0, 2.0, 3.0], [0.0, 0.5, 1.0]]), jnp.asarray([1, 2])
    diagonal = xlosses.hessian_diagonal(partial(xlosses.cross_entropy, reduction="sum"))
    p = np.asarray(jax.nn.softmax(logits))
    for found in (jax.jit(diagonal)(logits, labels), jax.vmap(diagonal)(logits, labels)):
        np.testing.assert_allclose(found, p * (1.0 - p), rtol=1e-5)
