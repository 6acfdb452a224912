"""What a formula declares: its terms, how its arrays align, its slope, its ordinary form, its weight.

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

import inspect
import sys
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any, Literal, TypeAlias, get_args, overload
from weakref import WeakValueDictionary

from xlosses._backends import Cache

Alignment: TypeAlias = Literal["elements", "rows", "vectors", "labels", "classes"]
"""How an array lies beside the first one.

elements    the same shape, one term each
rows        the same shape, its `axis` moved last, one term per row
vectors     like rows, and batch axes of length one broadcast
labels      one integer class per row
classes     one number per class, the same for every row; may be left out (None)
"""

BESIDE: dict[str, tuple[str, ...]] = {
    "elements": ("elements",),
    "rows": ("rows", "labels", "classes"),
    "vectors": ("vectors",),
}
"""What may stand beside a first array of each alignment."""

Terms: TypeAlias = Callable[..., Any]

PLANS = 256  # signatures of calls that a formula remembers
PROGRAMS = 64  # programs that a compiler has made of it

_named: WeakValueDictionary[str, Formula] = WeakValueDictionary()
_naming = Lock()


class Formula:
    """A loss as mathematics: its terms, and what is declared of them."""

    def __init__(
        self,
        terms: Terms,
        alignment: tuple[Alignment, ...] = (),
        static: tuple[str, ...] = (),
        *,
        reads_one_entry: bool = False,
        shares_softmax: bool = False,
    ) -> None:
        self.terms = terms
        self.alignment = alignment
        self.static = static
        self.reads_one_entry = reads_one_entry
        self.shares_softmax = shares_softmax
        self.by_rows = alignment[:1] not in ((), ("elements",))
        self.slope_function: Terms | None = None
        self.weight_function: Terms | None = None
        self.ordinary_form: Formula | None = None
        self.plans: Cache[Any] = Cache(PLANS)
        self.programs: Cache[Any] = Cache(PROGRAMS)
        self.__name__ = getattr(terms, "__name__", type(terms).__name__)
        self.__qualname__ = getattr(terms, "__qualname__", self.__name__)
        self.__module__ = getattr(terms, "__module__", None) or __name__
        self.__doc__ = terms.__doc__
        self.key = _register(self)

    def __call__(self, xp: Any, *arrays: Any, **parameters: Any) -> Any:
        """The terms."""
        return self.terms(xp, *arrays, **parameters)

    def aligned(self, names: Iterable[str]) -> dict[str, Alignment]:
        """How each array aligns, by its name; plain formulas take as many elements as they get."""
        names = tuple(names)
        if not self.alignment:
            return dict.fromkeys(names, "elements")
        if len(names) != len(self.alignment):
            raise TypeError(
                f"{self!r} takes {len(self.alignment)} arrays ({', '.join(self.alignment)}), "
                f"got {len(names)}: {', '.join(names)}"
            )
        return dict(zip(names, self.alignment, strict=True))

    def by(self, terms: Terms, slope_function: Terms | None = None) -> Formula:
        """The same loss by other functions for its terms and their slope."""
        other = object.__new__(Formula)
        vars(other).update(vars(self))
        other.terms, other.slope_function = terms, slope_function
        # Of its own: what was compiled of this formula goes with it, and the other may outlive it.
        other.plans, other.programs = Cache(PLANS), Cache(PROGRAMS)
        return other

    def slope(self, slope_function: Terms) -> Terms:
        """Take this function as the derivative of each term by the first array."""
        self.slope_function = slope_function
        return slope_function

    def ordinary(self, terms: Terms) -> Formula:
        """Take this function as a plainer form of the terms, right wherever its result is finite.

        It may be tried first, and what is not finite is computed by the formula. A slope of the
        form that is returned is tried in the same way.
        """
        form = self.ordinary_form = self.by(terms)
        return form

    def weight(self, weight_function: Terms) -> Terms:
        """Take this function as what each term counts for in "weighted_mean", beside `weights`."""
        self.weight_function = weight_function
        if self.ordinary_form is not None:
            self.ordinary_form.weight_function = weight_function
        return weight_function

    def __repr__(self) -> str:
        return f"<formula {self.__name__}>"

    def __copy__(self) -> Formula:
        return self

    def __deepcopy__(self, memo: Any) -> Formula:
        return self

    def __reduce__(self) -> Any:
        """By its name where it has one in an importable module, else by its parts."""
        found: Any = sys.modules.get(self.__module__)
        for part in self.__qualname__.split("."):
            found = getattr(found, part, None)
        if found is self and self.__module__ != "__main__":
            return self.__qualname__
        # Pickle looks a function up by its name, which here is that of the formula.
        if found is self and not self.terms.__qualname__.endswith(".terms"):
            self.terms.__qualname__ += ".terms"
        flags = {"reads_one_entry": self.reads_one_entry, "shares_softmax": self.shares_softmax}
        plain = self.ordinary_form
        ordinary = None if plain is None else (plain.terms, plain.slope_function)
        parts = (self.slope_function, self.weight_function, ordinary)
        return _rebuilt, (self.terms, self.alignment, self.static, flags, parts)


def _rebuilt(terms: Terms, alignment: Any, static: Any, flags: dict[str, bool], parts: Any) -> Formula:
    form = Formula(terms, alignment, static, **flags)
    form.slope_function, form.weight_function, ordinary = parts
    if ordinary is not None:
        form.ordinary(ordinary[0]).slope_function = ordinary[1]
    return form


def _register(form: Formula) -> str:
    """A name that no other living formula has: graphs hold names, not objects."""
    with _naming:
        name = first = f"{form.__module__}.{form.__qualname__}"
        n = 1
        while name in _named:
            n += 1
            name = f"{first} {n}"
        _named[name] = form
        return name


def named(key: str) -> Formula:
    """The formula that has this name."""
    return _named[key]


@overload
def formula(*alignment: Alignment, static: tuple[str, ...] = ...) -> Callable[[Terms], Formula]: ...
@overload
def formula(terms: Terms, /) -> Formula: ...
def formula(*alignment: Any, static: tuple[str, ...] = ()) -> Any:
    """Make a formula of a function `(xp, *arrays, **parameters) -> terms`.

    Plain, all arrays are compared element by element. Otherwise `alignment` says, array by array,
    how each lies beside the first: "elements", "rows", "vectors", "labels" or "classes".

    Parameters
    ----------
    *alignment : str
        One word per array, or nothing when the decorator is used plainly. The first is "elements",
        "rows" or "vectors".
    static : tuple of str
        The parameters that choose a branch. They are plain numbers, strings or booleans, and never
        traced: another value is another program.

    Returns
    -------
    Formula
        To be given to `evaluate`. Its method `slope` decorates the derivative of each term by
        the first array; its method `weight` what each term counts for in "weighted_mean"; its method
        `ordinary` a plainer form of the terms, right wherever it is finite, which is tried first.

    Raises
    ------
    ValueError
        A word that is none of the five, or that cannot stand beside the first; a static parameter
        that the function does not have.

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
        return declared()(alignment[0])
    return declared(*alignment, static=static)


