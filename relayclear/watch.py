"""The daemon: scans, reads payments, carries out what is paid for or asked for; named tasks under one supervisor.

A task that fails is begun again after a while, and everybody is told; none ends by itself, and none
takes another down.  To stop is to stop in good order: Hermes' process group is ended and what it did
is looked at by the next start.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from relayclear.clearing.health import OLD_CONFIG
from relayclear.errors import HeldError, RelayclearError
from relayclear.ibc.text import clean
from relayclear.listener.address import Listen as Listen  # noqa: PLC0414 - who starts a daemon says where it listens
from relayclear.ports import Log
from relayclear.store.history import Event
from relayclear.usecases import refund_send
from relayclear.usecases.breakers_recovery import RECOVER_SECONDS, probe_endpoints, recover
from relayclear.usecases.desk import Desk
from relayclear.usecases.pausing import pause
from relayclear.usecases.payments import Reading, read_payments
from relayclear.usecases.payments_watch import watch_chain
from relayclear.usecases.picture import Keeper
from relayclear.usecases.refund_dues import rules_of
from relayclear.usecases.refund_transit import open_too_long
from relayclear.usecases.relay_costs import read_costs
from relayclear.usecases.requests_work import Carrier, take_up_requests
from relayclear.usecases.resting import RestingEngine
from relayclear.usecases.scan import Reading as Scanned
from relayclear.usecases.scan import scan
from relayclear.usecases.token_bench import Bench
from relayclear.usecases.token_work import take_up
from relayclear.usecases.tokens_view import memo_of
from relayclear.usecases.vitals import Vitals
from relayclear.usecases.watching import (
    BEAT_SECONDS,
    Left,
    Mode,
    Role,
    beat,
    leave,
    left_to_do,
    note_absence,
    note_restart,
    role_of,
    take_up_forgotten,
    told_since,
)

SWEEP_SECONDS = 60.0
# How often it is looked whether an endpoint is due to be asked; most times none is.
LOOK_AFTER_SECONDS = 1.0
# Whatever is away is looked for again after this.
CHECK_SECONDS = 120.0
TELL_SECONDS = 0.5
# Our transaction stands in one of the next blocks, or is sent again.
UNFINISHED_SECONDS = 2.0
ONCE_PATIENCE = 60.0
PAUSES = (1.0, 2.0, 5.0, 15.0, 60.0)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often and how many: seconds between scans, operations at a time."""

    scan_seconds: float = 60.0
    workers: int = 4


