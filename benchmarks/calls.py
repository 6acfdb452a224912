"""What one call costs on 64 elements, and how much of that is above the bare formula."""

from __future__ import annotations

from statistics import median

from benchmarks.data import drawn
from benchmarks.frameworks import OURS, Framework, ours
from benchmarks.sizes import FORWARD, LOSSES
from benchmarks.timing import in_turn


def cost(framework: Framework, loss: str, budget: float, rounds: int) -> dict[str, float]:
    """Microseconds: medians of our call, of the bare formula, and of their paired difference."""
    size = next(iter(LOSSES[loss].shapes))
    arrays = [framework.array(values) for values in drawn(loss, size)]
    functions = {OURS: ours(loss), "bare": framework.peers.BARE[loss]}
    calls = {name: framework.call(function, arrays, FORWARD) for name, function in functions.items()}
    seconds = in_turn(calls, budget, rounds)
    above = median(a - b for a, b in zip(seconds[OURS], seconds["bare"], strict=True))
    return {
        "ours": 1e6 * median(seconds[OURS]),
        "bare": 1e6 * median(seconds["bare"]),
        "above": 1e6 * above,
    }
