"""A table of what was worked out before: bounded, and safe under threads by construction."""

from __future__ import annotations

from threading import Lock
from typing import Any, Generic, TypeVar

_Value = TypeVar("_Value")

_writing = Lock()  # one for all: they write seldom, and a compiler that reads this code can make no lock


class Cache(Generic[_Value]):
    """At most `limit` values; the oldest goes when another comes.

    A reader sees a value or None, whatever other threads do meanwhile: it asks once, and a dictionary
    answers one question as a whole. Writers take turns.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._kept: dict[Any, _Value] = {}

    def get(self, key: Any) -> _Value | None:
        """The value of a key, or None."""
        return self._kept.get(key)

    def keep(self, key: Any, value: _Value) -> _Value:
        """Keep a value; the one that is there already, if another thread was faster."""
        with _writing:
            if key not in self._kept:
                while len(self._kept) >= self.limit:
                    del self._kept[next(iter(self._kept))]
                self._kept[key] = value
            return self._kept[key]

    def clear(self) -> None:
        """Forget everything."""
        with _writing:
            self._kept.clear()

    def values(self) -> list[_Value]:
        """What is kept now."""
        with _writing:
            return list(self._kept.values())

    def __len__(self) -> int:
        return len(self._kept)
