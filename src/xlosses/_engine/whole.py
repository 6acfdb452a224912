"""A formula run once, on everything: the reference, and what a framework without a file of its own gets."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, TypeAlias

from xlosses._core import reduce
from xlosses._core.call import Call
from xlosses._core.operands import Operands, prepare
from xlosses._core.plan import Plan
from xlosses._core.reduce import Compute
from xlosses._core.triple import Triple, divided

Places: TypeAlias = tuple[int, ...]


def _divided(plan: Plan, gradients: reduce.Gradients, by: Any) -> tuple[Any, ...]:
    if not gradients.are_new:
        return tuple(divided(plan.xp, gradient, by) for gradient in gradients.by)
    for gradient in gradients.by:
        gradient *= 0.0 if by == 0 else 1.0 / by
    return gradients.by


class Runner:
    """Computes the result of a call. A framework overrides `run`, or the methods that call it."""

    def evaluate(self, plan: Plan, call: Call) -> Any:
        """The unreduced loss, or one number."""
        operands = prepare(plan, call)
        if call.reduction == "none":
            return self.run(reduce.unreduced, operands)
        return reduce.result(plan, Triple(*self.run(reduce.sums, operands)), call.reduction)

    def value_and_gradients(self, plan: Plan, call: Call, places: Places) -> tuple[Any, tuple[Any, ...]]:
        """One number and its gradients by the arrays at these places, from the slope or the vjp."""
        operands = prepare(plan, call)
        divisor_of = reduce.DIVISORS[call.reduction]
        if operands.formula.vjp_function is None:
            sums = Triple(*self.run(reduce.sums, operands))
            slopes = partial(reduce.gradients, needed=places, divisor=divisor_of(sums))
            found = self.run(slopes, operands, places).by
        else:
            together = self.run(partial(reduce.sums_and_gradients, needed=places), operands, places)
            sums = Triple(*together.sums)
            found = _divided(plan, together, divisor_of(sums))
        gradients = (
            reduce.as_given(gradient, operands, place) for gradient, place in zip(found, places, strict=True)
        )
        return reduce.result(plan, sums, call.reduction), tuple(gradients)

    def run(self, compute: Compute, operands: Operands, places: Places = ()) -> Any:
        """`compute(operands)`: terms or sums, or the gradients by the arrays at these places."""
        return compute(operands._replace(xp=operands.xp.for_this_call()))

    def quiet(self) -> AbstractContextManager[Any]:
        """Where a framework that warns of an overflow does not."""
        return nullcontext()
