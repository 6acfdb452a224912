"""Measure how far every loss is from the reference tables, on one framework.

    python tests/accuracy/measure.py --backend torch              print the largest errors
    python tests/accuracy/measure.py --backend torch --worst      and the points where they are
    python tests/accuracy/measure.py --backend torch --refresh    and store them in held.json

Refresh after a look: `test_held_accuracy.py` fails where an error is more than twice its stored
figure. The other frameworks' figures stay as they are.

What is measured: the unreduced value; the gradient of the sum by the first array and by the other
ones, by the framework's autodiff; and the slope, which `xlosses.value_and_grad` returns.

The unit: for element-wise losses, ULP of the largest term that the definition adds; for losses
over rows, relative to that term; for the half types, ULP of the result, after what float32 may be
off. `definitions` says per loss what the largest term is, and why. A new reason for a figure
over its target goes into `targets.py`, new points into `points`, and then `make_tables.py` runs.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from formats import FORMATS
from tables import Exact, Group, groups, raw
from targets import IN_HALF, PRIMITIVES, ROWS, SPECIAL, over, reason, target

import xlosses
from xlosses._backends import Workbench, load_workbench
from xlosses._core import special
from xlosses.testing import CASES
from xlosses.testing.data import KINDS

PATH = Path(__file__).with_name("held.json")
BACKENDS = ("numpy", "torch", "jax", "mlx")
FLUSH = ("jax", "mlx")  # numbers below the smallest normal one are 0 to them
# The only lengths that are measured.
COSINES = ("cosine_similarity_loss", "cosine_distance_loss", "cosine_embedding_loss")
PROMISED = dict.fromkeys(COSINES, (1e-30, 1e30))
KEY = ("loss", "backend", "dtype", "what")


class Figure(NamedTuple):
    """The largest error of one loss on one framework in one dtype."""

    loss: str
    backend: str
    dtype: str
    what: str  # "value", "gradient", "other gradients", "slope"
    error: float
    at: str  # the point

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(getattr(self, part) for part in KEY)


def measured(backend: str, names: Any = None, dtypes: Any = None) -> Iterator[Figure]:
    """All figures of one framework, or those of some losses and dtypes."""
    bench = load_workbench(backend)
    with _all_dtypes(backend), np.errstate(all="ignore"):
        for name in names or raw():
            for dtype in dtypes or bench.dtypes():
                worst: dict[str, tuple[float, str]] = {}
                for group in groups(name, dtype):
                    is_whole = name in CASES and CASES[name].whole
                    padded_group = group if is_whole else padded(group)
                    for what, found, exact, array in results(name, bench, dtype, padded_group):
                        found = found.reshape(exact.high.shape) if is_whole else found[: group.size]
                        errors = error(name, backend, dtype, found, exact)
                        for where, kept in regions(name, backend, dtype, group, exact):
                            some = np.where(kept, errors, -1.0)
                            if (largest := float(some.max())) > worst.get(what + where, (-1.0, ""))[0]:
                                worst[what + where] = largest, describe(group, array, some, found, exact)
                for what, (largest, at) in worst.items():
                    yield Figure(name, backend, dtype, what, largest, at)


def regions(name: str, backend: str, dtype: str, group: Group, exact: Exact) -> list[tuple[str, np.ndarray]]:
    """Which entries are ordinary, and which are at the ends of the range of the computation.

    These are measured apart: where a difference may be subnormal, one bit is a large part of it,
    and the reciprocal of a number near the largest one is subnormal. On JAX, to which subnormal
    numbers are 0, the small ones are not measured at all.
    """
    if name in CASES and CASES[name].whole:  # its products are away from both ends
        return [("", np.ones(exact.high.shape, bool))]
    f = FORMATS[dtype if dtype == "float64" else "float32"]  # which is computed in
    least, most = PROMISED.get(name, (f.tiny * 2.0**f.bits, f.max / 64.0))
    low, high = np.zeros((2, group.size), bool)
    for x in group.arrays.values():
        size = np.abs(np.asarray(x, np.float64)).reshape(group.size, -1)
        low |= ((size > 0) & (size < least)).any(axis=1)
        high |= ((size > most) & np.isfinite(size)).any(axis=1)
    shape = (-1, *[1] * (exact.scale.ndim - 1))
    tail = (exact.scale > 0) & (exact.scale < least) | low.reshape(shape)
    ends = tail | high.reshape(shape)
    if name in PROMISED:
        return [("", ~ends)]
    return [("", ~ends), (" at the ends", ends & ~tail if backend == "jax" else ends)]


def padded(group: Group) -> Group:
    """The last point repeated, so that groups have few shapes: JAX compiles for each."""
    by_rows = isinstance(next(iter(group.arrays.values()))[0], list)
    more = -group.size % (128 if by_rows else 512)
    return replace(group, arrays={name: [*x, *[x[-1]] * more] for name, x in group.arrays.items()})


def _all_dtypes(backend: str) -> Any:
    """JAX has float64 only on demand."""
    if backend != "jax":
        return nullcontext()
    import jax

    return jax.enable_x64(True)


def results(
    name: str, bench: Workbench, dtype: str, group: Group
) -> Iterator[tuple[str, np.ndarray, Exact, str]]:
    """What the framework computes of one group, beside what is right."""
    if name in PRIMITIVES:
        (x,) = group.arrays.values()
        if (found := primitive(name, bench, bench.array(x, dtype))) is not None:
            yield "value", read(bench, found), group.value, ""
        return
    case = CASES[name]
    given = [
        bench.array(x[0] if case.is_shared(n) and not case.whole else x, KINDS[case.arrays[n]].dtype or dtype)
        for n, x in group.arrays.items()
    ]
    value = case.loss(*given, reduction="none", **group.options)
    yield "value", read(bench, value), group.value, ""
    options = {"reduction": "sum", **group.options}
    first, *others = group.partials
    slope = xlosses.value_and_grad(case.loss)(*given, **options)[1]
    yield "slope", read(bench, slope), group.partials[first], first
    if bench.differentiates:
        n = len(group.partials)
        _, gradients = bench.value_and_grad(lambda *x: case.loss(*x, *given[n:], **options), *given[:n])
        yield "gradient", read(bench, gradients[0]), group.partials[first], first
        for array, gradient in zip(others, gradients[1:], strict=True):
            yield "other gradients", read(bench, gradient), group.partials[array], array


def primitive(name: str, bench: Workbench, x: Any) -> Any:
    """What the framework makes of one primitive of `definitions`; None where it has no autodiff."""
    xp = bench.xp
    if name.startswith("gradient of "):
        functions = {"x / y": lambda y: x / y, "where": lambda y: math.inf * xp.where(y == y, 0.0, y)}
        f = functions[name.removeprefix("gradient of ")]
        return bench.value_and_grad(lambda y: xp.sum(f(y)), x)[1][0] if bench.differentiates else None
    column = xp.reshape(x, (-1, 1))
    other = {
        "x^3": lambda: x**3.0,
        "x^(1/3)": lambda: x ** (1.0 / 3.0),
        "number / array": lambda: 2.0**-20 / x,
        "rows / column": lambda: (xp.concat([column, column], axis=1) / column)[:, 0],
    }
    if name in SPECIAL:
        return getattr(special, name)(xp, x)
    return other[name]() if name in other else getattr(xp, name)(x)


def read(bench: Workbench, x: Any) -> np.ndarray:
    """The array in float64; half types by way of float32, which every framework can read."""
    xp = bench.xp
    half = xp.dtype_name(x.dtype) in ("float16", "bfloat16")
    return np.asarray(bench.read(xp.astype(x, xp.float32) if half else x), np.float64)


def error(name: str, backend: str, dtype: str, found: np.ndarray, exact: Exact) -> np.ndarray:
    """How far each entry is off, in the unit of its loss; infinite for a NaN or a wrong infinity."""
    f = FORMATS[dtype]
    off = np.abs((found - exact.high) - exact.low)
    if backend in FLUSH:
        off = np.maximum(off - f.tiny, 0.0)
    scale = np.maximum(exact.scale, f.tiny)
    if dtype in ("float16", "bfloat16"):
        errors = np.maximum(off - IN_HALF[backend == "mlx"] * scale, 0.0) / f.ulp(exact.high)
    elif name in ROWS:
        errors = off / scale
    else:
        errors = off / f.ulp(scale)
    beyond = np.abs(exact.high) >= f.max  # rounds to infinity
    right = np.isinf(found) & (np.sign(found) == np.sign(exact.high)) | (np.abs(found) == f.max)
    errors = np.where(beyond, np.where(right, 0.0, np.inf), errors)
    errors = np.where(np.isnan(errors), np.inf, errors)
    return np.where(np.isnan(exact.high), 0.0, errors)  # left open


def describe(group: Group, array: str, errors: np.ndarray, found: np.ndarray, exact: Exact) -> str:
    """The point of the largest error, in words."""
    at = np.unravel_index(int(errors.argmax()), errors.shape)
    point = ", ".join(
        f"{name}={x[at[0]] if isinstance(x, list) and at[0] < len(x) else x}"
        for name, x in group.arrays.items()
    )
    options = "".join(f", {name}={x}" for name, x in group.options.items())
    entry = f" by {array}{list(map(int, at[1:])) or ''}" if array else ""
    return f"{point}{options}:{entry} {found[at]!r} for {exact.high[at]!r}"


def held() -> dict[tuple[str, ...], float]:
    """The stored figures."""
    rows = json.loads(PATH.read_text()) if PATH.exists() else []
    return {tuple(row[part] for part in KEY): float(row["error"]) for row in rows}


def _brief(error: float) -> float | str:
    return float(f"{error:.3g}") if math.isfinite(error) else "inf"


def store(figures: list[Figure]) -> None:
    """Replace the figures of the frameworks that were measured, one row per line."""
    renewed = {figure.backend for figure in figures}
    kept = {key: error for key, error in held().items() if key[1] not in renewed}
    rows = {**kept, **{figure.key: figure.error for figure in figures}}
    lines = [
        json.dumps({**dict(zip(KEY, key, strict=True)), "error": _brief(rows[key])}) for key in sorted(rows)
    ]
    PATH.write_text("[\n" + ",\n".join(lines) + "\n]\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--backend", choices=BACKENDS, required=True)
    parser.add_argument("--refresh", action="store_true", help="store the figures in held.json")
    parser.add_argument("--worst", action="store_true", help="print the point of each largest error")
    parser.add_argument("--loss", action="append", help="only these cases or primitives")
    options = parser.parse_args()
    if options.refresh and options.loss:
        parser.error("--refresh stores all losses of a framework: leave out --loss")
    figures = list(measured(options.backend, options.loss))
    say = sys.stdout.write
    for figure in figures:
        limit, excess = target(*figure.key), over(figure.error, *figure.key)
        mark = "" if not excess else "over" if reason(*figure.key) else "OVER, NO REASON"
        say(f"{figure.loss:38}{figure.dtype:10}{figure.what:29}{figure.error:10.3g}{limit:10.3g}  {mark}\n")
        if options.worst and figure.error:
            say(f"    {figure.at}\n")
    if any(math.isinf(figure.error) for figure in figures):
        say("An infinite error is a wrong NaN or infinity.\n")
    if options.refresh:
        store(figures)


if __name__ == "__main__":
    main()
