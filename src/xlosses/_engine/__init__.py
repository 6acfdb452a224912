"""How a formula runs: each framework has a runner, which is chosen by the first array of a call."""

from __future__ import annotations

from typing import Any

from xlosses._backends import FRAMEWORKS, Namespace
from xlosses._core.alignment import UNCUT
from xlosses._core.call import Call
from xlosses._core.plan import plan_of
from xlosses._engine.diagonal import Curvature
from xlosses._engine.switch import engine, entries
from xlosses._engine.whole import Runner

__all__ = [
    "NoSlopeError",
    "compiled_value_and_grad",
    "engine",
    "run",
    "value_and_diagonals",
    "value_and_gradients",
]

_whole_runner = Runner()


class NoSlopeError(TypeError):
    """A gradient was asked for that only the framework can give, because the formula has no slope."""


def run(call: Call, xp: Namespace | None) -> Any:
    """The result of a call, `xp` being the namespace of its first array."""
    if xp is not None and xp.tracing():  # before the caches and locks that a compiler cannot trace
        from xlosses._engine.torch_compiled import run_traced

        return run_traced(call)
    plan = plan_of(call, xp)
    return _runner(plan.xp).evaluate(plan, call)


def value_and_gradients(
    call: Call, xp: Namespace | None, places: tuple[int, ...]
) -> tuple[Any, tuple[Any, ...]]:
    """The result of a call that is reduced to one number, and its gradients by the arrays at these places."""
    _check_slopes(call, places)
    plan = plan_of(call, xp)
    return _runner(plan.xp).value_and_gradients(plan, call, places)


def value_and_diagonals(
    call: Call, xp: Namespace | None, places: tuple[int, ...]
) -> tuple[Any, tuple[Any, ...], bool]:
    """The same with the diagonals of the Hessians, and whether these are 0 whatever the arrays hold."""
    _check_slopes(call, places)
    plan = plan_of(call, xp)
    shared = [call.names[place] for place in places if plan.kinds[place] in UNCUT]
    if shared:
        raise NoSlopeError(
            f"{call.formula!r} has no diagonal by {' and '.join(shared)}, which all terms share: "
            "differentiate by the framework"
        )
    curvature = Curvature(call.formula, places)
    # Elsewhere than on NumPy a formula whose slope is another function would be compiled for each call.
    runner = _runner(plan.xp) if plan.xp.framework == FRAMEWORKS["numpy"] else _whole_runner
    with runner.quiet():  # the derivative of what a formula leaves out may be infinite
        value, diagonals = runner.value_and_gradients(
            plan, call._replace(formula=curvature.as_formula()), places
        )
    return value, diagonals, curvature.is_zero


def _check_slopes(call: Call, places: tuple[int, ...]) -> None:
    missing = [call.names[place] for place in places if place not in call.formula.differentiated_by]
    if missing:
        by = f" by {' and '.join(missing)}" if call.formula.differentiated_by else ""
        raise NoSlopeError(
            f"{call.formula!r} has no slope{by}: give it one, or differentiate by the framework"
        )


def compiled_value_and_grad(
    loss: Any, argnums: int | tuple[int, ...], args: Any, kwargs: Any
) -> tuple[Any, Any]:
    """The same while a compiler traces, where the framework differentiates by itself."""
    from xlosses._engine.torch_compiled import differentiated

    return differentiated(loss, argnums, args, kwargs)


def _runner(xp: Namespace) -> Runner:
    if not entries(1):
        return _whole_runner
    if xp.framework == FRAMEWORKS["numpy"]:
        from xlosses._engine import numpy as numpy_file

        return numpy_file.runner
    if xp.framework == FRAMEWORKS["torch"]:
        from xlosses._engine import torch as torch_file

        return torch_file.runner
    if xp.framework == FRAMEWORKS["jax"]:
        from xlosses._engine import jax as jax_file

        return jax_file.runner
    if xp.framework == FRAMEWORKS["mlx"]:
        from xlosses._engine import mlx as mlx_file

        return mlx_file.runner
    return _whole_runner
