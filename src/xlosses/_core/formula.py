"""What a formula and its slope are, and how their arrays align.

    @formula
    def squared_error(xp, x, y):
        error = x - y
        return error * error

    @squared_error.slope
    def squared_error_slope(xp, x, y):
        return 2.0 * (x - y)

`xp` is the array API namespace of the arrays plus the words of `_backends/generic.py`. A formula
goes from arrays that are fit to compute with to one term per element, or per row of the last axis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from typing import Any, Literal, TypeAlias, overload

Alignment: TypeAlias = Literal["elements", "rows", "vectors", "labels", "classes"]
"""How an array lies beside the first one.

elements    the same shape, one term each
rows        the same shape, its `axis` moved last, one term per row
vectors     like rows, and batch axes of length one broadcast
labels      one integer class per row
classes     one number per class, the same for every row; may be left out (None)
"""

Terms: TypeAlias = Callable[..., Any]


class Formula:
    """A loss as mathematics: its terms, their slope by the first array, their weight of their own."""

    def __init__(
        self, terms: Terms, alignment: tuple[Alignment, ...], sparse: bool, together: bool, any_axis: bool
    ) -> None:
        self.terms = terms
        self.alignment = alignment
        self.sparse = sparse
        self.together = together
        self.any_axis = any_axis
        self.by_rows = alignment[:1] not in ((), ("elements",))
        self.derivative: Terms | None = None
        self.own_weight: Terms | None = None
        self.plans: dict[Any, Any] = {}  # what is known of the calls with this formula, and goes with it
        self.compiled: dict[Any, Any] = {}
        self.nodes: dict[str, Any] = {}  # what stands for it in graphs, for as long as it lives
        self.__name__ = terms.__name__
        self.__doc__ = terms.__doc__

    def __call__(self, xp: Any, *arrays: Any, **parameters: Any) -> Any:
        """The terms."""
        return self.terms(xp, *arrays, **parameters)

    def aligned(self, names: Iterable[str]) -> dict[str, Alignment]:
        """How each array aligns, by its name; plain formulas take as many elements as they get."""
        if not self.alignment:
            return dict.fromkeys(names, "elements")
        return dict(zip(names, self.alignment, strict=True))

    def with_terms(self, terms: Terms) -> Formula:
        """The same loss by another function for its terms."""
        other = copy(self)
        other.terms, other.plans, other.compiled = terms, {}, {}
        return other

    def slope(self, derivative: Terms) -> Terms:
        """Take this function as the derivative of each term by the first array."""
        self.derivative = derivative
        return derivative

    def weight(self, own_weight: Terms) -> Terms:
        """Take this function as what each term counts for in "weighted_mean", beside `weights`."""
        self.own_weight = own_weight
        return own_weight

    def __repr__(self) -> str:
        return f"<formula {self.__name__}>"


@overload
def formula(
    *alignment: Alignment, sparse: bool = ..., together: bool = ..., any_axis: bool = ...
) -> Callable[[Terms], Formula]: ...
@overload
def formula(terms: Terms, /) -> Formula: ...
def formula(*alignment: Any, sparse: bool = False, together: bool = False, any_axis: bool = False) -> Any:
    """Make a formula of a function `(xp, *arrays, **parameters) -> terms`.

    Plain, all arrays are compared element by element. Otherwise `alignment` says, array by array,
    how each lies beside the first: "elements", "rows", "vectors", "labels" or "classes".

    Parameters
    ----------
    *alignment : str
        One word per array, or nothing when the decorator is used plainly.
    sparse : bool
        Whether a term reads only the entry of its row that the label names. Its slope is then the
        derivative by that entry.
    together : bool
        Whether terms and slope are made of one softmax of the first array, so that the gradient is
        better made with the loss and kept than made afterwards from the arrays.
    any_axis : bool
        Whether formula and slope use operators and the words of `xp` alone. Their arrays may then be
        stand-ins, of rows that lie along another axis, where to move that last would be to copy.

    Returns
    -------
    Formula
        To be given to `evaluate`. Its method `slope` decorates the derivative of each term by
        the first array; its method `weight` what each term counts for in "weighted_mean".

    Examples
    --------
    >>> import numpy as np, xlosses
    >>> @xlosses.formula
    ... def relative_error(xp, x, y):
    ...     return xp.absolute(x - y) / xp.absolute(y)
    >>> x, y = np.asarray([1.0, 3.0]), np.asarray([2.0, 2.0])
    >>> float(xlosses.evaluate(relative_error, dict(inputs=x, targets=y)))
    0.5
    """
    if alignment and callable(alignment[0]):
        return Formula(alignment[0], (), sparse, together, any_axis)
    return lambda terms: Formula(terms, alignment, sparse, together, any_axis)
