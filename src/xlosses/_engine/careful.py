"""The ordinary form of a formula first, the careful one where that is not finite: the one retry."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from xlosses._core.operands import Operands
from xlosses._core.reduce import Compute


def ordinary(operands: Operands, slopes: bool) -> Operands | None:
    """The operands of the ordinary form, where there is one of what is to be computed."""
    form = operands.formula.ordinary_form
    if form is None or (slopes and form.slope_function is None):
        return None
    return operands._replace(formula=form)


def ordinary_first(
    compute: Compute,
    operands: Operands,
    slopes: bool,
    finite: Callable[[Any], bool],
    quiet: Callable[[], AbstractContextManager[Any]],
) -> Any:
    """What the ordinary form gives if that is finite, else what the formula gives."""
    plainer = ordinary(operands, slopes)
    if plainer is not None:
        with quiet():  # nothing warns of a try
            found = compute(plainer)
            if finite(found):
                return found
    return compute(operands)
