"""JAX: one compiled call per formula and options, and slopes under the user's own transformations."""

from __future__ import annotations

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest
from matrix import Call, every_row_setting, fewer, floating, one_of_each_sort, wrong_slope
from on_jax import enable_x64, shard_map

import xlosses
from xlosses._core.formula import PROGRAMS
from xlosses.losses.regression import huber, smooth_l1

X = jnp.asarray([0.5, -2.0, 3.0])


@pytest.fixture(autouse=True)
def usual():
    with xlosses.engine("on"):
        yield


def compiled(formula) -> int:
    """How many programs XLA has made of this formula."""
    return sum(run._cache_size() for run in formula.programs.values())


def test_a_parameter_that_changes_does_not_compile_anew():
    xlosses.huber_loss(X, 0 * X, 0.37)
    before, kept = compiled(huber), len(huber.programs)
    for i in range(50):
        found = xlosses.huber_loss(X, 0 * X, 0.3 + 0.01 * i, "sum", weights=0.5)
        delta = np.float32(0.3 + 0.01 * i)
        near = np.minimum(np.abs(X), delta)
        assert found == pytest.approx(0.5 * float((near * (np.abs(X) - near / 2)).sum()), rel=1e-6)
    assert compiled(huber) <= before + 1
    assert len(huber.programs) <= kept + 1


def test_an_invalid_parameter_still_raises():
    for delta in (0.4, -0.4, 0.5, 0.0):
        if delta > 0:
            xlosses.huber_loss(X, 0 * X, delta)
        else:
            with pytest.raises(ValueError, match="delta must be a number > 0"):
                xlosses.huber_loss(X, 0 * X, delta)


def test_numbers_that_formulas_ask_about():
    assert xlosses.smooth_l1_loss(X, 0 * X, 0.0, "sum") == 5.5
    assert xlosses.smooth_l1_loss(X, 0 * X, 1.0, "sum") == pytest.approx(0.125 + 1.5 + 2.5)
    labels = jnp.asarray([0])
    assert xlosses.cross_entropy(X[None], labels, label_smoothing=0.0) == xlosses.cross_entropy(
        X[None], labels
    )


@pytest.mark.parametrize("number", [2.5, np.float32(2.5), np.float64(2.5), np.int32(2)], ids=repr)
@pytest.mark.parametrize("outer", [lambda f: f, jax.jit, jax.grad], ids=["eager", "jit", "grad"])
def test_a_number_stays_one_for_a_formula_that_asks_about_it(number, outer):
    @xlosses.formula("elements", "elements", static=("most",))
    def clipped(xp, x, y, most):
        return xp.clip(xp.absolute(x - y), None, most) if most < 10 else xp.absolute(x - y)

    @clipped.slope
    def clipped_slope(xp, x, y, most):
        return xp.sign(x - y) * (xp.absolute(x - y) <= most)

    def loss(x):
        return xlosses.evaluate(clipped, dict(x=x, y=jnp.zeros(3)), dict(most=number), "sum")

    x = jnp.asarray([0.5, -1.5, 3.0])
    wanted = [1.0, -1.0, 0.0] if outer is jax.grad else 2.0 + float(number)
    assert outer(loss)(x).tolist() == wanted


def test_what_is_compiled_is_bounded():
    for i in range(PROGRAMS + 10):
        xlosses.smooth_l1_loss(X, 0 * X, 0.5, dtype=["float32", "float16"][i % 2], weights=i)
    assert len(smooth_l1.programs) <= PROGRAMS


def test_a_formula_takes_what_is_compiled_with_it():
    import gc
    import weakref

    @xlosses.formula
    def plain(xp, x, y):
        return x - y

    @plain.slope
    def plain_slope(xp, x, y):
        return xp.ones_like(x)

    assert xlosses.evaluate(plain, dict(x=X, y=0 * X), reduction="sum") == 1.5
    gone = weakref.ref(plain)
    del plain
    gc.collect()
    assert gone() is None


