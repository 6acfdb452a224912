"""A formula run once, on everything: the reference, and what a framework without a file of its own gets."""

from __future__ import annotations

from functools import partial
from typing import Any

from xlosses._core import reduce
from xlosses._core.call import Call
from xlosses._core.operands import Operands, prepare
from xlosses._core.plan import Plan
from xlosses._core.reduce import Compute, Triple


class Runner:
    """Computes the result of a call. A framework overrides `run`, or the methods that call it."""

    def evaluate(self, plan: Plan, call: Call) -> Any:
        """The unreduced loss, or one number."""
        operands = prepare(plan, call)
        if call.reduction == "none":
            return self.run(reduce.unreduced, operands)
        return reduce.result(plan, Triple(*self.run(reduce.sums, operands)), call.reduction)

    def value_and_gradient(self, plan: Plan, call: Call) -> tuple[Any, Any]:
        """One number and its gradient by the first array, from the slope."""
        operands = prepare(plan, call)
        sums = Triple(*self.run(reduce.sums, operands))
        divisor = reduce.DIVISORS[call.reduction](sums)
        slopes = self.run(partial(reduce.slopes, divisor=divisor), operands, slopes=True)
        return reduce.result(plan, sums, call.reduction), reduce.as_first(slopes, operands)

    def run(self, compute: Compute, operands: Operands, slopes: bool = False) -> Any:
        """`compute(operands)`: terms or sums, or slopes where `slopes` is true."""
        return compute(operands)
