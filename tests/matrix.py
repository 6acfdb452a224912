"""The product of the two tables: every case of the catalogue with every setting of its options."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pytest
from adaptor import Adaptor
from tolerances import tolerance

import xlosses
from xlosses.testing import CASES, Case
from xlosses.testing.data import KINDS, drawn
from xlosses.testing.parity import arrays, difference
from xlosses.testing.parity import flat as flatten

__all__ = [
    "EXTENT",
    "REDUCTIONS",
    "ROWS",
    "TESTED",
    "Call",
    "deep",
    "every_attached_case",
    "every_attached_setting",
    "every_case",
    "every_group",
    "every_loss",
    "every_reduction",
    "every_row_setting",
    "every_setting",
    "exactly",
    "except_on_jax",
    "fewer",
    "flatten",
    "floating",
    "multiplies",
    "of_cases",
    "one_of_each_sort",
    "traceable",
    "wrong_slope",
]

TRACEABLE = (
    *("delta", "beta", "eps", "margin", "label_smoothing", "quantile", "alpha", "smooth", "c", "gamma"),
    *("epsilon", "q", "scale", "pos_weight", "df"),
)
"""The parameters that may be 0-d arrays."""

PLAIN = {"general_robust_loss": ("alpha",)}
"""What of these a loss takes as plain numbers only."""

EXTENT = os.environ.get("XLOSSES_TESTS", "usual")
"""How much is tested: "deep" is everything on every loss, "sorts" one loss of each sort in one setting."""

REDUCTIONS = ("none", "sum", "mean", "weighted_mean")


def sort_of(case: Case) -> Any:
    """What decides how a loss is laid out and run: which of its arrays are rows, vectors or labels."""
    kinds = [(kind.rpartition(" ")[2] == "vector", KINDS[kind]) for kind in case.arrays.values()]
    return case.whole, tuple((vector, kind.row, kind.dtype, kind.shared) for vector, kind in kinds)


_first_of_sort = {sort_of(case): case for case in reversed(CASES.values())}
FIRSTS = [case for case in CASES.values() if case in _first_of_sort.values()]
TESTED = FIRSTS if EXTENT == "sorts" else list(CASES.values())
SETTINGS = [(case, options) for case in TESTED for options in case.options]
if EXTENT == "sorts":
    SETTINGS = [(case, case.options[0]) for case in TESTED]
ROWS = [(case, options) for case, options in SETTINGS if case.has_axis]


def of_cases(cases: list[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


def of_settings(settings: list[tuple[Case, Mapping[str, Any]]]) -> pytest.MarkDecorator:
    ids = [f"{case.name}{dict(options) or ''}" for case, options in settings]
    return pytest.mark.parametrize(("case", "options"), settings, ids=ids)


every_case, every_setting, every_row_setting = of_cases(TESTED), of_settings(SETTINGS), of_settings(ROWS)

DETACHED = ("ciou_loss", "circle_loss")
"""Losses that hold a factor constant: their gradient is not the derivative of their value."""

every_attached_case = of_cases([case for case in TESTED if case.loss_name not in DETACHED])
every_attached_setting = of_settings([row for row in SETTINGS if row[0].loss_name not in DETACHED])

# For what depends on nothing but the sort of a loss.
one_of_each_sort = of_cases(TESTED if EXTENT == "deep" else FIRSTS)

fewer = pytest.mark.fewer
"""`@fewer(argument=values)` is for all but the first loss of each sort in its first setting: what stands
for the others in a usual run. "last" is the last transformation in a framework's table, "first" the first
setting of a case."""

every_loss = pytest.mark.every_loss
"""For what is tested of each loss also where compiling takes long (`COMPILED` of conftest.py)."""

deep = pytest.mark.usually_on()
"""For a test, or for one of its parameters, that only a deep run takes."""

except_on_jax = pytest.mark.usually_on("numpy", "strict", "torch", "mlx")
"""For what takes XLA a second to compile, and depends on little that is JAX's."""


