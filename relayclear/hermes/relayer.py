"""Drives one Hermes: its version, its keys, and exact clears through its command line."""

from __future__ import annotations

import asyncio
import errno
import os
import shlex
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from relayclear.errors import HermesError, RefusedError
from relayclear.hermes import process
from relayclear.hermes.config import HermesConfig, secrets, worst_price
from relayclear.hermes.keys import key_store_visible, read_address
from relayclear.hermes.output import Transcript
from relayclear.hermes.process import Child, Ended
from relayclear.hermes.version import Version, parse_version, refuse_unusable
from relayclear.ibc.names import names_chain, names_end
from relayclear.ibc.packet import ChannelEnd
from relayclear.ibc.readings import RelayRules
from relayclear.ibc.relayer import ClearJob, DaemonHabit, GasTerms, KeyChoice, RelayEvent, RelayRun
from relayclear.ibc.text import clean, hiding

if TYPE_CHECKING:
    from relayclear.hermes import locks

_VERSION_SECONDS = 30.0
# Nobody knows when a Hermes ends that we couldn't end.  Its own waits are 120 s each, a few in a row.
LEFT_RUNNING_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class HermesProgram:
    """How to call Hermes.

    `command` is what stands before the arguments.  `work_dir` is a folder that both sides see
    under one name, when Hermes runs elsewhere.  `time_limit` in seconds: well over the 120 that
    Hermes itself waits for a transaction.  `grace`: seconds between asking it to end and making it.
    """

    command: tuple[str, ...] = ("hermes",)
    work_dir: Path | None = None
    time_limit: float = 300.0
    grace: float = process.GRACE

    @property
    def elsewhere(self) -> bool:
        """Whether what we start may only be the way to Hermes (docker exec, sudo): then ending it proves nothing."""
        return len(self.command) > 1 or self.work_dir is not None


def _how(ended: Ended) -> str:
    return f"exit code {ended.exit_code}" if ended.exit_code is not None else "it was ended by a signal"


