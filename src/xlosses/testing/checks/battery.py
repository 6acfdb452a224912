"""The checks of a loss. Each is a function of a case and a framework; their names stay."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

import xlosses
from xlosses._backends import load_workbench
from xlosses._engine import NoSlopeError
from xlosses.testing.case import Case, Data, expected
from xlosses.testing.checks.setting import FAR, WEIGHTS, WHERE, N, Setting
from xlosses.testing.data import drawn, kind_of
from xlosses.testing.frameworks import installed
from xlosses.testing.parity import flat

REDUCTIONS = ("none", "sum", "mean", "weighted_mean")
ADOPT = ({"numpy", "jax"},)  # NumPy's arrays beside JAX's are JAX's


@dataclass(frozen=True)
class Check:
    """One check by its name, and which cases it is for."""

    name: str
    run: Callable[[Case, str], None]
    is_for: Callable[[Case, str], bool]


CHECKS: dict[str, Check] = {}


def check(
    is_for: Callable[[Case, str], bool] = lambda case, backend: True,
) -> Callable[[Callable[[Case, str], None]], Callable[[Case, str], None]]:
    """Put a function among the checks."""

    def kept(run: Callable[[Case, str], None]) -> Callable[[Case, str], None]:
        CHECKS[run.__name__] = Check(run.__name__, run, is_for)
        return run

    return kept


def _differentiates(case: Case, backend: str) -> bool:
    return load_workbench(backend).differentiates


def _has_labels(case: Case, backend: str) -> bool:
    return bool(_labels(case))


def _labels(case: Case) -> list[str]:
    """Arrays of one label per term; of a list of labels, another array may say that none counts."""
    kinds = {name: kind_of(case.arrays[name]) for name in case.separate}
    return [name for name, kind in kinds.items() if "int" in kind.dtype and not (kind.free or kind.row)]


def _has_another(case: Case, backend: str) -> bool:
    return len(case.arrays) > 1 and bool(_others(backend))


def _others(backend: str) -> list[str]:
    return [name for name in installed() if name != backend and {name, backend} not in ADOPT]


def _floating(case: Case) -> list[str]:
    return [name for name in case.arrays if not kind_of(case.arrays[name]).dtype]


def _bare(options: Any) -> dict[str, Any]:
    return {name: x for name, x in options.items() if name != "reduction"}


@check()
def check_values(case: Case, backend: str) -> None:
    """Terms are those of the reference, for all of the case's options."""
    setting = Setting(case, backend)
    for options in case.options:
        terms = expected(case, setting.data, options).value
        setting.assert_close(
            setting.loss(**{**options, "reduction": "none"}), terms, f"the loss of {options}"
        )


@check()
def check_reductions(case: Case, backend: str) -> None:
    """Each of the four reductions is that of the reference; another is a ValueError."""
    setting = Setting(case, backend)
    for reduction in REDUCTIONS:
        wanted = expected(case, setting.data, case.options[0], reduction).value
        setting.assert_close(setting.loss(**{**case.options[0], "reduction": reduction}), wanted, reduction)
    _raises(ValueError, "reduction='average'", lambda: setting.loss(reduction="average"))


@check()
def check_weights(case: Case, backend: str) -> None:
    """Weights and masks, values and gradients, in every reduction."""
    setting = Setting(case, backend)
    options = _bare(case.options[0])
    for weights, where in ((WEIGHTS, None), (None, WHERE), (WEIGHTS, WHERE)):
        given = {name: x for name, x in setting.weights().items() if (weights, where)[name == "where"]}
        for reduction in REDUCTIONS:
            exact = expected(case, setting.data, options, reduction, weights, where)
            what = f"{reduction} with {' and '.join(given)}"
            setting.assert_close(setting.loss(**options, **given, reduction=reduction), exact.value, what)
            summed = "sum" if reduction == "none" else reduction
            _assert_gradients(setting, exact.gradients, what, **options, **given, reduction=summed)
    doubled = [2.0 * x for x in flat(expected(case, setting.data, options).value)]
    setting.assert_close(setting.loss(**options, weights=2.0, reduction="none"), doubled, "weights=2.0")


