"""Where frameworks differ: a table of their names, and the namespace of an array by its type.

A framework's file is loaded when its first array is seen, so nothing here imports a framework
that the caller has not imported already; `load` and `load_workbench` are the deliberate exceptions.
"""

from __future__ import annotations

from typing import Any, cast

from xlosses._backends.generic import FLOATING, INTEGRAL, Namespace, OtherNumber
from xlosses._backends.workbench import Workbench

__all__ = [
    "FLOATING",
    "FRAMEWORKS",
    "INTEGRAL",
    "Namespace",
    "OtherNumber",
    "Workbench",
    "load",
    "load_workbench",
    "namespace_of",
]

FRAMEWORKS = {"numpy": "NumPy", "torch": "PyTorch", "jax": "JAX", "mlx": "MLX"}

_PACKAGES = {"numpy": "numpy", "torch": "torch", "jax": "jax", "jaxlib": "jax", "mlx": "mlx"}

_by_type: dict[type, Namespace | None] = {}
_generic: dict[str, Namespace] = {}


def namespace_of(x: object) -> Namespace | None:
    """The namespace that computes with x, or None where x is not an array."""
    kind = type(x)
    if kind in _by_type:
        return _by_type[kind]
    found = _find(x)
    # torch.compile guards the table that it has read: its own types must not come into it meanwhile.
    if found is None or found.framework != FRAMEWORKS["torch"] or not found.tracing():
        _by_type[kind] = found
    return found


def _find(x: object) -> Namespace | None:
    for ancestor in type(x).__mro__:
        name = _PACKAGES.get(ancestor.__module__.partition(".")[0])
        if name:
            return load(name) if hasattr(x, "dtype") else None
    if not hasattr(x, "__array_namespace__"):
        return None
    from array_api_compat import array_namespace

    standard = array_namespace(x)
    name = standard.__name__
    if name not in _generic:
        _generic[name] = Namespace(standard)
        _generic[name].framework = name
    return _generic[name]


def load(name: str) -> Namespace:
    """The namespace of a framework by its key in FRAMEWORKS, importing the framework."""
    return cast(Namespace, _file(name).namespace)


def load_workbench(name: str) -> Workbench:
    """The workbench of a framework by its key in FRAMEWORKS, importing the framework."""
    return cast(Workbench, _file(name).workbench)


def _file(name: str) -> Any:
    # Written out: torch.compile traces an import statement, but not importlib.import_module.
    if name == "numpy":
        from xlosses._backends import numpy as numpy_file

        return numpy_file
    if name == "torch":
        from xlosses._backends import torch as torch_file

        return torch_file
    if name == "jax":
        from xlosses._backends import jax as jax_file

        return jax_file
    if name == "mlx":
        from xlosses._backends import mlx as mlx_file

        return mlx_file
    raise ValueError(f"unknown framework {name!r}; known are {', '.join(FRAMEWORKS)}")
