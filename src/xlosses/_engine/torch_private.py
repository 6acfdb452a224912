"""Everything that is read of PyTorch by a private name, with a fallback for a version that lacks the name.

A fallback gives the same results: large arrays then run whole, and a number that changes between
calls may be compiled anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import torch
from torch.autograd import forward_ad


def transforms_are_active() -> bool:
    """Whether a function of torch.func runs, or a gradient is taken for many at once."""
    active = getattr(torch._C, "_are_functorch_transforms_active", None)
    return True if active is None else bool(active())


def modes_are_active() -> bool:
    """Whether a mode intercepts every operation: fake tensors, make_fx, or one of the user."""
    length = getattr(torch._C, "_len_torch_dispatch_stack", None)
    return True if length is None else bool(length())


def has_tangent(x: Any) -> bool:
    """Whether forward mode differentiates by this tensor."""
    # Outside of forward mode the level is -1, and reading it is faster than unpacking the tensor.
    if getattr(forward_ad, "_current_level", 0) < 0:
        return False
    unpack: Any = forward_ad.unpack_dual
    return unpack(x).tangent is not None


def is_batched(x: Any) -> bool:
    """Whether vmap maps over this tensor, as it does over a gradient with `is_grads_batched`."""
    functorch = getattr(torch._C, "_functorch", None)
    tests = [getattr(functorch, name, None) for name in ("is_batchedtensor", "is_legacy_batchedtensor")]
    return any(test is None or test(x) for test in tests)


def fake_mode() -> Any:
    """The mode in which a compiler runs a graph on tensors without data, or None outside of it."""
    detect = _private("torch._guards", "detect_fake_mode")
    return None if detect is None else detect()


@contextmanager
def compiling() -> Iterator[None]:
    """Make torch.compiler.is_compiling() true where a compiler runs a graph on tensors without data.

    PyTorch does so itself from 2.13 on; before, it is true only while Python code is traced.
    """
    flag = getattr(torch.compiler, "_is_compiling_flag", None)
    if flag is not False or fake_mode() is None:
        yield
        return
    torch.compiler._is_compiling_flag = True
    try:
        yield
    finally:
        torch.compiler._is_compiling_flag = False


def without_values(function: Callable[[], Any]) -> Any:
    """The result of a function that a compiler traces, or None where it asks for the value of a tensor.

    None as well where PyTorch lacks the names by which a trace can be given up.
    """
    asked_for_value = _private("torch.fx.experimental.symbolic_shapes", "GuardOnDataDependentSymNode")
    shape_env = getattr(fake_mode(), "shape_env", None)
    ignore_new_symbols = getattr(shape_env, "ignore_fresh_unbacked_symbols", None)
    if asked_for_value is None or ignore_new_symbols is None:
        return None
    try:
        with ignore_new_symbols():
            return function()
    except asked_for_value:
        return None


def _private(module: str, name: str) -> Any:
    try:
        return getattr(import_module(module), name, None)
    except ImportError:
        return None