@check()
def check_masked_nan(case: Case, backend: str) -> None:
    """What a mask hides may be NaN, or no label: it adds exactly 0 to value and gradient."""
    setting = Setting(case, backend)
    exact = expected(case, setting.data, case.options[0], "sum", None, WHERE)
    setting.arrays = setting.spoilt()
    options = {**_bare(case.options[0]), "where": setting.array(WHERE, "bool")}
    setting.assert_close(setting.loss(**options, reduction="sum"), exact.value, "the sum over NaN masked")
    _assert_gradients(setting, exact.gradients, "over NaN masked", **options, reduction="sum")
    terms = setting.read(setting.loss(**options, reduction="none"))
    hidden = [x for x, kept in zip(terms, WHERE, strict=True) if not kept]
    assert hidden == [0.0] * len(hidden), f"masked terms are {hidden}, not 0"


@check()
def check_everything_masked(case: Case, backend: str) -> None:
    """Where nothing is kept, value and gradient are 0 in every reduction."""
    setting = Setting(case, backend)
    options = {**_bare(case.options[0]), "where": setting.array([False] * N, "bool")}
    for reduction in REDUCTIONS:
        setting.assert_zero(setting.loss(**options, reduction=reduction), f"{reduction} of nothing kept")
        if reduction != "none":
            for name, x in _gradients(setting, [*case.slopes], **options, reduction=reduction).items():
                setting.assert_zero(x, f"gradient by {name}, {reduction} of nothing kept")


@check()
def check_empty(case: Case, backend: str) -> None:
    """An empty batch has the value 0, and gradients of its shape."""
    setting = Setting(case, backend)
    for name, x in setting.arrays.items():
        setting.arrays[name] = x if case.is_shared(name) else x[:0, ...]
    options = _bare(case.options[0])
    for reduction in REDUCTIONS[1:]:
        found = setting.read(setting.loss(**options, reduction=reduction))
        assert found == 0.0, f"{reduction} of an empty batch is {found}, not 0"
        for name, x in _gradients(setting, [*case.slopes], **options, reduction=reduction).items():
            shape = tuple(setting.arrays[name].shape)
            assert tuple(x.shape) == shape, f"gradient by {name} has the shape {tuple(x.shape)}, not {shape}"


@check()
def check_nan(case: Case, backend: str) -> None:
    """A NaN that is not masked comes out, and spoils no other term."""
    setting = Setting(case, backend)
    options = _bare(case.options[0])
    for name in {*_floating(case)} & {*case.separate}:
        first, *rest = setting.data[name]
        spoilt = {name: setting.array([_all_of(first, math.nan), *rest])}
        terms = setting.read(setting.loss(spoilt, **options, reduction="none"))
        assert math.isnan(terms[0]), f"NaN in {name} is lost: its term is {terms[0]}"
        if not case.whole:
            assert not any(map(math.isnan, terms[1:])), f"NaN in {name} spoils the terms of others: {terms}"


def _all_of(entry: Any, number: float) -> Any:
    """An entry such as this one, of one number or of nested lists, with another number throughout."""
    return [_all_of(x, number) for x in entry] if isinstance(entry, list) else number


@check()
def check_dtypes(case: Case, backend: str) -> None:
    """Float32 and float64 come out as they went in; `dtype` says otherwise."""
    bench = load_workbench(backend)
    with bench.wide():
        for dtype in ("float32", "float64"):
            if dtype in bench.dtypes():
                _assert_dtype(Setting(case, backend, dtype))
    setting = Setting(case, backend)
    found = setting.dtype_of(setting.loss(dtype="float16"))
    assert found == "float16", f"dtype='float16' gives {found}"


@check()
def check_half_types(case: Case, backend: str) -> None:
    """Half types are computed in float32 and rounded once."""
    for dtype in ("float16", "bfloat16"):
        if dtype in load_workbench(backend).dtypes():
            _assert_dtype(Setting(case, backend, dtype))