@one_of_each_sort
def test_inside_a_transformation_a_loss_is_no_call_of_its_own(on, case):
    call = Call(on, case)
    loss = call.loss(reduction="mean")
    for f in (loss, jax.value_and_grad(loss), jax.jit(loss)):
        assert "@run" not in jax.jit(f).lower(*call.given).as_text()


def test_the_slope_is_the_derivative_by_the_first_array_alone():
    """Told from the formula's by being wrong."""

    def loss(x, y, factor):
        return xlosses.evaluate(wrong_slope, dict(x=x, y=y), dict(factor=factor), "sum")

    given = X, 3.0 * X, 2.0
    by_slope, by_formula = 60.0 * X, 6.0 * X
    for outer in (lambda f: f, jax.jit):
        gradient = outer(jax.grad(loss))
        assert gradient(*given).tolist() == by_slope.tolist()
        assert outer(jax.grad(loss, 1))(*given).tolist() == (2.0 * X).tolist()
        assert outer(jax.grad(loss, 2))(*given) == jnp.sum(3.0 * X * X)
        assert outer(jax.grad(loss, (0, 1)))(*given)[0].tolist() == by_formula.tolist()
        assert outer(lambda *a: jax.jvp(lambda x: loss(x, *a[1:]), a[:1], (X,)))(*given)[1] == jnp.sum(
            by_slope * X
        )
    with xlosses.engine("off"):
        assert jax.grad(loss)(*given).tolist() == by_formula.tolist()


def test_under_shard_map():
    mesh = jax.sharding.Mesh(np.asarray(jax.devices()[:1]), ("i",))
    spec = jax.sharding.PartitionSpec("i")
    for x in (X, jnp.linspace(-3.0, 3.0, 20_000)):  # large enough for a try without guards
        for loss in (xlosses.huber_loss, xlosses.log_cosh_loss):

            def whole(x, loss=loss):
                return loss(x, 0 * x, reduction="mean")[None]

            sharded = shard_map(whole, mesh=mesh, in_specs=spec, out_specs=spec)
            assert jnp.allclose(sharded(x), whole(x))


def test_default_dtype_may_change_in_between():
    whole = jnp.asarray([1, 2])
    assert xlosses.mse_loss(whole, 0 * whole).dtype == jnp.float32
    with enable_x64(True):
        assert xlosses.mse_loss(whole, 0 * whole).dtype == jnp.float64
    assert xlosses.mse_loss(whole, 0 * whole).dtype == jnp.float32


@pytest.mark.parametrize("engine", ["on", "off"])
def test_what_64_bits_allow_is_not_remembered_without_them(engine):
    with xlosses.engine(engine):
        with enable_x64(True):
            assert xlosses.mse_loss(X, 0 * X, dtype="float64").dtype == jnp.float64
        with pytest.raises(ValueError, match="needs 64-bit JAX"):
            xlosses.mse_loss(X, 0 * X, dtype="float64")


LOGS = jnp.log(jnp.asarray([[0.25, 0.75], [0.5, 0.5]]))
RARE = {  # what guards are for, on ordinary arrays beside it
    "kl_div_loss": (LOGS, jnp.asarray([[0.0, -jnp.inf], [-0.5, -1.0]])),
    "cross_entropy": (jnp.asarray([[0.5, -jnp.inf], [1.0, 2.0]]), jnp.asarray([[1.0, 0.0], [0.5, 0.5]])),
    "gaussian_nll_loss": (X, 0 * X, jnp.asarray([1.0, -1.0, 0.0])),
    "log_cosh_loss": (X, jnp.asarray([100.0, 0.0, -300.0])),
    "binary_cross_entropy": (jnp.asarray([jnp.inf, -1.0]), jnp.asarray([1.0, 0.0])),
    "triplet_loss": (jnp.ones((2, 3)), jnp.ones((2, 3)), jnp.asarray([[2.0, 1.0, 1.0], [1e30, 0.0, 0.0]])),
    "cosine_similarity_loss": (jnp.asarray([[0.0, 0.0], [1e-30, 1e-30]]), jnp.ones((2, 2))),
}
USUAL = {name: tuple(jnp.full(x.shape, 0.5) + i * 0.1 for i, x in enumerate(a)) for name, a in RARE.items()}


