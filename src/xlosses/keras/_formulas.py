"""Formulas of other formulas: averaged over a row, or of predictions that are changed first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from xlosses._core.formula import Formula, formula

EPSILON = 1e-7  # Keras keeps probabilities this far from 0 and 1


def averaged(terms: Formula, times: float = 1.0, **fixed: Any) -> Formula:
    """The formula whose terms are the means of another's over a row, with some of its parameters fixed."""

    @formula("rows", "rows")
    def mean_of_terms(xp: Any, x: Any, *others: Any, **parameters: Any) -> Any:
        return xp.sum(terms(xp, x, *others, **fixed, **parameters), axis=-1) * (times / x.shape[-1])

    @mean_of_terms.slope
    def slope_of_mean(xp: Any, x: Any, *others: Any, **parameters: Any) -> Any:
        return _slope(terms, xp, x, *others, **fixed, **parameters) * (times / x.shape[-1])

    return mean_of_terms


class Change(NamedTuple):
    """What is done to predictions before a formula."""

    forward: Callable[[Any, Any], Any]
    back: Callable[[Any, Any, Any], Any]  # (xp, x, slope by the changed) -> slope by x


def through(change: Change, terms: Formula, of_both: bool = False) -> Formula:
    """The formula of changed predictions, and of targets changed in the same way if `of_both`."""

    @formula(*terms.alignment, static=terms.static)
    def of_changed(xp: Any, x: Any, y: Any, **parameters: Any) -> Any:
        return terms(xp, change.forward(xp, x), change.forward(xp, y) if of_both else y, **parameters)

    @of_changed.slope
    def slope_of_changed(xp: Any, x: Any, y: Any, **parameters: Any) -> Any:
        y = change.forward(xp, y) if of_both else y
        return change.back(xp, x, _slope(terms, xp, change.forward(xp, x), y, **parameters))

    return of_changed


def clipped(low: float, high: float | None) -> Change:
    """Numbers within bounds, with gradient 0 beyond."""

    def forward(xp: Any, x: Any) -> Any:
        return xp.clip(x, low, high)

    def back(xp: Any, x: Any, slope: Any) -> Any:
        beyond = x < low if high is None else xp.logical_or(x < low, x > high)
        return xp.where(beyond, 0.0, slope)

    return Change(forward, back)


logarithm = Change(lambda xp, x: xp.log(x), lambda xp, x, slope: slope / x)

sigmoid = Change(lambda xp, x: xp.sigmoid(x), lambda xp, x, slope: slope * (xp.sigmoid(x) * xp.sigmoid(-x)))


def _softmax_back(xp: Any, x: Any, slope: Any) -> Any:
    p = xp.softmax(x)
    return p * (slope - xp.sum(p * slope, axis=-1, keepdims=True))


softmax = Change(lambda xp, x: xp.softmax(x), _softmax_back)


def _shares(xp: Any, x: Any) -> Any:
    return x / xp.sum(x, axis=-1, keepdims=True)


def _shares_back(xp: Any, x: Any, slope: Any) -> Any:
    less = slope - xp.sum(_shares(xp, x) * slope, axis=-1, keepdims=True)
    return less / xp.sum(x, axis=-1, keepdims=True)


shares = Change(_shares, _shares_back)

certain = clipped(EPSILON, 1.0 - EPSILON)


def _slope(terms: Formula, xp: Any, *arrays: Any, **parameters: Any) -> Any:
    """The slope of a formula by its first array."""
    return terms.slopes(xp, arrays, parameters, (0,))[0]
