"""Two simulated chains, a config, a key folder, and the stand-in run inside this process: no sockets, no waiting."""

from __future__ import annotations

import importlib
import io
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w
from cosmpy.protos.ibc.applications.transfer.v1 import tx_pb2 as transfer_tx

from relayclear.ibc.packet import ChannelEnd, Ordering, PacketKey
from relayclear.rehearsal import channels, rpc
from relayclear.rehearsal.clock import BILLION, SteppedClock
from relayclear.rehearsal.faults import NodeFaults, RelayerFaults
from relayclear.rehearsal.hermes import keyring
from relayclear.rehearsal.hermes.arguments import parse
from relayclear.rehearsal.hermes.commands import COMMANDS, GENERAL
from relayclear.rehearsal.hermes.config import read
from relayclear.rehearsal.hermes.failure import Failure
from relayclear.rehearsal.hermes.node import NodeError, RpcError, Transport
from relayclear.rehearsal.hermes.output import Output
from relayclear.rehearsal.hermes.session import Session
from relayclear.rehearsal.keys import Key
from relayclear.rehearsal.spec import ChainSpec, Generation
from relayclear.rehearsal.transactions import wrap
from relayclear.rehearsal.world import World

START = 1_700_000_000 * BILLION
ALPHA, BETA = ChainSpec("alpha-1", "stake"), ChainSpec("beta-1", "ubeta", Generation.V10)


class Killed(Exception):  # noqa: N818  no error: the program shall die
    """The stand-in killed itself."""


@dataclass
class Ran:
    """How a run ended: exit code, log records and the result of the last line."""

    code: int
    lines: list[dict[str, Any]]

    @property
    def result(self) -> Any:
        """What the last line says came out."""
        return self.lines[-1]["result"]

    @property
    def status(self) -> str:
        """`success` or `error`."""
        return str(self.lines[-1]["status"])

    @property
    def kinds(self) -> list[str]:
        """The names of the events of the result."""
        return [name for event in self.result for name in event]

    def said(self, level: str) -> list[str]:
        """The messages of one level."""
        return [line["fields"]["message"] for line in self.lines[:-1] if line["level"] == level]


