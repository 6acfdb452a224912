"""What PyTorch tells only by private names, each with the answer to take where a name is gone.

Without them a formula runs whole, which is right everywhere and slower for large arrays.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd import forward_ad


def transforms_are_active() -> bool:
    """Whether a function of torch.func runs, or a gradient is taken for many at once."""
    active = getattr(torch._C, "_are_functorch_transforms_active", None)
    return True if active is None else bool(active())


def has_tangent(x: Any) -> bool:
    """Whether forward mode moves this tensor."""
    if getattr(forward_ad, "_current_level", 0) < 0:
        return False
    unpack: Any = forward_ad.unpack_dual
    return unpack(x).tangent is not None


def modes_are_active() -> bool:
    """Whether a mode sees every operation: fake tensors, make_fx, a user's own."""
    length = getattr(torch._C, "_len_torch_dispatch_stack", None)
    return True if length is None else bool(length())


def is_batched(x: Any) -> bool:
    """Whether this tensor stands for many, as the gradient does that `is_grads_batched` asks for."""
    found = [
        getattr(torch._C._functorch, name, None) for name in ("is_batchedtensor", "is_legacy_batchedtensor")
    ]
    return any(test is None or test(x) for test in found)
