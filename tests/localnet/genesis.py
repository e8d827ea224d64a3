"""Makes a chain's home from nothing: keys, genesis with funded accounts, fast blocks."""

from __future__ import annotations

import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.localnet.node import Node

# A till takes payments and gives refunds for one test alone: two databases on one wallet are two hands.
TILLS = tuple(f"till-{number}" for number in range(10))
USERS = ("alice", "bob", "carol", "payee", *(f"pool-{number}" for number in range(8)), *TILLS)
PHRASES = "tills.json"
RELAYERS = ("daemon", "clearing", "rival")
UNFUNDED = ("pauper",)
COIN = "token"
FUNDS = 10**12

_VALIDATOR = "validator"
_STAKE = 10**9


@dataclass(frozen=True)
class Key:
    """An account's key, as Hermes wants it."""

    address: str
    mnemonic: str


def make_home(node: Node) -> dict[str, Key]:
    """Initialise the home of a one-validator chain and return the keys of all its accounts by name."""
    node.command("init", node.chain_id, "--chain-id", node.chain_id, "--default-denom", node.gas_denom)
    keys = _make_keys(node, (_VALIDATOR, *USERS, *RELAYERS, *UNFUNDED))
    funded = [key.address for name, key in keys.items() if name not in UNFUNDED]
    _fund(node.home / "config" / "genesis.json", funded, node.gas_denom)
    node.command(
        *("genesis", "gentx", _VALIDATOR, f"{_STAKE}{node.gas_denom}", "--chain-id", node.chain_id),
        *("--keyring-backend", "test", "--moniker", node.chain_id),
    )
    node.command("genesis", "collect-gentxs")
    configure(node.home)
    # For wallets other than the node's own: worth nothing outside this network.
    phrases = {name: keys[name].mnemonic for name in TILLS}
    (node.home / PHRASES).write_text(json.dumps(phrases), encoding="utf-8")
    return keys


def make_second_home(first: Node, second: Node) -> None:
    """A full node of the same chain: the first one's blocks, an identity of its own and no validator's key."""
    second.command("init", "second", "--chain-id", first.chain_id)
    shutil.copyfile(first.home / "config" / "genesis.json", second.home / "config" / "genesis.json")
    state = second.home / "data" / "priv_validator_state.json"
    fresh = state.read_bytes()
    shutil.rmtree(second.home / "data")
    shutil.copytree(first.home / "data", second.home / "data")
    state.write_bytes(fresh)
    configure(second.home)


def configure(home: Path) -> None:
    """Half-second blocks, and peers on one machine allowed."""
    file = home / "config" / "config.toml"
    text = file.read_text(encoding="utf-8")
    for key, value in (("timeout_commit", '"500ms"'), ("addr_book_strict", "false"), ("allow_duplicate_ip", "true")):
        text, count = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", text)
        assert count == 1, key
    file.write_text(text, encoding="utf-8")


def node_id(home_node: Node) -> str:
    """The identity by which peers know a node."""
    return home_node.command("comet", "show-node-id").strip()


def _make_keys(node: Node, names: Iterable[str]) -> dict[str, Key]:
    def add(name: str) -> tuple[str, Key]:
        shown = json.loads(node.command("keys", "add", name, "--keyring-backend", "test", "--output", "json"))
        return name, Key(shown["address"], shown["mnemonic"])

    with ThreadPoolExecutor(4) as pool:
        return dict(pool.map(add, names))


def _fund(file: Path, addresses: list[str], gas_denom: str) -> None:
    # Written straight into the file: the command for it reads and writes the whole genesis for each account.
    genesis = json.loads(file.read_text(encoding="utf-8"))
    state = genesis["app_state"]
    state["auth"]["accounts"] = [_account(address) for address in addresses]
    coins = [{"denom": denom, "amount": str(FUNDS)} for denom in sorted((COIN, gas_denom))]
    state["bank"]["balances"] = [{"address": address, "coins": coins} for address in sorted(addresses)]
    file.write_text(json.dumps(genesis, indent=1), encoding="utf-8")


def _account(address: str) -> dict[str, Any]:
    kind = "/cosmos.auth.v1beta1.BaseAccount"
    return {"@type": kind, "address": address, "pub_key": None, "account_number": "0", "sequence": "0"}
