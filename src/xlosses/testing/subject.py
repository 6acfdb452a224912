"""A function under test on one framework: its outputs and gradients, as arrays of NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from xlosses._backends import FLOATING, Workbench, load, load_workbench
from xlosses.testing.trees import Inputs, leaves, paths

PLAIN = (bool, int, float, str, type(None))
"""Types that an output may have beside arrays. Exactly these: a scalar of NumPy is a float, too."""

STEP = 1e-3  # of a difference: its square times the rounding of float64 is the error of either kind


@dataclass(frozen=True)
class Subject:
    """A function and the arrays that it is given."""

    function: Callable[..., Any]
    inputs: Inputs

    @property
    def dtypes(self) -> list[str]:
        """The names of the dtypes of the arrays."""
        return [array.dtype.name for array in self.inputs.arrays]

    @property
    def floating(self) -> list[int]:
        """Which of the arrays can be differentiated by."""
        return [k for k, dtype in enumerate(self.dtypes) if dtype in FLOATING]

    def arrays_on(self, bench: Workbench, widened: bool = False) -> list[Any]:
        """The arrays, copied to a framework; in float64 where they are widened."""
        return [
            bench.array(_plain(x), "float64" if widened and dtype in FLOATING else dtype)
            for x, dtype in zip(self.inputs.arrays, self.dtypes, strict=True)
        ]

    def call(self, arrays: Sequence[Any], function: Callable[..., Any] | None = None) -> Any:
        """The output for these arrays."""
        return self.inputs.call(function or self.function, arrays)


def _plain(x: Any) -> Any:
    """A copy that every framework can read, which knows NumPy's own dtypes only."""
    np = load("numpy").standard
    return np.array(x, dtype="float32" if x.dtype.name == "bfloat16" else x.dtype)


def read(bench: Workbench, x: Any) -> Any:
    """An array of a framework, or a number, as one of NumPy: float64, or int64."""
    np = load("numpy").standard
    if isinstance(x, PLAIN):
        return np.asarray(x)
    name = dtype_of(bench, x)
    if name in ("float16", "bfloat16"):  # which not every framework hands over
        x = bench.xp.astype(x, bench.xp.dtype_named("float32", x))
    kept = name if name == "uint64" else "float64" if name in FLOATING else "int64"
    return np.asarray(bench.read(x), dtype=kept).reshape(tuple(x.shape))


def dtype_of(bench: Workbench, x: Any) -> str:
    """The name of the dtype of an array of this framework."""
    return str(bench.xp.dtype_name(x.dtype))


def kind_of(dtype: str) -> str:
    """What numbers a dtype holds."""
    return "floating" if dtype in FLOATING else dtype if dtype == "bool" else "integer"


def floating_outputs(bench: Workbench, output: Any) -> list[int]:
    """Which leaves of an output can be differentiated."""
    found = enumerate(leaves(output))
    return [k for k, x in found if bench.xp.owns(x) and dtype_of(bench, x) in FLOATING]


def total_of(subject: Subject, bench: Workbench, given: Sequence[Any], places: Sequence[int]) -> Any:
    """The sum of the floating outputs as a function of the floating arrays."""
    by = subject.floating

    def total(*floating: Any) -> Any:
        arrays = list(given)
        for k, array in zip(by, floating, strict=True):
            arrays[k] = array
        found = leaves(subject.call(arrays))
        parts = [bench.xp.sum(found[k]) for k in places]
        return sum(parts[1:], parts[0])

    return total


@dataclass(frozen=True)
class Reference:
    """The gradients that those of a framework are compared with, and where they come from."""

    gradients: list[Any]
    origin: str
    least: float = 0.0  # a relative error that they may have themselves


def reference_gradients(subject: Subject) -> Reference | None:
    """In float64 by the autodiff of JAX or PyTorch, else by differences; None where there is nothing.

    A framework that is there and fails at it is passed over: where it is under test, that is reported.
    """
    from xlosses.testing.frameworks import version_of

    for name in ("jax", "torch"):
        if not version_of(name):
            continue
        try:
            bench = load_workbench(name)
            with bench.wide():
                given = subject.arrays_on(bench, widened=True)
                places = floating_outputs(bench, subject.call(given))
                if not places:
                    return None
                total = total_of(subject, bench, given, places)
                found = bench.value_and_grad(total, *(given[k] for k in subject.floating))[1]
                gradients = [read(bench, x) for x in found]
        except Exception:  # noqa: S112  (whatever the function raises there)
            continue
        return Reference(gradients, f"autodiff in float64 on {bench.xp.framework}")
    return _differences(subject)


def _differences(subject: Subject) -> Reference | None:
    """By central differences of the fourth order on NumPy, entry by entry."""
    bench = load_workbench("numpy")
    given = subject.arrays_on(bench, widened=True)
    places = floating_outputs(bench, subject.call(given))
    if not places:
        return None
    total = total_of(subject, bench, given, places)
    floating = [given[k] for k in subject.floating]
    gradients = []
    for k, array in enumerate(floating):
        gradient = bench.xp.zeros_like(array)
        for place in bench.xp.ndindex(array.shape):
            step = STEP * max(abs(float(array[place])), 10 * STEP)

            def at(times: float, k: int = k, place: Any = place, step: float = step) -> float:
                moved = [x.copy() for x in floating]
                moved[k][place] += times * step
                return float(total(*moved))

            gradient[place] = (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * step)
        gradients.append(gradient)
    return Reference(gradients, "central differences in float64 on NumPy", least=1e-6)


def output_paths(output: Any) -> list[str]:
    """What each leaf of an output is called."""
    return paths(output, "output")
