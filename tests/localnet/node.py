"""One full node: a process with a home, ports and a log."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.localnet import guard, paths
from tests.localnet.rpc import Rpc, RpcError, wait_for

if TYPE_CHECKING:
    from pathlib import Path

ALPHA = "alpha-1"
BETA = "beta-1"
PROGRAM = {ALPHA: "simd", BETA: "simd10"}
GAS_DENOM = {ALPHA: "stake", BETA: "ubeta"}
MINIMUM_GAS_PRICE = "0.001"

_READY = 60.0
_FRESH = timedelta(seconds=5)


@dataclass
class Ports:
    """Where a node listens."""

    host: str
    rpc: int
    grpc: int
    p2p: int

    @classmethod
    def free(cls, host: str = "127.0.0.1") -> Ports:
        """Three ports nobody listens on, below the range from which the system takes ports for outgoing connections."""
        found: list[int] = []
        with_sockets = []
        while len(found) < 3:
            port = random.randrange(20000, 32000)
            probe = socket.socket()
            with_sockets.append(probe)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            found.append(port)
        for probe in with_sockets:
            probe.close()
        return cls(host, *found)


@dataclass
class Node:
    """A node of a chain. `second` is another full node of the same chain, on 127.0.0.2, when the network has one."""

    chain_id: str
    home: Path
    ports: Ports
    pid: int = 0
    peer: str = ""
    second: Node | None = None
    guard: guard.Guard | None = field(default=None, repr=False)
    program: str = ""

    @property
    def rpc(self) -> str:
        """The RPC address."""
        return f"http://{self.ports.host}:{self.ports.rpc}"

    @property
    def grpc(self) -> str:
        """The gRPC address."""
        return f"http://{self.ports.host}:{self.ports.grpc}"

    @property
    def ask(self) -> Rpc:
        """The node, to be asked."""
        return Rpc(self.rpc)

    @property
    def binary(self) -> Path:
        """The program this node runs."""
        return paths.program(self.program or PROGRAM[self.chain_id])

    @property
    def gas_denom(self) -> str:
        """The coin fees are paid in."""
        return GAS_DENOM[self.chain_id]

    @property
    def log(self) -> Path:
        """What the node printed."""
        return self.home.with_suffix(".log")

    def height(self) -> int:
        """The latest block's height."""
        return self.ask.height()

    def block_time(self) -> datetime:
        """The latest block's time: the chain's own clock."""
        shown: str = self.ask.call("status")["sync_info"]["latest_block_time"]
        return datetime.fromisoformat(shown)

    def block_id(self, height: int) -> str:
        """The hash of a block."""
        return str(self.ask.call("block", height=str(height))["block_id"]["hash"])

    def is_running(self) -> bool:
        """Whether the process lives, frozen or not."""
        return self.pid > 0 and guard.is_running(self.pid, str(self.home))

    def start(self) -> None:
        """Start the process; `wait_ready` says when it answers."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                self._argv(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        # For a moment after its start the system shows a process without a command, by which we know it later.
        while not guard.is_running(process.pid, str(self.home)) and process.poll() is None:
            time.sleep(0.005)
        self.pid = process.pid
        # The process is ended by its number, by us or by another run of `down`; the object isn't needed.
        process.returncode = 0
        if self.guard is not None:
            self.guard.watch(self.pid, str(self.home))

    def wait_ready(self) -> None:
        """Wait until the node has caught up and makes blocks of today."""
        first = 0

        def ready() -> bool | None:
            nonlocal first
            if not self.is_running():
                raise RuntimeError(f"{self.chain_id} ended while starting:\n{self.log_tail()}")
            try:
                info = self.ask.call("status")["sync_info"]
            except RpcError:
                return None
            height = int(info["latest_block_height"])
            first = first or height
            # Until a block is made, gRPC answers "context did not contain latest block height".  And the first block
            # after a pause has the time of the votes before it: a client made from that is older than it looks.
            age = datetime.now(UTC) - datetime.fromisoformat(info["latest_block_time"])
            return True if not info["catching_up"] and height > first and age < _FRESH else None

        wait_for(ready, f"{self.chain_id} to make blocks", timeout=_READY, every=0.05)

    def freeze(self) -> None:
        """Stop the process where it stands: connections stay open and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process go on."""
        os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> None:
        """End the process, frozen or not, and wait for it."""
        if self.pid:
            guard.end(self.pid, str(self.home))
        self.pid = 0

    def log_tail(self, lines: int = 20) -> str:
        """The end of the log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def command(self, *args: str) -> str:
        """Run the node's program on its home and return what it printed."""
        done = subprocess.run(
            [str(self.binary), *args, "--home", str(self.home)], capture_output=True, text=True, check=False, timeout=60
        )
        if done.returncode != 0:
            raise RuntimeError(f"{self.binary.name} {' '.join(args)}: exit {done.returncode}\n{done.stderr[-2000:]}")
        return done.stdout or done.stderr

    def as_json(self) -> dict[str, Any]:
        """What `network.json` keeps."""
        kept: dict[str, Any] = {
            "home": str(self.home),
            "rpc": self.rpc,
            "grpc": self.grpc,
            "pid": self.pid,
            "peer": self.peer,
        }
        kept["gas_denom"] = self.gas_denom
        kept["program"] = self.program
        kept["ports"] = vars(self.ports)
        kept["second"] = self.second.as_json() if self.second else None
        return kept

    def _argv(self) -> list[str]:
        at = self.ports
        argv = [str(self.binary), "start", "--home", str(self.home), "--log_no_color", "--log_level", "info"]
        argv += ["--minimum-gas-prices", f"{MINIMUM_GAS_PRICE}{self.gas_denom}"]
        argv += [
            "--rpc.laddr",
            f"tcp://{at.host}:{at.rpc}",
            "--rpc.pprof_laddr",
            "",
            "--p2p.laddr",
            f"tcp://{at.host}:{at.p2p}",
        ]
        argv += ["--grpc.address", f"{at.host}:{at.grpc}", "--grpc-web.enable=false", "--api.enable=false"]
        if self.peer:
            argv += ["--p2p.persistent_peers", self.peer]
        return argv