def _assert_dtype(setting: Setting) -> None:
    case, options = setting.case, _bare(setting.case.options[0])
    for reduction in ("none", "mean"):
        exact = expected(case, setting.data, options, reduction)
        found = setting.loss(**options, reduction=reduction)
        what = f"{reduction} of {setting.dtype}"
        assert setting.dtype_of(found) == setting.dtype, f"{what} is of {setting.dtype_of(found)}"
        setting.assert_close(found, exact.value, what)
    for name, x in _gradients(setting, [*exact.gradients], **options, reduction="mean").items():
        what = f"gradient by {name} of {setting.dtype}"
        assert setting.dtype_of(x) == setting.dtype, f"{what} is of {setting.dtype_of(x)}"
        setting.assert_close(x, exact.gradients[name], what)


@check(lambda case, backend: any(not case.is_shared(name) for name in [*case.arrays][1:]))
def check_shapes(case: Case, backend: str) -> None:
    """An array that is too short is a ValueError that names it."""
    setting = Setting(case, backend)
    for name in [*case.arrays][1:]:
        if not case.is_shared(name):
            shorter = {name: setting.arrays[name][:-1, ...]}
            what = f"{name} of the shape {tuple(shorter[name].shape)} beside others of {N} terms"
            error = _raises(ValueError, what, partial(setting.loss, shorter))
            assert name in str(error), f"the error of {what} does not name it: {error}"


@check(_has_another)
def check_mixed_frameworks(case: Case, backend: str) -> None:
    """Arrays of two frameworks in one call are a TypeError."""
    setting, other = Setting(case, backend), _others(backend)[0]
    for name in [*case.arrays][1:]:
        dtype = kind_of(case.arrays[name]).dtype or "float32"
        foreign = {name: load_workbench(other).array(setting.data[name], dtype)}
        what = f"{name} of {other} beside {backend}"
        _raises(TypeError, what, partial(setting.loss, foreign))


@check(_has_labels)
def check_labels(case: Case, backend: str) -> None:
    """A label out of range is a ValueError, or NaN in its own term where values cannot be looked at."""
    setting = Setting(case, backend)
    for name in _labels(case):
        for label in (FAR, -1):
            first, *rest = setting.data[name]
            wrong = {name: setting.array([_all_of(first, label), *rest], kind_of(case.arrays[name]).dtype)}
            try:
                terms = setting.read(setting.loss(wrong, **_bare(case.options[0]), reduction="none"))
            except ValueError:
                continue
            assert math.isnan(terms[0]), f"{name} of {label} gives {terms[0]}: neither an error nor NaN"
            assert not any(map(math.isnan, terms[1:])), (
                f"{name} of {label} spoils the terms of others: {terms}"
            )


@check()
def check_slopes(case: Case, backend: str) -> None:
    """The slope, where there is one, is the gradient of the reference."""
    setting = Setting(case, backend)
    for options in case.options:
        exact = expected(case, setting.data, options, "mean", WEIGHTS, WHERE)
        names = [name for name in case.slopes if name in exact.gradients]
        try:
            slopes = setting.slopes(names, **{**options, "reduction": "mean"}, **setting.weights())
        except NoSlopeError:
            return
        for name, x in slopes.items():
            setting.assert_close(x, exact.gradients[name], f"gradient by {name} by the slope, {options}")


@check(_differentiates)
def check_gradients(case: Case, backend: str) -> None:
    """What autodiff gives is the gradient of the reference, whichever way the formula runs."""
    setting = Setting(case, backend)
    for options in case.options:
        exact = expected(case, setting.data, options, "mean")
        for engine in ("on", "off"):
            with xlosses.engine(engine):
                what = f"by autodiff, engine {engine}, {options}"
                _assert_gradients(setting, exact.gradients, what, **{**options, "reduction": "mean"})


