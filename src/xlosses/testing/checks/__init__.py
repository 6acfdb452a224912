"""The checks that the library's own losses pass, for one of yours: one by one in pytest, or all at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from xlosses._backends import FRAMEWORKS
from xlosses.testing.case import Case
from xlosses.testing.catalogue import CASES
from xlosses.testing.checks.battery import CHECKS, Check
from xlosses.testing.frameworks import asked

__all__ = ["CHECKS", "Check", "LossCheck", "check_loss", "checks_of", "parametrize_with_checks"]


@dataclass(frozen=True)
class LossCheck:
    """A check on one framework: call it with a case."""

    check: Check
    backend: str

    @property
    def name(self) -> str:
        """The name of the check."""
        return self.check.name

    def __call__(self, case: Case) -> None:
        self.check.run(case, self.backend)


def checks_of(case: Case, backends: Iterable[str] | None = None) -> list[LossCheck]:
    """The checks that there are for a case, on these frameworks or on all that are installed."""
    return [
        LossCheck(check, backend)
        for backend in asked(backends)
        for check in CHECKS.values()
        if check.is_for(case, backend)
    ]


def check_loss(
    loss: Callable[..., Any],
    case: Case | None = None,
    *,
    backends: Iterable[str] | None = None,
    skip: Collection[str] = (),
) -> None:
    """Run every check on a loss, on every framework.

    Parameters
    ----------
    loss : callable
        Takes the arrays, then `reduction`, `weights`, `where` and `dtype` by name, as losses here do.
    case : Case, optional
        What its arrays hold, and its reference. Of a loss of this library it is known.
    backends : sequence of {"numpy", "torch", "jax", "mlx"}, optional
        The frameworks; all that are installed unless given.
    skip : collection of str
        Names of checks that the loss is not to pass.

    Raises
    ------
    AssertionError
        Says which checks fail, on which framework and why; the first failure is the cause.
    ValueError
        When a name in `skip` is that of no check.

    Examples
    --------
    >>> import xlosses
    >>> from xlosses.testing import check_loss
    >>> check_loss(xlosses.huber_loss, backends=["numpy"])
    """
    _known(skip)
    case = _case_of(loss) if case is None else replace(case, loss=loss)
    failures: list[tuple[LossCheck, Exception]] = []
    chosen = [check for check in checks_of(case, backends) if check.name not in skip]
    for check in chosen:
        try:
            check(case)
        except Exception as error:
            failures.append((check, error))
    if failures:
        lines = [f"{case.name} fails {len(failures)} of {len(chosen)} checks"]
        lines += [f"  {check.name} on {FRAMEWORKS[check.backend]}: {_told(e)}" for check, e in failures]
        raise AssertionError("\n".join(lines)) from failures[0][1]


def parametrize_with_checks(
    losses_or_cases: Iterable[Case | Callable[..., Any]],
    *,
    backends: Iterable[str] | None = None,
    skip: Mapping[str, str] | None = None,
) -> Any:
    """A decorator for pytest: the test runs once for every case, framework and check.

    Parameters
    ----------
    losses_or_cases : sequence of Case or callable
        Cases of yours; a loss of this library stands for its cases.
    backends : sequence of {"numpy", "torch", "jax", "mlx"}, optional
        The frameworks; all that are installed unless given.
    skip : mapping of str to str
        Names of checks that are left out, each with the reason that pytest shows.

    Returns
    -------
    decorator
        For a test that takes `case` and `check`, and calls `check(case)`.

    Raises
    ------
    TypeError
        When no case is known of a loss.
    ValueError
        When a name in `skip` is that of no check.

    Examples
    --------
    >>> import xlosses
    >>> from xlosses.testing import parametrize_with_checks
    >>> @parametrize_with_checks([xlosses.huber_loss], backends=["numpy"])
    ... def test_losses(case, check):
    ...     check(case)
    """
    import pytest

    reasons = dict(skip or {})
    _known(reasons)
    cases = [case for given in losses_or_cases for case in _cases_of(given)]
    names = asked(backends)
    rows = [
        pytest.param(
            case,
            check,
            id=f"{case.name}-{check.backend}-{check.name}",
            marks=[pytest.mark.skip(reason=reasons[check.name])] if check.name in reasons else [],
        )
        for case in cases
        for check in checks_of(case, names)
    ]
    return pytest.mark.parametrize(("case", "check"), rows)


def _cases_of(given: Case | Callable[..., Any]) -> list[Case]:
    if isinstance(given, Case):
        return [given]
    name = _case_of(given).loss_name
    return [case for case in CASES.values() if case.loss_name == name]


def _case_of(loss: Callable[..., Any]) -> Case:
    for case in CASES.values():
        if case.loss is loss:
            return case
    name = getattr(loss, "__name__", repr(loss))
    raise TypeError(f"no case is known of {name}: give a Case with its arrays and its reference")


def _known(names: Iterable[str]) -> None:
    for name in names:
        if name not in CHECKS:
            raise ValueError(f"there is no check {name!r}; there are {', '.join(CHECKS)}")


def _told(error: Exception) -> str:
    text = " ".join(str(error).split())[:300]
    return text if isinstance(error, AssertionError) else f"raises {type(error).__name__}: {text}"