def multiplies(case: Case) -> bool:
    """Whether a term is made of products with vectors that other terms share, or with several of its own.

    Their rounding is larger than random examples and extremes are held to; tests/accuracy measures it.
    """
    shared = {"class vectors", "negatives", "own negatives", "batch", "vector ensemble"}
    return case.whole or not shared.isdisjoint(case.arrays.values())


# For random examples: as many for the first loss of each sort as for all others together.
GROUPS = {case.name: [case] for case in (TESTED if EXTENT == "deep" else FIRSTS) if not multiplies(case)}
if EXTENT == "usual":
    GROUPS["others"] = [case for case in TESTED if case not in FIRSTS and not multiplies(case)]
every_group = pytest.mark.parametrize("cases", GROUPS.values(), ids=GROUPS.keys())

every_reduction = pytest.mark.parametrize("reduction", REDUCTIONS)


class Call:
    """One case on one framework: its arrays, their exact values, and the loss as a function of them."""

    def __init__(self, on: Adaptor, case: Case, n: int = 6, dtype: str = "float32", seed: int = 0) -> None:
        self.on, self.case, self.dtype = on, case, dtype
        self.arrays = arrays(case, on.bench, drawn(case.arrays, n, seed), dtype)
        self.data = {name: exactly(on, x) for name, x in self.arrays.items()}
        self.given = list(self.arrays.values())
        self.first = next(iter(self.arrays))

    def loss(self, **options: Any) -> Callable[..., Any]:
        """The loss with these options; rows lie along the last axis."""
        if self.case.has_axis:
            options = {"axis": -1, **options}
        return partial(self.case.loss, **options)

    def gradients(self, names: list[str], options: Mapping[str, Any]) -> dict[str, Any]:
        """The gradients by autodiff, or of the first array by the slope."""
        if self.on.bench.differentiates:
            f = self.loss(**options)
            by = [self.given[[*self.arrays].index(name)] for name in names]
            _, found = self.on.bench.value_and_grad(lambda *leaves: f(*self.filled(names, leaves)), *by)
            return dict(zip(names, found, strict=True))
        return self.slopes([name for name in names if name in self.case.slopes], **options)

    def filled(self, names: Sequence[str], leaves: Sequence[Any]) -> list[Any]:
        """The arrays with others in place of those of these names."""
        new = dict(zip(names, leaves, strict=True))
        return [new.get(name, x) for name, x in zip(self.arrays, self.given, strict=True)]

    def slopes(self, names: Sequence[str], **options: Any) -> dict[str, Any]:
        """The gradients by these arrays, from slope or vjp."""
        places = tuple([*self.arrays].index(name) for name in names)
        found = xlosses.value_and_grad(self.loss(**options), places)(*self.given)[1]
        return dict(zip(names, found, strict=True))

    def slope(self, **options: Any) -> Any:
        """The gradient by the first array, from slope or vjp."""
        return self.slopes([self.first], **options)[self.first]

    def assert_close(self, found: Any, wanted: Any, times: float = 1.0) -> None:
        """Within tolerance of the exact result, relative to its largest entry."""
        found = found if isinstance(found, list) else exactly(self.on, found)
        limit = times * tolerance(self.on.name, self.dtype, self.case.loss_name)
        assert difference(found, wanted) <= limit, f"{found} is not {wanted}"


def exactly(on: Adaptor, x: Any) -> Any:
    """An array as Python numbers; half types by way of float32, which every framework can read."""
    wide = {"float16": "float32", "bfloat16": "float32"}.get(on.dtype_of(x))
    return on.read(x if wide is None else on.bench.xp.astype(x, on.bench.xp.dtype_named(wide, x)))


def traceable(case: Case, options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of these options that may be 0-d arrays."""
    plain = PLAIN.get(case.loss_name, ())
    return {name: x for name, x in options.items() if name in TRACEABLE and name not in plain}


def floating(case: Case) -> list[str]:
    """The names of the arrays that are not labels."""
    return [name for name, kind in case.arrays.items() if not KINDS[kind].dtype]


@xlosses.formula
def wrong_slope(xp, x, y, factor):
    """By its wrong slope a test can tell which of the two a framework differentiates by."""
    return factor * x * y


@wrong_slope.slope
def ten_times_too_large(xp, x, y, factor):
    return 10.0 * factor * y
