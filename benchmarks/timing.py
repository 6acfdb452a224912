"""Paired times: ours and the peers in turn, in one process, so that what disturbs one disturbs the other."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Mapping
from statistics import median, quantiles
from time import perf_counter, process_time

Call = Callable[[], object]

# Processor time leaves out that other programs have the core: for one thread on a busy machine.
CLOCKS: Mapping[str, Callable[[], float]] = {"wall": perf_counter, "processor": process_time}

SAMPLE = 1e-3  # seconds that one sample takes at least, by repeating short calls
MOST_ROUNDS = 100
HOPELESS = 2.0  # times slower than the fastest peer: not timed further


def sample(call: Call, repeats: int, clock: str) -> float:
    """Seconds per call."""
    now = CLOCKS[clock]
    start = now()
    for _ in range(repeats):
        call()
    return (now() - start) / repeats


def trial(call: Call, clock: str) -> float:
    """Seconds per call, roughly."""
    once = sample(call, 1, clock)
    return once if once > SAMPLE else min(once, sample(call, 1 + int(SAMPLE / 10 / once), clock))


def repeats_of(call: Call, clock: str) -> int:
    return max(1, math.ceil(SAMPLE / trial(call, clock)))


def in_turn(
    calls: Mapping[str, Call], budget: float, least: int, clock: str = "wall"
) -> dict[str, list[float]]:
    """Seconds per call of each, round by round, until the budget is spent; every other round backwards."""
    gc.collect()
    gc.disable()
    try:
        start = perf_counter()
        repeats = {name: repeats_of(call, clock) for name, call in calls.items()}
        seconds: dict[str, list[float]] = {name: [] for name in calls}
        order = list(calls)
        for done in range(MOST_ROUNDS):
            if done >= least and perf_counter() - start > budget:
                break
            for name in order:
                seconds[name].append(sample(calls[name], repeats[name], clock))
            order.reverse()
        return seconds
    finally:
        gc.enable()


def promising(peers: Mapping[str, Call], clock: str) -> dict[str, Call]:
    """The peers that may turn out the fastest, by a short trial."""
    if len(peers) < 2:
        return dict(peers)
    seconds = {name: trial(call, clock) for name, call in peers.items()}
    return {name: call for name, call in peers.items() if seconds[name] <= HOPELESS * min(seconds.values())}


def against_the_best(seconds: Mapping[str, list[float]], ours: str) -> dict[str, object]:
    """Ours against the fastest peer: medians in milliseconds, the median of paired ratios, its quartiles."""
    medians = {name: median(times) for name, times in seconds.items()}
    best = min((name for name in medians if name != ours), key=medians.__getitem__)
    low, middle, high = quartiles([a / b for a, b in zip(seconds[ours], seconds[best], strict=True)])
    return {
        "peer": best,
        "ours": 1e3 * medians[ours],
        "theirs": 1e3 * medians[best],
        "ratio": middle,
        "low": low,
        "high": high,
        "rounds": len(seconds[ours]),
    }


def quartiles(numbers: list[float]) -> list[float]:
    return quantiles(numbers, n=4, method="inclusive")
