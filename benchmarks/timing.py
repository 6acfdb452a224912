"""Paired times: ours and the peers in turn, in one process, so that what disturbs one disturbs the other."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Mapping
from statistics import median, quantiles
from time import perf_counter

Call = Callable[[], object]

SAMPLE = 1e-3  # seconds that one sample takes at least, by repeating short calls
MOST_ROUNDS = 100
HOPELESS = 2.0  # times slower than the fastest peer: not timed further


def sample(call: Call, repeats: int) -> float:
    """Seconds per call."""
    start = perf_counter()
    for _ in range(repeats):
        call()
    return (perf_counter() - start) / repeats


def trial(call: Call) -> float:
    """Seconds per call, roughly."""
    once = sample(call, 1)
    return once if once > SAMPLE else min(once, sample(call, 1 + int(SAMPLE / 10 / once)))


def repeats_of(call: Call) -> int:
    return max(1, math.ceil(SAMPLE / trial(call)))


def in_turn(calls: Mapping[str, Call], budget: float, least: int) -> dict[str, list[float]]:
    """Seconds per call of each, round by round, until the budget is spent; every other round backwards."""
    gc.collect()
    gc.disable()
    try:
        start = perf_counter()
        repeats = {name: repeats_of(call) for name, call in calls.items()}
        seconds: dict[str, list[float]] = {name: [] for name in calls}
        order = list(calls)
        for done in range(MOST_ROUNDS):
            if done >= least and perf_counter() - start > budget:
                break
            for name in order:
                seconds[name].append(sample(calls[name], repeats[name]))
            order.reverse()
        return seconds
    finally:
        gc.enable()


def promising(peers: Mapping[str, Call]) -> dict[str, Call]:
    """The peers that may turn out the fastest, by a short trial."""
    if len(peers) < 2:
        return dict(peers)
    seconds = {name: trial(call) for name, call in peers.items()}
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
