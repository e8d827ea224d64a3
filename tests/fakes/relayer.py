"""A relayer program over the rehearsal world, with the ways in which Hermes lets one down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal

from relayclear.errors import HeldError, HermesError, RefusedError
from relayclear.ibc.packet import ChannelEnd, PacketKey
from relayclear.ibc.readings import RelayRules
from relayclear.ibc.relayer import ClearJob, DaemonHabit, GasTerms, KeyChoice, RelayEvent, RelayRun
from tests.fakes.world import World, address

Progress = Callable[[RelayEvent], None]
Scenario = Callable[["FakeRelayer", ClearJob, Progress], Awaitable[RelayRun]]
RUN_SECONDS = 6


def ran(job: ClearJob, events: Sequence[RelayEvent] = (), exit_code: int | None = 0, *, ended: bool = True) -> RelayRun:
    """What a run looks like from outside."""
    end = job.source
    where = ("--chain", end.chain, "--port", end.port, "--channel", end.channel)
    argv = ("hermes", "--json", "clear", "packets", *where, "--packet-sequences", str(job.sequences))
    return RelayRun("1.10.5", argv, exit_code, 1.7, ended, tuple(events), output="Success")


def keys_of(job: ClearJob) -> list[PacketKey]:
    return [PacketKey(*job.source, sequence) for sequence in job.sequences]


async def does_the_job(relayer: FakeRelayer, job: ClearJob, progress: Progress) -> RelayRun:
    return ran(job, relayer.relay(job, keys_of(job), progress))


async def does_nothing_and_says_success(_: FakeRelayer, job: ClearJob, __: Progress) -> RelayRun:
    return ran(job)


async def does_the_first_only(relayer: FakeRelayer, job: ClearJob, progress: Progress) -> RelayRun:
    return ran(job, relayer.relay(job, keys_of(job)[:1], progress))


async def hangs_until_stopped(relayer: FakeRelayer, job: ClearJob, _: Progress) -> RelayRun:
    relayer.hanging.set()
    await relayer.stopped.wait()
    return ran(job, exit_code=None)


async def cannot_start(_: FakeRelayer, __: ClearJob, ___: Progress) -> RelayRun:
    raise HermesError("there is no program 'hermes'")


async def crashes(_: FakeRelayer, __: ClearJob, ___: Progress) -> RelayRun:
    message = "a mistake of ours"
    raise ZeroDivisionError(message)


async def is_killed_half_way(relayer: FakeRelayer, job: ClearJob, progress: Progress) -> RelayRun:
    return ran(job, relayer.relay(job, keys_of(job)[:1], progress), exit_code=137)


async def is_killed_before_anything(_: FakeRelayer, job: ClearJob, __: Progress) -> RelayRun:
    return ran(job, exit_code=None)


async def a_rival_wins(relayer: FakeRelayer, job: ClearJob, _: Progress) -> RelayRun:
    for key in keys_of(job):
        relayer.world.relay(key)
    return ran(job)


async def touches_the_next_one_too(relayer: FakeRelayer, job: ClearJob, progress: Progress) -> RelayRun:
    asked = keys_of(job)
    surplus = PacketKey(*job.source, asked[-1].sequence + 1)
    return ran(job, relayer.relay(job, [*asked, surplus], progress))


@dataclass
class FakeRelayer:
    """One configured Hermes.

    `addresses` maps (chain, key name) to an address, None for a key whose address stays hidden;
    `scenarios` are used up run by run, the last one stays.  `log` tells what ran beside what.
    """

    world: World
    daemon: str = "daemon"
    addresses: dict[tuple[str, str], str | None] = field(default_factory=dict)
    rules_of: dict[str, RelayRules] = field(default_factory=dict)
    granters: dict[str, str] = field(default_factory=dict)
    scenarios: list[Scenario] = field(default_factory=lambda: [does_the_job])
    says: str | HermesError = "1.10.5"
    habit: DaemonHabit = DaemonHabit.NEVER
    held: dict[tuple[str, str], str] = field(default_factory=dict)
    jobs: list[ClearJob] = field(default_factory=list)
    log: list[tuple[str, ChannelEnd]] = field(default_factory=list)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    # For each question: the adapter starts Hermes for its version once, unless it is asked anew.
    asked_anew: list[bool] = field(default_factory=list)

    async def version(self, *, again: bool = False) -> str:
        self.asked_anew.append(again)
        if isinstance(self.says, HermesError):
            raise self.says
        return self.says

    def rules(self, chain: str) -> RelayRules:
        return self.rules_of.get(chain, RelayRules({}, 32768, 2048))

    def gas(self, chain: str) -> GasTerms:
        denom = self.world.chains[chain].spec.gas_denom
        return GasTerms(chain, denom, Decimal("0.01"), 400_000, self.granters.get(chain))

    def daemon_habit(self, end: ChannelEnd) -> DaemonHabit:
        del end
        return self.habit

    def key(self, chain: str, name: str | None = None) -> KeyChoice:
        wanted = name or self.daemon
        if (chain, wanted) not in self.addresses:
            raise RefusedError(f"Hermes has no key {wanted!r} on {chain}", code="unknown_key")
        return KeyChoice(chain, wanted, self.addresses[chain, wanted])

    @asynccontextmanager
    async def holding(self, keys: Sequence[KeyChoice]) -> AsyncIterator[None]:
        pairs = [(key.chain, key.name) for key in keys]
        for pair in pairs:
            if pair in self.held:
                raise HeldError(f"key {pair[1]!r} on {pair[0]} is held by {self.held[pair]}")
        self.held |= dict.fromkeys(pairs, "another run")
        try:
            yield
        finally:
            for pair in pairs:
                del self.held[pair]

    def stop(self) -> None:
        self.stopped.set()

    async def clear(self, job: ClearJob, progress: Progress) -> RelayRun:
        assert all((chain, name) in self.held for chain, name in job.keys.items()), "run without its locks"
        self.jobs.append(job)
        self.log.append(("start", job.source))
        scenario = self.scenarios.pop(0) if len(self.scenarios) > 1 else self.scenarios[0]
        # Whoever may run beside this one gets the chance to.
        for _ in range(20):
            await asyncio.sleep(0)
        self.world.step(RUN_SECONDS)
        run = await scenario(self, job, progress)
        self.log.append(("end", job.source))
        return run

    def relay(self, job: ClearJob, keys: Sequence[PacketKey], progress: Progress) -> list[RelayEvent]:
        """Move packets with the job's keys; the events that Hermes would print."""
        events = []
        near, far = (self._signer(job, end) for end in (job.source, job.destination))
        for key in keys:
            for step in self.world.relay(key, near, far):
                events.append(RelayEvent(step, key))
                progress(events[-1])
        return events

    def _signer(self, job: ClearJob, end: ChannelEnd) -> str:
        return self.addresses[end.chain, job.keys[end.chain]] or address("elsewhere", end.chain)
