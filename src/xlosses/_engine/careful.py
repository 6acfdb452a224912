"""A fast path and its fallback: the ordinary form of a formula, and the formula where that is not finite."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from xlosses._core.operands import Operands
from xlosses._core.reduce import Compute
from xlosses._engine.whole import Places


def ordinary_operands(operands: Operands, places: Places) -> Operands | None:
    """The operands with the ordinary form as their formula; None if it lacks what is to be computed."""
    form = operands.formula.ordinary_form
    if form is None or not {*places} <= {*form.differentiated_by}:
        return None
    return operands._replace(formula=form)


def ordinary_first(
    compute: Compute,
    operands: Operands,
    places: Places,
    finite: Callable[[Any], bool],
    quiet: Callable[[], AbstractContextManager[Any]],
) -> Any:
    """What the ordinary form gives if that is finite, else what the formula gives."""
    fast_operands = ordinary_operands(operands, places)
    if fast_operands is not None:
        with quiet():  # an overflow is no news to the caller, since the fallback is right
            result = compute(fast_operands)
            if finite(result):
                return result
    return compute(operands)
