"""Namespaces that are no modules, and are copied."""

from __future__ import annotations

import copy

import pytest

from xlosses._backends.generic import Namespace


class Standard:
    """A namespace that makes its functions when they are asked for."""

    def __getattr__(self, name: str) -> str:
        if name in ("sin", "__array_api_version__"):
            return f"the standard's {name}"
        raise AttributeError(name)


def test_words_come_from_the_standard_when_they_are_asked_for():
    namespace = Namespace(Standard(), "lazy")
    assert namespace.sin == "the standard's sin"
    with pytest.raises(AttributeError, match="sine"):
        namespace.sine  # noqa: B018


def test_what_belongs_to_an_object_is_not_asked_of_the_standard():
    with pytest.raises(AttributeError):
        Namespace(Standard(), "lazy").__array_api_version__  # noqa: B018
    empty = object.__new__(Namespace)  # as copy and pickle make it
    with pytest.raises(AttributeError, match="standard"):
        empty.sin  # noqa: B018


def test_a_copy_is_the_namespace_itself(on):
    xp = on.bench.xp
    assert copy.copy(xp) is xp
    assert copy.deepcopy([xp])[0] is xp
