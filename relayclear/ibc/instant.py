"""Times as programs and people read them: always UTC, always with its Z, in one spelling for every face and error."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(at: datetime) -> str:
    """A time as RFC 3339 in UTC, whole seconds: ``2026-11-22T15:00:00Z``."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def plain(at: datetime) -> str:
    """A time as a person reads it: ``2026-11-22 15:00:00Z``."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def minute(at: datetime) -> str:
    """A time far off, or in a narrow column: ``2026-11-22 15:00Z``."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%MZ")


def clock(at: datetime) -> str:
    """A time of just now or of the next minutes: ``15:00:00Z``."""
    return at.astimezone(UTC).strftime("%H:%M:%SZ")


def day(at: datetime) -> str:
    """The day of a time, by UTC: ``2026-11-22``."""
    return at.astimezone(UTC).strftime("%Y-%m-%d")
