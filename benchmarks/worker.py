"""One process of measurements: a job as JSON in the arguments, a line of JSON per row on standard output.

A process of its own for every number of threads: the libraries read it when they are imported.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.frameworks import Framework

Row = dict[str, Any]
Job = Mapping[str, Any]

MARK = "row: "  # what a framework prints itself has no mark
TOLERANCE = 1e-3


def main() -> None:
    job = json.loads(sys.argv[1])
    pin(job["threads"])
    from benchmarks.frameworks import FRAMEWORKS

    framework = FRAMEWORKS[job["backend"]](job["backend"], job["device"], job["threads"])
    for row in WORK[job["kind"]](framework, job):
        print(MARK + json.dumps(row), flush=True)


def pin(threads: int) -> None:
    """Keep to so many cores. It holds for every framework; the environment does not for JAX and MLX."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def describe(framework: Framework, job: Job) -> Iterator[Row]:
    yield {
        "accelerators": framework.accelerators(),
        "versions": framework.versions(),
        "why_not_compiled": framework.why_not_compiled(),
    }


def times(framework: Framework, job: Job) -> Iterator[Row]:
    from benchmarks.data import drawn

    for (loss, size), points in groupby(job["points"], key=lambda point: point[:2]):
        arrays = [framework.array(values) for values in drawn(loss, size)]
        for _, _, way in points:
            yield {"loss": loss, "size": size, "way": way, **timed(framework, loss, way, arrays, job)}
            framework.forget_compiled()
            framework.forget_memory()


def timed(framework: Framework, loss: str, way: str, arrays: list[Any], job: Job) -> Row:
    from benchmarks.frameworks import OURS
    from benchmarks.sizes import LOSSES
    from benchmarks.targets import OURS_FAILS
    from benchmarks.timing import against_the_best, in_turn, promising

    argnums = LOSSES[loss].argnums
    contenders = framework.contenders(loss, way)
    calls = {name: framework.call(function, arrays, way, argnums) for name, function in contenders.items()}
    try:
        apart, notes = compare(calls)
    except Exception as error:
        return {"note": f"{OURS_FAILS}: {summary(error)}"}
    if not apart:
        return {"note": "; ".join(notes)}
    clock = job["clock"]
    peers = promising({name: calls[name] for name in apart}, clock)
    seconds = in_turn({OURS: calls[OURS], **peers}, job["budget"], job["rounds"], clock)
    row = against_the_best(seconds, OURS)
    gap = apart[row["peer"]]
    if not gap <= TOLERANCE:
        notes.insert(0, f"differs by {gap:.1g}")
    if clock != "wall":
        notes.append(f"{clock} time")
    return {**row, "note": "; ".join(notes)}


def compare(calls: Mapping[str, Callable[[], Any]]) -> tuple[dict[str, float], list[str]]:
    """How far the result of each peer is from ours, and which fail. Afterwards everything is compiled."""
    from benchmarks.frameworks import OURS, difference

    result = calls[OURS]()
    apart, notes = {}, []
    for name, call in calls.items():
        if name != OURS:
            try:
                apart[name] = difference(result, call())
            except Exception as error:
                notes.append(f"{name} fails: {type(error).__name__}")
    return apart, notes


def memory(framework: Framework, job: Job) -> Iterator[Row]:
    from benchmarks.data import drawn
    from benchmarks.frameworks import OURS
    from benchmarks.memory import peak_bytes
    from benchmarks.sizes import LOSSES

    loss, size, way = job["point"]
    contenders = framework.contenders(loss, way)
    peers = [name for name in contenders if name != OURS]
    name = OURS if job["ours"] else job["peer"] if job["peer"] in peers else peers[0]
    arrays = [framework.array(values) for values in drawn(loss, size)]
    call = framework.call(contenders[name], arrays, way, LOSSES[loss].argnums)
    yield {"contender": name, "megabytes": peak_bytes(framework, call) / 1e6}


def calls(framework: Framework, job: Job) -> Iterator[Row]:
    from benchmarks.calls import cost

    for loss in job["losses"]:
        yield {"loss": loss, **cost(framework, loss, job["budget"], job["rounds"])}


WORK = {"describe": describe, "times": times, "memory": memory, "calls": calls}


def summary(error: Exception) -> str:
    """The first line of an error."""
    lines = f"{type(error).__name__}: {error}".strip().splitlines()
    return lines[0][:120]


if __name__ == "__main__":
    main()