def jitted(f, **options):
    """Anew: JAX knows a function that it has seen, but not that the engine is another."""
    return jax.jit(lambda *arrays: f(*arrays), **options)


def conditionals(f, *arrays) -> int:
    return str(jitted(f).trace(*arrays).jaxpr).count("cond[")


@pytest.mark.parametrize(("reduction", "arrays"), [("mean", RARE), ("mean", USUAL), ("none", RARE)])
@pytest.mark.parametrize("name", RARE)
def test_what_is_tried_without_guards_is_what_guards_give(name, arrays, reduction):
    first, *rest = arrays[name]

    def loss(first):
        return getattr(xlosses, name)(first, *rest, reduction=reduction)

    def derivatives(first):
        slope = jax.grad(lambda x: loss(x).sum())
        return loss(first), *jax.jvp(slope, (first,), (jnp.ones_like(first),))

    with xlosses.engine("off"):
        wanted = jitted(derivatives)(first)
    assert not conditionals(loss, first)  # of so few entries
    with xlosses.engine(1):
        assert conditionals(loss, first) == (wanted[0].ndim < first.ndim)
        np.testing.assert_allclose(loss(first), wanted[0], rtol=1e-6)
        for found, by_hand in zip(jitted(derivatives)(first), wanted, strict=True):
            np.testing.assert_allclose(found, by_hand, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", RARE)
def test_what_is_tried_without_guards_has_weights_and_a_mask(name):
    first, *rest = RARE[name]
    weights = jnp.asarray([2.0, 3.0, 5.0])[: len(first)]

    def loss(first, weights, where):
        options = {"reduction": "weighted_mean", "weights": weights, "where": where}
        return getattr(xlosses, name)(first, *rest, **options)

    with xlosses.engine("off"):
        wanted = loss(first, weights, weights < 4)
    with xlosses.engine(1):
        assert conditionals(loss, first, weights, weights < 4)
        np.testing.assert_allclose(jitted(loss)(first, weights, weights < 4), wanted, rtol=1e-6)


@pytest.mark.parametrize("name", RARE)
def test_for_each_of_many_guards_are_there_at_once(name):
    def loss(*arrays):
        return getattr(xlosses, name)(*arrays, reduction="sum")

    many = [jnp.stack(pair) for pair in zip(RARE[name], USUAL[name], strict=True)]
    compiled = jitted(jax.vmap(loss))
    with xlosses.engine(1):
        assert "is_finite" not in compiled.lower(*many).as_text()
        assert "is_finite" in jitted(loss).lower(*RARE[name]).as_text()
        found = compiled(*many)
    wanted = [loss(*RARE[name]), loss(*USUAL[name])]
    np.testing.assert_allclose(found, jnp.stack(wanted), rtol=1e-5)


def test_formulas_without_guards_are_not_tried():
    with xlosses.engine(1):
        assert not conditionals(lambda x: xlosses.huber_loss(x, 0 * x, reduction="mean"), X)
        assert not conditionals(lambda x: xlosses.hinge_loss(x, 0 * x, reduction="mean"), X)


@every_row_setting
@pytest.mark.parametrize("masked", [False, True], ids=["all", "masked"])
@fewer(masked=[True], options="first")
def test_rows_are_computed_with_where_they_lie(on, case, options, masked):
    """Along the first axis of three, inside jit, with the derivatives by every array."""
    call = Call(on, case, n=12)
    last = [
        x if case.is_shared(name) else jnp.reshape(x, (4, 3, *x.shape[1:])) for name, x in call.arrays.items()
    ]
    stored = [jnp.moveaxis(x, -1, 0) if x.ndim == 3 else x for x in last]
    names = [i for i, name in enumerate(call.arrays) if name in floating(case)]
    where = jnp.arange(12).reshape(4, 3) % 4 > 0 if masked else None

    def all_of(arrays, axis):
        def loss(*moving):
            given = list(arrays)
            for i, x in zip(names, moving, strict=True):
                given[i] = x
            return case.loss(*given, axis=axis, reduction="mean", where=where, **options)

        first = arrays[0]
        by_all = jax.grad(loss, argnums=tuple(range(len(names))))
        moving = [arrays[i] for i in names]
        slope = xlosses.value_and_grad(case.loss)(*arrays, axis=axis, where=where, **options)[1]
        return loss(*moving), (*by_all(*moving), jax.grad(loss)(first, *moving[1:]), slope)

    with xlosses.engine(1):
        value, gradients = jitted(all_of, static_argnums=1)(stored, 0)
    with xlosses.engine("off"):
        wanted, by_last = jitted(all_of, static_argnums=1)(last, -1)
    np.testing.assert_allclose(value, wanted, rtol=1e-5)
    for found, by in zip(gradients, by_last, strict=True):
        found = jnp.moveaxis(found, 0, -1) if by.ndim == 3 else found
        np.testing.assert_allclose(found, by, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["kl_div_loss", "cross_entropy", "cosine_similarity_loss", "nll_loss"])
def test_rows_are_not_copied_to_lie_last(name):
    x = jnp.ones((4, 5, 6, 7))
    y = jnp.zeros((4, 6, 7), int) if name in ("cross_entropy", "nll_loss") else x
    loss = jax.value_and_grad(lambda x: getattr(xlosses, name)(x, y, axis=1, reduction="mean"))
    text = jax.jit(loss).lower(x).compile().as_text()
    assert "f32[4,6,7,5]" not in text.partition("ENTRY")[2]


def test_a_slope_by_functions_of_jax_is_stored_as_its_array_is():
    """Of a cube, whose axes may be taken for each other without an error."""

    @xlosses.formula("rows", "rows")
    def product(xp, x, y):
        return xp.sum(x * x * y, axis=-1)

    @product.slope
    def product_slope(xp, x, y):
        return 2.0 * jnp.multiply(x, y)

    x, y = (jnp.reshape(jnp.arange(27.0) + shift, (3, 3, 3)) for shift in (0, 5))
    with xlosses.engine(1):
        found = jitted(jax.grad(lambda x: xlosses.evaluate(product, dict(x=x, y=y), {}, "sum", axis=0)))(x)
    np.testing.assert_allclose(found, 2.0 * x * y, rtol=1e-6)


def test_a_formula_may_use_jax_itself():
    @xlosses.formula("rows", "rows")
    def by_jax(xp, x, y):
        return jnp.sum(jax.nn.relu(x - y), axis=-1)

    loss = jax.jit(lambda x, y: xlosses.evaluate(by_jax, dict(x=x, y=y), reduction="sum", axis=0))
    assert loss(jnp.ones((2, 3)), jnp.zeros((2, 3))) == 6.0


@one_of_each_sort
def test_exported_for_batches_of_any_size(on, case):
    call = Call(on, case)
    loss = call.loss(reduction="mean")
    (n,) = jax.export.symbolic_shape("n")
    shared = [case.is_shared(name) for name in call.arrays]
    symbols = [
        jax.ShapeDtypeStruct(x.shape if of_all else (n, *x.shape[1:]), x.dtype)
        for x, of_all in zip(call.given, shared, strict=True)
    ]
    exported = jax.export.export(jitted(loss))(*symbols)
    for times in (1, 2):
        given = [
            x if of_all else jnp.concatenate([x] * times)
            for x, of_all in zip(call.given, shared, strict=True)
        ]
        np.testing.assert_allclose(exported.call(*given), loss(*given), rtol=1e-6)
