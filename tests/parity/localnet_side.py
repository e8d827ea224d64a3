"""The side that is real: two chains and Hermes, as `tests/localnet` runs them."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.localnet import genesis, paths, relayer, templates, txs
from tests.localnet.channels import Channel
from tests.localnet.fixtures import discard
from tests.localnet.guard import Guard
from tests.localnet.network import Network
from tests.localnet.node import ALPHA, BETA, Node, Ports
from tests.localnet.relayer import Excluded
from tests.localnet.rpc import wait_for
from tests.parity.side import MONTH, PURSE_FUNDS, Side, purses

_FUNDING_GAS = 12_000_000
_PRUNED_FROM = 12


class LocalnetSide(Side):
    """A network of the template with the dead paths, which has every kind of channel."""

    def __init__(self, folder: Path) -> None:
        """Start it and fund the purses."""
        self._network = network = _start(folder / "network")
        # Those with another id at each end first: only they tell one end from the other.
        network._unused.sort(key=lambda one: one.alpha.channel == one.beta.channel)
        self._pruned: Node | None = None
        self._guard: Guard | None = None
        super().__init__(
            name="localnet",
            folder=folder,
            rpc={chain: node.rpc for chain, node in network.chains.items()},
            addresses=network.addresses,
            configs=_configs(network),
            hermes_command=[str(paths.program("hermes"))],
        )
        for chain in (ALPHA, BETA):
            _fund(network, chain)

    def close(self) -> None:
        """Stop it and delete the homes."""
        discard(self._network)
        if self._pruned is not None:
            self._pruned.stop()
        if self._guard is not None:
            self._guard.close()

    def literals(self) -> dict[str, str]:
        """With the gRPC addresses, which only the real Hermes speaks of."""
        named = {f"{node.grpc}": f"<grpc of {chain}>" for chain, node in self._network.chains.items()}
        return super().literals() | named

    def fresh_channel(self, kind: str = "transfer") -> Channel:
        """A channel on which nothing was ever sent."""
        return self._network.fresh_channel(kind)

    def of_kind(self, kind: str) -> Channel:
        """The first channel of a kind."""
        return self._network.of_kind(kind)

    def configure(self, *, excluded: Excluded | None = None, max_memo: str | None = None) -> None:
        """Rewrite the Hermes configs; what isn't named stays."""
        self._network.configure(excluded=excluded, max_memo=max_memo)
        _configs(self._network)

    def mock_send(self, channel: Channel, *, count: int = 1, timeout_seconds: int = MONTH) -> list[int]:
        """Send raw packets from beta-1; the memo is an order to our own chain program."""
        return self._network.mock_send(channel, count=count, timeout_seconds=timeout_seconds)

    def close_alpha_end(self, channel: Channel) -> None:
        """Close a mock channel with Hermes."""
        here, there = channel.alpha, channel.beta
        chains = ("--dst-chain", here.chain, "--src-chain", there.chain, "--dst-connection", here.connection)
        ports = ("--dst-port", here.port, "--src-port", there.port)
        ids = ("--dst-channel", here.channel, "--src-channel", there.channel)
        relayer.result(self._network.hermes("tx", "chan-close-init", *chains, *ports, *ids))

    def pruned_rpc(self) -> str:
        """A chain of one node that forgets whatever it may."""
        if self._pruned is None:
            self._guard = Guard()
            self._pruned = _start_pruned(self.folder / "pruned", self._guard)
        return self._pruned.rpc


def _start(folder: Path) -> Network:
    """The network with quick blocks: most cases wait for one."""
    templates.copy("expired", folder)
    network = Network.from_copy(folder)
    for node in network.nodes():
        _replace(node.home / "config" / "config.toml", {"timeout_commit": '"100ms"'})
    network.launch(guarded=True)
    templates.wait_until_expired(network)
    return network


def _configs(network: Network) -> dict[str, Path]:
    """The network's, and one that signs with a key without an account."""
    poor = network.config("daemon").with_name("pauper.toml")
    relayer.write_config(poor, network.chains, "pauper", network.settings)
    return {"pauper": poor, **{key: network.config(key) for key in relayer.CONFIGS}}


def _fund(network: Network, chain: str) -> None:
    node, sender = network.chains[chain], network.address(chain, "alice")
    coins = [{"denom": denom, "amount": str(PURSE_FUNDS)} for denom in sorted((genesis.COIN, node.gas_denom))]
    total = [{**coin, "amount": str(PURSE_FUNDS * len(purses()))} for coin in coins]
    one = {
        "@type": "/cosmos.bank.v1beta1.MsgMultiSend",
        "inputs": [{"address": sender, "coins": total}],
        "outputs": [{"address": purse.address, "coins": coins} for purse in purses()],
    }
    txs.submit(node, "alice", sender, [one], gas=_FUNDING_GAS)


def _start_pruned(folder: Path, guard: Guard) -> Node:
    folder.mkdir()
    node = Node(ALPHA, folder / "node", Ports.free(), guard=guard)
    node.command("init", "pruned", "--chain-id", ALPHA, "--default-denom", node.gas_denom)
    node.command("keys", "add", "validator", "--keyring-backend", "test")
    node.command(
        "genesis", "add-genesis-account", "validator", f"{10**12}{node.gas_denom}", "--keyring-backend", "test"
    )
    gentx = ("gentx", "validator", f"{10**9}{node.gas_denom}", "--chain-id", ALPHA, "--keyring-backend", "test")
    node.command("genesis", *gentx)
    node.command("genesis", "collect-gentxs")
    _forget_soon(node.home)
    node.start()
    wait_for(lambda: _passed(node), "the pruning of the first blocks", timeout=60, every=0.1)
    return node


def _forget_soon(home: Path) -> None:
    file = home / "config" / "genesis.json"
    kept = json.loads(file.read_text(encoding="utf-8"))
    kept["consensus"]["params"]["evidence"]["max_age_num_blocks"] = "2"
    file.write_text(json.dumps(kept), encoding="utf-8")
    _replace(home / "config" / "config.toml", {"timeout_commit": '"100ms"'})
    _replace(
        home / "config" / "app.toml", {"pruning": '"everything"', "min-retain-blocks": "2", "snapshot-interval": "0"}
    )


def _replace(file: Path, values: dict[str, str]) -> None:
    text = file.read_text(encoding="utf-8")
    for key, value in values.items():
        text, count = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", text)
        assert count == 1, key
    file.write_text(text, encoding="utf-8")


def _passed(node: Node) -> bool | None:
    # Until the process listens, nothing answers; a node that died is said by its log.
    if not node.is_running():
        raise RuntimeError(f"the pruned node ended:\n{node.log_tail()}")
    try:
        info = node.ask.call("status")["sync_info"]
    except RuntimeError:
        return None
    enough = int(info["latest_block_height"]) >= _PRUNED_FROM and int(info["earliest_block_height"]) > 3
    return True if enough else None
