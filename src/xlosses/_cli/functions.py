"""`xlosses parity module:function`: functions of a user's own on every framework."""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from xlosses._backends import FRAMEWORKS, load
from xlosses._cli.page import Figure
from xlosses._cli.requirements import Missing, require, summary
from xlosses.testing.agreement import Agreement
from xlosses.testing.asserting import parity_of, sentence_of
from xlosses.testing.data import KINDS, drawn, kind_of

N = 64  # entries drawn for each array
Function = Callable[..., Any]


def compared(
    names: Sequence[str], backends: Sequence[str] | None, data: Path | None, kinds: Sequence[str] | None
) -> dict[str, list[Agreement]]:
    """The results of each function, on data of a file or drawn."""
    require(("numpy",))
    if data and kinds:
        raise Missing("--data and --kinds exclude each other")
    functions = {name: _loaded(name) for name in names}
    held = _read(data) if data else None
    found = {}
    for name, function in functions.items():
        args, options = _drawn(name, function, kinds) if held is None else _fitted(name, function, held)
        found[name] = list(parity_of(function, args, options, backends))
    return found


def report(found: Mapping[str, list[Agreement]]) -> int:
    """Print the results; 1 when one is out of tolerance."""
    failed = 0
    for name, results in found.items():
        for backend in dict.fromkeys(result.backend for result in results):
            here = [result for result in results if result.backend == backend]
            wrong = [result for result in here if not result.passed]
            failed += len(wrong)
            worst = max((r.difference for r in here if not math.isnan(r.difference)), default=math.nan)
            verdict = "FAIL" if wrong else "PASS"
            print(f"{verdict} {name} on {FRAMEWORKS[backend]}: {len(here)} results, worst {worst:.1e}")
        for result in (result for result in results if not result.passed):
            print(f"  {sentence_of(result)}")
    total = sum(map(len, found.values()))
    print(f"{total - failed} of {total} results within tolerance")
    return 1 if failed else 0


def figures(found: Mapping[str, list[Agreement]]) -> list[Figure]:
    """The results as the report shows them."""
    return [
        Figure(
            name,
            FRAMEWORKS[x.backend] + (f", {x.way}" if x.way else ""),
            x.what,
            x.difference,
            x.tolerance,
            x.passed,
            x.detail,
        )
        for name, results in found.items()
        for x in results
    ]


def rows(found: Mapping[str, list[Agreement]]) -> list[dict[str, Any]]:
    """The results for a file of figures."""

    def number(x: float) -> float | str:
        return x if math.isfinite(x) else str(x)

    return [
        {
            "function": name,
            "backend": x.backend,
            "compiler": x.way,
            "result": x.what,
            "difference": number(x.difference),
            "tolerance": number(x.tolerance),
            "passed": x.passed,
            "cause": x.cause,
            "detail": x.detail,
        }
        for name, results in found.items()
        for x in results
    ]


def _loaded(name: str) -> Function:
    """The function that `module:function` names; modules of the working folder are found."""
    module, colon, path = name.partition(":")
    if not (module and colon and path):
        raise Missing(f"{name!r} is not module:function")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found: Any = import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except AttributeError as error:
        raise Missing(f"there is no {path} in {module}") from error
    except Exception as error:  # whatever a module raises
        raise Missing(f"{module} cannot be imported ({summary(error)})") from error
    if not callable(found):
        raise Missing(f"{name} is no function")
    return found  # type: ignore[no-any-return]


def _read(path: Path) -> dict[str, Any]:
    try:
        with load("numpy").load(path, allow_pickle=False) as file:
            return dict(file)
    except (ValueError, TypeError, AttributeError) as error:
        raise Missing(f"{path} is no .npz file of arrays ({summary(error)})") from error


def _fitted(name: str, function: Function, held: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The arrays of a file as arguments: by name, or in order where they have none."""
    if all(key == f"arr_{k}" for k, key in enumerate(held)):
        return list(held.values()), {}
    parameters = inspect.signature(function).parameters.values()
    known = {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    others = [] if any(p.kind is p.VAR_KEYWORD for p in parameters) else [*{*held} - known]
    if others:
        raise Missing(f"{name} has no parameter {others[0]!r}, which the data has")
    order = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    leading = order[: next((k for k, key in enumerate(order) if key not in held), len(order))]
    return [held[key] for key in leading], {k: x for k, x in held.items() if k not in leading}


def _drawn(name: str, function: Function, kinds: Sequence[str] | None) -> tuple[list[Any], dict[str, Any]]:
    """An array for each parameter without a default: of these kinds in turn, else "prediction"."""
    parameters = inspect.signature(function).parameters.values()
    plain = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [p.name for p in plain if p.default is p.empty]
    kinds = kinds or ["prediction"] * len(needed)
    if len(kinds) != len(needed):
        raise Missing(
            f"{name} takes {len(needed)} arrays ({', '.join(needed)}), but --kinds has {len(kinds)}"
        )
    for kind in kinds:
        if kind not in KINDS:
            raise Missing(f"there is no kind {kind!r}; there are {', '.join(KINDS)}")
    by_name = dict(zip(needed, kinds, strict=True))
    numpy = load("numpy")
    values = drawn(by_name, N)
    return [numpy.asarray(values[n], dtype=kind_of(k).dtype or "float32") for n, k in by_name.items()], {}
