"""What a daemon notes of the things it leans on, as it meets them: chains, endpoints, Hermes, gas, packets, scans.

Notes gather in memory and are written with the heartbeat, so that they cost no commit of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from relayclear.errors import RelayclearError
from relayclear.ibc.packet import ChannelEnd
from relayclear.ibc.relayer import GasTerms
from relayclear.ibc.text import clean
from relayclear.store import vitals
from relayclear.store.db import Transaction
from relayclear.store.vitals import Kind, Vital
from relayclear.usecases.counting import Counted
from relayclear.usecases.desk import Desk, Instance
from relayclear.usecases.scan import Reading

_WORDS = 300
_NEVER = object()
_OF_A_SCAN = frozenset({Kind.CHAIN, Kind.ENDPOINT, Kind.PACKETS, Kind.PATH})


class Vitals:
    """The notes of one daemon.  `write` belongs into a transaction of its own or the heartbeat's."""

    def __init__(self, desk: Desk) -> None:
        """Go on counting where the daemon before left off."""
        self._desk = desk
        self._waiting: dict[tuple[Kind, str], Vital] = {}
        self._gone: list[tuple[Kind, str]] = []
        self._counted: dict[ChannelEnd, Counted | None] = {}
        before = vitals.every(desk.journal.database)
        self._left = {(one.kind, one.name) for one in before}
        self._scans: Mapping[str, Any] = next((one.detail for one in before if one.kind is Kind.SCAN), {})

    def write(self, tx: Transaction) -> None:
        """Keep what was noted since the last time; say `written` once that is committed."""
        vitals.drop(tx, self._gone)
        vitals.keep(tx, self._waiting.values())

    def written(self) -> None:
        """What was noted stands in the database: only now, for a commit may fail."""
        self._waiting, self._gone = {}, []

    def after_scan(self, reading: Reading, seconds: float, counted: Mapping[ChannelEnd, Counted]) -> None:
        """Note what a scan saw of chains, endpoints and packets, and that there was one of so many seconds.

        `counted` is what waits on every path that could be read.
        """
        for chain in self._desk.chains:
            self._note_chain(reading, chain)
        for end in reading.paths:
            self._note_path(reading, end, counted.get(end))
        failed = bool(reading.failures) or any(item.error is not None for item in reading.paths.values())
        self._scans = {
            "total": self._scans.get("total", 0) + 1,
            "failed": self._scans.get("failed", 0) + failed,
            "seconds": round(seconds, 3),
        }
        self._note(Kind.SCAN, "", None, self._scans, reading.at)
        if self._left:
            self._forget_others(reading)

    def _forget_others(self, reading: Reading) -> None:
        """Forget what the config doesn't name any more: it would stay as it was for ever."""
        known = {(kind, "/".join(end)) for end in reading.paths for kind in (Kind.PACKETS, Kind.PATH)}
        known |= {(Kind.CHAIN, chain) for chain in self._desk.chains}
        known |= {(Kind.ENDPOINT, f"{name}/{use.name}") for name, of in self._desk.chains.items() for use in of.uses}
        self._gone += sorted(name for name in self._left - known if name[0] in _OF_A_SCAN)
        self._left = set()

    async def check_hermes(self) -> None:
        """Start each Hermes for its version, which is all that can be asked of it for nothing."""
        await asyncio.gather(*(self._check_hermes(instance) for instance in self._desk.instances))

    async def check_gas(self) -> None:
        """Read what each key that signs holds for gas."""
        desk = self._desk
        roles: list[tuple[str, str, str | None]] = [(chain, "daemon", None) for chain in desk.chains]
        roles += [(chain, "clearing", name) for chain, name in desk.clearing_keys.items() if chain in desk.chains]
        await asyncio.gather(*(self._check_gas(*role) for role in roles))

    def _note(self, kind: Kind, name: str, error: str | None, detail: Mapping[str, Any], at: datetime) -> None:
        good_at = at if error is None else None
        said = None if error is None else clean(error, _WORDS)
        self._waiting[kind, name] = Vital(kind, name, at, good_at, said, detail)

    def _note_chain(self, reading: Reading, chain: str) -> None:
        head, failure = reading.heads.get(chain), reading.failures.get(chain)
        if head is not None:
            self._note(Kind.CHAIN, chain, None, {"height": head.height}, reading.at)
        elif failure is not None:
            self._note(Kind.CHAIN, chain, failure.message, {}, reading.at)
        for use in self._desk.chains[chain].uses:
            if use.fit is not None:
                figures = {"requests": use.requests, "failures": use.failures, "seconds": round(use.seconds, 3)}
                latest = {} if use.latest is None else {"latest": round(use.latest, 4)}
                self._note(Kind.ENDPOINT, f"{chain}/{use.name}", use.error, {**figures, **latest}, reading.at)

    def _note_path(self, reading: Reading, end: ChannelEnd, counted: Counted | None) -> None:
        # Mostly nothing has changed, and then there is nothing to write.
        before = self._counted.get(end, _NEVER)
        if before is not counted and before != counted:
            self._counted[end] = counted
            failed = reading.paths[end].error
            error = None if failed is None else failed.message
            self._note(Kind.PACKETS, "/".join(end), error, {} if counted is None else _figures(counted), reading.at)

    async def _check_hermes(self, instance: Instance) -> None:
        error, detail = None, dict[str, Any]()
        try:
            detail = {"version": clean(await instance.relayer.version(again=True), 40)}
        except RelayclearError as failed:
            error = failed.message
        self._note(Kind.HERMES, instance.config, error, detail, self._desk.clock.now())

    async def _check_gas(self, chain: str, role: str, name: str | None) -> None:
        relayer = next(one.relayer for one in self._desk.instances if chain in one.chains)
        error, detail = None, dict[str, Any]()
        try:
            key, terms = relayer.key(chain, name), relayer.gas(chain)
            if key.address is None:
                return
            payer = terms.fee_granter or key.address
            held = await self._desk.chains[chain].balance(payer, terms.denom)
            detail = {"address": payer, "denom": terms.denom, "amount": str(held.amount), **_relays(terms, held.amount)}
        except RelayclearError as failed:
            error = failed.message
        self._note(Kind.GAS, f"{chain}/{role}", error, detail, self._desk.clock.now())


def _relays(terms: GasTerms, amount: int) -> dict[str, int]:
    one = terms.worst_fee.amount
    return {"relays": amount // one} if one else {}


def _figures(counted: Counted) -> dict[str, Any]:
    oldest = {} if counted.oldest is None else {"oldest": counted.oldest.isoformat()}
    stuck = {packet_class.value: count for packet_class, count in counted.stuck.items()}
    return {"pending": counted.pending, "stuck": stuck, **oldest}
