"""A loss on one framework against its reference: value and gradients, float32 against float64."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import xlosses
from xlosses._backends import Workbench, load_workbench
from xlosses._engine import NoSlopeError
from xlosses.testing.case import Case, Data, expected
from xlosses.testing.data import drawn, kind_of

TOLERANCE = {"mlx": 2e-5}  # its exp is off by up to 64 ULP
USUAL_TOLERANCE = 2e-6
SHARED = 4.0  # times that for the gradient by an array that all terms share: a sum over them, in float32


@dataclass(frozen=True)
class Comparison:
    """How far one array of one call is from the reference."""

    case: str
    backend: str
    options: Mapping[str, Any]
    array: str  # "value", or whose gradient
    difference: float  # max |a - b| / max |b|
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the difference is within tolerance."""
        return self.difference <= self.tolerance


def compare(case: Case, backend: str, data: Data | None = None) -> list[Comparison]:
    """Run a loss on one framework in float32 and hold every result against the reference.

    Parameters
    ----------
    case : Case
        One of `CASES`, or your own.
    backend : {"numpy", "torch", "jax", "mlx"}
        The framework, which must be installed.
    data : mapping of str to list, optional
        Entries of each array; drawn at random unless given.

    Returns
    -------
    list of Comparison
        For each of the case's options the unreduced value, the mean, and the gradient of the mean
        by each array that the reference differentiates by (NumPy: by those that the loss has a slope by).

    Raises
    ------
    ModuleNotFoundError
        When the framework is not installed.

    Examples
    --------
    >>> from xlosses.testing import CASES, compare
    >>> all(comparison.passed for comparison in compare(CASES["huber_loss"], "numpy"))
    True
    """
    bench = load_workbench(backend)
    tolerance = TOLERANCE.get(backend, USUAL_TOLERANCE)
    given = arrays(case, bench, drawn(case.arrays, 64) if data is None else data)
    rounded = {name: bench.read(array) for name, array in given.items()}

    def limit(what: str) -> float:
        by = what.removeprefix("gradient by ")
        return tolerance * SHARED if by in case.arrays and case.is_shared(by) else tolerance

    return [
        Comparison(case.name, backend, options, what, difference(found, wanted), limit(what))
        for options in case.options
        for what, found, wanted in _results(case, bench, given, rounded, options)
    ]


def arrays(case: Case, bench: Workbench, data: Data, dtype: str = "float32") -> dict[str, Any]:
    """The data as arrays of one framework."""
    return {name: bench.array(data[name], kind_of(kind).dtype or dtype) for name, kind in case.arrays.items()}


def _results(
    case: Case, bench: Workbench, given: Mapping[str, Any], rounded: Data, options: Mapping[str, Any]
) -> Iterator[tuple[str, Any, Any]]:
    terms = expected(case, rounded, options)
    yield "value", bench.read(case.loss(*given.values(), reduction="none", **options)), terms.value
    mean = expected(case, rounded, options, "mean")
    try:
        value, gradients = differentiated(case, bench, list(given.values()), list(mean.gradients), options)
    except NoSlopeError:
        value = case.loss(*given.values(), **{"reduction": "mean", **options})
        gradients = {}
    yield "mean", bench.read(value), mean.value
    for name, gradient in gradients.items():
        yield f"gradient by {name}", bench.read(gradient), mean.gradients[name]


def differentiated(
    case: Case, bench: Workbench, given: list[Any], names: list[str], options: Mapping[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """The reduced loss and its gradients, by autodiff or else by the slope."""
    options = {"reduction": "mean", **options}
    names = names if bench.differentiates else [name for name in names if name in case.slopes]
    places = tuple([*case.arrays].index(name) for name in names)

    def loss(*leaves: Any) -> Any:
        filled = dict(zip(places, leaves, strict=True))
        return case.loss(*(filled.get(k, x) for k, x in enumerate(given)), **options)

    if bench.differentiates:
        value, gradients = bench.value_and_grad(loss, *(given[k] for k in places))
    else:
        value, gradients = xlosses.value_and_grad(case.loss, places)(*given, **options)
    return value, dict(zip(names, gradients, strict=True))


def difference(found: Any, wanted: Any) -> float:
    """max |found - wanted| / max |wanted| over (nested) lists; infinite where one found is NaN."""
    pairs = list(zip(flat(found), flat(wanted), strict=True))
    if any(math.isnan(a) for a, _ in pairs):
        return float("inf")
    largest = max((abs(b) for _, b in pairs), default=0.0)
    return max((abs(a - b) for a, b in pairs), default=0.0) / (largest or 1.0)


def flat(x: Any) -> list[float]:
    """All numbers in (nested) lists."""
    return [y for part in x for y in flat(part)] if isinstance(x, list) else [x]
