"""What every command shares: the global options, settings read late, and the desk."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from relayclear.cli import asking
from relayclear.cli.lines import LiveLine
from relayclear.cli.output import emit_json, say

if TYPE_CHECKING:
    from relayclear.config.settings import Settings
    from relayclear.ports import Chain
    from relayclear.store.db import Database
    from relayclear.usecases.desk import Desk

T = TypeVar("T")
# Settings in, a desk out: `bootstrap.desk.opened`, or a test's own.
Opener = Callable[["Settings"], AbstractAsyncContextManager["Desk"]]


@dataclass(slots=True)
class Face:
    """The global options of one call, and the way from them to a desk.

    `unattended`: nobody is asked anything, even at a terminal.
    """

    json: bool = False
    debug: bool = False
    color: str = "auto"
    config: str | None = None
    flags: dict[str, Any] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    opener: Opener | None = None
    unattended: bool = False

    def settings(self) -> Settings:
        """The settings of this call.  Raises ConfigError."""
        from pathlib import Path

        from relayclear.config.loading import load

        found = load(config_path=Path(self.config) if self.config else None, env=self.environ, flags=self.flags)
        somebody = not self.json and not self.unattended and sys.stdin.isatty()
        return replace(found, ask=asking.unseen) if somebody else found

    def run(self, work: Callable[[Desk], Coroutine[Any, Any, T]]) -> T:
        """Build the desk, run the work on it, close everything."""

        async def all_of_it() -> T:
            """The desk, and the work on it, in one loop: its connections belong to that."""
            async with self.open(self.settings()) as desk:
                return await work(desk)

        return _finished(all_of_it())

    def open(self, settings: Settings) -> AbstractAsyncContextManager[Desk]:
        """A desk over these settings, closed at the end of the block.  Raises ConfigError, StoreError."""
        return (self.opener or _opened)(settings)

    def remembered(self, work: Callable[[Database], T]) -> T:
        """Run work that only reads the database: neither Hermes nor a chain is needed for it."""
        from relayclear.store.db import open_database

        with open_database(self.settings().database, read_only=True) as database:
            return work(database)

    def ask(
        self,
        chains: Sequence[str],
        named: Mapping[str, Sequence[str]],
        work: Callable[[Mapping[str, Chain]], Coroutine[Any, Any, T]],
    ) -> T:
        """Run work on chains over the named endpoints, or the configured ones; without a database.

        Raises UsageError for a chain of which no endpoint is known.
        """

        async def all_of_it() -> T:
            """The chains, and the work on them, in one loop: their connections belong to that."""
            if self.opener is not None and not named:
                async with self.opener(self.settings()) as desk:
                    return await work(desk.chains)
            from relayclear.bootstrap.witnesses import asked

            async with asked(self._endpoints(chains, named)) as found:
                return await work(found)

        return _finished(all_of_it())

    def _endpoints(self, chains: Sequence[str], named: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
        if set(chains) <= named.keys():
            return dict(named)
        from relayclear.bootstrap.loading import load_hermes
        from relayclear.bootstrap.witnesses import configured
        from relayclear.errors import ConfigError, UsageError

        missing = next(chain for chain in chains if chain not in named)
        hint = f"--rpc {missing}=https://…"
        try:
            settings = self.settings()
            known = configured(settings, load_hermes(settings))
        except ConfigError as error:
            raise UsageError(f"no endpoint is known for {missing}: {error.message}", hint=hint) from error
        urls: dict[str, Sequence[str]] = {**known, **named}
        for chain in chains:
            if chain not in urls:
                raise UsageError(f"no endpoint is known for {chain}", hint=f"--rpc {chain}=https://…")
        return {chain: urls[chain] for chain in chains}

    def progress(self) -> Callable[[str], None]:
        """Where lines about long work go: stderr, and only where a person watches."""
        return say if not self.json and sys.stderr.isatty() else lambda _: None

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """A line on a watched terminal while the nodes are asked, gone when they have answered."""
        line = self.live_line()
        line.show(f"{what} …")
        try:
            yield
        finally:
            line.clear()

    def live_line(self) -> LiveLine:
        """A line on stderr that is written over, where a person watches it."""
        return LiveLine(shown=not self.json and sys.stderr.isatty() and os.environ.get("TERM") != "dumb")

    def emit(self, document: dict[str, Any]) -> None:
        """Write the one JSON document of this call."""
        emit_json(document)


def _finished(work: Coroutine[Any, Any, T]) -> T:
    """Run work to its end.  A second Ctrl-C cancels it: for whoever called that is an interruption like the first."""
    import asyncio

    try:
        return asyncio.run(work)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _opened(settings: Settings) -> AbstractAsyncContextManager[Desk]:
    # A config that can't be read is told before the libraries that reach a network are loaded.
    from relayclear.bootstrap.loading import load_hermes

    loaded = load_hermes(settings)
    from relayclear.bootstrap.desk import opened

    return opened(settings, loaded)
