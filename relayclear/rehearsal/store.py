"""What a chain keeps: ordered keys with their history, and branches that are thrown away when a transaction fails."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from itertools import takewhile
from operator import itemgetter
from typing import Any, Protocol

from sortedcontainers import SortedDict

_HEIGHT = itemgetter(0)
_GONE = object()


class View(Protocol):
    """State that can be read: a store as it is now, as it was at a height, or a branch over either."""

    def get(self, key: str) -> Any:
        """The value, None when there is none."""

    def scan(self, prefix: str, start: str = "") -> Iterator[tuple[str, Any]]:
        """Keys that begin with a prefix, in order, from `start` on, with their values."""


class Store:
    """The committed state and every value it ever had, by height."""

    def __init__(self) -> None:
        """Nothing is in it."""
        self._now: Any = SortedDict()
        self._past: Any = SortedDict()

    def get(self, key: str) -> Any:
        """The value now, None when there is none."""
        return self._now.get(key)

    def scan(self, prefix: str, start: str = "") -> Iterator[tuple[str, Any]]:
        """Keys that begin with a prefix, in order, from `start` on."""
        for key in self._now.irange(minimum=max(prefix, start)):
            if not key.startswith(prefix):
                return
            yield key, self._now[key]

    def apply(self, writes: Mapping[str, Any], height: int) -> None:
        """Commit the writes of a block; None deletes."""
        for key, value in writes.items():
            self._past.setdefault(key, []).append((height, value))
            if value is None:
                self._now.pop(key, None)
            else:
                self._now[key] = value

    def fill(self, rows: Mapping[str, Any], height: int) -> None:
        """Put many new keys in at once, as a genesis does."""
        self._now.update(rows)
        self._past.update({key: [(height, value)] for key, value in rows.items()})

    def at(self, height: int) -> View:
        """The state as it was after a height."""
        return _Past(self, height)

    def value_at(self, key: str, height: int) -> Any:
        """The value after a height, None when there was none."""
        history = self._past.get(key, ())
        place = bisect_right(history, height, key=_HEIGHT)
        return history[place - 1][1] if place else None

    def keys_ever(self, prefix: str, start: str) -> Iterator[str]:
        """Every key that ever began with a prefix, in order, from `start` on."""
        return takewhile(lambda key: key.startswith(prefix), self._past.irange(minimum=max(prefix, start)))


class _Past:
    def __init__(self, store: Store, height: int) -> None:
        self._store, self._height = store, height

    def get(self, key: str) -> Any:
        """The value under a key then, None where there was none."""
        return self._store.value_at(key, self._height)

    def scan(self, prefix: str, start: str = "") -> Iterator[tuple[str, Any]]:
        """Keys and values under a prefix then, in the order of the keys, from `start` on."""
        for key in self._store.keys_ever(prefix, start):
            value = self.get(key)
            if value is not None:
                yield key, value


class Branch:
    """Writes over a view, kept apart until somebody commits them."""

    def __init__(self, under: View) -> None:
        """Nothing is written yet."""
        self._under = under
        self.writes: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        """The value, the branch's own first."""
        value = self.writes.get(key, _GONE)
        return self._under.get(key) if value is _GONE else value

    def set(self, key: str, value: Any) -> None:
        """Write; None deletes."""
        self.writes[key] = value

    def scan(self, prefix: str, start: str = "") -> Iterator[tuple[str, Any]]:
        """Keys that begin with a prefix, in order, the branch's own writes included."""
        mine = {key for key in self.writes if key.startswith(prefix) and key >= start}
        under = (key for key, _ in self._under.scan(prefix, start) if key not in mine)
        for key in sorted([*mine, *under]) if mine else under:
            value = self.get(key)
            if value is not None:
                yield key, value

    def merge(self, other: Branch) -> None:
        """Take over what a branch of this branch wrote."""
        self.writes.update(other.writes)
