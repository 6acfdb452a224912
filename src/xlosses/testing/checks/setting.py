"""A case on one framework, as the checks look at it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import xlosses
from xlosses._backends import load_workbench
from xlosses.testing.agreement import tolerance_of
from xlosses.testing.case import Case, Data
from xlosses.testing.data import drawn, kind_of
from xlosses.testing.parity import SHARED, arrays, difference, flat
from xlosses.testing.subject import read

N = 6
WEIGHTS = [0.5, 2.0, 0.0, 1.0, 3.0, 0.25]
WHERE = [True, False, True, True, False, True]
SPOILT = {"bool": False}  # what stands where a mask hides it: NaN, or an integer that is no label
FAR = 999  # a label of no class


class Setting:
    """A case's arrays on a framework, what they hold exactly, and the loss of them."""

    def __init__(self, case: Case, backend: str, dtype: str = "float32", data: Data | None = None) -> None:
        self.case, self.backend, self.dtype = case, backend, dtype
        self.bench = load_workbench(backend)
        self.arrays = arrays(case, self.bench, drawn(case.arrays, N) if data is None else data, dtype)
        self.data = {name: self.read(x) for name, x in self.arrays.items()}

    def read(self, x: Any) -> Any:
        """An array as Python numbers, exactly."""
        return read(self.bench, x).tolist()

    def array(self, values: Any, dtype: str = "float32") -> Any:
        """An array of this framework."""
        return self.bench.array(values, dtype)

    def dtype_of(self, x: Any) -> str:
        """The name of an array's dtype."""
        return str(self.bench.xp.dtype_name(x.dtype))

    def weights(self) -> dict[str, Any]:
        """Weights and a mask of the terms."""
        return {"weights": self.array(WEIGHTS), "where": self.array(WHERE, "bool")}

    def loss(self, arrays: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """The loss of the arrays, or of others in their place."""
        return self.function(**options)(*{**self.arrays, **(arrays or {})}.values())

    def function(self, **options: Any) -> Callable[..., Any]:
        """The loss with these options; rows lie along the last axis."""
        return partial(self.case.loss, **({"axis": -1} if self.case.has_axis else {}), **options)

    def slopes(self, names: Sequence[str], **options: Any) -> dict[str, Any]:
        """The gradients by these arrays without autodiff."""
        places = tuple([*self.arrays].index(name) for name in names)
        found = xlosses.value_and_grad(self.function(**options), places)(*self.arrays.values())[1]
        return dict(zip(names, found, strict=True))

    def gradients(self, names: Sequence[str], compiled: bool = False, **options: Any) -> dict[str, Any]:
        """The gradients by these arrays: by autodiff, or by the slope where there is none."""
        if not self.bench.differentiates:
            return self.slopes([name for name in names if name in self.case.slopes], **options)
        differentiate = self.bench.traced_value_and_grad if compiled else self.bench.value_and_grad

        def of(*leaves: Any) -> Any:
            return self.loss(dict(zip(names, leaves, strict=True)), **options)

        found = differentiate(of, *(self.arrays[name] for name in names))[1]
        return dict(zip(names, found, strict=True))

    def assert_close(self, found: Any, wanted: Any, what: str, scale: float = 0.0) -> None:
        """Within tolerance of the expected, relative to its largest entry or to a larger scale."""
        numbers = found if isinstance(found, (list, float)) else self.read(found)
        assert _shape(numbers) == _shape(wanted), f"{what} has another shape than expected: {numbers}"
        by = what.removeprefix("gradient by ").partition(" ")[0]
        times = SHARED if by in self.case.arrays and self.case.is_shared(by) else 1.0
        limit = times * tolerance_of(self.backend, self.dtype)
        off = difference(numbers, wanted)
        largest = max(map(abs, flat(wanted)), default=0.0) or 1.0
        off *= largest / max(largest, scale)
        assert off <= limit, f"{what} is off by {off:.3g}, more than {limit:g}: {numbers} is not {wanted}"

    def assert_zero(self, found: Any, what: str) -> None:
        """Exactly 0 everywhere."""
        numbers = self.read(found)
        assert not any(x != 0.0 for x in flat(numbers)), f"{what} is not 0: {numbers}"

    def spoilt(self) -> dict[str, Any]:
        """The arrays with NaN, or a label that is out of range, in every term that WHERE leaves out."""
        found = dict(self.arrays)
        for name in self.case.separate:
            dtype = kind_of(self.case.arrays[name]).dtype or self.dtype
            spoilt = SPOILT.get(dtype, FAR if "int" in dtype else math.nan)
            column = [x if kept else _all(x, spoilt) for x, kept in zip(self.data[name], WHERE, strict=True)]
            found[name] = self.array(column, dtype)
        return found


def _shape(x: Any) -> tuple[int, ...]:
    if not isinstance(x, list):
        return ()
    return (len(x), *(_shape(x[0]) if x else ()))


def _all(x: Any, value: Any) -> Any:
    return [_all(y, value) for y in x] if isinstance(x, list) else value
