"""A running network: what a test does to it and asks of it."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tests.localnet import genesis, paths, relayer, txs
from tests.localnet.channels import Channel, End, discover
from tests.localnet.guard import Guard
from tests.localnet.node import ALPHA, BETA, Node, Ports
from tests.localnet.rpc import RpcError, fields, message, number, packed, text, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from subprocess import CompletedProcess

    from tests.localnet.relayer import Excluded, Pending

Template = Literal["plain", "expired"]

STATE = "network.json"
MOCK_DATA = "mock packet data"
_MONTH = 30 * 86400.0


class Network:
    """Two chains and the Hermes configs for them, in one folder."""

    def __init__(self, directory: Path, nodes: dict[str, Node], kept: dict[str, Any]) -> None:
        """Use `start` or `attach`."""
        self.directory = directory
        self.chains = nodes
        self.addresses: dict[str, dict[str, str]] = kept["addresses"]
        self.channels = [Channel.from_json(one) for one in kept["channels"]]
        self.template: str = kept["template"]
        self.settings = relayer.Settings(**kept.get("settings", {}))
        self._unused = list(self.channels)
        self._guard: Guard | None = None

    # Coming and going

    @classmethod
    def start(
        cls, directory: Path, *, template: Template = "plain", second_nodes: bool = False, guarded: bool = True
    ) -> Network:
        """Copy a template's homes into `directory` and start them: under 10 s when the template is there.

        A guarded network ends with this process, however it ends; one that isn't must be stopped by `down`.
        """
        from tests.localnet import templates  # noqa: PLC0415  a template is itself made with a network

        templates.copy(template, directory)
        network = cls.from_copy(directory)
        if second_nodes:
            network._prepare_second_nodes()
        network.launch(guarded=guarded)
        templates.wait_until_expired(network)
        return network

    @classmethod
    def from_copy(cls, directory: Path) -> Network:
        """A network that isn't running, from homes copied to `directory`."""
        relayer.close_keys(directory)
        kept = json.loads((directory / STATE).read_text(encoding="utf-8"))
        return cls(
            directory, {chain: Node(chain, directory / chain, Ports("", 0, 0, 0)) for chain in (ALPHA, BETA)}, kept
        )

    @classmethod
    def attach(cls, directory: Path) -> Network:
        """The network that another process started in `directory`."""
        kept = json.loads((directory / STATE).read_text(encoding="utf-8"))
        return cls(directory, {chain: _node(chain, one) for chain, one in kept["chains"].items()}, kept)

    def launch(self, *, guarded: bool) -> None:
        """Give every node free ports, start them, and write the configs that name the ports."""
        self._guard = Guard() if guarded else None
        try:
            # One network at a time: a port is only taken when its node listens.
            with paths.locked("start"):
                self._start_on_free_ports()
        except BaseException:
            self.stop()
            raise
        self.configure()

    def stop(self) -> None:
        """End every process of this network. The folder stays."""
        for node in self.nodes():
            node.stop()
        if self._guard is not None:
            self._guard.close()
            self._guard = None
        if (self.directory / STATE).exists():
            self.save()

    def nodes(self) -> list[Node]:
        """All nodes, second ones too."""
        firsts = list(self.chains.values())
        return firsts + [node.second for node in firsts if node.second]

    def save(self) -> None:
        """Write `network.json`."""
        kept = {
            "version": 1,
            "template": self.template,
            "chains": {chain: node.as_json() for chain, node in self.chains.items()},
            "hermes": {key: str(self.config(key)) for key in relayer.CONFIGS},
            "addresses": self.addresses,
            "channels": [channel.as_json() for channel in self.channels],
            "settings": asdict(self.settings),
        }
        (self.directory / STATE).write_text(json.dumps(kept, indent=1), encoding="utf-8")

    # Hermes

    @property
    def hermes_config(self) -> Path:
        """The operator's config."""
        return self.config("daemon")

    def config(self, key: str = "daemon") -> Path:
        """The config that signs with `daemon`, `clearing` or `rival`."""
        return self.directory / relayer.CONFIGS[key]

    def configure(self, *, excluded: Excluded | None = None, max_memo: str | None = None) -> None:
        """Write all configs, with what a test wants different; what isn't named stays."""
        if excluded is not None:
            self.settings.excluded = excluded
        if max_memo is not None:
            self.settings.max_memo = max_memo
        for key in relayer.CONFIGS:
            relayer.write_config(self.config(key), self.chains, key, self.settings)
        self.save()

    def hermes(self, *args: str, key: str = "daemon", timeout: float = 120) -> CompletedProcess[str]:
        """Run Hermes; it ends with exit 0 and "success" when it did nothing, too."""
        return relayer.run(self.config(key), *args, timeout=timeout)

    @contextmanager
    def daemon(self, key: str = "daemon") -> Iterator[None]:
        """Run `hermes start` for the length of a `with` block."""
        config = self.config(key)
        argv = [str(paths.program("hermes")), "--config", str(config), "start"]
        with config.with_name(f"{key}.log").open("ab") as log:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        if self._guard is not None:
            self._guard.watch(process.pid, str(config))
        try:
            yield
        finally:
            process.kill()
            process.wait()

    def pending(self, chain: str, channel: str, port: str = "transfer") -> Pending:
        """What Hermes lists as pending among the packets this chain sent."""
        return relayer.pending(self.hermes_config, chain, channel, port)

    def clear(
        self,
        chain: str,
        channel: str,
        sequences: Sequence[int] | None = None,
        *,
        port: str = "transfer",
        key: str = "daemon",
    ) -> CompletedProcess[str]:
        """`hermes clear packets`, as an operator without relayclear would run it."""
        chosen = ("--packet-sequences", relayer.ranges(sequences)) if sequences else ()
        return self.hermes("clear", "packets", "--chain", chain, "--port", port, "--channel", channel, *chosen, key=key)

    def recv_only(
        self, chain: str, channel: str, sequences: Sequence[int], *, port: str = "transfer", key: str = "daemon"
    ) -> None:
        """Deliver packets and leave the acknowledgements where they are."""
        destination = self.channel(chain, channel, port).other(chain).chain
        done = self.hermes(
            *("tx", "packet-recv", "--dst-chain", destination, "--src-chain", chain, "--src-port", port),
            *("--src-channel", channel, "--packet-sequences", relayer.ranges(sequences)),
            key=key,
        )
        relayer.result(done)

    # Accounts and transactions

    def address(self, chain: str, name: str) -> str:
        """The address of a named account. The two chains have different keys for the same name."""
        return self.addresses[chain][name]

    def mnemonic(self, chain: str, name: str) -> str:
        """The phrase of a till."""
        phrases = json.loads((self.chains[chain].home / genesis.PHRASES).read_text(encoding="utf-8"))
        return str(phrases[name])

    def sequence(self, chain: str, name: str) -> int:
        """How many transactions a named account has made."""
        return txs.account_numbers(self.chains[chain], self.address(chain, name))[1]

    def balance(self, chain: str, account: str, denom: str = genesis.COIN) -> int:
        """What a named account, or an address, holds."""
        owner = self.addresses[chain].get(account, account)
        raw = self.chains[chain].ask.read("/cosmos.bank.v1beta1.Query/Balance", message((1, owner), (2, denom)))
        return int(text(fields(raw, 1)[0], 2) or 0)

    def wait_indexed(self, chain: str, account: str) -> None:
        """Wait until the chain's index has the last transaction that a named account signed."""
        address, node = self.address(chain, account), self.chains[chain]
        last = txs.account_numbers(node, address)[1] - 1

        def known() -> bool | None:
            found = node.ask.call("tx_search", query=f"tx.acc_seq='{address}/{last}'", prove=False)
            return True if found["txs"] else None

        wait_for(known, f"{chain} to index {account}'s transaction {last}", timeout=20)

    def transfer(  # noqa: PLR0913  a transfer has that many parts, and a test names the one it is about
        self,
        chain: str,
        channel: str,
        *,
        user: str = "alice",
        receiver: str | None = None,
        amount: int = 1000,
        denom: str = genesis.COIN,
        memo: str = "",
        timeout_seconds: float | None = None,
        count: int = 1,
    ) -> list[int]:
        """Send transfers in one transaction and return their sequences. One user sends one transaction at a time."""
        sender = self.address(chain, user)
        one = txs.transfer_message(
            sender=sender,
            receiver=self.address(_other(chain), "bob") if receiver is None else receiver,
            port="transfer",
            channel=channel,
            amount=amount,
            denom=denom,
            memo=memo,
            timeout_seconds=_MONTH if timeout_seconds is None else timeout_seconds,
        )
        return txs.sequences(txs.submit(self.chains[chain], user, sender, [one] * count))

    def send(self, chain: str, *, user: str, to: str, amount: int, denom: str = genesis.COIN, memo: str = "") -> str:
        """A plain payment to a named account or an address; the transaction's hash."""
        sender = self.address(chain, user)
        one = txs.send_message(sender=sender, to=self.addresses[chain].get(to, to), amount=amount, denom=denom)
        return str(txs.submit(self.chains[chain], user, sender, [one], memo=memo)["hash"])

    def mock_send(
        self,
        channel: Channel,
        *,
        data: str = MOCK_DATA,
        timeout_seconds: int = int(_MONTH),
        count: int = 1,
        user: str = "alice",
    ) -> list[int]:
        """Send raw packets from beta-1 on a mock channel. The memo is an order to our own chain program."""
        end = channel.beta
        packet = {
            "port": end.port,
            "channel": end.channel,
            "data": data,
            "timeout_seconds": timeout_seconds,
            "count": count,
        }
        sender = self.address(BETA, user)
        one = txs.send_message(sender=sender, to=sender, amount=1, denom=genesis.COIN)
        gas = 200_000 + 100_000 * count
        memo = json.dumps({"send_packet": packet}, separators=(",", ":"))
        return txs.sequences(txs.submit(self.chains[BETA], user, sender, [one], memo=memo, gas=gas))

    # Channels and the state of packets, from the chains themselves

    def channel(self, chain: str, channel: str, port: str = "transfer") -> Channel:
        """The channel with this id on that chain."""
        return next(one for one in self.channels if one.on(chain) == channel and one.end(chain).port == port)

    def of_kind(self, kind: str) -> Channel:
        """The first channel of a kind."""
        return next(one for one in self.channels if one.kind == kind)

    def unused(self, kind: str) -> list[Channel]:
        """The channels of a kind that `fresh_channel` hasn't handed out; channel-0 is everybody's."""
        return [one for one in self._unused if one.kind == kind and one.on(ALPHA) != "channel-0"]

    def fresh_channel(self, kind: str = "transfer") -> Channel:
        """A channel no earlier call of this process has returned, and on which nothing was ever sent."""
        for channel in self.unused(kind):
            self._unused.remove(channel)
            if self._next_sequence(channel.alpha) == self._next_sequence(channel.beta) == 1:
                return channel
        raise LookupError(f"no unused {kind} channel is left; start another network, or open one with open_channel")

    def open_channel(
        self, *args: str, key: str = "daemon", port: str = "transfer", connection: str = "connection-0"
    ) -> None:
        """Open another channel over an existing connection and learn its name."""
        done = self.hermes(
            *(
                "create",
                "channel",
                "--a-chain",
                ALPHA,
                "--a-connection",
                connection,
                "--a-port",
                port,
                "--b-port",
                port,
                *args,
            ),
            key=key,
            timeout=300,
        )
        relayer.result(done)
        self.rediscover()

    def rediscover(self) -> None:
        """Ask the chains for their channels again."""
        self.channels = discover(self.chains)
        self.save()

    def commitments(self, chain: str, channel: str, port: str = "transfer") -> list[int]:
        """The packets this chain still holds a commitment for."""
        request = message((1, port), (2, channel), (3, message((3, 100_000))))
        raw = self.chains[chain].ask.read("/ibc.core.channel.v1.Query/PacketCommitments", request)
        return sorted(number(one, 3) for one in fields(raw, 1))

    def received(self, chain: str, channel: str, sequence: int, port: str = "transfer") -> bool:
        """Whether the chain has received this packet; `channel` is the receiving chain's own id."""
        request = message((1, port), (2, channel), (3, packed([sequence])))
        raw = self.chains[chain].ask.read("/ibc.core.channel.v1.Query/UnreceivedPackets", request)
        return not fields(raw, 1)

    def acknowledgement(self, chain: str, channel: str, sequence: int, port: str = "transfer") -> bytes | None:
        """The hash of the acknowledgement the receiving chain wrote; `channel` is its own id."""
        answer = self.chains[chain].ask.query(
            "/ibc.core.channel.v1.Query/PacketAcknowledgement", message((1, port), (2, channel), (3, sequence))
        )
        if answer.code and "not found" not in answer.log:
            raise RpcError(answer.log)
        return fields(answer.value, 1)[0] if not answer.code else None

    def client_status(self, chain: str, client: str) -> str:
        """`Active`, `Expired` or `Frozen`."""
        return text(self.chains[chain].ask.read("/ibc.core.client.v1.Query/ClientStatus", message((1, client))), 1)

    def channel_state(self, chain: str, channel: str, port: str = "transfer") -> int:
        """The state of one end: 3 is open, 4 is closed."""
        raw = self.chains[chain].ask.read("/ibc.core.channel.v1.Query/Channel", message((1, port), (2, channel)))
        return number(fields(raw, 1)[0], 1)

    # Inside

    def _next_sequence(self, end: End) -> int:
        request = message((1, end.port), (2, end.channel))
        return number(self.chains[end.chain].ask.read("/ibc.core.channel.v1.Query/NextSequenceSend", request), 1)

    def _start_on_free_ports(self, attempts: int = 3) -> None:
        for node in self.nodes():
            node.ports = Ports.free("127.0.0.2" if node.home.name.endswith("-second") else "127.0.0.1")
            node.guard = self._guard
        try:
            self._start_nodes()
        except RuntimeError as ended:
            # Some other program of this machine took a port between our look and the node's.
            if attempts == 1 or "address already in use" not in str(ended):
                raise
            for node in self.nodes():
                node.stop()
            self._start_on_free_ports(attempts - 1)

    def _start_nodes(self) -> None:
        for node in self.chains.values():
            if node.second:
                identity = genesis.node_id(node)
                node.second.peer = f"{identity}@{node.ports.host}:{node.ports.p2p}"
        for node in self.nodes():
            node.start()
        # At once, so that an interrupt from here on leaves what `down` needs.
        self.save()
        for node in self.nodes():
            node.wait_ready()

    def _prepare_second_nodes(self) -> None:
        for chain, node in self.chains.items():
            node.second = Node(chain, self.directory / f"{chain}-second", Ports("", 0, 0, 0))
            genesis.make_second_home(node, node.second)


def _other(chain: str) -> str:
    return BETA if chain == ALPHA else ALPHA


def _node(chain: str, kept: dict[str, Any]) -> Node:
    node = Node(chain, Path(kept["home"]), Ports(**kept["ports"]), kept["pid"], kept["peer"], program=kept["program"])
    node.second = _node(chain, kept["second"]) if kept["second"] else None
    return node
