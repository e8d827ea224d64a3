"""The audit trail as it is asked for: pages for people, everything for files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from relayclear.store import history, operations, tokens
from relayclear.store.db import Reads
from relayclear.store.history import Event, Search
from relayclear.usecases.operations import unknown_operation
from relayclear.usecases.tokens_view import require_token

_AT_ONCE = 500


class TrailQuestion(NamedTuple):
    """What the trail is asked about: a token (its memo), an operation (its id, or the start), a wallet, since when."""

    token: str | None = None
    operation: str | None = None
    wallet: str | None = None
    since: datetime | None = None


class TrailRow(NamedTuple):
    """An event, and the memo of the token that it is about where we know it."""

    event: Event
    token: str | None


def trail_page(reads: Reads, question: TrailQuestion, limit: int, offset: int = 0) -> list[TrailRow]:
    """A page, newest first.  Raises UsageError for an unknown token or operation."""
    return list(_named(reads, history.page(reads, limit, offset, _search(reads, question))))


def trail(reads: Reads, question: TrailQuestion) -> Iterator[TrailRow]:
    """Everything, oldest first, never all of it in memory.  Raises as `trail_page` does, before the first row."""
    return _named(reads, history.export(reads, _search(reads, question)))


def _search(reads: Reads, question: TrailQuestion) -> Search:
    order_id = operation_id = None
    if question.token is not None:
        order_id = require_token(reads, question.token).order_id
    if question.operation is not None:
        operation = operations.find(reads, question.operation)
        if operation is None:
            raise unknown_operation(reads, question.operation)
        operation_id = operation.id
    return Search(order_id, operation_id, question.wallet or None, None, question.since)


def _named(reads: Reads, events: Iterable[Event]) -> Iterator[TrailRow]:
    rest = iter(events)
    while part := list(islice(rest, _AT_ONCE)):
        wanted = sorted({event.order_id for event in part if event.order_id is not None})
        memos = {stored.order_id: stored.token.memo for stored in tokens.load(reads, wanted)}
        for event in part:
            yield TrailRow(event, memos.get(event.order_id) if event.order_id else None)
