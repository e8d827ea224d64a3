"""How a daemon is kept: ready and alive for systemd, begun anew on SIGHUP with the config as it is then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from relayclear.cli.watch_alerts import calling_of
from relayclear.cli.watch_listening import listen_of
from relayclear.errors import ConfigError, RelayclearError
from relayclear.ibc.text import clean
from relayclear.watch import Listen, Rhythm, Watch

if TYPE_CHECKING:
    from relayclear.alerts.systemd import Systemd
    from relayclear.cli.stopping import Stopping
    from relayclear.config.settings import Settings
    from relayclear.ports import Log
    from relayclear.usecases.desk import Desk

# A run of Hermes that is under way is let finish before another config counts: cut short, its packets would
# be unknown for a hundred blocks.  Longer than any run may take.
REST_SECONDS = 600.0
_LOOK_SECONDS = 0.1


class Made(NamedTuple):
    """A daemon that may begin, the settings it was made of, and what to close when it has ended."""

    daemon: Watch
    settings: Settings
    desks: AsyncExitStack


@dataclass
class Keeper:
    """One daemon after the other on one database, each with the config as it was read when it began.

    `read` reads the settings, `opened` builds a desk of them.
    """

    read: Callable[[], Settings]
    opened: Callable[[Settings], AbstractAsyncContextManager[Desk]]
    log: Log
    stopping: Stopping
    systemd: Systemd

    async def run(self, desk: Desk, settings: Settings) -> None:
        """Watch until told to stop.  Raises ConfigError where the first config doesn't do."""
        desks = AsyncExitStack()
        now: Made | None = Made(self._daemon(desk, settings, desks), settings, desks)
        beats = asyncio.create_task(self._beat(), name="systemd")
        try:
            while now is not None:
                async with now.desks:
                    now = await self._until_another(now.daemon, now.settings)
        finally:
            beats.cancel()
            self.systemd.stopping()

    async def _until_another(self, daemon: Watch, settings: Settings) -> Made | None:
        """Let a daemon run; the one to go on with, None when all is over."""
        running = asyncio.create_task(daemon.run(), name="watch")
        stopped = asyncio.create_task(self.stopping.event.wait())
        self.systemd.ready(f"{daemon.role.mode.value} of {len(daemon.desk.chains)} chains")
        following = None
        try:
            while following is None and not stopped.done() and not running.done():
                following = await self._asked(running, stopped, daemon, settings)
            daemon.stop.set()
            await running
        finally:
            stopped.cancel()
            # Cut short by a second signal: the daemon is, too.
            running.cancel()
        return following

    async def _asked(
        self, running: asyncio.Task[object], stopped: asyncio.Task[object], daemon: Watch, settings: Settings
    ) -> Made | None:
        """Wait for a wish to read the config anew; the daemon that it makes, None where there is none."""
        asked = asyncio.create_task(self.stopping.reload.wait())
        await asyncio.wait({asked, running, stopped}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if not self.stopping.reload.is_set() or running.done() or stopped.done():
            return None
        self.stopping.reload.clear()
        self.systemd.reloading()
        made = await self._made(daemon, settings)
        if made is not None and not await self._rested(daemon, stopped):
            await made.desks.aclose()
            made = None
        if made is None:
            self.systemd.ready("the config was not read anew, the old one counts")
        return made

    async def _made(self, old: Watch, before: Settings) -> Made | None:
        """A daemon with the config as it is now, or None, with the reason in the log: then the old one stays."""
        desks = AsyncExitStack()
        try:
            settings = self.read()
            _same_database(before, settings)
            desk = await desks.enter_async_context(self.opened(settings))
            daemon = self._daemon(desk, settings, desks, old.listen)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the new config, the old one works
            await desks.aclose()
            known = isinstance(error, RelayclearError)
            why = error.message if isinstance(error, RelayclearError) else type(error).__name__
            hint = {"hint": error.hint} if isinstance(error, RelayclearError) and error.hint else {}
            old.kept_old(why)
            self.log.error("config not read anew, the old one stays", error=clean(why, 300), known=known, **hint)  # noqa: TRY400 - not logging's
            return None
        self.log.info("config read anew", file=str(settings.file or ""))
        return Made(daemon, settings, desks)

    async def _rested(self, daemon: Watch, stopped: asyncio.Task[object]) -> bool:
        """Let work under way end and begin no more; False where a stop comes first."""
        daemon.engine.resting = True
        waited = 0.0
        while daemon.engine.busy and waited < REST_SECONDS and not stopped.done():
            await asyncio.wait({stopped}, timeout=_LOOK_SECONDS)
            waited += _LOOK_SECONDS
        return not stopped.done()

    def _daemon(self, desk: Desk, settings: Settings, desks: AsyncExitStack, before: Listen | None = None) -> Watch:
        rhythm = Rhythm(settings.scan.interval, settings.watch.workers)
        calling = calling_of(desk, settings, self.log)
        further = {"alerts": calling.run}
        daemon = Watch(desk, rhythm, self.log, asyncio.Event(), further)
        listen = listen_of(settings)
        # Last: whatever else is wrong, no port is open for it.  Now, and not when it begins: the one before it goes on
        # where the port can't be had.
        daemon.listen = None if listen is None else listen.opened(before)
        if daemon.listen is not None and daemon.listen.had is not None:
            desks.callback(daemon.listen.had.close)
        return daemon

    async def _beat(self) -> None:
        """Feed the watchdog from the very loop that does the work: one that hangs isn't fed."""
        seconds = self.systemd.beat_seconds
        while seconds is not None:
            self.systemd.alive()
            await asyncio.sleep(seconds)


def _same_database(before: Settings, now: Settings) -> None:
    # Being the only watcher is about one database: another one is another daemon.
    if now.database != before.database:
        raise ConfigError("another database needs a restart", hint="systemctl restart relayclear")
