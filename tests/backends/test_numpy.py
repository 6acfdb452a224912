"""What is particular to NumPy: layouts, byte orders, scalars, read-only arrays."""

from __future__ import annotations

import dask
import dask.array
import numpy as np
import pytest
from matrix import TESTED, of_cases

import xlosses
from xlosses._backends.numpy import LONG, namespace
from xlosses.testing import CASES
from xlosses.testing.data import drawn

X = np.asarray([0.5, -2.0, 3.0, 0.25], dtype=np.float32)
EXACT = xlosses.huber_loss(X, 0.0).tolist()


@pytest.mark.parametrize(
    "layout",
    [
        np.repeat(X, 2)[::2],
        X[::-1].copy()[::-1],
        np.asfortranarray(np.stack([X, X]))[0],
        X.astype(">f4"),
        X.view(type("Subclass", (np.ndarray,), {})),
        np.lib.stride_tricks.as_strided(X, X.shape, X.strides, writeable=False),
    ],
    ids=["strided", "negative strides", "fortran", "big endian", "subclass", "read-only"],
)
def test_layouts(layout):
    assert xlosses.huber_loss(layout, 0.0).tolist() == EXACT


def test_scalars_are_arrays_and_numbers():
    assert xlosses.mse_loss(np.float32(3.0), np.float64(1.0)) == 4.0
    assert xlosses.mse_loss(np.float32(3.0), np.int64(1)).dtype == np.float32


def test_numbers_do_not_widen():
    found = xlosses.huber_loss(X, np.float64(0.0), np.float64(1.0), weights=np.float64(2.0))
    assert found.dtype == np.float32
    assert xlosses.huber_loss(X, X.astype(np.int64)).dtype == np.float32
    assert xlosses.mse_loss(X, 0.0, dtype=np.float64).dtype == np.float64


@pytest.mark.parametrize("dtype", [object, "datetime64[s]", "U1", np.longdouble])
def test_dtypes_that_are_no_numbers(dtype):
    with pytest.raises(TypeError, match=r"^predictions must be real, got dtype "):
        xlosses.mse_loss(np.zeros(2, dtype=dtype), 0.0)


def test_memory_of_a_number_in_place_of_an_array():
    """A number for an array takes no memory of the size of one."""
    from xlosses._backends import namespace_of
    from xlosses._core.dtypes import Cast

    full = Cast(namespace_of(X), X.dtype, X).full(0.5, (1000, 1000))
    assert full.strides == (0, 0)


def test_errstate_is_the_users():
    with np.errstate(all="raise"):
        finite = np.asarray([1e-30, 1e30, -1e30, 50.0, -200.0, 0.0], dtype=np.float32)
        for loss in (xlosses.l1_loss, xlosses.huber_loss, xlosses.smooth_l1_loss, xlosses.log_cosh_loss):
            with np.errstate(under="ignore"):
                assert np.isfinite(loss(finite, 0.0, reduction="none")).all()


def test_a_mask_is_not_lost():
    x = np.ma.masked_array([1.0, 1e9, 2.0], mask=[False, True, False])
    with pytest.raises(
        TypeError, match=r"predictions is a masked array, .*; pass x.filled\(0\) and where=~x.mask"
    ):
        xlosses.mse_loss(x, 0.0)
    with pytest.raises(TypeError, match=r"targets is a masked array"):
        xlosses.mse_loss(np.ones(3), x)
    assert xlosses.mse_loss(x.filled(0), 0.0, where=~x.mask) == 2.5


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_a_matrix_multiplies_otherwise():
    x = np.ones((2, 2))
    for arguments in ((np.matrix(x), x), (x, np.matrix(x))):
        with pytest.raises(TypeError, match=r"is a numpy\.matrix, .*; convert it by numpy\.asarray"):
            xlosses.mse_loss(*arguments)
    with pytest.raises(TypeError, match=r"weights is a numpy\.matrix"):
        xlosses.mse_loss(x, x, weights=np.matrix(x))


def test_an_array_by_a_mixin_is_not_one_of_numpy():
    class Sparse(np.lib.mixins.NDArrayOperatorsMixin):
        dtype, shape = np.dtype("float64"), (3,)

    with pytest.raises(TypeError, match=r"predictions must be an array of .*, got Sparse; convert it first"):
        xlosses.mse_loss(Sparse(), 0.0)


