"""What only demo, parity check and tests need of a framework: make arrays, read, differentiate, compile."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from typing import Any

from xlosses._backends.generic import FLOATING, Namespace


class Workbench:
    """One framework as a user of it works: arrays from lists, lists from arrays, gradients."""

    package = ""
    differentiates = False
    compiler = ""  # what `traced` runs, as the framework calls it; "" where it has none

    def __init__(self, xp: Namespace) -> None:
        self.xp = xp

    def array(self, values: Any, dtype: str = "float32") -> Any:
        """An array of this framework from (nested) lists or a NumPy array."""
        return self.xp.asarray(values, dtype=getattr(self.xp, dtype))

    def read(self, x: Any) -> Any:
        """The array as (nested) Python numbers."""
        return x.tolist()

    def value_and_grad(self, f: Callable[..., Any], *arrays: Any) -> tuple[Any, tuple[Any, ...]]:
        """f(*arrays) and its gradient by each array, by the framework's own autodiff."""
        raise TypeError(f"{self.xp.framework} has no autodiff")

    def compile(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """f compiled by the framework; f itself where that would take tools that are installed apart."""
        return f

    def traced(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """f as the framework's compiler reads it, without tools that are installed apart."""
        raise TypeError(f"{self.xp.framework} has no compiler")

    def traced_value_and_grad(self, f: Callable[..., Any], *arrays: Any) -> tuple[Any, tuple[Any, ...]]:
        """`value_and_grad` as the compiler reads it."""
        found: tuple[Any, tuple[Any, ...]]
        found = self.traced(lambda *leaves: self.value_and_grad(f, *leaves))(*arrays)
        return found

    def mapped(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """f over the first axis of each of its arrays, as the framework's vmap does it."""
        raise TypeError(f"{self.xp.framework} has no vmap")

    def wide(self) -> AbstractContextManager[Any]:
        """Where this framework computes in float64, if it can at all."""
        return nullcontext()

    def device_of(self, x: Any) -> str:
        """The device that holds an array."""
        from array_api_compat import device

        return str(device(x))

    def version(self) -> str:
        return version(self.package)

    def devices(self) -> list[str]:
        return ["cpu"]

    def dtypes(self) -> list[str]:
        """Names of the real floating dtypes that this framework computes with here."""
        return list(FLOATING)
