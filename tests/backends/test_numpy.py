"""What is particular to NumPy: layouts, byte orders, scalars, read-only arrays."""

from __future__ import annotations

import numpy as np
import pytest

import xlosses

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
