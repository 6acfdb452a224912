"""A loss under test: from batches of NumPy arrays to NumPy arrays, by way of a framework."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial
from typing import Any

import numpy as np
from adaptor import Adaptor
from strategies import LARGEST, TINY, Batch
from tolerances import tolerance

import xlosses
from xlosses.testing import Case
from xlosses.testing.data import KINDS

REDUCED = ("sum", "mean", "weighted_mean")
COMPILED = {"jax"}  # eagerly it compiles every operation for every shape, which takes longer than the run

_programs: dict[Any, Any] = {}


class Result:
    """Everything that one batch has, computed when it is asked for, or at once where it is compiled."""

    def __init__(self, subject: Subject, batch: Batch, extras: Mapping[str, Any]) -> None:
        self.subject, self.arguments = subject, (subject.arrays(batch), subject.arrays(extras))

    def _read(self, what: str) -> np.ndarray:
        return self.subject.read(self._compiled[what] if self._compiled else self._one(what))

    def _one(self, what: str) -> Any:
        with np.errstate(all="ignore"):  # test_numpy_hygiene.py is about the warnings
            return self.subject.compute(what, *self.arguments)

    @cached_property
    def _compiled(self) -> dict[str, Any] | None:
        if self.subject.on.name not in COMPILED:
            return None
        return self.subject.program(("none", *REDUCED, "slope"))(*self.arguments)

    @cached_property
    def terms(self) -> np.ndarray:
        return self._read("none")

    @cached_property
    def sum(self) -> float:
        return float(self._read("sum"))

    @cached_property
    def mean(self) -> float:
        return float(self._read("mean"))

    @cached_property
    def weighted_mean(self) -> float:
        return float(self._read("weighted_mean"))

    @cached_property
    def slope(self) -> np.ndarray:
        """The gradient of the sum by the first array, by the formula's own slope."""
        return self._read("slope")

    @cached_property
    def gradients(self) -> dict[str, np.ndarray]:
        """The gradients of the sum by each floating array: by autodiff, or else the slope alone."""
        names = self.subject.floating
        if not self.subject.on.bench.differentiates:
            return {names[0]: self.slope}
        compiled = self.subject.on.name in COMPILED
        found = (
            self.subject.program(("gradients",))(*self.arguments)["gradients"]
            if compiled
            else self._one("gradients")
        )
        return {name: self.subject.read(g) for name, g in zip(names, found, strict=True)}


class Subject:
    """One loss with its options on one framework."""

    def __init__(self, on: Adaptor, case: Case, options: Mapping[str, Any]) -> None:
        self.on, self.case = on, case
        self.options = {"axis": -1, **options} if case.has_axis else dict(options)
        self.loss = partial(case.loss, **self.options)
        self.tolerance = tolerance(on.name, "float32", case.loss_name)
        self.floating = [name for name, kind in case.arrays.items() if not KINDS[kind].dtype]

    def arrays(self, batch: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """The batch as arrays of the framework."""
        return {name: self.array(x) for name, x in batch.items()}

    def array(self, x: np.ndarray) -> Any:
        if not isinstance(x, np.ndarray):
            return x  # made by a test, in a layout of its own
        if x.size:
            return self.on.array(x, x.dtype.name)
        one = self.on.array(np.ones((1, *x.shape[1:]), x.dtype), x.dtype.name)
        return one[:0, ...]  # lists, by which some frameworks are fed, cannot say (0, 4)

    def read(self, x: Any) -> np.ndarray:
        found = np.asarray(self.on.read(x), np.float64)
        return found if found.size else np.zeros(tuple(x.shape))

    def result(self, batch: Batch, **extras: Any) -> Result:
        """Everything of a batch; extras are weights, where, class_weights and parameters that are arrays."""
        return Result(self, batch, extras)

    def compute(self, what: str, arrays: Mapping[str, Any], extras: Mapping[str, Any]) -> Any:
        """The terms ("none"), a reduction, the slope, or the gradients, as the framework has them."""
        if what == "slope":
            return xlosses.value_and_grad(self.loss)(reduction="sum", **arrays, **extras)[1]
        if what != "gradients":
            return self.loss(reduction=what, **arrays, **extras)
        rest = {name: x for name, x in arrays.items() if name not in self.floating}
        return self.on.bench.value_and_grad(
            lambda *leaves: self.loss(
                reduction="sum", **dict(zip(self.floating, leaves, strict=True)), **rest, **extras
            ),
            *(arrays[name] for name in self.floating),
        )[1]

    def program(self, whats: tuple[str, ...]) -> Any:
        """All of these in one compiled function of arrays and extras."""
        key = (self.case.name, whats, *sorted(self.options.items()))
        if key not in _programs:
            _programs[key] = self.on.bench.compile(
                lambda arrays, extras: {what: self.compute(what, arrays, extras) for what in whats}
            )
        return _programs[key]

    def assert_close(self, found: Any, wanted: Any, scale: Any, times: float = 1.0) -> None:
        """Equal within tolerance of the scale; NaN equals NaN, an infinity itself."""
        found, wanted, scale = (np.asarray(x, np.float64) for x in (found, wanted, scale))
        assert found.shape == wanted.shape
        same = (found == wanted) | (np.isnan(found) & np.isnan(wanted))
        # Four of the smallest normal numbers: JAX and MLX have no smaller ones, and add up four of them.
        limit = times * self.tolerance * np.where(np.isfinite(scale), scale, 0.0) + 4 * TINY
        with np.errstate(invalid="ignore"):
            near = np.isfinite(found) & np.isfinite(wanted) & (np.abs(found - wanted) <= limit)
        assert np.all(same | near), f"{found} is not {wanted}"


def overflows(terms: np.ndarray) -> bool:
    """Whether a sum of these may leave float32, so that it depends on the order of the terms."""
    return scale_of(terms) > 0.99 * LARGEST


def scale_of(terms: np.ndarray) -> float:
    """What the error of a sum of these terms is in proportion to."""
    return float(np.sum(np.abs(terms[np.isfinite(terms)])))
