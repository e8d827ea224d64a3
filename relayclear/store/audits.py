"""The last whole audit of each chain: what lets refunds go by themselves again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from relayclear.store import stops
from relayclear.store.db import Reads, Row, Transaction
from relayclear.store.values import json_text, read_json, read_time, time_text

KEEP = """
INSERT INTO audits (chain, audited_at, height, agrees, last_stop, told) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (chain) DO UPDATE SET audited_at = excluded.audited_at, height = excluded.height,
  agrees = excluded.agrees, last_stop = excluded.last_stop, told = excluded.told"""
SELECT_AUDIT = "SELECT chain, audited_at, height, agrees, last_stop, told FROM audits WHERE chain = ?"


FINDINGS_KEPT = 50


class Figures(NamedTuple):
    """What a wallet holds of one denom, in base units: by the books, and on the chain."""

    booked: int
    on_chain: int

    @property
    def off(self) -> int:
        """How much more there is on the chain; below 0 for less."""
        return self.on_chain - self.booked


class KeptFinding(NamedTuple):
    """One thing that didn't agree; `flaw` is the word of an audit, `what` names a transaction, account or refund."""

    flaw: str
    denom: str
    what: str
    booked: int
    found: int


class KeptAudit(NamedTuple):
    """What an audit of a chain found: whether books and chain agree through a height.

    `last_stop` is the number of the newest stop that it knew of, 0 for none.  `at` is the wall clock's.  `figures`
    are by denom, `findings` the first `FINDINGS_KEPT` things that didn't agree.
    """

    chain: str
    at: datetime
    height: int
    agrees: bool
    last_stop: int
    figures: Mapping[str, Figures] = MappingProxyType({})
    findings: tuple[KeptFinding, ...] = ()


def keep(tx: Transaction, audit: KeptAudit) -> None:
    """Keep what was found, in the place of the audit before."""
    tx.execute(KEEP, (audit.chain, time_text(audit.at), audit.height, audit.agrees, audit.last_stop, _told(audit)))


def find(reads: Reads, chain: str) -> KeptAudit | None:
    """The last audit of a chain, None before the first."""
    row = reads.row(SELECT_AUDIT, (chain,))
    return None if row is None else _read(row)


def _told(audit: KeptAudit) -> str:
    # Amounts know no upper end, and a number of JSON may have one.
    figures = {denom: [str(one.booked), str(one.on_chain)] for denom, one in audit.figures.items()}
    findings = [[*one[:3], str(one.booked), str(one.found)] for one in audit.findings[:FINDINGS_KEPT]]
    return json_text({"figures": figures, "findings": findings})


def _read(row: Row) -> KeptAudit:
    told = read_json(row[5])
    figures = {denom: Figures(*map(int, pair)) for denom, pair in told.get("figures", {}).items()}
    findings = tuple(
        KeptFinding(flaw, denom, what, int(booked), int(found))
        for flaw, denom, what, booked, found in told.get("findings", [])
    )
    return KeptAudit(row[0], read_time(row[1]), row[2], bool(row[3]), row[4], figures, findings)


def agreed(reads: Reads, chain: str) -> bool:
    """Whether the last audit of a chain agreed, and knew of everything that ever stopped its refunds."""
    last = find(reads, chain)
    return last is not None and last.agrees and last.last_stop >= stops.last(reads, chain)
