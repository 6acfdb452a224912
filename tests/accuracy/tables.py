"""Read the reference tables: points with exact results, as NumPy arrays. Needs no mpmath."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from formats import FORMATS

PATH = Path(__file__).with_name("tables.json.gz")


@dataclass(frozen=True)
class Exact:
    """Exact results in two parts, and what their errors are measured against."""

    high: np.ndarray
    low: np.ndarray  # what float64 misses of them; 0 where it does not matter
    scale: np.ndarray


@dataclass(frozen=True)
class Group:
    """Points of one case with the same options, dtype and length of row."""

    options: Mapping[str, Any]
    arrays: Mapping[str, list[Any]]
    value: Exact
    partials: Mapping[str, Exact]  # by the name of the array

    @property
    def size(self) -> int:
        return len(next(iter(self.arrays.values())))


@cache
def raw() -> Mapping[str, Any]:
    """The file: case -> dtype -> groups."""
    return json.loads(gzip.decompress(PATH.read_bytes()))


def groups(name: str, dtype: str) -> list[Group]:
    """The groups of one case, or of one primitive, in one dtype."""
    return [_group(entry, dtype) for entry in raw()[name].get(dtype, [])]


def _group(entry: Mapping[str, Any], dtype: str) -> Group:
    partials = zip(entry["arrays"], entry["partials"], entry["scales"], strict=False)
    return Group(
        entry["options"],
        {name: _as_stored(x, dtype) for name, x in entry["arrays"].items()},
        _exact(entry["value"], entry["scale"], dtype),
        {name: _exact(x, scale, dtype) for name, x, scale in partials},
    )


def _as_stored(x: Any, dtype: str) -> Any:
    """The shortest decimal numbers, as the numbers of the dtype that they stand for."""
    if isinstance(x, list):
        return [_as_stored(entry, dtype) for entry in x]
    return x if isinstance(x, int) else FORMATS[dtype].round(x)


def _exact(stored: Any, scale: Any, dtype: str) -> Exact:
    high, low = stored if dtype == "float64" else (stored, np.zeros(np.shape(stored)))
    high = np.asarray(high, np.float64)
    scale = np.abs(high) if scale is None else np.asarray(scale, np.float64)
    return Exact(high, np.asarray(low, np.float64), np.maximum(scale, np.abs(high)))
