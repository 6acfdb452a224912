"""Peak memory of one call beyond what is held before it, its result included."""

from __future__ import annotations

import ctypes
import gc
import sys
from pathlib import Path

from benchmarks.frameworks import Call, Framework

OWN = Path("/proc/self")


def measurable(backend: str, device: str) -> bool:
    """MLX knows its peak. On the CPU else only Linux says and resets it, and JAX keeps what it frees."""
    return device != "cpu" or backend == "mlx" or (sys.platform == "linux" and backend != "jax")


def peak_bytes(framework: Framework, call: Call) -> int:
    """Of the second call: the first one compiles, and fills tables that are filled once."""
    call()
    gc.collect()
    framework.forget_memory()
    before = framework.memory_in_use()
    if before is not None:
        result = call()  # noqa: F841  (held: the result counts)
        return framework.peak_memory() - before
    return min(resident_bytes(call) for _ in range(5))


def resident_bytes(call: Call) -> int:
    """The least of several is the call's: a kernel that swaps pages of the input out makes it look more."""
    give_back()
    before = kilobytes("VmRSS")
    # 5 resets the peak (VmHWM); getrusage cannot: its ru_maxrss is that of the whole life of a process.
    (OWN / "clear_refs").write_text("5")
    result = call()  # noqa: F841  (held: the result counts)
    return 1024 * (kilobytes("VmHWM") - before)


def kilobytes(field: str) -> int:
    lines = (OWN / "status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field + ":"))


def give_back() -> None:
    """Freed memory that the C library keeps goes back to the system, or the call could hide in it."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc alone
    if trim is not None:
        trim(0)
