"""The last whole audit of each chain: what lets refunds go by themselves again."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from relayclear.store import stops
from relayclear.store.db import Reads, Transaction
from relayclear.store.values import read_time, time_text

KEEP = """
INSERT INTO audits (chain, audited_at, height, agrees, last_stop) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (chain) DO UPDATE SET audited_at = excluded.audited_at, height = excluded.height,
  agrees = excluded.agrees, last_stop = excluded.last_stop"""
SELECT_AUDIT = "SELECT chain, audited_at, height, agrees, last_stop FROM audits WHERE chain = ?"


class KeptAudit(NamedTuple):
    """What an audit of a chain found: whether books and chain agree through a height.

    `last_stop` is the number of the newest stop that it knew of, 0 for none.  `at` is the wall clock's.
    """

    chain: str
    at: datetime
    height: int
    agrees: bool
    last_stop: int


def keep(tx: Transaction, audit: KeptAudit) -> None:
    """Keep what was found, in the place of the audit before."""
    tx.execute(KEEP, (audit.chain, time_text(audit.at), audit.height, audit.agrees, audit.last_stop))


def find(reads: Reads, chain: str) -> KeptAudit | None:
    """The last audit of a chain, None before the first."""
    row = reads.row(SELECT_AUDIT, (chain,))
    return None if row is None else KeptAudit(row[0], read_time(row[1]), row[2], bool(row[3]), row[4])


def agreed(reads: Reads, chain: str) -> bool:
    """Whether the last audit of a chain agreed, and knew of everything that ever stopped its refunds."""
    last = find(reads, chain)
    return last is not None and last.agrees and last.last_stop >= stops.last(reads, chain)
