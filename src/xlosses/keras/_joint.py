"""Where Keras is imported, before or after: its models must take these classes for losses of theirs.

`model.compile` wraps what is no `keras.losses.Loss` as a plain function, whose result it then weighs and
masks although that is reduced already; and loading a model finds registered classes alone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from xlosses.keras._names import NAMES
from xlosses.keras.base import Joint


def when_imported() -> None:
    """Join Keras if it is imported, else once it is."""
    keras = sys.modules.get("keras")
    if keras is not None and hasattr(keras, "losses"):
        _join(keras)
    else:
        sys.meta_path.insert(0, _Waiting())


def _join(keras: Any) -> None:
    if int(keras.__version__.partition(".")[0]) < 3:  # whose losses are TensorFlow's
        return
    Joint.__bases__ = (keras.losses.Loss,)
    for name, loss in NAMES.items():
        if name == loss.__name__:
            keras.saving.register_keras_serializable("xlosses")(loss)


class _Waiting(MetaPathFinder):
    """Finds nothing itself; once Keras is found, it lets the import end and joins."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "keras":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def run_and_join(module: ModuleType) -> None:
                run(module)
                _join(module)

            spec.loader.exec_module = run_and_join  # type: ignore[method-assign]
        return spec
