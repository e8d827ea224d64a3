"""What the benchmarks run on: networks that are started when first needed and stopped at the end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar

from tests.bench.measure import BenchError, Side
from tests.localnet import build, scale
from tests.localnet.network import Network
from tests.localnet.node import ALPHA

_BITE = 20


class Closeable(Protocol):
    """Something that must be closed at the end."""

    def close(self) -> None:
        """Let go of it."""


C = TypeVar("C", bound=Closeable)


class Ground:
    """The networks, a scratch folder and a database, for the length of a `with` block."""

    def __init__(self, folder: Path, running: Path | None) -> None:
        """Put everything in `folder`; `running` is the directory of a scale network that somebody else started."""
        self.folder = folder
        self.database = folder / "relayclear.db"
        self._running = running
        self._stack = ExitStack()
        self._scale: Network | None = None
        self._localnet: Network | None = None
        self._unsent: list[int] = []

    def __enter__(self) -> Self:
        """Nothing is started yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close and stop whatever was opened and started here."""
        self._stack.close()

    def scale(self) -> Network:
        """The scale network."""
        if self._scale is None:
            self._scale = Network.attach(self._running) if self._running else self._start_scale()
        return self._scale

    def localnet(self) -> Network:
        """The ordinary network, for what really relays."""
        if self._localnet is None:
            build.build()
            self._localnet = Network.start(self.folder / "localnet")
            self._stack.callback(self._localnet.stop)
        return self._localnet

    def closing(self, thing: C) -> C:
        """Close this at the end, before the networks stop."""
        self._stack.callback(thing.close)
        return thing

    def clearing(self, clear: Callable[[Network, int], float]) -> Side:
        """A side that clears one new packet of channel-0 each time, and fails when the packet is still there."""

        def side() -> float:
            network = self.localnet()
            sequence = self._next_packet(network)
            seconds = clear(network, sequence)
            if sequence in network.commitments(ALPHA, "channel-0"):
                raise BenchError(f"packet {sequence} was not cleared")
            return seconds

        return side

    def _start_scale(self) -> Network:
        build.build()
        network = scale.start(self.folder / "scale")
        self._stack.callback(network.stop)
        return network

    def _next_packet(self, network: Network) -> int:
        # Many in one transaction: both sides find a channel with other packets waiting, as operators do.
        self._unsent = self._unsent or network.transfer(ALPHA, "channel-0", count=_BITE)
        return self._unsent.pop(0)


def checked_once(check: Callable[[], object], side: Side) -> Side:
    """The side, with a check before its first measurement: a wrong result must not count as a fast one."""
    unchecked = [check]

    def run() -> float:
        while unchecked:
            unchecked[-1]()
            unchecked.pop()
        return side()

    return run
