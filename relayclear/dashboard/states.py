"""How good what a panel shows is: five honest states, decided in one place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Generic, TypeVar

from relayclear.wording import coarse_age

T = TypeVar("T")


class Shape(StrEnum):
    """The five states of a panel."""

    NEVER = "never scanned"
    LOADING = "loading"
    FRESH = "fresh"
    STALE = "stale"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """What a look found.  `good_at`: when what it shows was last true, None for never.

    `error` is what keeps the facts themselves from being read now (a frozen node), with the next step in `hint`;
    `doubt` says why nobody can look now, before any look has failed of it;
    `what` names what was looked at, for the words of an empty panel; after `stale_after` it says nothing of now.
    """

    value: T
    good_at: datetime | None
    what: str = ""
    error: str | None = None
    hint: str | None = None
    stale_after: timedelta = timedelta(minutes=3)
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the last look itself failed: the database is locked, gone, or newer than this program."""

    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A panel's state as shown: its words say why, since when and what next."""

    shape: Shape
    words: str
    hint: str | None = None


_GLYPHS = {Shape.NEVER: "○", Shape.LOADING: "…", Shape.FRESH: "✓", Shape.STALE: "!", Shape.FAILED: "✗"}


def glyph(shape: Shape) -> str:
    """The sign that stands before the words, so that colour never carries the meaning alone."""
    return _GLYPHS[shape]


def standing(found: Found[Any] | None, trouble: Trouble | None, now: datetime) -> Standing:
    """The state of a panel.

    | the look failed | looked before | the facts can't be read | last good | state |
    |---|---|---|---|---|
    | no | no | - | - | loading |
    | yes | - | - | - | failed |
    | no | yes | yes | - | failed |
    | no | yes | no | never | never scanned |
    | no | yes | no | long ago, or nobody can look now | stale |
    | no | yes | no | lately | fresh |
    """
    last = _last_good(found, now)
    if trouble is not None:
        return Standing(Shape.FAILED, f"{trouble.message}{last}", trouble.hint)
    if found is None:
        return Standing(Shape.LOADING, "reading the database")
    if found.error is not None:
        return Standing(Shape.FAILED, f"{found.error}{last}", found.hint)
    if found.good_at is None:
        return Standing(Shape.NEVER, f"{found.what or 'nothing'}: never looked at", found.hint or "relayclear watch")
    if found.doubt is not None or now - found.good_at > found.stale_after:
        return Standing(Shape.STALE, f"{found.doubt or ''}{last}".removeprefix("; "), found.hint)
    seconds = _seconds(found.good_at, now)
    return Standing(Shape.FRESH, f"{found.what + ', ' if found.what else ''}{coarse_age(seconds)} ago")


def _last_good(found: Found[Any] | None, now: datetime) -> str:
    if found is None or found.good_at is None:
        return ""
    return f"; last good {coarse_age(_seconds(found.good_at, now))} ago"


def _seconds(at: datetime, now: datetime) -> int:
    return max(0, int((now - at).total_seconds()))
