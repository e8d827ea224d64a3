"""One run of the stand-in: its config, its talk, its chains, and how it shall fail."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from relayclear.rehearsal.faults import RelayerFaults
from relayclear.rehearsal.hermes.chain import Chain
from relayclear.rehearsal.hermes.config import Config
from relayclear.rehearsal.hermes.failure import Failure
from relayclear.rehearsal.hermes.node import Connect
from relayclear.rehearsal.hermes.output import Output

COMMAND_TIMEOUT = 120.0
"""Seconds that every command but `start` waits, whatever the config says (`cli/commands.rs`)."""


def kill_itself() -> None:
    """End this process as a crash does."""
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Session:
    """What a command works with.  `wait` takes seconds; `die` ends the process at once."""

    config: Config
    output: Output
    connect: Connect
    faults: RelayerFaults = field(default_factory=RelayerFaults)
    wait: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    die: Callable[[], None] = kill_itself
    timeout: float | None = COMMAND_TIMEOUT
    """seconds to wait for a node or a block; None is what the config says"""
    _chains: dict[str, Chain] = field(default_factory=dict)

    def chain(self, name: str, *, key_name: str | None = None) -> Chain:
        """A chain, whose node answers.  Raises Failure for one that isn't configured or doesn't."""
        if name in self._chains:
            return self._chains[name]
        config = self.config.chain(name)
        if config is None:
            raise Failure("failed to spawn chain runtime", _missing(name))
        if key_name is not None:
            config = replace(config, key_name=key_name)
        if self.timeout is not None:
            config = replace(config, rpc_timeout=self.timeout)
        chain = Chain(config, self.connect(config.rpc_addr, config.rpc_timeout))
        try:
            chain.status()
        except Failure as down:
            self.output.warn(f"Failed to fetch version specs for chain '{name}': {down}")
            raise down.wrapped("failed to spawn chain runtime", "relayer error") from down
        self._chains[name] = chain
        return chain

    def known(self, name: str) -> Chain:
        """The same for the commands that say less of a chain that isn't configured."""
        if self.config.chain(name) is None:
            raise Failure(_missing(name))
        return self.chain(name)


def _missing(name: str) -> str:
    return f"missing chain config for '{name}' in configuration file"
