"""The figures as one JSON file: columns, and a line per row, in three digits."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

Row = dict[str, Any]

STORED = Path(__file__).parent / "results.json"  # what the docs show

# Times in milliseconds, memory in megabytes beyond the inputs, calls in microseconds.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "times": (
        *("backend", "device", "threads", "loss", "size", "way"),
        *("ours", "peer", "theirs", "ratio", "low", "high", "rounds", "note"),
    ),
    "memory": ("backend", "device", "loss", "size", "way", "ours", "peer", "theirs"),
    "calls": ("backend", "device", "loss", "ours", "bare", "above"),
}
KEYS = {"times": 6, "memory": 5, "calls": 3}  # so many columns tell which row it is


class Results:
    """All rows by kind and key, and where they were measured."""

    def __init__(self) -> None:
        self.environment: dict[str, Any] = {}
        self.rows: dict[str, dict[tuple[Any, ...], Row]] = {kind: {} for kind in COLUMNS}

    def add(self, kind: str, row: Row) -> None:
        row = {name: row.get(name) for name in COLUMNS[kind]}
        self.rows[kind][tuple(row.values())[: KEYS[kind]]] = row

    def get(self, kind: str, *key: Any) -> Row | None:
        return self.rows[kind].get(key)

    def all(self, kind: str) -> Iterable[Row]:
        return self.rows[kind].values()

    def write(self, path: Path) -> None:
        parts = [f'"environment": {json.dumps(self.environment, indent=1)}']
        for kind, columns in COLUMNS.items():
            lines = [json.dumps([brief(x) for x in row.values()]) for row in self.all(kind)]
            rows = ",\n  ".join([json.dumps(columns), *lines])
            parts.append(f'"{kind}": [\n  {rows}\n]')
        path.write_text("{\n" + ",\n".join(parts) + "\n}\n")


def read(path: Path) -> Results:
    stored = json.loads(path.read_text())
    results = Results()
    results.environment = stored["environment"]
    for kind in COLUMNS:
        columns, *rows = stored[kind]
        for row in rows:
            results.add(kind, dict(zip(columns, row, strict=True)))
    return results


def brief(x: Any) -> Any:
    return float(f"{x:.3g}") if isinstance(x, float) else x


def environment(versions: Mapping[str, str], accelerators: Mapping[str, str]) -> dict[str, Any]:
    """Where this was measured: no names of machines or people."""
    return {
        "date": date.today().isoformat(),
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "accelerators": sorted(set(accelerators.values())),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {"python": platform.python_version(), **dict(sorted(versions.items()))},
    }


def cpu_model() -> str:
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text().splitlines() if listing.exists() else []
    found = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return found[0] if found else platform.processor() or "unknown"
