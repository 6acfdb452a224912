"""The triple that every reduction is made of."""

from __future__ import annotations

from typing import Any, NamedTuple

from xlosses._backends import Namespace, namespace_of


class Triple(NamedTuple):
    """Sums over the kept terms, in the dtype of the computation. Those of parts add up to that of all."""

    total: Any  # the sum of weight times term
    count: Any  # how many terms
    weight: Any  # the sum of their weights

    def __add__(self, other: Any) -> Any:
        return Triple(*map(_plus, self, other)) if isinstance(other, Triple) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        return self if type(other) is int and other == 0 else NotImplemented  # what the sum() of Python adds

    def mean(self) -> Any:
        """The total divided by the number of terms; 0 if there are none."""
        return _quotient(self.total, self.count)

    def weighted_mean(self) -> Any:
        """The total divided by the sum of the weights; 0 if that is 0."""
        return _quotient(self.total, self.weight)


def divided(xp: Namespace, total: Any, by: Any) -> Any:
    """total / by, and 0 with gradient 0 where by is 0 (no terms, or no weight); NaN stays NaN."""
    # A plain number is tested in Python. isinstance would take in NumPy's sums, which are floats; the
    # symbols of torch.compile have one of these types while it traces, or no dtype.
    if type(by) in (int, float) or not hasattr(by, "dtype"):
        return total / by if by else total
    by_zero = by == 0
    to_zero = xp.logical_and(by_zero, xp.logical_not(xp.isnan(total)))
    return xp.where(to_zero, 0.0, total) / xp.where(by_zero, 1.0, by)


def _plus(x: Any, y: Any) -> Any:
    return x + y


def _quotient(total: Any, by: Any) -> Any:
    xp: Any = namespace_of(total)
    return divided(xp, total, by)
