"""The dtype that a call computes in, and the one that it returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xlosses._backends import FLOATING, INTEGRAL, Namespace
from xlosses._core.alignment import OF_INTEGERS, Alignment
from xlosses._core.checks import as_float


def choose(
    xp: Namespace, arrays: Mapping[str, Any], alignment: Mapping[str, Alignment], dtype: Any
) -> tuple[Any, Any]:
    """The dtype of the result, and the one to compute and sum in: at least float32."""
    floating = set()
    for name, value in arrays.items():
        name_of_dtype = xp.dtype_name(value.dtype)
        if name_of_dtype not in FLOATING and name_of_dtype not in INTEGRAL and name_of_dtype != "bool":
            raise TypeError(f"{name} must be real, got dtype {name_of_dtype}")
        kind = alignment[name]
        decides = kind not in (*OF_INTEGERS, "classes") and not (kind == "shared" and value.shape == ())
        if name_of_dtype in FLOATING and decides:
            floating.add(name_of_dtype)
    first = next(iter(arrays.values()))
    if dtype is None:
        result = _promoted(floating) if floating else xp.default_float()
    else:
        result = dtype if isinstance(dtype, str) else xp.dtype_name(dtype)
        if result not in FLOATING:
            raise TypeError(f"dtype must be a real floating dtype ({', '.join(FLOATING)}), got {result}")
    compute = _promoted({result, "float32"})
    return xp.dtype_named(result, first), xp.dtype_named(compute, first)


def _promoted(names: set[str]) -> str:
    if names == {"float16", "bfloat16"}:
        return "float32"
    return max(names, key=FLOATING.index)


class Cast:
    """Casts arrays to the dtype of the computation, and makes constants in it on the first array's device."""

    def __init__(self, xp: Namespace, compute: Any, like: Any) -> None:
        self.xp, self.compute, self.like = xp, compute, like

    def __call__(self, x: Any) -> Any:
        return x if x.dtype == self.compute else self.xp.astype(x, self.compute)

    def constant(self, value: float) -> Any:
        return self.xp.array(as_float(value), self.like, self.compute)

    def full(self, value: float, shape: tuple[int, ...]) -> Any:
        """An array filled with this number, broadcast from one entry so that it takes no memory."""
        return self.xp.broadcast_to(self.constant(value), shape)
