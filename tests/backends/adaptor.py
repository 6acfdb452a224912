"""What the test matrix asks of a framework, filled in by one `on_<framework>.py` each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from xlosses._backends import Workbench

Function = Callable[..., Any]


@dataclass(frozen=True)
class Adaptor:
    """A framework in the matrix. The tables say what it can do: none of them is skipped by a test."""

    name: str
    bench: Workbench
    default_float: str
    looks: bool  # a label out of range raises; otherwise it gives NaN
    compilers: Mapping[str, Callable[[Function], Function]] = field(default_factory=dict)
    gradients: Mapping[str, Callable[[Function], Function]] = field(default_factory=dict)
    mappers: Mapping[str, Callable[[Function], Function]] = field(default_factory=dict)
    forward: Mapping[str, Callable[[Function, Any, Any], Any]] = field(default_factory=dict)
    hessians: Mapping[str, Callable[[Function], Function]] = field(default_factory=dict)
    forget: Callable[[], None] = lambda: None  # what it has compiled

    def array(self, values: Any, dtype: str = "float32") -> Any:
        return self.bench.array(values, dtype)

    def read(self, x: Any) -> Any:
        return self.bench.read(x)

    def dtype_of(self, x: Any) -> str:
        return self.bench.xp.dtype_name(x.dtype)
