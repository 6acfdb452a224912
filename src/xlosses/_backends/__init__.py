"""The frameworks: their names, and the namespace to compute with, which is found by the type of an array.

A framework's file is imported with its first array, so that this package never imports a framework
that the caller has not imported already. Only `load` and `load_workbench` do.
"""

from __future__ import annotations

from typing import Any, cast

from xlosses._backends.cache import Cache
from xlosses._backends.generic import FLOATING, INTEGRAL, Namespace, OtherNumber
from xlosses._backends.workbench import Workbench

__all__ = [
    "FLOATING",
    "FRAMEWORKS",
    "INTEGRAL",
    "Cache",
    "Namespace",
    "OtherNumber",
    "Workbench",
    "load",
    "load_workbench",
    "namespace_of",
]

FRAMEWORKS = {"numpy": "NumPy", "torch": "PyTorch", "jax": "JAX", "mlx": "MLX"}

_PACKAGES = {"numpy": "numpy", "torch": "torch", "jax": "jax", "jaxlib": "jax", "mlx": "mlx"}
_MODULES = {"torch.distributed.tensor": "torch_sharded"}  # types that need other words than their framework's

TYPES = 256  # how many types of arrays are remembered

_by_type: Cache[Namespace] = Cache(TYPES)
_generic: Cache[Namespace] = Cache(TYPES)


def namespace_of(x: object) -> Namespace | None:
    """The namespace that computes with x, or None where x is not an array."""
    known = _by_type.get(type(x))
    if known is not None:
        return known
    found = _find(x)
    # torch.compile makes a guard of the table that it has read, which fails if the table grows meanwhile.
    if found is not None and not found.tracing():
        _by_type.keep(type(x), found)
    return found


def _find(x: object) -> Namespace | None:
    if x is None:
        return None
    seen = set()
    for ancestor in type(x).__mro__:
        module = ancestor.__module__
        name = _MODULES.get(module) or _PACKAGES.get(module.partition(".")[0])
        if name and name not in seen:
            seen.add(name)
            found = load(name)
            if found.owns(x):
                return found
    if isinstance(x, (type, float, int, str, list, tuple, dict)):
        return None
    from array_api_compat import array_namespace, is_array_api_obj

    if not is_array_api_obj(x):
        return None
    standard = array_namespace(x)
    known = _generic.get(standard.__name__)
    return known or _generic.keep(standard.__name__, Namespace(standard, standard.__name__))


def load(name: str) -> Namespace:
    """The namespace of a framework by its key in FRAMEWORKS, importing the framework."""
    return cast(Namespace, _file(name).namespace)


def load_workbench(name: str) -> Workbench:
    """The workbench of a framework by its key in FRAMEWORKS, importing the framework."""
    return cast(Workbench, _file(name).workbench)


def _file(name: str) -> Any:
    # torch.compile can trace an import statement, but not importlib.import_module.
    if name == "numpy":
        from xlosses._backends import numpy as numpy_file

        return numpy_file
    if name == "torch":
        from xlosses._backends import torch as torch_file

        return torch_file
    if name == "torch_sharded":
        from xlosses._backends import torch_sharded as torch_sharded_file

        return torch_sharded_file
    if name == "jax":
        from xlosses._backends import jax as jax_file

        return jax_file
    if name == "mlx":
        from xlosses._backends import mlx as mlx_file

        return mlx_file
    raise ValueError(f"unknown framework {name!r}; known are {', '.join(FRAMEWORKS)}")
