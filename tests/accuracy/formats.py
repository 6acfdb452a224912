"""The four dtypes as sets of numbers: rounding to them, neighbours, units in the last place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Format:
    """Binary floating point with gradual underflow."""

    name: str
    bits: int  # of the significand, the hidden one included
    high: int  # the largest number is just below 2**high

    @property
    def max(self) -> float:
        return math.ldexp(1.0 - 2.0**-self.bits, self.high)

    @property
    def tiny(self) -> float:
        """The smallest normal number."""
        return math.ldexp(1.0, 3 - self.high - 1)

    @property
    def least(self) -> float:
        """The smallest number above 0."""
        return math.ldexp(self.tiny, 1 - self.bits)

    def ulp(self, x: Any) -> Any:
        """The distance from |x| to the next number up; for arrays too."""
        size = np.clip(np.abs(np.asarray(x, np.float64)), self.tiny, self.max)
        return np.ldexp(1.0, np.frexp(size)[1] - self.bits)

    def round(self, x: float) -> float:
        """The nearest number; the largest one in place of what is beyond."""
        if x == 0 or not math.isfinite(x) or self.bits == 53:
            return x
        unit = float(self.ulp(x))
        return max(-self.max, min(self.max, round(x / unit) * unit))

    def up(self, x: float) -> float:
        """The next number away from 0."""
        return x + math.copysign(float(self.ulp(x)), x)

    def down(self, x: float) -> float:
        """The next number towards 0."""
        below = float(self.ulp(x)) * (0.5 if math.frexp(abs(x))[0] == 0.5 and abs(x) > self.tiny else 1.0)
        return x - math.copysign(below, x)


FORMATS = {
    f.name: f
    for f in (
        Format("float16", 11, 16),
        Format("bfloat16", 8, 128),
        Format("float32", 24, 128),
        Format("float64", 53, 1024),
    )
}
