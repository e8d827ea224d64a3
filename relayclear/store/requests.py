"""Requests of people: asked, begun, ended, each a fact of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from relayclear.clearing.request import Begun, Ended, Request, RequestState, Verb, Wish
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd
from relayclear.store.db import Reads, Row, Transaction
from relayclear.store.values import (
    FOR_EVER,
    json_text,
    optional_time_text,
    ranges_text,
    read_json,
    read_optional_time,
    read_ranges,
    read_time,
    time_text,
)

ADD_WISH = "INSERT INTO wishes (id, verb, asked_at, who, wish) VALUES (?, ?, ?, ?, ?)"
ADD_BEGIN = "INSERT INTO wish_begins (wish_id, begun_at, carrier, operation_id) VALUES (?, ?, ?, ?)"
ADD_END = """
INSERT INTO wish_ends (wish_id, ended_at, state, carrier, code, message, hint) VALUES (?, ?, ?, ?, ?, ?, ?)"""

_COLUMNS = """w.id, w.asked_at, w.who, w.wish, b.begun_at, b.carrier, b.operation_id,
  e.ended_at, e.state, e.carrier, e.code, e.message, e.hint"""
_JOINED = """wishes w LEFT JOIN wish_begins b ON b.wish_id = w.id AND b.begun_at <= ?
  LEFT JOIN wish_ends e ON e.wish_id = w.id AND e.ended_at <= ?"""
SELECT_WISH = f"SELECT {_COLUMNS} FROM {_JOINED} WHERE w.id = ?"  # noqa: S608 - columns of ours
SELECT_NEWEST_WISHES = f"""
SELECT {_COLUMNS} FROM {_JOINED} WHERE w.asked_at <= ?
ORDER BY w.asked_at DESC, w.id DESC LIMIT ?"""  # noqa: S608 - columns of ours


def add(tx: Transaction, request: Request) -> None:
    """Keep a request as it was asked for.  Raises RuleBrokenError when its id is taken."""
    asked = (request.id, request.wish.verb, time_text(request.asked_at), request.who)
    tx.execute(ADD_WISH, (*asked, wish_text(request.wish)))


def begin(tx: Transaction, request_id: str, begun: Begun) -> None:
    """Keep, in the commit of its first effect, that it was begun; raises RuleBrokenError the second time."""
    tx.execute(ADD_BEGIN, (request_id, time_text(begun.at), begun.carrier, begun.operation_id))


def end(tx: Transaction, request_id: str, ended: Ended) -> None:
    """Keep how it ended; raises RuleBrokenError the second time."""
    said = (ended.state, ended.carrier, ended.code, ended.message, ended.hint)
    tx.execute(ADD_END, (request_id, time_text(ended.at), *said))


def find(reads: Reads, request_id: str) -> Request | None:
    """The request of that id."""
    row = reads.row(SELECT_WISH, (FOR_EVER, FOR_EVER, request_id))
    return None if row is None else _request(row)


def page(reads: Reads, limit: int, as_of: datetime | None = None) -> list[Request]:
    """The newest requests, newest first; `as_of` shows them with what was known then."""
    until = FOR_EVER if as_of is None else time_text(as_of)
    return [_request(row) for row in reads.rows(SELECT_NEWEST_WISHES, (until, until, until, limit))]


def _request(row: Row) -> Request:
    request_id, asked_at, who, wish, begun_at, carrier, operation_id, ended_at, state, *said = row
    begun = None if begun_at is None else Begun(read_time(begun_at), carrier, operation_id)
    ended = None if ended_at is None else Ended(read_time(ended_at), RequestState(state), *said)
    return Request(request_id, read_wish(wish), who, read_time(asked_at), begun, ended)


def wish_text(wish: Wish) -> str:
    """Write a wish as JSON, without what it doesn't say: equal wishes are equal texts."""
    said: dict[str, Any] = {
        "verb": wish.verb.value,
        "subject": wish.subject or None,
        "end": None if wish.end is None else list(wish.end),
        "sequences": None if wish.sequences is None else ranges_text(wish.sequences),
        "why": wish.why or None,
        "amount": None if wish.amount is None else str(wish.amount),
        "until": optional_time_text(wish.until),
        "key_name": wish.key_name,
        "share_key": wish.share_key or None,
        "max_fees": [str(coin) for coin in wish.max_fees] or None,
        "close_channel": wish.close_channel,
    }
    return json_text({name: value for name, value in said.items() if value is not None})


def read_wish(text: str) -> Wish:
    """Read what `wish_text` wrote."""
    said = read_json(text)
    return Wish(
        Verb(said["verb"]),
        said.get("subject", ""),
        ChannelEnd(*said["end"]) if "end" in said else None,
        read_ranges(said["sequences"]) if "sequences" in said else None,
        said.get("why", ""),
        Coin.parse(said["amount"]) if "amount" in said else None,
        read_optional_time(said.get("until")),
        said.get("key_name"),
        said.get("share_key", False),
        tuple(map(Coin.parse, said.get("max_fees", ()))),
        said.get("close_channel"),
    )
