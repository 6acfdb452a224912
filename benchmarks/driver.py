"""One process per framework, device and number of threads; their rows come back as lines of JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.worker import MARK

ROOT = Path(__file__).parent.parent
BY_ENVIRONMENT = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")

Row = dict[str, Any]


class WorkerFailed(Exception):  # noqa: N818  (raised, it reads as a sentence)
    """A process of measurements ended early; the message says how."""


def rows(kind: str, backend: str, device: str = "cpu", threads: int = 1, **job: Any) -> Iterator[Row]:
    """The rows of one job, as they are measured."""
    job = {"kind": kind, "backend": backend, "device": device, "threads": threads, **job}
    command = [sys.executable, "-m", "benchmarks.worker", json.dumps(job)]
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT, env=environment(threads)
        ) as process,
    ):
        try:
            for line in process.stdout or ():
                if line.startswith(MARK):
                    yield json.loads(line.removeprefix(MARK))
        except BaseException:  # an interrupt, or the caller has enough
            process.kill()
            raise
        if process.wait():
            errors.seek(0)
            last = (errors.read().strip().splitlines() or ["no message"])[-1]
            raise WorkerFailed(f"{backend}, {kind}: exit status {process.returncode}: {last}")


def environment(threads: int) -> Mapping[str, str]:
    return {
        **os.environ,
        **dict.fromkeys(BY_ENVIRONMENT, str(threads)),
        "KERAS_BACKEND": "numpy",
        "TORCHINDUCTOR_COMPILE_THREADS": "1",  # more are processes, which would go on beside the measurement
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }


def describe(backend: str) -> Row:
    """Versions, devices, and what is missing to compile."""
    return next(rows("describe", backend))
