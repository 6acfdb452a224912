"""`python -m benchmarks`: measure, print the tables, and write the figures where `--json` says."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import report
from benchmarks.driver import WorkerFailed, describe, rows
from benchmarks.memory import measurable
from benchmarks.report import say
from benchmarks.results import Results, Row, environment, read
from benchmarks.sizes import BACKENDS, CALLED, COMPILED_WAYS, Point, heading, matches, memory_points, points
from benchmarks.targets import OURS_FAILS
from benchmarks.timing import CLOCKS

PARTS = ("calls", "times", "memory")  # in this order: memory is that of the fastest peer
QUICK = 110.0  # seconds after which --quick starts nothing more
PATTERNS = {"loss": "such as 'cross*'", "size": "such as 2M '*x*'", "way": "such as 'compiled *'"}


@dataclass
class Job:
    """Rows of one kind that one process measures; or of memory, for which there is a process per row."""

    kind: str
    backend: str
    device: str
    threads: int
    points: list[Any] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    args = parsed(arguments)
    console = Console()
    results = read(args.json) if args.update and args.json.exists() else Results()
    try:
        measure(args, console, results)
    except KeyboardInterrupt:
        console.print("Interrupted; what was measured so far follows.")
    if args.json:
        results.write(args.json)
    if any(results.all("memory")):
        report.print_memory(console, results.all("memory"))
    if any(results.all("calls")):
        report.print_calls(console, results.all("calls"))
    report.print_targets(console, results)
    return 0


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small and middling arrays, two minutes in all")
    parser.add_argument("--backend", nargs="+", choices=BACKENDS, default=list(BACKENDS))
    parser.add_argument("--part", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--threads", nargs="+", type=int, help="1 2 unless given, 1 with --quick")
    for name in ("loss", "size", "way"):
        parser.add_argument(f"--{name}", nargs="+", default=["*"], metavar="PATTERN", help=PATTERNS[name])
    parser.add_argument(
        "--budget", type=float, help="seconds per row, which the least number of rounds may exceed"
    )
    parser.add_argument(
        "--rounds", type=int, help="the least number of rounds: 5 unless given, 3 with --quick"
    )
    parser.add_argument(
        "--clock", choices=CLOCKS, default="wall", help="processor: on a busy machine, 1 thread"
    )
    parser.add_argument("--json", type=Path, metavar="PATH", help="where to write the figures")
    parser.add_argument("--update", action="store_true", help="keep the other rows of that file")
    args = parser.parse_args(arguments)
    if args.update and not args.json:
        parser.error("--update needs --json")
    args.threads = args.threads or ([1] if args.quick else [1, 2])
    args.budget = args.budget or (0.05 if args.quick else 1.5)
    args.rounds = args.rounds or (3 if args.quick else 5)
    return args


def measure(args: argparse.Namespace, console: Console, results: Results) -> None:
    """All jobs, one after the other; the file is written after each, so that an interrupt loses little."""
    start = perf_counter()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, refresh_per_second=2) as progress:
        task = progress.add_task("looking what is installed", total=None)
        jobs = planned(args, console, results)
        progress.update(task, total=sum(len(job.points) for job in jobs))
        for job in jobs:
            title = heading(job.backend, job.device, job.threads)
            if args.quick and perf_counter() - start > QUICK:
                say(console, f"The time is over: {title}: {job.kind} is left out")
                continue
            progress.update(task, description=f"{title}: {job.kind}")
            found = []
            try:
                for row in MEASURED[job.kind](job, args, results):
                    found.append(row)
                    results.add(job.kind, row)
                    name = " ".join(row[part] for part in ("loss", "size", "way") if part in row)
                    progress.update(task, advance=1, description=f"{title}: {job.kind} {name}")
            except WorkerFailed as failed:
                say(console, str(failed))
            if found and job.kind == "times":
                report.print_times(console, title, found)
            if args.json:
                results.write(args.json)


def planned(args: argparse.Namespace, console: Console, results: Results) -> list[Job]:
    """The jobs that this machine can do; what is left out is said."""
    jobs: dict[str, list[Job]] = {part: [] for part in PARTS}
    patterns = (args.loss, args.size, args.way)
    versions = results.environment.get("versions", {})
    accelerators = {}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for backend in args.backend:
        try:
            described = describe(backend)
        except WorkerFailed as failed:
            say(console, f"{BACKENDS[backend]} is left out: {failed}")
            continue
        versions |= described["versions"]
        accelerators |= described["accelerators"]
        timed = points(backend, args.quick, patterns)
        if why := described["why_not_compiled"]:
            say(console, f"{BACKENDS[backend]} is not compiled: {why}")
            timed = [point for point in timed if point[2] not in COMPILED_WAYS]
        for device, threads in runs(args.threads, cores, described["accelerators"]):
            jobs["times"].append(Job("times", backend, device, threads, timed))
        for device in ("cpu", *described["accelerators"]):
            held = memory_points(backend, args.quick, patterns) if measurable(backend, device) else []
            jobs["memory"] += [Job("memory", backend, device, 1, [point]) for point in held]
            jobs["calls"].append(Job("calls", backend, device, 1, called(args.loss)))
    for threads in args.threads:
        if threads > cores:
            say(console, f"{threads} threads are left out: there are {cores} cores here")
    results.environment = environment(versions, accelerators)
    return [job for part in args.part for job in jobs[part] if job.points]


def runs(threads: list[int], cores: int, accelerators: dict[str, str]) -> list[tuple[str, int]]:
    return [("cpu", n) for n in threads if n <= cores] + [(device, 1) for device in accelerators]


def called(patterns: list[str]) -> list[str]:
    return [loss for loss in CALLED if matches(loss, patterns)]


def times(job: Job, args: argparse.Namespace, results: Results) -> Iterator[Row]:
    """A process that ends early costs one row: another one goes on after it."""
    where = {"backend": job.backend, "device": job.device, "threads": job.threads}
    rest = list(job.points)
    while rest:
        try:
            for row in rows(
                "times", **where, points=rest, budget=args.budget, rounds=args.rounds, clock=args.clock
            ):
                rest = rest[1:]
                yield {**where, **row}
        except WorkerFailed as failed:
            crashed, *rest = rest
            yield {**where, **named(crashed), "note": f"{OURS_FAILS}, or a peer: {failed}"}


def memory(job: Job, args: argparse.Namespace, results: Results) -> Iterator[Row]:
    """A process for ours, and one for the peer that was the fastest, if it was timed."""
    where = {"backend": job.backend, "device": job.device}
    for point in job.points:
        timed = results.get("times", job.backend, job.device, 1, *point) or {}
        ours, theirs = (
            next(rows("memory", **where, point=point, ours=which, peer=timed.get("peer")))
            for which in (True, False)
        )
        figures = {"ours": ours["megabytes"], "theirs": theirs["megabytes"], "peer": theirs["contender"]}
        yield {**where, **named(point), **figures}


def calls(job: Job, args: argparse.Namespace, results: Results) -> Iterator[Row]:
    where = {"backend": job.backend, "device": job.device}
    for row in rows("calls", **where, losses=job.points, budget=args.budget, rounds=args.rounds):
        yield {**where, **row}


def named(point: Point) -> Row:
    return dict(zip(("loss", "size", "way"), point, strict=True))


MEASURED = {"times": times, "memory": memory, "calls": calls}

if __name__ == "__main__":
    raise SystemExit(main())
