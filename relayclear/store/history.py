"""The audit trail: every state change and every action of a person, with who, when and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from relayclear.store.db import Reads, Row, Transaction
from relayclear.store.values import FOR_EVER, json_text, read_json, read_time, time_text

ADD_EVENT = """
INSERT INTO history (happened_at, who, what, order_id, operation_id, wallet, subject, detail)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"""

# What can be asked for, each with an index of its own; the first that is named leads the search.
_LEADS = ("order_id", "operation_id", "subject", "wallet", "")
_COLUMNS = "id, happened_at, who, what, order_id, operation_id, wallet, subject, detail"
_NAMED = " AND ".join(f"(? = '' OR {lead} = ?)" for lead in _LEADS if lead)


def _select(lead: str, rest: str) -> str:
    first = f"{lead} = ? AND " if lead else ""
    return f"SELECT {_COLUMNS} FROM history WHERE {first}{rest}"  # noqa: S608 - columns of ours


PAGES = {
    lead: _select(
        lead,
        f"happened_at >= ? AND happened_at <= ? AND {_NAMED} ORDER BY happened_at DESC, id DESC LIMIT ? OFFSET ?",
    )
    for lead in _LEADS
}
SLICES = {
    lead: _select(
        lead, f"(happened_at, id) > (?, ?) AND happened_at <= ? AND {_NAMED} ORDER BY happened_at, id LIMIT ?"
    )
    for lead in _LEADS
}

# By number: of events with one time none is left out, and a clock that was put back hides none.
SELECT_AFTER = f"SELECT {_COLUMNS} FROM history WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608 - columns of ours

SELECT_LAST = "SELECT coalesce(max(id), 0) FROM history"
SELECT_TOUCHED = """
SELECT h.id, coalesce(h.operation_id, s.operation_id) FROM history h LEFT JOIN sales s ON s.order_id = h.order_id
WHERE h.id > ? ORDER BY h.id LIMIT ?"""

_BEGINNING = ""
_EXPORTED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.  `who` is a person's name, or ``watch``, ``rules``; `what` a fixed word.

    `subject` names any other thing it is about (a payment, a key, a gap); `detail` is JSON.
    """

    at: datetime
    who: str
    what: str
    order_id: str | None = None
    operation_id: str | None = None
    wallet: str | None = None
    subject: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


class Search(NamedTuple):
    """What to look for: events that are about all that is named, between two times, both included."""

    order_id: str | None = None
    operation_id: str | None = None
    wallet: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None


EVERYTHING = Search()


def add(tx: Transaction, event: Event) -> int:
    """Write an event, in the commit of what it tells of; its number."""
    about = (event.order_id, event.operation_id, event.wallet, event.subject, json_text(dict(event.detail)))
    return int(tx.execute(ADD_EVENT, (time_text(event.at), event.who, event.what, *about))[0][0])


def page(reads: Reads, limit: int, offset: int = 0, search: Search = EVERYTHING) -> list[Event]:
    """A page of events, newest first."""
    lead, first, named = _told_apart(search)
    rows = reads.rows(PAGES[lead], (*first, *_times(search), *named, limit, offset))
    return [_event(row) for row in rows]


def export(reads: Reads, search: Search = EVERYTHING) -> Iterator[Event]:
    """All events in the order of their times, read in slices: use it inside `snapshot`."""
    lead, first, named = _told_apart(search)
    (at, until), number = _times(search), -1
    while rows := reads.rows(SLICES[lead], (*first, at, number, until, *named, _EXPORTED_AT_ONCE)):
        yield from (_event(row) for row in rows)
        number, at = rows[-1][:2]


def after(reads: Reads, number: int, limit: int) -> list[tuple[int, Event]]:
    """The events written after the one of that number, in the order they were written, with their numbers."""
    return [(row[0], _event(row)) for row in reads.rows(SELECT_AFTER, (number, limit))]


def last(reads: Reads) -> int:
    """The number of the newest event, 0 before the first."""
    return int(reads.rows(SELECT_LAST)[0][0])


def touched(reads: Reads, after: int) -> tuple[int, set[str]]:
    """The operations that something happened to after an event, and the number of the newest that was looked at."""
    found: set[str] = set()
    while rows := reads.rows(SELECT_TOUCHED, (after, _EXPORTED_AT_ONCE)):
        found.update(operation_id for _, operation_id in rows if operation_id is not None)
        after = rows[-1][0]
    return after, found


def _told_apart(search: Search) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Which index leads, its value, and all values twice for the rest of the text."""
    asked = search._asdict()
    values = {lead: asked[lead] or "" for lead in _LEADS if lead}
    lead = next((name for name, value in values.items() if value), "")
    return lead, (values[lead],) if lead else (), tuple(value for value in values.values() for _ in range(2))


def _times(search: Search) -> tuple[str, str]:
    since = _BEGINNING if search.since is None else time_text(search.since)
    return since, FOR_EVER if search.until is None else time_text(search.until)


def _event(row: Row) -> Event:
    _, at, who, what, order_id, operation_id, wallet, subject, detail = row
    return Event(read_time(at), who, what, order_id, operation_id, wallet, subject, read_json(detail))
