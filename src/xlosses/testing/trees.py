"""Tuples, lists and dicts of arrays: their arrays with a path to each, and the same tree with others."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xlosses._backends import load


class Slot:
    """Stands in a tree for the array of this number."""

    def __init__(self, place: int) -> None:
        self.place = place


class Inputs:
    """The arguments of a call: its arrays apart, with what is no array in its place."""

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], options: Mapping[str, Any]
    ) -> None:
        self.arrays: list[Any] = []
        self.names: list[str] = []
        self._numpy = load("numpy")
        labels = _labels(function, len(args))
        self.args = [self._template(x, name) for x, name in zip(args, labels, strict=True)]
        self.options = {name: self._template(x, name) for name, x in options.items()}

    def _template(self, tree: Any, path: str) -> Any:
        if isinstance(tree, (tuple, list, dict)):
            return _mapped(tree, path, self._template)
        if not self._numpy.owns(tree):
            return tree
        self.arrays.append(self._numpy.asarray(tree))
        self.names.append(path)
        return Slot(len(self.arrays) - 1)

    def call(self, function: Callable[..., Any], arrays: Sequence[Any]) -> Any:
        """The function of these arrays in place of the given ones."""
        args = [filled(x, arrays) for x in self.args]
        return function(*args, **{name: filled(x, arrays) for name, x in self.options.items()})


def filled(tree: Any, arrays: Sequence[Any]) -> Any:
    """The tree with arrays in its slots."""
    if isinstance(tree, Slot):
        return arrays[tree.place]
    if isinstance(tree, dict):
        return {key: filled(x, arrays) for key, x in tree.items()}
    if isinstance(tree, list):
        return [filled(x, arrays) for x in tree]
    if isinstance(tree, tuple):
        parts = [filled(x, arrays) for x in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    return tree


def leaves(tree: Any) -> list[Any]:
    """What a tree holds, without its paths, so that a compiler has little to read."""
    if isinstance(tree, dict):
        return [leaf for x in tree.values() for leaf in leaves(x)]
    if isinstance(tree, (list, tuple)):
        return [leaf for x in tree for leaf in leaves(x)]
    return [tree]


def paths(tree: Any, path: str) -> list[str]:
    """The path to each leaf, in the order of `leaves`."""
    found: list[str] = []
    _mapped(tree, path, lambda x, to: found.extend(paths(x, to))) if _branches(tree) else found.append(path)
    return found


def beside(tree: Any, other: Any, path: str) -> list[Any]:
    """What another tree of the same form holds in the place of each leaf; KeyError names where they part."""
    if isinstance(tree, dict):
        if not isinstance(other, dict) or {*tree} != {*other}:
            raise KeyError(f"{path} is a {_form(tree)} where the reference has a {_form(other)}")
        return [leaf for key, x in tree.items() for leaf in beside(x, other[key], f"{path}[{key!r}]")]
    if isinstance(tree, (list, tuple)):
        if not isinstance(other, (list, tuple)) or len(tree) != len(other):
            raise KeyError(f"{path} is a {_form(tree)} where the reference has a {_form(other)}")
        pairs = enumerate(zip(tree, other, strict=True))
        return [leaf for k, (x, y) in pairs for leaf in beside(x, y, f"{path}[{k}]")]
    return [other]


def _branches(tree: Any) -> bool:
    return isinstance(tree, (tuple, list, dict))


def _form(tree: Any) -> str:
    if isinstance(tree, dict):
        return f"dict of {', '.join(map(repr, tree)) or 'nothing'}"
    return f"{type(tree).__name__} of {len(tree)}" if _branches(tree) else type(tree).__name__


def _mapped(tree: Any, path: str, f: Callable[[Any, str], Any]) -> Any:
    if isinstance(tree, dict):
        return {key: f(x, f"{path}[{key!r}]") for key, x in tree.items()}
    names = getattr(tree, "_fields", ())
    parts = [f(x, f"{path}.{names[k]}" if names else f"{path}[{k}]") for k, x in enumerate(tree)]
    return type(tree)(*parts) if names else type(tree)(parts)


def _labels(function: Callable[..., Any], n: int) -> list[str]:
    """What the function calls its first n arguments."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # a function of C
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "argument")
    return [names[k] if k < len(names) else f"{rest}[{k - len(names)}]" for k in range(n)]