@dataclass
class Playground:
    """The world, and what the operator's Hermes would read: change `tables` before a run."""

    folder: Path
    specs: tuple[ChainSpec, ChainSpec] = (ALPHA, BETA)
    faults: RelayerFaults = field(default_factory=RelayerFaults)

    def __post_init__(self) -> None:
        """Chains, users with coins, a channel, and a key `daemon` on both."""
        self.world = World(SteppedClock(START))
        self.down: set[str] = set()
        self.node_faults = {spec.chain_id: NodeFaults() for spec in self.specs}
        for spec in self.specs:
            self.world.add_chain(spec)
            for name in ("alice", "daemon"):
                self.fund(spec, name)
        self.near, self.far = self.world.connect(*(spec.chain_id for spec in self.specs))
        self.tables = tomllib.loads(tomli_w.dumps({"chains": [self._table(spec) for spec in self.specs]}))
        for spec in self.specs:
            self.add_key(spec, "daemon")

    def fund(self, spec: ChainSpec, name: str) -> None:
        """Give a named account coins."""
        for denom in (spec.gas_denom, "token"):
            self.world.fund(spec.chain_id, Key.of_name(name, spec.key_kind).address(spec.prefix), denom)

    def add_key(self, spec: ChainSpec, name: str) -> None:
        """Put a named key into the folder."""
        config = read(self.tables).chain(spec.chain_id)
        assert config is not None
        keyring.add(config, name, Key.of_name(name, spec.key_kind))

    def ordered_channel(self) -> tuple[ChannelEnd, ChannelEnd]:
        """An ordered channel over a link of its own."""
        link = self.world.link(*(spec.chain_id for spec in self.specs))
        return self.world.open_channel(link, ordering=Ordering.ORDERED)

    def send(
        self, *, seconds: int = 3600, memo: str = "", receiver: str | None = None, end: ChannelEnd | None = None
    ) -> PacketKey:
        """A transfer of alice's; the key of its packet."""
        end = end or self.near
        spec, other = self.specs if end.chain == self.specs[0].chain_id else self.specs[::-1]
        alice = Key.of_name("alice", spec.key_kind).address(spec.prefix)
        made = transfer_tx.MsgTransfer(source_port=end.port, source_channel=end.channel, sender=alice, memo=memo)
        made.receiver = receiver or Key.of_name("alice", other.key_kind).address(other.prefix)
        made.timeout_timestamp = self.world.clock.now_ns() + seconds * BILLION
        made.token.denom, made.token.amount = "token", "7"
        chain = self.world.chains[end.chain]
        done = self.world.act(end.chain, alice, wrap("/ibc.applications.transfer.v1.MsgTransfer", made))
        assert done.code == 0, done.log
        return PacketKey(
            end.chain, end.port, end.channel, channels.next_sequence(chain.store, "Send", end.port, end.channel) - 1
        )

    def committed(self, end: ChannelEnd | None = None) -> list[int]:
        """The sequences that are still committed on a channel end."""
        end = end or self.near
        prefix = channels.packet_key("commitments", end.port, end.channel, 0)[:-1]
        rows = self.world.chains[end.chain].store.scan(prefix)
        return sorted(int(key.rpartition("/")[2]) for key, _ in rows)

    def hermes(self, *words: str) -> Ran:
        """Run a command with `--json`."""
        parsed = parse(words, COMMANDS, GENERAL)
        session, out = self.session()
        command = importlib.import_module(f"relayclear.rehearsal.hermes.{parsed.command.module}")
        try:
            code = command.run(session, parsed)
        except Failure as failed:
            code = session.output.fail(failed)
        return Ran(code, [json.loads(line) for line in out.getvalue().splitlines()])

    def clear(self, sequences: str = "", end: ChannelEnd | None = None) -> Ran:
        """`clear packets` of a channel."""
        end = end or self.near
        only = ("--packet-sequences", sequences) if sequences else ()
        return self.hermes(
            "clear", "packets", "--chain", end.chain, "--port", end.port, "--channel", end.channel, *only
        )

    def step(self, step: str, sequences: str = "") -> Ran:
        """`tx packet-recv` or `tx packet-ack` for what alpha sent."""
        source, destination = (self.near, self.far) if step == "packet-recv" else (self.far, self.near)
        where = ("--src-port", source.port, "--src-channel", source.channel)
        only = ("--packet-sequences", sequences) if sequences else ()
        return self.hermes("tx", step, "--dst-chain", destination.chain, "--src-chain", source.chain, *where, *only)

    def session(self, level: str = "info") -> tuple[Session, io.StringIO]:
        """What a command works with, and where it writes."""
        out = io.StringIO()
        output = Output(as_json=True, level=level, out=out, err=io.StringIO(), now_ns=self.world.clock.now_ns)
        return Session(
            read(self.tables), output, self._connect, self.faults, self.world.step, self._seconds, self._die
        ), out

    def _seconds(self) -> float:
        return self.world.clock.now_ns() / BILLION

    def _die(self) -> None:
        raise Killed

    def _connect(self, address: str, seconds: float) -> Transport:
        chain_id = address.removeprefix("http://")
        node = rpc.Node(self.world.chains[chain_id], self.node_faults[chain_id])

        def call(method: str, params: Mapping[str, Any]) -> Any:
            assert seconds > 0
            if chain_id in self.down:
                raise NodeError("nobody listens")
            try:
                return node.call(method, params)
            except rpc.RpcError as refused:
                raise RpcError(str(refused)) from refused

        return call

    def _table(self, spec: ChainSpec) -> dict[str, Any]:
        return {
            "id": spec.chain_id,
            "rpc_addr": f"http://{spec.chain_id}",
            "grpc_addr": f"http://{spec.chain_id}",
            "event_source": {"mode": "pull"},
            "account_prefix": spec.prefix,
            "key_name": "daemon",
            "key_store_folder": str(self.folder),
            "store_prefix": "ibc",
            "gas_price": {"price": 0.002, "denom": spec.gas_denom},
            "max_gas": 10_000_000,
        }
