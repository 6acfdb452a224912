"""What a formula declares: its terms, how its arrays align, its slope, its ordinary form, its weight.

    @formula
    def squared_error(xp, x, y):
        error = x - y
        return error * error

    @squared_error.slope
    def squared_error_slope(xp, x, y):
        return 2.0 * (x - y)

`xp` is the array API namespace of the arrays plus the words of `_backends/generic.py`. The arrays
that a formula gets are cast, laid out and masked already (`operands.py`); it returns one term per
element, or per row of the last axis.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import Lock
from typing import Any, TypeAlias, overload
from weakref import WeakValueDictionary

from xlosses._backends import Cache
from xlosses._core import alignment as alignments
from xlosses._core.alignment import UNCUT, Alignment

Terms: TypeAlias = Callable[..., Any]
Width: TypeAlias = Callable[..., int]

PLANS = 256  # how many plans a formula caches, one for each signature of a call
PROGRAMS = 64  # how many compiled programs a formula caches

_formulas_by_key: WeakValueDictionary[str, Formula] = WeakValueDictionary()
_key_lock = Lock()


class Formula:
    """A loss as mathematics: the function for its terms, and what is declared about it."""

    def __init__(
        self,
        terms: Terms,
        alignment: tuple[Alignment, ...] = (),
        static: tuple[str, ...] = (),
        *,
        width: Width | None = None,
        reads_one_entry: bool = False,
        shares_softmax: bool = False,
    ) -> None:
        self.terms = terms
        self.alignment = alignment
        self.static = static
        self.width = width
        self.width_by = [k for k in static if width and k in inspect.signature(width).parameters]
        self.reads_one_entry = reads_one_entry
        self.shares_softmax = shares_softmax
        self.by_rows = alignment[:1] not in ((), ("elements",))
        self.slope_function: Terms | None = None
        self.slope_by: tuple[int, ...] = ()
        self.vjp_function: Terms | None = None
        self.vjp_by: tuple[int, ...] = ()
        self.weight_function: Terms | None = None
        self.refused: Terms | None = None
        self.ordinary_form: Formula | None = None
        self.plans: Cache[Any] = Cache(PLANS)
        self.programs: Cache[Any] = Cache(PROGRAMS)
        self.__name__ = getattr(terms, "__name__", type(terms).__name__)
        self.__qualname__ = getattr(terms, "__qualname__", self.__name__)
        self.__module__ = getattr(terms, "__module__", None) or __name__
        self.__doc__ = terms.__doc__
        self.key = _register(self)

    def __call__(self, xp: Any, *arrays: Any, **parameters: Any) -> Any:
        """The terms, one per element or per row."""
        return self.terms(xp, *arrays, **parameters)

    def aligned(self, names: Iterable[str]) -> dict[str, Alignment]:
        """The alignment of each array by its name; a plain formula takes any number of "elements"."""
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
        """A copy of this formula with other functions for its terms and slope; other declarations stay."""
        copy = object.__new__(Formula)
        vars(copy).update(vars(self))
        copy.terms, copy.slope_function = terms, slope_function
        # JAX may hold on to the copy after this formula is gone: with this formula's caches it would hold
        # everything that was compiled for it, too.
        copy.plans, copy.programs = Cache(PLANS), Cache(PROGRAMS)
        return copy

    @property
    def differentiated_by(self) -> tuple[int, ...]:
        """The places of the arrays that slope or vjp give the derivatives by."""
        return self.slope_by if self.vjp_function is None else self.vjp_by

    @overload
    def slope(self, slope_function: Terms, /) -> Terms: ...
    @overload
    def slope(self, /, *, by: Sequence[str]) -> Callable[[Terms], Terms]: ...
    def slope(self, slope_function: Any = None, /, *, by: Sequence[str] = ()) -> Any:
        """Take this function as the derivative of each term by the first array.

        Or, given `by`, as that by each of the arrays it names: the function then yields them in this
        order, and is run only as far as they are needed.
        """

        def decorate(slope_function: Terms) -> Terms:
            self.slope_function = slope_function
            self.slope_by = self._places(slope_function, by, 1) if by else (0,)
            for place in self.slope_by if self.alignment else ():
                if self.alignment[place] in UNCUT:
                    raise ValueError(
                        f"a slope by {self.alignment[place]!r} would have to be summed over the terms: give "
                        f"{self!r} a vjp"
                    )
            return slope_function

        return decorate if slope_function is None else decorate(slope_function)

    def slopes(self, xp: Any, arrays: Any, parameters: Any, needed: Sequence[int]) -> tuple[Any, ...]:
        """The derivative of each term by each array whose place is needed."""
        if self.slope_function is None:
            return self.terms_and_slopes(xp, arrays, parameters, needed)[1]
        found = self.slope_function(xp, *arrays, **parameters)
        found = found if isinstance(found, (Iterator, tuple, list)) else (found,)
        return self.in_order(iter(found), self.slope_by, needed)

    def vjp(self, *, by: Sequence[str]) -> Callable[[Terms], Terms]:
        """Take the decorated function as terms and gradients in one, which computes once what both need.

        For arrays that all terms share, and where terms and slope need the same costly function. It is
        given `(xp, g, *arrays, **parameters)`, where g is a factor of each term. It yields the terms, and
        then the derivative of the sum of g times term by each array that `by` names. It is run only as far
        as is needed.
        """

        def decorate(vjp_function: Terms) -> Terms:
            self.vjp_function = vjp_function
            self.vjp_by = self._places(vjp_function, by, 2)
            return vjp_function

        return decorate

    def terms_and_slopes(
        self, xp: Any, arrays: Any, parameters: Any, needed: Sequence[int]
    ) -> tuple[Any, tuple[Any, ...]]:
        """The terms and their derivatives from the vjp, for arrays that no two terms share."""
        assert self.vjp_function
        ones = xp.ones_like(arrays[0][..., 0] if self.by_rows else arrays[0])
        yields = iter(self.vjp_function(xp, ones, *arrays, **parameters))
        return next(yields), self.in_order(yields, self.vjp_by, needed)

    def pulled_back(
        self, xp: Any, factor: Any, arrays: Any, parameters: Any, needed: Sequence[int]
    ) -> tuple[Any, ...]:
        """The derivative of the sum of factor times term by each array whose place is needed."""
        if self.vjp_function is not None:
            yields = iter(self.vjp_function(xp, factor, *arrays, **parameters))
            next(yields)
            return self.in_order(yields, self.vjp_by, needed)
        found = self.slopes(xp, arrays, parameters, needed)
        return tuple(
            slope * factor[(..., *(None,) * (len(slope.shape) - len(factor.shape)))] for slope in found
        )

    def in_order(
        self, derivatives: Iterator[Any], by: tuple[int, ...], needed: Sequence[int]
    ) -> tuple[Any, ...]:
        """What a slope or a vjp yields by these arrays, in the order in which they are needed."""
        found: dict[int, Any] = {}
        for place in by:
            if set(needed) <= found.keys():
                break
            try:
                found[place] = next(derivatives)
            except StopIteration:
                raise ValueError(
                    f"{self!r} declares its derivatives by {len(by)} arrays, but yields {len(found)}"
                ) from None
        return tuple(found[place] for place in needed)

    def _places(self, function: Terms, names: Sequence[str], before: int) -> tuple[int, ...]:
        """The places of the arrays of these names, which follow `before` other parameters."""
        arguments = list(inspect.signature(function).parameters)[before:]
        arguments = arguments[: len(self.alignment) or None]
        names = (names,) if isinstance(names, str) else tuple(names)
        for name in names:
            if name not in arguments:
                raise ValueError(f"by={name!r} is none of the arrays of {self!r}: {', '.join(arguments)}")
        return tuple(arguments.index(name) for name in names)

    def ordinary(self, terms: Terms) -> Formula:
        """Take this function as a plainer form of the terms, right wherever its result is finite.

        The engine may run it first, and falls back to the formula where the result is not finite.
        The form that is returned can be given a slope, which is tried in the same way.
        """
        form = self.ordinary_form = self.by(terms)
        form.slope_by, form.vjp_function = (), None
        return form

    def weight(self, weight_function: Terms) -> Terms:
        """Take this function as the weight of each term in "weighted_mean", a factor beside `weights`."""
        self.weight_function = weight_function
        if self.ordinary_form is not None:
            self.ordinary_form.weight_function = weight_function
        return weight_function

    def refuses(self, refused: Terms) -> Terms:
        """Take this function as what integers a term cannot have: labels or lengths out of range.

        Given `(xp, *arrays, **parameters)`, it yields for each array of integers its place, a boolean array
        of its shape that is true where an integer is wrong, and in words what they must be. These are then
        treated as labels out of range are: a ValueError, or NaN for the whole term, and the formula sees 0
        in place of its integers.
        """
        self.refused = refused
        return refused

    def __repr__(self) -> str:
        return f"<formula {self.__name__}>"

    def __copy__(self) -> Formula:
        return self

    def __deepcopy__(self, memo: Any) -> Formula:
        return self

    def __reduce__(self) -> Any:
        """What pickle stores: a name that can be imported, if this formula has one, else its parts."""
        named_object: Any = sys.modules.get(self.__module__)
        for part in self.__qualname__.split("."):
            named_object = getattr(named_object, part, None)
        if named_object is self and self.__module__ != "__main__":
            return self.__qualname__
        # Pickle stores a function by its name, but under the name of the terms stands this formula, since
        # the decorator replaced them by it. As `name.terms` they can be found.
        if named_object is self and not self.terms.__qualname__.endswith(".terms"):
            self.terms.__qualname__ += ".terms"
        flags = {
            "width": self.width,
            "reads_one_entry": self.reads_one_entry,
            "shares_softmax": self.shares_softmax,
        }
        parts = {
            "slope_function": self.slope_function,
            "slope_by": self.slope_by,
            "vjp_function": self.vjp_function,
            "vjp_by": self.vjp_by,
            "weight_function": self.weight_function,
            "refused": self.refused,
        }
        form = self.ordinary_form
        ordinary_parts = None if form is None else (form.terms, form.slope_function, form.slope_by)
        return _rebuilt, (self.terms, self.alignment, self.static, flags, parts, ordinary_parts)


def _rebuilt(
    terms: Terms, alignment: Any, static: Any, flags: dict[str, Any], parts: dict[str, Any], ordinary: Any
) -> Formula:
    form = Formula(terms, alignment, static, **flags)
    vars(form).update(parts)
    if ordinary is not None:
        ordinary_form = form.ordinary(ordinary[0])
        ordinary_form.slope_function, ordinary_form.slope_by = ordinary[1:]
    return form


def _register(form: Formula) -> str:
    """A key that no other living formula has: a graph of torch.compile can hold a string, but no formula."""
    with _key_lock:
        key = full_name = f"{form.__module__}.{form.__qualname__}"
        n = 1
        while key in _formulas_by_key:
            n += 1
            key = f"{full_name} {n}"
        _formulas_by_key[key] = form
        return key


def named(key: str) -> Formula:
    """The living formula that has this key."""
    return _formulas_by_key[key]


@overload
def formula(
    *alignment: Alignment, static: tuple[str, ...] = ..., width: Width | None = ...
) -> Callable[[Terms], Formula]: ...
@overload
def formula(terms: Terms, /) -> Formula: ...
def formula(*alignment: Any, static: tuple[str, ...] = (), width: Width | None = None) -> Any:
    """Make a formula of a function `(xp, *arrays, **parameters) -> terms`.

    Plain, all arrays are compared element by element. Otherwise `alignment` says, array by array,
    how each lies beside the first.

    Parameters
    ----------
    *alignment : str
        One word per array, or nothing when the decorator is used plainly:

        - "elements": the same shape, one term each;
        - "rows": the same shape, its `axis` moved last, one term per row;
        - "vectors": like rows, and batch axes of length one broadcast;
        - "scalars": one real number per row;
        - "arrays": real numbers in any shape per row, the axes of the terms before its own; may be None;
        - "labels": one integer class per row; there are as many classes as a row has entries, unless
          `classes` of `evaluate` says so;
        - "integers": one integer per row, which is compared and never picked by;
        - "integer rows": several integers per row, along a last axis of its own length;
        - "classes": one number per class, the same for every row; may be None;
        - "shared": real numbers in any shape, which every term sees whole; may be None;
        - "shared integers": integers in any shape, which every term sees whole;
        - "kept": one boolean per entry of each row, whether the entry counts; may be None.

        The first is "elements", "rows" or "vectors".
    static : tuple of str
        The parameters that choose a branch. They are plain numbers, strings or booleans, and never
        traced: another value is another program.
    width : callable, optional
        From the shape of each array (None for one left out), and those static parameters that it names, to
        how many entries the largest array has that the formula makes for one term, if that is more than
        a row: large inputs are cut into blocks by it.

    Returns
    -------
    Formula
        To be given to `evaluate`. Its method `slope` decorates the derivative of each term by
        the first array, or by several; its method `vjp` terms and gradients in one, where terms share
        an array; its method `weight` what each term counts for in "weighted_mean"; its method
        `ordinary` a plainer form of the terms, right wherever it is finite, which is tried first.

    Raises
    ------
    ValueError
        A word that is none of these, or that cannot stand beside the first; a static parameter
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
    return declared(*alignment, static=static, width=width)


def declared(
    *alignment: Alignment,
    static: tuple[str, ...] = (),
    width: Width | None = None,
    reads_one_entry: bool = False,
    shares_softmax: bool = False,
) -> Callable[[Terms], Formula]:
    """`formula` with two declarations more, which only this library's own formulas make.

    reads_one_entry    a term reads only the entry of its row that the label names, and the slope is
                       the derivative by that entry
    shares_softmax     terms and slope both need the softmax of the first array, so that computing the
                       gradient together with the loss saves a softmax
    """
    static = (static,) if isinstance(static, str) else tuple(static)
    alignments.check(alignment)
    if reads_one_entry and "labels" not in alignment:
        raise ValueError("reads_one_entry needs an array of 'labels', which say which entry is read")

    def decorate(terms: Terms) -> Formula:
        arguments = inspect.signature(terms).parameters
        if not any(p.kind is p.VAR_KEYWORD for p in arguments.values()):
            for name in static:
                if name not in arguments:
                    raise ValueError(f"static={name!r} is no parameter of {terms.__name__}")
        return Formula(
            terms,
            alignment,
            static,
            width=width,
            reads_one_entry=reads_one_entry,
            shares_softmax=shares_softmax,
        )

    return decorate
