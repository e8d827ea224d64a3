"""From a block that holds a payment to the start of Hermes, on a real chain with a running daemon.

| moment | how it is known |
|---|---|
| a block is there | the node says so to a subscriber of our own |
| Hermes has started | it is run by a stand-in that writes down the time and becomes it |

A payment counts when another block stands on its own, so one block's wait belongs to it.  What is held to
the limit is the time from that second block on.
"""

from __future__ import annotations

import json
import shlex
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from relayclear.store import token_states, tokens
from relayclear.store.db import open_database
from tests.bench.figures import Figure, percentile
from tests.bench.ground import Ground
from tests.bench.measure import BenchError
from tests.localnet import paths, txs
from tests.localnet.commands import Relayclear, stand_in
from tests.localnet.network import Network
from tests.localnet.node import ALPHA, Node
from tests.localnet.rpc import wait_for

PAYMENTS = 50
LIMIT_MS = 300.0
ENDED = {"cleared", "partly_cleared", "not_cleared"}
_SUBSCRIBE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "subscribe",
    "params": {"query": "tm.event='NewBlockHeader'"},
}


def latency(ground: Ground, rounds: int | None) -> Sequence[Figure]:
    """Pay so many tokens one after the other, each when the one before it is cleared."""
    folder = ground.folder / "latency"
    folder.mkdir()
    counter = _Counter(ground.localnet(), folder, rounds or PAYMENTS)
    with counter.watching(), _Arrivals(counter.node) as arrivals:
        measured = [counter.one(arrivals) for _ in range(rounds or PAYMENTS)]
    whole, beyond = zip(*measured, strict=True)
    return (
        Figure("block to Hermes p50", percentile(whole, 0.5) * 1000, "ms"),
        Figure("p95", percentile(whole, 0.95) * 1000, "ms"),
        Figure("after one block p50", percentile(beyond, 0.5) * 1000, "ms"),
        Figure("p95", percentile(beyond, 0.95) * 1000, "ms", LIMIT_MS),
    )


class _Counter:
    """An operator who sells, the packets to be sold, and the daemon."""

    def __init__(self, network: Network, folder: Path, count: int) -> None:
        """Have so many packets stuck, and begin to read payments."""
        self._network, self._channel = network, network.fresh_channel().on(ALPHA)
        self.node = network.chains[ALPHA]
        self._starts = folder / "starts"
        self._starts.touch()
        self._program = Relayclear(network, folder, hermes=_noting(folder, self._starts), sells=True)
        self._database = folder / "relayclear.db"
        self._sequences = network.transfer(ALPHA, self._channel, count=count)
        begun = self._program.run("watch", "--once")
        if begun.code:
            raise BenchError(f"watch --once ended with {begun.code}: {begun.stderr}")

    @contextmanager
    def watching(self) -> Iterator[None]:
        """The daemon for the length of the block."""
        daemon = self._program.start("watch", "--log-format", "json", as_json=False)
        log: list[str] = []
        reader = threading.Thread(target=lambda: log.extend(daemon.stderr or ()))
        reader.start()
        try:
            wait_for(lambda: any('"scanned"' in line for line in log) or None, "the daemon to watch", timeout=60)
            yield
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(60)
            reader.join()
            if daemon.stdout is not None:
                daemon.stdout.close()
            if daemon.stderr is not None:
                daemon.stderr.close()

    def one(self, arrivals: _Arrivals) -> tuple[float, float]:
        """Seconds from the payment's block to Hermes, and from the block that stands on it; cleared when it returns."""
        token = self._quoted()
        before = len(self._times())
        height = self._paid(token)
        started = wait_for(lambda: self._times()[before:] or None, "Hermes to start", timeout=60)[0]
        self._await_cleared(token)
        return started - arrivals.of(height), started - arrivals.of(height + 1)

    def _quoted(self) -> dict[str, Any]:
        where = ("--chain", ALPHA, "--channel", self._channel, "--packet-sequences", str(self._sequences.pop()))
        made = self._program.run("tokens", "create", *where)
        if made.code:
            raise BenchError(f"tokens create ended with {made.code}: {made.stderr}")
        return made.document

    def _paid(self, token: dict[str, Any]) -> int:
        bob, pay = self._network.address(ALPHA, "bob"), token["pay"]
        coin = pay["amount"]
        message = txs.send_message(sender=bob, to=pay["to"], amount=int(coin["amount"]), denom=coin["denom"])
        return int(txs.submit(self.node, "bob", bob, [message], memo=token["memo"])["height"])

    def _await_cleared(self, token: dict[str, Any]) -> None:
        with open_database(self._database, read_only=True) as database:

            def ended() -> str | None:
                stored = tokens.find(database, token["token"])
                state = None if stored is None else token_states.state(database, stored.order_id)
                return state if state in ENDED else None

            found = wait_for(ended, "the token's work to end", timeout=120)
        if found != "cleared":
            raise BenchError(f"{token['token']} is {found}")

    def _times(self) -> list[float]:
        return [float(line) for line in self._starts.read_text(encoding="utf-8").splitlines()]


def _noting(folder: Path, starts: Path) -> list[str]:
    """A Hermes that first writes down when it was started to clear."""
    note = f'case "$*" in *"clear packets"*) date +%s.%N >> {shlex.quote(str(starts))};; esac'
    hermes = shlex.quote(str(paths.program("hermes")))
    return stand_in(folder, f'{note}\nexec {hermes} "$@"')


class _Arrivals:
    """When each block of a node was there, as a subscriber hears it."""

    def __init__(self, node: Node) -> None:
        """Not listening yet."""
        self._node = node
        self._at: dict[int, float] = {}
        self._line: ClientConnection | None = None
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> Self:
        """Subscribe and listen."""
        self._line = connect(f"ws://{self._node.ports.host}:{self._node.ports.rpc}/websocket")
        self._line.send(json.dumps(_SUBSCRIBE))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        if self._line is not None:
            self._line.close()
        self._thread.join()

    def of(self, height: int) -> float:
        """Seconds since 1970 at which the block was there.  Raises BenchError for one that was not heard of."""
        if height not in self._at:
            raise BenchError(f"the node did not tell of block {height}")
        return self._at[height]

    def _listen(self) -> None:
        line = self._line
        if line is None:
            return
        with suppress(ConnectionClosed):
            while True:
                data = json.loads(line.recv()).get("result", {}).get("data")
                if data:
                    self._at[int(data["value"]["header"]["height"])] = time.time()