class HermesRelayer:
    """The `Relayer` port over one Hermes program and one of its configs."""

    def __init__(
        self, config: HermesConfig, program: HermesProgram | None = None, *, lock_folder: Path | None = None
    ) -> None:
        self.config = config
        self.program = program or HermesProgram()
        self._hide = hiding(secrets(config.tables))
        self._lock_folder = lock_folder
        self._held: dict[KeyChoice, locks.KeyLock] = {}
        # One event a run: an event belongs to the loop that first waited for it.
        self._stops: set[asyncio.Event] = set()
        self._stopped = False
        self._version: Version | None = None

    async def version(self, *, again: bool = False) -> str:
        """Its version, like ``1.10.5``; `again` starts it though it was asked before.

        Raises HermesError when it can't be started or says nothing usable, RefusedError for a
        version that must not be driven.
        """
        if again:
            self._version = None
        return ".".join(map(str, await self._usable_version()))

    def rules(self, chain: str) -> RelayRules:
        """What it refuses to relay from the chain.  Raises UsageError for an unknown chain."""
        return self.config.rules(chain)

    def gas(self, chain: str) -> GasTerms:
        """What a transaction may cost there by the config.  Raises UsageError for an unknown chain."""
        configured = self.config.chain(chain)
        price, granter = configured.gas_price, configured.fee_granter
        return GasTerms(chain, price.denom, worst_price(configured), configured.max_gas, granter)

    def daemon_habit(self, end: ChannelEnd) -> DaemonHabit:
        """What ``hermes start`` does with packets sent by an end.  Raises UsageError for an unknown chain."""
        configured = self.config.chain(end.chain)
        if not self.config.packets_enabled or not configured.packet_filter.allows(end.port, end.channel):
            return DaemonHabit.NEVER
        interval = self.config.clear_interval if configured.clear_interval is None else configured.clear_interval
        if interval:
            return DaemonHabit.CLEARS_TOO
        return DaemonHabit.AS_THEY_COME if self.config.clear_on_start else DaemonHabit.ONLY_NEW

    def key(self, chain: str, name: str | None = None) -> KeyChoice:
        """The named key, or the one its own config signs with.  Raises RefusedError by name when there is none.

        The address is None where Hermes runs elsewhere and its key folder can't be seen from here.
        """
        configured = self.config.chain(chain)
        name = configured.key_name if name is None else name
        if self.program.elsewhere and not key_store_visible(configured):
            return KeyChoice(chain, name, None)
        address = read_address(configured, name, command=self.program.command, config=self.config.path)
        return KeyChoice(chain, name, address)

    @asynccontextmanager
    async def holding(self, keys: Sequence[KeyChoice]) -> AsyncIterator[None]:
        """Hold the locks of the (chain, key) pairs.  Raises HeldError naming the holder."""
        # Most commands only look: what clearing takes is loaded by those that clear.
        from relayclear.hermes import locks  # noqa: PLC0415

        with locks.holding(keys, self._lock_folder) as held:
            self._held.update(held)
            try:
                yield
            finally:
                for key in held:
                    del self._held[key]

    def stop(self) -> None:
        """End the runs that are going; their `clear` returns with `exit_code` None.  No further run starts."""
        self._stopped = True
        for stop in self._stops:
            stop.set()

    async def clear(self, job: ClearJob, progress: Callable[[RelayEvent], None]) -> RelayRun:
        """Run ``hermes clear packets`` once, inside `holding`; the answer is evidence only.

        `progress` hears each step once, as soon as Hermes tells it.  Raises before anything was
        started: HermesError, RefusedError, UsageError.  Cancelled, it ends Hermes first.
        """
        from relayclear.hermes.derived import Wishes, derived, written  # noqa: PLC0415
        from relayclear.hermes.events import Claims  # noqa: PLC0415

        version = await self._usable_version()
        if self._stopped:
            message = "no run of Hermes starts any more: it was told to stop"
            raise RefusedError(message, hint="start relayclear anew, then the same command")
        held, claims = self._locks_of(job), Claims(job, progress)
        heard = Transcript(claims.hear_message, self._hide)
        wishes = Wishes(_chains(job), job.keys, job.fee_caps, job.memo, self.program.elsewhere)
        with written(derived(self.config, wishes, version), self.program.work_dir) as path:
            argv = (*self.program.command, *_arguments(path, job))
            ended = await self._run_locked(argv, heard, held, f"clearing {job.source} {job.sequences}")
        _complain(heard, ended, self.program.time_limit)
        claims.hear_result(heard.result)
        return RelayRun(
            version=".".join(map(str, version)),
            argv=argv,
            exit_code=ended.exit_code,
            seconds=ended.seconds,
            ended=ended.gone,
            events=claims.events,
            complaints=heard.complaints,
            output=heard.output,
        )

    async def _usable_version(self) -> Version:
        if self._version is None:
            heard = Transcript(hide=self._hide)
            ended = await self._run((*self.program.command, "version"), heard, _VERSION_SECONDS)
            if ended.exit_code != 0:
                why = heard.error_text or ended.cut or _how(ended)
                hint = shlex.join([*self.program.command, "version"])
                raise HermesError(f"Hermes does not tell its version: {why}", hint=hint)
            version = parse_version(heard.output)
            refuse_unusable(version)
            self._version = version
        return self._version

    def _locks_of(self, job: ClearJob) -> tuple[locks.KeyLock, ...]:
        # Looked up as Hermes will, not passed in: what is locked and what signs must be the same key.
        keys = [*(self.key(chain, job.keys.get(chain)) for chain in _chains(job)), *job.locks]
        for key in keys:
            if key not in self._held:
                raise RefusedError(
                    f"key {key.name!r} on {key.chain} is not locked; nothing was started",
                    hint="the same command again: it locks its keys first",
                )
        return tuple(self._held[key] for key in keys)

    async def _run_locked(
        self, argv: tuple[str, ...], heard: Transcript, held: Sequence[locks.KeyLock], what: str
    ) -> Ended:
        def started(pid: int) -> None:
            """Write the process into each lock, so that whoever waits for it can name it."""
            for lock in held:
                lock.note(what, child=pid)

        try:
            ended = await self._run(argv, heard, self.program.time_limit, held, started)
        except asyncio.CancelledError:
            self._leave(held, what)
            raise
        if not ended.gone:
            self._leave(held, what)
        return ended

    def _leave(self, held: Sequence[locks.KeyLock], what: str) -> None:
        # A Hermes of this host holds the locks itself, through what it inherited; one elsewhere can't.
        if self.program.elsewhere:
            for lock in held:
                lock.note(what, free_at=time.time() + LEFT_RUNNING_SECONDS)

    async def _run(
        self,
        argv: tuple[str, ...],
        heard: Transcript,
        time_limit: float,
        held: Sequence[locks.KeyLock] = (),
        started: Callable[[int], None] = lambda _: None,
    ) -> Ended:
        stop = asyncio.Event()
        descriptors = tuple({lock.descriptor for lock in held})
        child = Child(argv, time_limit, stop, heard.feed_stdout, heard.feed_stderr, started, descriptors)
        self._stops.add(stop)
        try:
            ended = await process.run(replace(child, env=_environment(), grace=self.program.grace))
        except (OSError, ValueError) as error:
            raise _cannot_start(argv[0], error) from error
        finally:
            self._stops.remove(stop)
        heard.close()
        # docker exec and sudo end without ending what they started.
        return replace(ended, gone=False) if ended.cut and self.program.elsewhere else ended


