"""A bounded cache that threads share, with no lock for its readers."""

from __future__ import annotations

from threading import Lock
from typing import Any, Generic, TypeVar

_Value = TypeVar("_Value")

_write_lock = Lock()  # one for all caches: writes are rare, and torch.compile cannot trace a new lock


class Cache(Generic[_Value]):
    """At most `limit` values; a further one replaces the oldest.

    Readers need no lock: each makes a single look-up in a dictionary, which is atomic, and gets a value
    or None whatever other threads do meanwhile. Writers take turns.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._kept: dict[Any, _Value] = {}

    def get(self, key: Any) -> _Value | None:
        """The value of a key, or None."""
        return self._kept.get(key)

    def keep(self, key: Any, value: _Value) -> _Value:
        """Store a value and return it; if another thread was faster, return the one that it stored."""
        with _write_lock:
            if key not in self._kept:
                while len(self._kept) >= self.limit:
                    del self._kept[next(iter(self._kept))]
                self._kept[key] = value
            return self._kept[key]

    def clear(self) -> None:
        """Drop all values."""
        with _write_lock:
            self._kept.clear()

    def values(self) -> list[_Value]:
        """All values, oldest first."""
        with _write_lock:
            return list(self._kept.values())

    def __len__(self) -> int:
        return len(self._kept)
