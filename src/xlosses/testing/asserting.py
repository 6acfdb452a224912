"""`assert_parity`: one function of anybody's on every framework, eager and compiled, beside a reference."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from xlosses._backends import FLOATING, FRAMEWORKS, Workbench, load_workbench
from xlosses.testing.agreement import Agreement, Limits, agreement
from xlosses.testing.frameworks import asked
from xlosses.testing.subject import (
    PLAIN,
    Reference,
    Subject,
    dtype_of,
    floating_outputs,
    kind_of,
    output_paths,
    read,
    reference_gradients,
    total_of,
)
from xlosses.testing.trees import Inputs, beside, leaves

SHOWN = 8  # failures in a message
COMPLEX = "complex arrays cannot be compared; pass their real and imaginary parts"


def assert_parity(
    function: Callable[..., Any],
    *arrays: Any,
    backends: Iterable[str] | None = None,
    gradients: bool = True,
    compiled: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    reference: Any = None,
    **options: Any,
) -> None:
    """Check that a function gives the same on every framework: values, gradients, eager and compiled.

    What comes out must be of the framework, dtype and device that went in, and the arrays that went in
    must come back unwritten.

    Parameters
    ----------
    function : callable
        Yours, written against the array API or with the functions of this library.
    *arrays : array or tree of arrays
        Its arguments: arrays and scalars of NumPy, also in tuples, lists and dicts. Each framework gets
        them as arrays of its own, of the same dtype. All else is passed on as it is.
    backends : sequence of {"numpy", "torch", "jax", "mlx"}, optional
        The frameworks to run on; all that are installed unless given.
    gradients : bool
        Whether to compare the gradients of the sum of all outputs by every floating array.
    compiled : bool
        Whether to run under `jax.jit`, `torch.compile` and `mx.compile` as well.
    rtol, atol : float, optional
        What may differ, as in NumPy: atol + rtol times the expected. By default the tolerance of the dtype
        times the largest entry of the array.
    reference : callable or tree of arrays, optional
        What the outputs should be, or a function of the same arguments that says so. The function itself
        on NumPy in float64 unless given.
    **options
        Keyword arguments of the function, which may hold arrays too.

    Raises
    ------
    AssertionError
        When a framework differs. The message names the framework, its compiler, the output or gradient,
        how many entries differ, and the worst of them. When the function raises, that is the cause.
    ModuleNotFoundError
        When a framework that is named is not installed, or NumPy.
    TypeError
        When an array is complex.

    Examples
    --------
    >>> import numpy as np
    >>> from xlosses.testing import assert_parity
    >>> def energy(x):
    ...     return 0.5 * (x * x).sum()
    >>> assert_parity(energy, np.asarray([1.0, 2.0], np.float32), backends=["numpy"])
    """
    found = list(
        parity_of(function, arrays, options, backends, gradients, compiled, Limits(rtol, atol), reference)
    )
    failed = [result for result in found if not result.passed]
    if failed:
        cause = next((result.error for result in failed if result.error is not None), None)
        raise AssertionError(_message(function, found, failed)) from cause


def parity_of(
    function: Callable[..., Any],
    arrays: Sequence[Any],
    options: Any,
    backends: Iterable[str] | None = None,
    gradients: bool = True,
    compiled: bool = True,
    limits: Limits = Limits(),  # noqa: B008  (frozen)
    reference: Any = None,
) -> Iterator[Agreement]:
    """Every result of every framework beside the reference."""
    names = asked(backends)
    subject = Subject(function, Inputs(function, tuple(arrays), options))
    if any(dtype.startswith("complex") for dtype in subject.dtypes):
        raise TypeError(COMPLEX)
    try:
        wanted = _wanted(subject, reference)
    except Exception as error:
        what = "the reference" if callable(reference) else "the reference, the function in float64"
        yield Agreement("numpy", "", what, "error", math.nan, math.nan, _raised(error), error)
        return
    slopes = None
    if gradients and subject.floating and any(load_workbench(name).differentiates for name in names):
        try:
            slopes = reference_gradients(subject)
        except Exception as error:
            what = "the reference of gradients"
            yield Agreement("numpy", "", what, "error", math.nan, math.nan, _raised(error), error)
            return
    for name in names:
        try:
            bench = load_workbench(name)
        except Exception as error:  # whatever a broken installation raises
            yield Agreement(name, "", "its import", "error", math.nan, math.nan, _raised(error), error)
            continue
        with bench.wide() if "float64" in subject.dtypes else nullcontext():
            lacking = [dtype for dtype in subject.dtypes if dtype in FLOATING and dtype not in bench.dtypes()]
            if not lacking:
                yield from _Run(name, bench, subject, wanted, slopes, limits).results(compiled)
            elif backends is not None:
                detail = f"has no {lacking[0]} here, which the data is of"
                yield Agreement(name, "", "its dtypes", "dtype", math.nan, math.nan, detail)


def _wanted(subject: Subject, reference: Any) -> Any:
    """The outputs of the reference, as a tree of arrays of NumPy and Python numbers."""
    if reference is not None and not callable(reference):
        return reference
    bench = load_workbench("numpy")
    with bench.xp.errstate(all="ignore"):
        return subject.call(subject.arrays_on(bench, widened=True), reference)


@dataclass(frozen=True)
class _Run:
    """A subject on one framework."""

    name: str
    bench: Workbench
    subject: Subject
    wanted: Any
    slopes: Reference | None
    limits: Limits

    def results(self, compiled: bool) -> Iterator[Agreement]:
        """Of the outputs and the gradients, as they are and compiled."""
        given = self.subject.arrays_on(self.bench)
        before = [read(self.bench, x) for x in given]
        try:
            with self.bench.xp.errstate(all="ignore") if self.name == "numpy" else nullcontext():
                output = self.subject.call(given)
        except Exception as error:
            yield self._failed("", "the output", error)
            return
        yield from self._outputs("", output, given)
        yield from self._unwritten("", given, before)
        places = floating_outputs(self.bench, output)
        with_gradients = self.bench.differentiates and self.slopes is not None and bool(places)
        if with_gradients:
            yield from self._gradients("", given, places)
        if not compiled or not self.bench.compiler:
            return
        given = self.subject.arrays_on(self.bench)
        yield from self._compiled(output, given)
        yield from self._unwritten(self.bench.compiler, given, before)
        if with_gradients:
            yield from self._gradients(self.bench.compiler, given, places)

    def _compiled(self, output: Any, given: list[Any]) -> Iterator[Agreement]:
        """The arrays of the output from the compiler; what is no array is that of the run before."""
        held = leaves(output)
        places = [k for k, x in enumerate(held) if self.bench.xp.owns(x)]

        def arrays_of(*arrays: Any) -> list[Any]:
            found = leaves(self.subject.call(arrays))
            return [found[k] for k in places]

        try:
            found = self.bench.traced(arrays_of)(*given)
        except Exception as error:
            yield self._failed(self.bench.compiler, "the output", error)
            return
        for k, x in zip(places, found, strict=True):
            held[k] = x
        yield from self._outputs(self.bench.compiler, output, given, held)

    def _outputs(
        self, way: str, output: Any, given: list[Any], held: list[Any] | None = None
    ) -> Iterator[Agreement]:
        names = output_paths(output)
        try:
            others = beside(output, self.wanted, "output")
        except KeyError as error:
            yield Agreement(
                self.name, way, "the form of the output", "form", math.nan, math.nan, error.args[0]
            )
            return
        for what, found, wanted in zip(names, held or leaves(output), others, strict=True):
            yield self._output(way, what, found, wanted, given)

    def _output(self, way: str, what: str, found: Any, wanted: Any, given: list[Any]) -> Agreement:
        numpy = load_workbench("numpy").xp
        if type(found) in PLAIN and (type(wanted) in PLAIN or not numpy.owns(wanted)):
            equal = found == wanted or (found != found and wanted != wanted)
            if equal or type(found) is not float:
                detail = "" if equal else f"is {found!r} where the reference has {wanted!r}"
                return Agreement(self.name, way, what, "" if equal else "value", detail=detail)
            found = numpy.asarray(found)
            return agreement(
                *(self.name, way, what, found, numpy.asarray(wanted, dtype="float64"), "float64"), self.limits
            )
        if not self.bench.xp.owns(found):
            detail = f"is a {_type(found)} and no array of {self.bench.xp.framework}"
            return Agreement(self.name, way, what, "framework", math.nan, math.nan, detail)
        wrong = self._misplaced(way, what, found, given)
        if wrong:
            return wrong
        dtype = dtype_of(self.bench, found)
        wanted = numpy.asarray(wanted)
        if kind_of(dtype) != kind_of(wanted.dtype.name):
            detail = f"is of {dtype} where the reference is of {wanted.dtype.name}"
            return Agreement(self.name, way, what, "dtype", math.nan, math.nan, detail)
        kept = "float64" if dtype in FLOATING else "int64"
        return agreement(
            self.name, way, what, read(self.bench, found), wanted.astype(kept), dtype, self.limits
        )

    def _misplaced(self, way: str, what: str, found: Any, given: list[Any]) -> Agreement | None:
        """Where an output has another dtype, or lies on another device, than the arrays that went in."""
        dtype = dtype_of(self.bench, found)
        came = [self.subject.dtypes[k] for k in self.subject.floating]
        if dtype in FLOATING and came and dtype not in _promoted(came):
            detail = f"is of {dtype} where the arrays that went in are of {' and '.join(dict.fromkeys(came))}"
            return Agreement(self.name, way, what, "dtype", math.nan, math.nan, detail)
        devices = {self.bench.device_of(x) for x in given}
        device = self.bench.device_of(found)
        if devices and device not in devices:
            detail = f"lies on {device} where the arrays that went in lie on {', '.join(sorted(devices))}"
            return Agreement(self.name, way, what, "device", math.nan, math.nan, detail)
        return None

    def _unwritten(self, way: str, given: list[Any], before: list[Any]) -> Iterator[Agreement]:
        numpy = load_workbench("numpy").xp
        for name, x, old in zip(self.subject.inputs.names, given, before, strict=True):
            if not numpy.array_equal(read(self.bench, x), old, equal_nan=True):
                detail = "was written to"
                yield Agreement(self.name, way, f"argument {name}", "written", math.nan, math.nan, detail)

    def _gradients(self, way: str, given: list[Any], places: list[int]) -> Iterator[Agreement]:
        assert self.slopes is not None
        total = total_of(self.subject, self.bench, given, places)
        differentiate = self.bench.traced_value_and_grad if way else self.bench.value_and_grad
        by = self.subject.floating
        try:
            found = differentiate(total, *(given[k] for k in by))[1]
        except Exception as error:
            yield self._failed(way, "the gradient", error)
            return
        limits = Limits(self.limits.rtol, self.limits.atol, self.slopes.least)
        for k, x, wanted in zip(by, found, self.slopes.gradients, strict=True):
            what, dtype = f"gradient by {self.subject.inputs.names[k]}", dtype_of(self.bench, x)
            if dtype != self.subject.dtypes[k]:
                detail = f"is of {dtype} where the array is of {self.subject.dtypes[k]}"
                yield Agreement(self.name, way, what, "dtype", math.nan, math.nan, detail)
                continue
            result = agreement(self.name, way, what, read(self.bench, x), wanted, dtype, limits)
            detail = result.detail and f"{result.detail}; expected by {self.slopes.origin}"
            yield replace(result, detail=detail)

    def _failed(self, way: str, what: str, error: Exception) -> Agreement:
        return Agreement(self.name, way, what, "error", math.nan, math.nan, _raised(error), error)


def _promoted(dtypes: list[str]) -> set[str]:
    """The dtypes that a result of arrays of these dtypes may have."""
    names = {*dtypes}
    return names | {"float32"} if {"float16", "bfloat16"} <= names else names


def _type(x: Any) -> str:
    module = type(x).__module__
    return type(x).__name__ if module == "builtins" else f"{module}.{type(x).__name__}"


def _raised(error: Exception) -> str:
    return f"raises {type(error).__name__}: {' '.join(str(error).split())}"[:500]


def _message(function: Callable[..., Any], found: list[Agreement], failed: list[Agreement]) -> str:
    """What failed, the worst first within each framework."""
    name = getattr(function, "__name__", type(function).__name__)
    lines = [f"{name}: {len(failed)} of {len(found)} results are not those of the reference"]
    lines += [f"  {sentence_of(result)}" for result in failed[:SHOWN]]
    if len(failed) > SHOWN:
        lines.append(f"  and {len(failed) - SHOWN} more")
    return "\n".join(lines)


def sentence_of(result: Agreement) -> str:
    """Where a result is from, and what is wrong with it."""
    way = f", {result.way}" if result.way else ""
    return f"{FRAMEWORKS[result.backend]}{way}: {result.what}: {result.detail}"