def _chains(job: ClearJob) -> tuple[str, str]:
    return job.source.chain, job.destination.chain


def _arguments(config: Path, job: ClearJob) -> tuple[str, ...]:
    end = job.source
    # The last guard: what a chain or a database calls its end must never be read as an option of Hermes.
    if not (names_chain(end.chain) and names_end(end.port) and names_end(end.channel)):
        raise RefusedError(
            f"{clean(str(end), 100)!r} can't name a channel end; nothing was started", hint="relayclear channels"
        )
    where = ("--chain", end.chain, "--port", end.port, "--channel", end.channel)
    # Without --packet-sequences Hermes clears everything, both ways: an empty list must never become an absent one.
    if not job.sequences:
        raise RefusedError(f"no sequences to clear on {end}", hint="--packet-sequences 1,10..20")
    sequences = ("--packet-sequences", str(job.sequences))
    return ("--config", str(config), "--json", "clear", "packets", *where, *sequences)


def _environment() -> dict[str, str]:
    """Ours without RUST_LOG, which would replace the log level that the parser relies on."""
    return {name: value for name, value in os.environ.items() if name != "RUST_LOG"}


def _cannot_start(program: str, error: OSError | ValueError) -> HermesError | RefusedError:
    hint = "install Hermes, or set [hermes] command"
    if isinstance(error, FileNotFoundError):
        return HermesError(f"there is no program {program!r}", hint=hint)
    if isinstance(error, OSError) and error.errno == errno.E2BIG:
        return RefusedError("these sequences are too many for one run of Hermes", hint="clear fewer at a time")
    return HermesError(f"{program!r} can't be started: {getattr(error, 'strerror', None) or error}", hint=hint)


def _complain(heard: Transcript, ended: Ended, time_limit: float) -> None:
    """Add what the log of a run that went wrong can't tell itself."""
    if ended.cut == "time limit":
        heard.complain(f"Hermes had not finished after {time_limit:g} s")
    elif ended.cut:
        heard.complain("Hermes was stopped before it had finished")
    elif ended.signal is not None:
        heard.complain(f"Hermes was killed by signal {ended.signal}")
    elif heard.status is None:
        heard.complain(heard.error_text or "Hermes ended without a result")
