"""The diagonal of the Hessian: the derivative of the slope, which is run on dual numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from xlosses._backends import namespace_of
from xlosses._core.checks import is_number
from xlosses._core.formula import Formula
from xlosses._engine.duals import Duals, values
from xlosses._engine.whole import Places


class Curvature:
    """What takes the place of a formula's slope: the derivatives of the slope by these arrays themselves.

    A term per element has one run of the slope, as it depends on no other element; a row has one run for
    each of its entries.
    """

    def __init__(self, formula: Formula, places: Places) -> None:
        self.formula, self.places = formula, places
        self.is_zero = True  # by the formula, whatever the arrays hold
        self.__name__ = formula.__name__

    def as_formula(self) -> Formula:
        """The formula with these derivatives as its slope."""
        copy = self.formula.by(self.formula.terms, self)
        copy.slope_by, copy.vjp_function, copy.ordinary_form = self.places, None, None
        return copy

    def __call__(self, xp: Any, *arrays: Any, **parameters: Any) -> Iterator[Any]:
        words = Duals(xp, repr(self.formula))
        for place in self.places:
            yield self._by(words, arrays, parameters, place)

    def _by(self, words: Duals, arrays: Any, parameters: Any, place: int) -> Any:
        xp, x, formula = words.standard, arrays[place], self.formula
        zeros = xp.zeros_like(x)
        kind = formula.alignment[place] if formula.alignment else "elements"
        if kind in ("elements", "scalars") or formula.reads_one_entry:
            found = self._derivative(words, arrays, parameters, place, zeros + 1.0)
            if found is None:
                return zeros[..., 0] if formula.reads_one_entry else zeros
            return found
        of_term = x.shape[len(arrays[0].shape) - 1 :]  # the axes that the terms do not have
        entries = xp.reshape(xp.indices(math.prod(of_term), x), of_term)
        diagonal = zeros
        for k in range(math.prod(of_term)):
            seed = xp.where(entries == k, zeros + 1.0, 0.0)
            found = self._derivative(words, arrays, parameters, place, seed)
            if found is None:
                return zeros
            diagonal = xp.where(entries == k, found, diagonal)
        return diagonal

    def _derivative(self, words: Duals, arrays: Any, parameters: Any, place: int, seed: Any) -> Any:
        """The derivative of the slope by this array along a direction; None where it can only be 0."""
        duals = [_dual(words, x, seed if k == place else None) for k, x in enumerate(arrays)]
        constants = {name: _dual(words, x, None) for name, x in parameters.items()}
        slope = self._slope(words, duals, constants, place)
        found = getattr(slope, "derivative", None)
        self.is_zero = self.is_zero and found is None
        return found

    def _slope(self, words: Duals, duals: Any, parameters: Any, place: int) -> Any:
        formula = self.formula
        if formula.vjp_function is None:
            return formula.slopes(words, duals, parameters, (place,))[0]
        first = values(duals[0])
        ones = words.made(words.standard.zeros_like(first[..., 0] if formula.by_rows else first) + 1.0)
        return formula.pulled_back(words, ones, duals, parameters, (place,))[0]


def _dual(words: Duals, x: Any, derivative: Any) -> Any:
    return x if is_number(x) or namespace_of(x) is None else words.made(x, derivative)
