"""Why refunds don't go by themselves on a chain any more, and who let them go on."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from relayclear.store.db import Reads, Row, Transaction
from relayclear.store.values import read_time, time_text

ADD_STOP = "INSERT INTO auto_stops (chain, why, stopped_at) VALUES (?, ?, ?)"
ADD_GO = "INSERT INTO auto_goes (stop_id, chain, who, why, went_on_at) VALUES (?, ?, ?, ?, ?)"
SELECT_NEWEST = "SELECT coalesce(max(id), 0) FROM auto_stops WHERE chain IN ('', ?)"
SELECT_STANDING = """
SELECT s.id, s.chain, s.why, s.stopped_at FROM auto_stops s
WHERE s.chain IN ('', ?) AND NOT EXISTS (SELECT 1 FROM auto_goes g WHERE g.stop_id = s.id AND g.chain = ?)"""
SELECT_LAST = "SELECT id, chain, why, stopped_at FROM auto_stops WHERE chain = '' ORDER BY id DESC LIMIT 1"
SELECT_ENDED = "SELECT count(*) FROM auto_goes WHERE stop_id = ?"

EVERYWHERE = ""
"""The chain of a stop that is about all of them."""


class Stop(NamedTuple):
    """A reason for which refunds of a chain wait for a person."""

    id: int
    chain: str
    why: str
    at: datetime


def stop(tx: Transaction, chain: str, why: str, at: datetime) -> bool:
    """Let no refund of the chain go by itself from now on; False where that stands already, for this very reason.

    Another reason is kept beside the first: an audit that agreed before it says nothing of it.
    Without a chain, of none; whoever lets them go on does so chain by chain.
    """
    if chain and any(one.why == why for one in _standing(tx, chain)):
        return False
    tx.execute(ADD_STOP, (chain, why, time_text(at)))
    return True


def go_on(tx: Transaction, chain: str, who: str, why: str, at: datetime) -> list[Stop]:
    """Let them go by themselves again; the stops that this ends."""
    found = _standing(tx, chain)
    tx.execute_each(ADD_GO, [(one.id, chain, who, why, time_text(at)) for one in found])
    return found


def last(reads: Reads, chain: str) -> int:
    """The number of the newest stop that is about the chain, ended or not; 0 where there never was one."""
    return int(reads.rows(SELECT_NEWEST, (chain,))[0][0])


def standing(reads: Reads, chain: str) -> Stop | None:
    """The first stop that nobody has ended yet."""
    return next(iter(_standing(reads, chain)), None)


def _standing(reads: Reads, chain: str) -> list[Stop]:
    return sorted(_stop(row) for row in reads.rows(SELECT_STANDING, (chain, chain)))


def everywhere(reads: Reads) -> Stop | None:
    """The newest stop of all chains, None where there is none or where somebody has let any chain go on since."""
    row = reads.row(SELECT_LAST)
    return None if row is None or reads.rows(SELECT_ENDED, (row[0],))[0][0] else _stop(row)


def _stop(row: Row) -> Stop:
    return Stop(row[0], row[1], row[2], read_time(row[3]))