@check(_differentiates)
def check_kinks(case: Case, backend: str) -> None:
    """At kinks the slope agrees with the autodiff of the formula."""
    usual = Setting(case, backend)
    for data in (*case.kinks, *_coincidences(case)):
        setting = Setting(case, backend, data=data)
        for options in case.options:
            settings = {**options, "reduction": "sum"}
            try:
                slopes = setting.slopes(case.slopes, **settings)
            except NoSlopeError:
                return
            with xlosses.engine("off"):
                wanted = setting.gradients(case.slopes, **settings)
            scales = usual.slopes(case.slopes, **settings)  # at a kink gradients may cancel
            for name, x in slopes.items():
                what = f"gradient by {name} at a kink by the slope, {options}, of {setting.data}"
                scale = max(map(abs, flat(usual.read(scales[name]))))
                setting.assert_close(x, setting.read(wanted[name]), what, scale=scale)


def _coincidences(case: Case) -> Iterator[Data]:
    """Arrays that are drawn alike made equal, and those of any sign made 0."""
    data, first = drawn(case.arrays, N), next(iter(case.arrays))

    def entries(name: str, seed: int = 1) -> list[Any]:
        rng = Random(seed)
        return [kind_of(case.arrays[name]).draw(rng) for _ in range(20)]

    alike = [name for name in _floating(case) if entries(name) == entries(first)]
    twins = [name for name in alike if name != first and case.is_shared(name) == case.is_shared(first)]
    if twins:
        yield {**data, **dict.fromkeys(twins, data[first])}
    signed = [name for name in _floating(case) if min(flat(entries(name))) < 0.0 < max(flat(entries(name)))]
    signed = [name for name in signed if len({*flat(entries(name))}) > 3 and not case.is_shared(name)]
    if signed:
        yield {**data, **{name: _zeros(data[name]) for name in signed}}


def _zeros(x: Any) -> Any:
    return [_zeros(y) for y in x] if isinstance(x, list) else 0.0


@check(_differentiates)
def check_transformations(case: Case, backend: str) -> None:
    """Compiled, and mapped over batches, the loss and its gradients are the same."""
    setting = Setting(case, backend)
    options = {**_bare(case.options[0]), "reduction": "mean"}
    exact = expected(case, setting.data, _bare(options), "mean")
    found = setting.bench.traced(setting.function(**options))(*setting.arrays.values())
    compiler = setting.bench.compiler
    setting.assert_close(found, exact.value, f"the mean under {compiler}")
    gradients = setting.gradients([*exact.gradients], compiled=True, **options)
    for name, x in gradients.items():
        setting.assert_close(x, exact.gradients[name], f"gradient by {name} under {compiler}")
    two = [setting.bench.xp.stack([x, x]) for x in setting.arrays.values()]
    found = setting.bench.mapped(setting.function(**options))(*two)
    setting.assert_close(found, [exact.value] * 2, "the mean mapped over two batches")


@check()
def check_unwritten(case: Case, backend: str) -> None:
    """The arrays come back as they were."""
    setting, options = Setting(case, backend), _bare(case.options[0])

    def assert_kept(what: str) -> None:
        for name, x in setting.arrays.items():
            assert setting.read(x) == setting.data[name], f"{what} writes to {name}"

    setting.loss(**options, **setting.weights())
    assert_kept("the loss")
    _gradients(setting, [*case.slopes], **options, reduction="mean")
    assert_kept("its gradient")


def _gradients(setting: Setting, names: list[str], **options: Any) -> dict[str, Any]:
    """None where there is neither autodiff nor a slope."""
    try:
        return setting.gradients(names, **options)
    except NoSlopeError:
        return {}


def _assert_gradients(setting: Setting, exact: dict[str, Any], what: str, **options: Any) -> None:
    for name, x in _gradients(setting, [*exact], **options).items():
        setting.assert_close(x, exact[name], f"gradient by {name} of {what}")


def _raises(error: type[Exception], what: str, call: Callable[[], Any]) -> Exception:
    try:
        call()
    except error as raised:
        return raised
    except Exception as other:
        raise AssertionError(f"{what} is a {type(other).__name__}, not a {error.__name__}") from other
    raise AssertionError(f"{what} is accepted, where a {error.__name__} is right")
