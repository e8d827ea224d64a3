"""A program that carries requests out, over a rig: what `watch` does of it, step by step."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from relayclear.clearing.operation import Operation
from relayclear.engine.engine import Engine
from relayclear.ibc.packet import SequenceRanges
from relayclear.store.db import Database
from relayclear.store.tasks import LEASE_SECONDS
from relayclear.usecases.desk import Desk
from relayclear.usecases.requests import RequestView, Verb, Wish, ask, requests
from relayclear.usecases.requests_work import Carrier, take_up_requests
from tests.fakes.rig import Rig


@dataclass
class Office:
    """A rig where somebody asks and somebody else carries out."""

    rig: Rig
    name: str = "watch 1"

    @property
    def desk(self) -> Desk:
        """The desk of now."""
        return self.rig.desk

    @property
    def database(self) -> Database:
        """The database of now."""
        return self.rig.journal.database

    def carrier(self, desk: Desk | None = None, name: str = "") -> Carrier:
        """A program that has just been started."""
        found = desk or self.desk
        engine, acts = (Engine(found.journal.database, found.clock, chance=lambda: 0.5) for _ in range(2))
        made = Carrier(found, engine, acts, name or self.name)
        take_up_requests(made)
        return made

    def clear(self, text: str, **terms: Any) -> RequestView:
        """Ask for a clear of packets of the first channel."""
        return self.ask(Wish(Verb.CLEAR, end=self.rig.source, sequences=SequenceRanges.parse(text), **terms))

    def ask(self, wish: Wish, who: str = "ada") -> RequestView:
        """Ask for anything."""
        return ask(self.desk, wish, who)

    def work(self, desk: Desk | None = None) -> None:
        """A new program does all that is due now."""
        asyncio.run(worked(self.carrier(desk)))

    def go_on(self, times: int = 4) -> None:
        """The next programs, each after the lease of the last one."""
        for _ in range(times):
            self.rig.clock.step(LEASE_SECONDS + 1)
            self.work()

    def view(self, request: RequestView) -> RequestView:
        """A request as a face shows it now."""
        return next(one for one in requests(self.desk, 100) if one.id == request.id)

    def operation(self, request: RequestView) -> Operation:
        """The operation that a clear made."""
        found = self.rig.journal.operation(self.view(request).operation_id or "-")
        assert found is not None
        return found

    @property
    def runs(self) -> list[str]:
        """What Hermes was started for."""
        return [str(job.sequences) for job in self.rig.relayer.jobs]


async def worked(carrier: Carrier) -> None:
    """Take steps until nothing is due."""
    for engine in (carrier.acts, carrier.engine):
        while await engine.step():
            pass