def test_types_are_not_held_for_ever():
    import gc
    import weakref

    from xlosses._backends import TYPES

    def made():
        kind = type("Local", (np.ndarray,), {})
        assert xlosses.huber_loss(X.view(kind), 0.0).tolist() == EXACT
        return weakref.ref(kind)

    kinds = [made() for _ in range(1000)]
    gc.collect()
    assert sum(kind() is not None for kind in kinds) <= TYPES + 256


def test_hinge_of_keras_has_a_gradient():
    from xlosses.keras import Hinge

    y, x = np.asarray([[0.0, 1.0], [0.0, 0.0]]), np.asarray([[0.5, 0.5], [0.25, -4.0]])
    value, gradient = xlosses.value_and_grad(Hinge(), argnums=1)(y, x)
    assert value == pytest.approx((1.0 + 0.625) / 2)
    assert gradient.tolist() == [[0.25, -0.25], [0.25, 0.0]]
    with pytest.raises(TypeError, match="the loss was not given argument 0 as one of its arrays"):
        xlosses.value_and_grad(Hinge())(y, x)


def test_what_was_planned_is_safe_under_threads():
    from concurrent.futures import ThreadPoolExecutor

    from xlosses._backends.cache import Cache
    from xlosses.losses.regression import huber

    shapes = [np.full(n, float(n)) for n in range(1, 40)]

    def work(seed):
        for i in range(300):
            x = shapes[(i * seed) % len(shapes)]
            n = len(x)
            assert xlosses.huber_loss(x, 0.0, reduction="sum") == n * (n - 0.5)

    kept = huber.plans
    huber.plans = Cache(2)
    try:
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(work, range(1, 9))) == [None] * 8
        assert len(huber.plans) <= 2
    finally:
        huber.plans = kept


@pytest.mark.parametrize("bounds", [(-1.0, None), (None, 1.0), (-1.0, 1.0), (None, None)])
def test_long_arrays_are_clipped_as_short_ones(bounds):
    short = np.asarray([-2.0, -1.0, 0.5, 1.0, 3.0, np.nan, -np.inf, np.inf], np.float32)
    long = np.tile(short, LONG // 8 + 1)
    wanted = [x if np.isnan(x) else min(max(x, bounds[0] or -np.inf), bounds[1] or np.inf) for x in short]
    np.testing.assert_array_equal(namespace.clip(short, *bounds), wanted)
    np.testing.assert_array_equal(namespace.clip(long, *bounds), np.tile(wanted, LONG // 8 + 1))


def test_products_of_rows_that_do_not_lie_along_memory(monkeypatch):
    x, y = np.arange(24.0).reshape(2, 3, 4), np.arange(24.0)[::-1].reshape(2, 3, 4)
    wanted = np.einsum("...k,...k", x, y)
    np.testing.assert_array_equal(namespace.dot(x, y), wanted)
    monkeypatch.delattr(np, "vecdot")  # which would jump through memory
    scattered = np.moveaxis(np.moveaxis(x, -1, 0).copy(), 0, -1)
    np.testing.assert_array_equal(namespace.dot(scattered, y), wanted)
    with pytest.raises(AttributeError):
        namespace.dot(x, y)


SORTED = [case for case in CASES.values() if case.loss_name.startswith("lovasz")]


@of_cases([case for case in TESTED if case not in SORTED])
def test_dask_stays_lazy(on, case):
    """Its arrays come by array-api-compat, and nothing is computed before it is asked for."""
    arrays = {name: np.asarray(column) for name, column in drawn(case.arrays, 6).items()}
    extra = {"weights": np.arange(6.0) + 1.0, "where": np.arange(6) < 5}
    options = {"axis": -1} if case.has_axis else {}

    def lazily(x):
        return dask.array.from_array(x, chunks=2)

    def computed(*_, **__):
        raise AssertionError("computed behind the back")

    for reduction in ("none", "mean", "weighted_mean"):
        with dask.config.set(scheduler=computed):
            given = [lazily(x) for x in arrays.values()]
            more = {name: lazily(x) for name, x in extra.items()}
            found = case.loss(*given, reduction=reduction, **more, **options)
        assert isinstance(found, dask.array.Array)
        wanted = case.loss(*arrays.values(), reduction=reduction, **extra, **options)
        np.testing.assert_allclose(found.compute(scheduler="synchronous"), wanted, rtol=1e-12)


@of_cases(SORTED)
def test_dask_sorts_no_array_by_another(on, case):
    given = [dask.array.from_array(np.asarray(x)) for x in drawn(case.arrays, 6).values()]
    with pytest.raises(AttributeError, match=r"dask.* has no take_along_axis, which this loss needs$"):
        case.loss(*given, axis=-1)