def declared(
    *alignment: Alignment,
    static: tuple[str, ...] = (),
    reads_one_entry: bool = False,
    shares_softmax: bool = False,
) -> Callable[[Terms], Formula]:
    """`formula`, with what only this library's own formulas say of themselves.

    reads_one_entry    a term reads only the entry of its row that the label names, and the slope is
                       the derivative by that entry
    shares_softmax     terms and slope are made of one softmax of the first array, so that the gradient
                       is better made with the loss than afterwards
    """
    static = (static,) if isinstance(static, str) else tuple(static)
    _check_alignment(alignment)
    if reads_one_entry and "labels" not in alignment:
        raise ValueError("reads_one_entry needs an array of 'labels', which say which entry is read")

    def decorate(terms: Terms) -> Formula:
        known = inspect.signature(terms).parameters
        if not any(p.kind is p.VAR_KEYWORD for p in known.values()):
            for name in static:
                if name not in known:
                    raise ValueError(f"static={name!r} is no parameter of {terms.__name__}")
        return Formula(
            terms, alignment, static, reads_one_entry=reads_one_entry, shares_softmax=shares_softmax
        )

    return decorate


def _check_alignment(alignment: tuple[Any, ...]) -> None:
    for word in alignment:
        if word not in get_args(Alignment):
            raise ValueError(
                f"an array of a formula is one of {', '.join(map(repr, get_args(Alignment)))}, got {word!r}"
            )
    if not alignment:
        return
    first, *others = alignment
    if first not in BESIDE:
        raise ValueError(
            f"the first array of a formula is one of {', '.join(map(repr, BESIDE))}, got {first!r}"
        )
    for word in others:
        if word not in BESIDE[first]:
            raise ValueError(
                f"beside {first!r} an array is one of {', '.join(map(repr, BESIDE[first]))}, got {word!r}"
            )
    if others.count("labels") > 1:
        raise ValueError("a formula has one array of 'labels' at most")