@dataclass
class Watch:
    """One daemon over one desk.  `stop` ends it in good order; without `listen` no port is opened.

    `further` are tasks that it keeps going beside its own, by name; each gets the stop.
    """

    desk: Desk
    rhythm: Rhythm
    log: Log
    stop: asyncio.Event
    further: Mapping[str, Callable[[asyncio.Event], Awaitable[None]]] = field(default_factory=dict)
    listen: Listen | None = None
    role: Role = field(init=False)
    engine: RestingEngine = field(init=False)
    acts: RestingEngine = field(init=False)
    requests: Carrier = field(init=False)
    started_at: datetime = field(init=False)
    troubles: dict[str, str] = field(default_factory=dict, init=False)
    vitals: Vitals = field(init=False)
    keeper: Keeper = field(init=False)
    _told: list[Event] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        """Find out what it may do.  Raises ConfigError for a seller whose accounts aren't apart."""
        self.role = role_of(self.desk)
        self.started_at = self.desk.clock.now()
        self.engine = RestingEngine(self.desk.journal.database, self.desk.clock)
        self.acts = RestingEngine(self.desk.journal.database, self.desk.clock)
        self.requests = Carrier(self.desk, self.engine, self.acts, f"watch {os.getpid()}", self._heard)
        self.vitals = Vitals(self.desk)
        # Also where it only looks: a monitor spends nothing by itself, and a request is a person's explicit order.
        take_up_requests(self.requests)
        self.keeper = Keeper(self.desk)
        if self.role.mode is Mode.SELLER:
            take_up(Bench(self.desk, self.engine, heard=self._heard))

    @property
    def payees(self) -> dict[str, str]:
        """The chains whose payments are read."""
        shop = self.desk.shop
        return {} if shop is None else {chain: at for chain, at in shop.payees.items() if chain in self.desk.chains}

    async def run(self) -> Left:
        """Watch until told to stop; what is left then."""
        self._begin()
        try:
            async with self._listening(), asyncio.TaskGroup() as group:
                group.create_task(self._kept("heartbeat", self._beat), name="heartbeat")
                group.create_task(self._kept("history", self._tell), name="history")
                group.create_task(self._kept("scan", self._scans), name="scan")
                group.create_task(self._kept("vitals", self._check), name="vitals")
                group.create_task(self._kept("probes", self._probes), name="probes")
                group.create_task(self._kept("recovery", self._recovery), name="recovery")
                for name, work in self.further.items():
                    group.create_task(self._kept(name, partial(work, self.stop)), name=name)
                for chain in self.payees:
                    name = f"payments {chain}"
                    group.create_task(self._kept(name, partial(self._payments, chain)), name=name)
                if self.role.mode is Mode.SELLER:
                    for chain in self.payees:
                        name = f"refunds {chain}"
                        group.create_task(self._kept(name, partial(self._refunds, chain)), name=name)
                    group.create_task(self._kept("sweep", self._sweep), name="sweep")
                group.create_task(self._kept("workers", self._work), name="workers")
                group.create_task(self._kept("acts", self._act), name="acts")
        finally:
            with suppress(RelayclearError):
                leave(self.desk)
        return self._ended()

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        """Tell health and metrics meanwhile.  Raises ConfigError for an address that can't be had, or isn't safe."""
        if self.listen is None:
            yield
            return
        # Only who is asked to listen loads what that takes.
        from relayclear.listener.serving import listening  # noqa: PLC0415

        async with listening(self.desk, self.listen.address, self.listen.token, self.listen.had) as port:
            self.log.info("listening", address=self.listen.address, port=port, token=self.listen.token is not None)
            yield

    async def once(self) -> Left:
        """Read everything once, work until nothing is due; what is left then."""
        self._begin()
        try:
            await self._fill(await self._scan(), ONCE_PATIENCE)
            await self._check_once()
            for chain in self.payees:
                self._have_read(await read_payments(self.desk, chain))
            # Nobody else sees to it that a refund of a request lands.
            self.requests.patience = ONCE_PATIENCE
            if self.role.mode is Mode.SELLER:
                self._sweep_once()
            await self._work_once()
            if self.role.mode is Mode.SELLER:
                for chain in self.payees:
                    await self._refund_once(chain, ONCE_PATIENCE)
            self._tell_once()
            self._beat_once()
        finally:
            with suppress(RelayclearError):
                leave(self.desk)
        return self._ended()

    def kept_old(self, why: str) -> None:
        """Have everybody told that another config was to count, and why it doesn't."""
        self.troubles = {**self.troubles, OLD_CONFIG: clean(why, 300)}

    def _begin(self) -> None:
        note_restart(self.desk, self.started_at)
        note_absence(self.desk, self.started_at, timedelta(seconds=2.5 * self.rhythm.scan_seconds + 10))
        self._beat_once()
        why = {"why": self.role.why} if self.role.why else {}
        self.log.info("watching", mode=self.role.mode.value, chains=sorted(self.desk.chains), pid=os.getpid(), **why)

    def _ended(self) -> Left:
        left = left_to_do(self.desk)
        self.log.info("stopped", open_sales=left.open_sales, waiting=left.waiting, dead=left.dead)
        return left

    # The supervisor

    async def _kept(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Keep a task going until the stop: whatever it fails of, it is begun again."""
        failures = 0
        while not self.stop.is_set():
            begun = self.desk.clock.boot()[1]
            ended = await self._stopped_first(name, work)
            if ended or self.stop.is_set():
                return
            failures = 0 if self.desk.clock.boot()[1] - begun > PAUSES[-1] else failures + 1
            await self._pause(PAUSES[min(failures, len(PAUSES)) - 1])

    async def _stopped_first(self, name: str, work: Callable[[], Awaitable[None]]) -> bool:
        """Run it; True when it was the stop that ended it."""
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - one task's mistake must not end the others
            said = error.message if isinstance(error, RelayclearError) else f"{type(error).__name__}: {error}"
            self.troubles[name] = clean(said, 300)
            self.log.error("task failed, it is begun again", task=name, error=clean(said, 300))  # noqa: TRY400 - not logging's
            return False
        return self.stop.is_set()

    async def _pause(self, seconds: float) -> None:
        """Wait, but not beyond the stop."""
        await pause(self.desk.clock, seconds, self.stop)

    # What the tasks do

    async def _work(self) -> None:
        await self.engine.run(self.stop, self.rhythm.workers)

    async def _act(self) -> None:
        await self.acts.run(self.stop, 1)

    async def _work_once(self) -> None:
        for engine in (self.acts, self.engine):
            while not self.stop.is_set() and await engine.step():
                pass

    async def _beat(self) -> None:
        while not self.stop.is_set():
            self._beat_once()
            await self._pause(BEAT_SECONDS)

    def _beat_once(self) -> None:
        doing = {"mode": self.role.mode.value, "why": self.role.why, "troubles": dict(self.troubles)}
        beat(self.desk, self.started_at, doing, self.vitals)

    async def _check(self) -> None:
        """Look at what no scan meets, now and then."""
        while not self.stop.is_set():
            looking = asyncio.ensure_future(self._check_once())
            stopped = asyncio.ensure_future(self.stop.wait())
            # A Hermes that hangs may take half a minute to be given up: the end doesn't wait for it.
            await asyncio.wait({looking, stopped}, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            if self.stop.is_set():
                looking.cancel()
                # Until its Hermes is ended too: nothing of ours outlives the daemon.
                await asyncio.gather(looking, return_exceptions=True)
                return
            await looking
            await self._pause(CHECK_SECONDS)

    async def _check_once(self) -> None:
        await asyncio.gather(self.vitals.check_hermes(), self.vitals.check_gas())

    async def _sweep(self) -> None:
        while not self.stop.is_set():
            self._sweep_once()
            await self._read_costs()
            await self._pause(SWEEP_SECONDS)

    async def _read_costs(self) -> None:
        """What a lagging index didn't show right after a run."""
        count = await read_costs(self.desk)
        if count:
            self.log.info("clearing costs read", transactions=count)

    def _sweep_once(self) -> None:
        for order_id in take_up_forgotten(self.desk):
            self.log.info("work taken up", token=self._memo(order_id))

    async def _refunds(self, chain: str) -> None:
        while not self.stop.is_set():
            unfinished = await self._refund_once(chain, 0.0)
            await self._pause(UNFINISHED_SECONDS if unfinished else rules_of(self.desk).check_seconds)

    async def _refund_once(self, chain: str, patience: float) -> bool:
        """Send what is due on a chain; True while a transaction of ours may still land."""
        name = f"refunds {chain}"
        try:
            async with self.requests.wallets[chain]:
                done = await refund_send.sweep(self.desk, chain, patience=patience, stopped=self.stop.is_set)
            late = [one.id for one in open_too_long(self.desk) if one.chain == chain]
            lost = f"over IBC, and neither taken nor back for too long: {', '.join(late)}" if late else ""
            error = clean(done.blocked.why if done.blocked else lost, 300)
            unfinished = done.unfinished > 0
        except HeldError as other:
            # Somebody sweeps by hand, or hangs in the middle of it: then only these words tell which process.
            error, unfinished = clean(other.message, 300), True
        self._note(name, error, ("refunds not sent", "refunds are sent again"), chain=chain)
        return unfinished

    def _note(self, name: str, error: str, words: tuple[str, str], **about: Any) -> None:
        """Say once what a task meets, by the first of the words, and that it is over by the second; empty is over."""
        if error != self.troubles.get(name, ""):
            if error:
                self.log.error(words[0], **about, error=error)
            else:
                self.log.info(words[1], **about)
        others = {other: said for other, said in self.troubles.items() if other != name}
        self.troubles = {**others, name: error} if error else others

    async def _scans(self) -> None:
        while not self.stop.is_set():
            reading = await self._scan()
            begun, seconds = self.desk.clock.boot()[1], self.rhythm.scan_seconds
            # Details come in while it would rest, and leave the next scan its time.
            await self._fill(reading, seconds / 2)
            await self._pause(max(0.0, seconds - (self.desk.clock.boot()[1] - begun)))

    async def _fill(self, reading: Scanned, seconds: float) -> None:
        end = self.desk.clock.boot()[1] + seconds
        count = await self.keeper.fill(reading, lambda: self.stop.is_set() or self.desk.clock.boot()[1] >= end)
        if count:
            self.log.info("packet details read", packets=count)

    async def _scan(self) -> Scanned:
        began = self.desk.clock.boot()[1]
        reading = await scan(self.desk)
        seconds = self.desk.clock.boot()[1] - began
        self.keeper.after_scan(reading)
        self.vitals.after_scan(reading, seconds, self.keeper.counted(reading))
        pending = sum(len(item.commitments) for item in reading.paths.values() if item.error is None)
        failed = sum(item.error is not None for item in reading.paths.values())
        self.log.info("scanned", paths=len(reading.paths), pending=pending, failed_paths=failed)
        self._note("scan", "", ("", "scanned again"))
        for chain, failure in reading.failures.items():
            self.log.warning("chain not read", chain=chain, error=clean(failure.message, 300))
        return reading

    async def _probes(self) -> None:
        while not self.stop.is_set():
            await probe_endpoints(self.desk)
            await self._pause(LOOK_AFTER_SECONDS)

    async def _recovery(self) -> None:
        while not self.stop.is_set():
            await self._pause(RECOVER_SECONDS)
            if await recover(self.desk):
                self.engine.wake.set()

    async def _payments(self, chain: str) -> None:
        await watch_chain(self.desk, chain, self.stop, self._have_read)

    def _have_read(self, reading: Reading) -> None:
        """Have new payments worked for at once; say once what keeps them from being read, and when it ends."""
        if reading.payments:
            self.engine.wake.set()
        error = clean(reading.error.message, 300) if reading.error else ""
        words = ("payments not read", "payments are read again")
        self._note(f"payments {reading.chain}", error, words, chain=reading.chain, read_through=reading.through)

    async def _tell(self) -> None:
        while not self.stop.is_set():
            self._tell_once()
            await self._pause(TELL_SECONDS)
        self._tell_once()

    def _tell_once(self) -> None:
        """Log what the history has: every state change, whoever made it."""
        for event in told_since(self.desk, self._told, self.started_at):
            token = None if event.order_id is None else self._memo(event.order_id)
            about = {"token": token, "operation": event.operation_id, "subject": event.subject}
            fields = {name: value for name, value in {**event.detail, **about}.items() if value is not None}
            self.log.info(event.what, **{name: _plain(value) for name, value in {**fields, "who": event.who}.items()})
            self._told = [told for told in self._told if told.at == event.at] + [event]

    def _memo(self, order_id: str) -> str:
        """A sale by the memo that its payer has, and that commands take."""
        return memo_of(self.desk.journal.database, order_id)

    def _heard(self, step: Any) -> None:
        self.log.info("hermes", step=step.step, packet=str(step.key), chain=step.key.chain)


def _plain(value: Any) -> Any:
    return clean(value, 300) if isinstance(value, str) else value
