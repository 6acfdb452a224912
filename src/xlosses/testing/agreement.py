"""One result of one framework beside the reference: how far apart, and what a person is told of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from xlosses._backends import FLOATING, load

# docs/testing.md says why.
TOLERANCES = {"float16": 4e-3, "bfloat16": 3.2e-2, "float32": 2e-5, "float64": 1e-12}
TOLERANCES_OF_MLX = {**TOLERANCES, "float64": 1e-6}

DIGITS = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}  # in bits
LEAST = {"float16": -13, "bfloat16": -125, "float32": -125, "float64": -1021}  # exponent, as of math.frexp
LARGEST = {
    "float16": 65504.0,
    "bfloat16": float.fromhex("0x1.fep127"),
    "float32": float.fromhex("0x1.fffffep127"),
    "float64": float.fromhex("0x1.fffffffffffffp1023"),
}


@dataclass(frozen=True)
class Agreement:
    """How one result of one framework compares with the reference.

    Parameters
    ----------
    backend : str
        The framework.
    way : str
        The compiler that it ran under, or "" where it ran as it is.
    what : str
        The path of the output, or "gradient by" and the path of the argument.
    cause : str
        "" where the two agree; else what is wrong: "value", "NaN", "inf", "dtype", "device", "framework",
        "shape", "form", "written" or "error".
    difference : float
        The largest difference of two entries over the largest entry of the reference; NaN where the
        two cannot be compared.
    tolerance : float
        The same of what is allowed, for an entry as large as the largest.
    detail : str
        What differs, in a sentence or two.
    error : Exception, optional
        What the function raised.
    """

    backend: str
    way: str
    what: str
    cause: str = ""
    difference: float = 0.0
    tolerance: float = 0.0
    detail: str = ""
    error: Exception | None = None

    @property
    def passed(self) -> bool:
        """Whether the two agree."""
        return not self.cause


def tolerance_of(backend: str, dtype: str) -> float:
    """What is allowed relative to the largest entry, unless the caller says."""
    return (TOLERANCES_OF_MLX if backend == "mlx" else TOLERANCES).get(dtype, 0.0)


def ulp(x: float, dtype: str) -> float:
    """The distance between the numbers of this dtype that are next to x."""
    exponent = math.frexp(x)[1] if math.isfinite(x) else 0
    return math.ldexp(1.0, max(exponent, LEAST[dtype]) - DIGITS[dtype])


@dataclass(frozen=True)
class Limits:
    """What the caller allows, None where the dtype decides."""

    rtol: float | None = None
    atol: float | None = None
    least: float = 0.0  # what the reference itself is good for

    def of(self, backend: str, dtype: str, largest: float) -> tuple[float, float]:
        """The relative and the absolute limit for an array of this dtype, by its largest entry."""
        if dtype not in FLOATING:
            return self.rtol or 0.0, self.atol or 0.0
        usual = max(tolerance_of(backend, dtype), self.least)
        if self.rtol is None and self.atol is not None:
            return 0.0, self.atol
        rtol = usual if self.rtol is None else self.rtol
        if self.atol is not None:
            return rtol, self.atol
        # Entries below the smallest normal number may come out as 0.
        return 0.0, rtol * (largest or 1.0) + math.ldexp(0.5, LEAST[dtype])


def agreement(
    backend: str, way: str, what: str, found: Any, wanted: Any, dtype: str, limits: Limits
) -> Agreement:
    """Compare two arrays of NumPy, of which the first was computed in this dtype."""
    np = load("numpy").standard
    if found.shape != wanted.shape:
        return Agreement(
            *(backend, way, what, "shape", math.nan, math.nan),
            f"has the shape {found.shape} where the reference has {wanted.shape}",
        )
    finite = np.abs(wanted[np.isfinite(wanted)])
    largest = float(finite.max()) if finite.size else 0.0
    rtol, atol = limits.of(backend, dtype, largest)
    beyond = np.abs(wanted) > LARGEST[dtype] if dtype in FLOATING else np.zeros_like(wanted, dtype=bool)
    # Beyond the range of the dtype infinity is the right answer, and so is its largest number.
    wanted = np.where(beyond & np.isinf(found), np.copysign(math.inf, wanted), wanted)
    either_nan = np.isnan(found) | np.isnan(wanted)
    either_inf = (np.isinf(found) | np.isinf(wanted)) & ~either_nan
    nan = np.isnan(found) != np.isnan(wanted)
    inf = either_inf & (found != wanted)
    ordinary = ~either_nan & ~either_inf
    apart = np.where(ordinary, np.abs(np.where(ordinary, found, 0) - np.where(ordinary, wanted, 0)), 0.0)
    allowed = atol + rtol * np.where(ordinary, np.abs(wanted), 0.0)
    value = apart > allowed
    cause = "NaN" if nan.any() else "inf" if inf.any() else "value" if value.any() else ""
    difference = math.inf if cause in ("NaN", "inf") else _largest(apart) / (largest or 1.0)
    tolerance = rtol + atol / (largest or 1.0)
    detail = ""
    if cause:
        bad = {"NaN": nan, "inf": inf, "value": value}[cause]
        excess = np.where(bad, apart / np.where(allowed > 0, allowed, 1.0), -1.0)
        place = np.unravel_index(int(np.argmax(excess)), found.shape)
        number = int((nan | inf | value).sum())
        detail = _sentence(found, wanted, dtype, place, number, (rtol, atol), cause)
    return Agreement(backend, way, what, cause, difference, tolerance, detail)


def _largest(x: Any) -> float:
    return float(x.max()) if x.size else 0.0


def _sentence(
    found: Any, wanted: Any, dtype: str, place: Any, number: int, limits: tuple[float, float], cause: str
) -> str:
    """How many entries differ, and the worst of them."""
    a, b = found[place].item(), wanted[place].item()
    index = f"[{', '.join(str(int(k)) for k in place)}]" if place else "the number"
    many = f"{number} of {found.size} entries" if place else "the number"
    rtol, atol = limits
    bounds = [f"{atol:.3g}"] * bool(atol) + [f"{rtol:.3g} times the entry"] * bool(rtol)
    beyond = f"more than {' + '.join(bounds)}" if bounds else "at all"
    text = f"{dtype}, {many} " + (
        f"differ{'' if place else 's'} by {beyond}" if cause == "value" else f"differ{'' if place else 's'}"
    )
    text += f"; worst at {index}: found {a!r}, expected {b!r}" if place else f": found {a!r}, expected {b!r}"
    if cause != "value":
        return f"{text} ({cause})"
    apart = abs(a - b)
    relative = f", {apart / abs(b):.2g} relative" if b else ""
    ulps = f", {apart / ulp(max(abs(a), abs(b)), dtype):.3g} ULP" if dtype in FLOATING else ""
    return f"{text} ({apart:.2g} apart{relative}{ulps})"
