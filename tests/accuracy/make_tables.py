"""Make the reference tables: `python tests/accuracy/make_tables.py`. Needs mpmath, takes minutes.

For every case of the catalogue, its options and the four dtypes: the points of `points` with
value and partial derivatives by `definitions`, at 50 digits or more. Written to tables.json.gz,
which `tables.py` reads: numbers in the shortest form that is exact (inputs), or good to a
thousandth of a unit in the last place (results, for float64 in two parts).
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from definitions import DEFINITIONS, PRIMITIVES, Term
from definitions.contrastive import added
from formats import FORMATS, Format
from mpmath import mp
from points import LONG, Point, points

from xlosses.testing import CASES

mp.dps = 50
PATH = Path(__file__).with_name("tables.json.gz")
DIGITS = {"float16": 7, "bfloat16": 7, "float32": 10}  # of a result; a pair of numbers for float64
MORE_OPTIONS = {
    "triplet_loss": [{"eps": 0.0}, {"p": 1, "eps": 0.0}],
    "cosine_similarity_loss": [{"eps": 0.0}],
    "quantile_loss": [{"quantile": 0.9}],
    "gaussian_nll_loss": [{"beta": 1.0}],
    "tweedie_deviance_loss": [{"power": 1.0 + 2.0**-6}, {"power": 2.0 - 2.0**-6}],
    "student_t_nll_loss": [{"df": 0.125}, {"df": 1e6}],
    "general_robust_loss": [
        {"alpha": a} for a in (2.0 - 2.0**-20, 2.0 + 2.0**-20, 2.0**-30, -(2.0**-12), -1e3)
    ],
}


def settings(name: str) -> list[Mapping[str, Any]]:
    """The options that a case, or a primitive, is measured with."""
    return [*CASES[name].options, *MORE_OPTIONS.get(name, [])] if name in CASES else [{}]


def dtypes(name: str) -> list[str]:
    return list(FORMATS) if name in CASES else ["float32", "float64"]


def by_length(found: Sequence[Point]) -> list[list[Point]]:
    """Rows of one length together, so that they make one array."""
    lengths = dict.fromkeys(len(p[0]) if isinstance(p[0], list) else 0 for p in found)
    return [[p for p in found if (len(p[0]) if isinstance(p[0], list) else 0) == n] for n in lengths]


def whole(name: str) -> bool:
    """Whether a point is a whole batch, and the derivatives are those of its sum."""
    return name in CASES and CASES[name].whole


def groups(name: str, dtype: str) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """Points of one length together; or each batch, as its arrays."""
    for options in settings(name):
        found = points(name, options, FORMATS[dtype])
        for group in found if whole(name) else by_length(found):
            yield options, group


def term(name: str, point: Point, options: Mapping[str, Any]) -> Term:
    """One term by its definition: 50 digits, and twice as many more as the sizes are apart."""
    sizes = [abs(math.log10(abs(x))) for x in _numbers(point) if x and math.isfinite(x)]
    with mp.workdps(50 + 2 * int(max(sizes, default=0))):
        exact = [_exact(x) for x in point]
        if name in PRIMITIVES:
            return Term(PRIMITIVES[name](*exact), ())
        return DEFINITIONS[name](*exact, **options)


def _numbers(x: Any) -> list[float]:
    return [y for part in x for y in _numbers(part)] if isinstance(x, (list, tuple)) else [x]


def _exact(x: Any) -> Any:
    return [_exact(y) for y in x] if isinstance(x, list) else x if isinstance(x, int) else mp.mpf(x)


def written_whole(name: str, batch: Point, options: Mapping[str, Any], dtype: str) -> dict[str, Any]:
    """The entry of one batch in the file."""
    exact, digits = [_exact(x) for x in batch], DIGITS.get(dtype)
    sizes = [abs(math.log10(abs(x))) for x in _numbers(batch) if x]
    with mp.workdps(50 + 2 * int(max(sizes, default=0))):
        terms = [DEFINITIONS[name](i, *exact, **options) for i in range(len(batch[0]))]
        partials, of_partials = (added([t[k] for t in terms]) for k in (1, 3))
    named = [k for k in CASES[name].arrays if k in CASES[name].slopes]

    def listed(x: Any) -> list[Any]:
        return x if isinstance(x, list) else [x]

    return {
        "options": dict(options),
        "arrays": {k: shortest(x, FORMATS[dtype]) for k, x in zip(CASES[name].arrays, batch, strict=True)},
        "value": column([t.value for t in terms], digits),
        "scale": scales([t.value for t in terms], [t.scale for t in terms]),
        "partials": [column(listed(partials[k]), digits) for k in range(len(named))],
        "scales": [scales(listed(of_partials[k]), listed(of_partials[k])) for k in range(len(named))],
    }


def written(name: str, group: Sequence[Any], options: Mapping[str, Any], dtype: str) -> dict[str, Any]:
    """The entry of one group of points in the file."""
    if whole(name):
        return written_whole(name, tuple(group), options, dtype)
    terms = [term(name, point, options) for point in group]
    names = list(CASES[name].arrays) if name in CASES else ["x"]
    digits = DIGITS.get(dtype)
    # By the other arrays where that is cheap to store.
    long = isinstance(group[0][0], list) and (digits == DIGITS["float16"] or len(group[0][0]) == LONG)
    partials = range(min(len(terms[0].partials), 1 if long else 3))
    return {
        "options": dict(options),
        "arrays": {k: [shortest(p[i], FORMATS[dtype]) for p in group] for i, k in enumerate(names)},
        "value": column([t.value for t in terms], digits),
        "scale": scales([t.value for t in terms], [t.scale for t in terms]),
        "partials": [column([t.partials[k] for t in terms], digits) for k in partials],
        "scales": [
            scales([t.partials[k] for t in terms], [(t.scales or (None,) * len(partials))[k] for t in terms])
            for k in partials
        ],
    }


def shortest(x: Any, f: Format) -> Any:
    """The shortest decimal number that rounds to x in its dtype."""
    if isinstance(x, list):
        return [shortest(y, f) for y in x]
    if isinstance(x, int) or not math.isfinite(x):
        return x
    if f.bits == 53:
        return x
    return next(y for y in (float(f"{x:.{d}g}") for d in range(1, 18)) if f.round(y) == x)


def column(xs: Sequence[Any], digits: int | None) -> list[Any]:
    """Numbers to so many digits; for float64 two columns, the numbers and what they miss."""
    if digits:
        return [cut(x, digits) for x in xs]
    return [[cut(x, 17) for x in xs], [missed(x) for x in xs]]


def cut(x: Any, digits: int) -> Any:
    if isinstance(x, list):
        return [cut(y, digits) for y in x]
    y = float(x)
    if not math.isfinite(y):
        return y
    if y == x and y.is_integer() and abs(y) < 1e6:
        return int(y)
    exact = y == x and digits > 3 and FORMATS["float32"].round(y) == y
    return y if exact else float(f"{y:.{digits}g}")


def missed(x: Any) -> Any:
    """What the nearest float64 misses of a number."""
    if isinstance(x, list):
        return [missed(y) for y in x]
    near = float(x)
    return cut(mp.mpf(x) - mp.mpf(near), 2) if math.isfinite(near) else 0


def scales(xs: Sequence[Any], of: Sequence[Any]) -> list[Any] | None:
    """The scales to two digits, or None where each is its result."""
    if all(scale is None for scale in of):
        return None
    return [cut(x if scale is None else scale, 2) for x, scale in zip(xs, of, strict=True)]


def main() -> None:
    tables: dict[str, Any] = {}
    for name in (*CASES, *PRIMITIVES):
        tables[name] = {
            dtype: [written(name, group, options, dtype) for options, group in groups(name, dtype)]
            for dtype in dtypes(name)
        }
    text = json.dumps(tables, separators=(",", ":"))
    PATH.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main()
