"""What a case does to a world and asks of it: the same operations on the rehearsal network and on a real one."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf.json_format import MessageToDict

from relayclear.rehearsal.keys import Key
from relayclear.rehearsal.spec import ChainSpec, Generation
from relayclear.rehearsal.transactions import Terms, encode, hash_of
from tests.localnet.channels import Channel
from tests.localnet.commands import Outcome, Relayclear
from tests.localnet.node import ALPHA, BETA
from tests.localnet.relayer import Excluded
from tests.localnet.rpc import Rpc, fields, message, number, wait_for
from tests.parity import envelopes

SPECS = {ALPHA: ChainSpec(ALPHA, "stake"), BETA: ChainSpec(BETA, "ubeta", Generation.V10)}
PURSES = 160
PURSE_FUNDS = 10**9
PREFIX = "cosmos"
MONTH = 30 * 86400

T = TypeVar("T")


@dataclass(frozen=True)
class Purse:
    """A funded account of a case's own, with the same address on both chains."""

    key: Key

    @property
    def address(self) -> str:
        """Its address."""
        return self.key.address(PREFIX)


def purses() -> list[Purse]:
    """The accounts that a side funds when it starts, on both chains."""
    return [Purse(Key.of_name(f"parity {number}")) for number in range(PURSES)]


@dataclass(repr=False)
class Side(ABC):
    """A world with two chains and Hermes.

    `rpc` is each chain's RPC address, `addresses` the named accounts of each chain, `configs` the Hermes configs by
    the key they sign with, `hermes_command` how Hermes is called.
    """

    name: str
    folder: Path
    rpc: dict[str, str]
    addresses: dict[str, dict[str, str]]
    configs: dict[str, Path]
    hermes_command: Sequence[str]
    _scenes: dict[str, Any] = field(default_factory=dict)
    _purses: list[Purse] = field(default_factory=purses)
    _folders: int = 0

    # What the worlds do in ways of their own

    @abstractmethod
    def fresh_channel(self, kind: str = "transfer") -> Channel:
        """A channel on which nothing was ever sent."""

    @abstractmethod
    def of_kind(self, kind: str) -> Channel:
        """The first channel of a kind: `expired` and `half_expired` have three packets from alpha-1 pending."""

    @abstractmethod
    def configure(self, *, excluded: Excluded | None = None, max_memo: str | None = None) -> None:
        """Rewrite the Hermes configs; what isn't named stays."""

    @abstractmethod
    def mock_send(self, channel: Channel, *, count: int = 1, timeout_seconds: int = MONTH) -> list[int]:
        """Send raw packets from beta-1 on a mock or ordered channel."""

    @abstractmethod
    def close_alpha_end(self, channel: Channel) -> None:
        """Close a mock channel on alpha-1, as its application does."""

    @abstractmethod
    def pruned_rpc(self) -> str:
        """The address of a node that has no state, block or results of heights 1 to 3 any more."""

    # Scenes and folders

    def scene(self, make: Callable[[Side], T]) -> T:
        """What several cases look at, made once; cases only read it."""
        if make.__qualname__ not in self._scenes:
            self._scenes[make.__qualname__] = make(self)
        made: T = self._scenes[make.__qualname__]
        return made

    def new_folder(self) -> Path:
        """An empty folder."""
        self._folders += 1
        made = self.folder / f"case-{self._folders}"
        made.mkdir(parents=True)
        return made

    # Nodes

    def post(self, url: str, body: bytes, content_type: str = "application/json") -> dict[str, Any]:
        """A raw HTTP request and the reply: status, content type, and the body as JSON or text."""
        return _exchange(urllib.request.Request(url, body, {"content-type": content_type}))  # noqa: S310  loopback

    def get(self, chain: str, path: str) -> dict[str, Any]:
        """The same with GET; JSON-RPC over URI."""
        return _exchange(urllib.request.Request(self.rpc[chain] + path))  # noqa: S310  loopback

    def call(self, chain: str, method: str, **params: object) -> dict[str, Any]:
        """One JSON-RPC call and its whole reply."""
        return self.post(self.rpc[chain], envelopes.request(method, params))

    def ask(self, chain: str) -> Rpc:
        """A chain's node, for what a case must know and doesn't observe."""
        return Rpc(self.rpc[chain])

    def query(
        self, chain: str, path: str, request: Any = b"", answer: Any = None, *, height: int = 0, url: str = ""
    ) -> dict[str, Any]:
        """An `abci_query` and its reply, the value decoded as `answer` where one is given."""
        data = request if isinstance(request, bytes) else request.SerializeToString()
        params = {"path": path, "data": data.hex(), "height": str(height), "prove": False}
        reply = self.post(url or self.rpc[chain], envelopes.request("abci_query", params))
        response = reply["body"].get("result", {}).get("response", {})
        if answer is not None and response.get("value"):
            decoded = answer.FromString(envelopes.from_base64(response["value"]))
            response["value"] = MessageToDict(decoded, preserving_proto_field_name=True)
        return reply

    # Transactions

    def purse(self) -> Purse:
        """A funded account that nobody else uses."""
        return self._purses.pop(0)

    def numbers(self, chain: str, address: str) -> tuple[int, int]:
        """An account's number and next sequence."""
        info = fields(self.ask(chain).read("/cosmos.auth.v1beta1.Query/AccountInfo", message((1, address))), 1)[0]
        return number(info, 3), number(info, 4)

    def sign(self, chain: str, purse: Purse, messages: Sequence[Any], **terms: Any) -> bytes:
        """A signed transaction's bytes; `terms` are those of `Terms`, number and sequence as the chain has them."""
        account, sequence = self.numbers(chain, purse.address)
        chosen = {"sequence": sequence, "account_number": account, **terms}
        return encode(SPECS[chain], messages, Terms(**chosen), key=purse.key)

    def broadcast(self, chain: str, raw: bytes, method: str = "broadcast_tx_sync") -> dict[str, Any]:
        """Send a transaction; the whole reply."""
        return self.call(chain, method, tx=envelopes.to_base64(raw))

    def commit(self, chain: str, purse: Purse, *messages: Any, **terms: Any) -> dict[str, Any]:
        """Sign, send, wait for the block: the result of `tx`, whatever its code."""
        terms.setdefault("gas", 200_000 + 150_000 * len(messages))
        raw = self.sign(chain, purse, messages, **terms)
        reply = self.broadcast(chain, raw)["body"]
        if "result" not in reply or reply["result"]["code"]:
            raise AssertionError(f"{chain} didn't take a transaction: {reply}")
        return self.found(chain, hash_of(raw))

    def found(self, chain: str, tx_hash: str) -> dict[str, Any]:
        """A transaction in its block, waiting for it."""
        return self.ask(chain).tx(tx_hash)

    def next_block(self, chain: str) -> int:
        """Wait for one more block; its height."""
        before = self.ask(chain).height()

        def made() -> int | None:
            now = self.ask(chain).height()
            return now if now > before else None

        return wait_for(made, f"a block of {chain}", timeout=30, every=0.05)

    def wait_past(self, moment: datetime, *chains: str) -> None:
        """Wait until the newest block of each chain is later than a moment: only that makes a timeout."""
        for chain in chains:
            ask = self.ask(chain)

            def passed(ask: Rpc = ask) -> bool | None:
                shown = ask.call("status")["sync_info"]["latest_block_time"]
                return datetime.fromisoformat(shown) > moment or None

            wait_for(passed, f"{chain} to pass {moment}", timeout=60, every=0.05)

    # Hermes and relayclear

    @property
    def hermes_config(self) -> Path:
        """The operator's config."""
        return self.configs["daemon"]

    def hermes(self, *args: str, key: str = "daemon", config: Path | None = None) -> dict[str, Any]:
        """Run Hermes with `--json`: exit code, log records, result and whatever else it printed."""
        flags = ("--config", str(config or self.configs[key]), "--json")
        return envelopes.hermes_outcome(self.run_hermes(*flags, *args))

    def run_hermes(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run Hermes with these very arguments."""
        argv = [*self.hermes_command, *args]
        return subprocess.run(
            argv,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            stdin=subprocess.DEVNULL,
            env=_environment(),
        )

    def relayclear(self, folder: Path | None = None, *, program: Sequence[str] = (), **settings: Any) -> Relayclear:
        """Relayclear in front of this world, in a folder of its own; `program` is run in Hermes' place."""
        return Relayclear(self, folder or self.new_folder(), hermes=program or self.hermes_command, **settings)

    # What differs by name only

    def literals(self) -> dict[str, str]:
        """Strings of this world and what stands for them in an observation."""
        named = {
            address: f"<{name}>"
            for accounts in self.addresses.values()
            for name, address in accounts.items()
            if not name.startswith("pool-")
        }
        nodes = {url: f"<rpc of {chain}>" for chain, url in self.rpc.items()}
        return named | nodes | {str(self.folder): "<folder>", self.hermes_command[0]: "hermes"}


def soon(seconds: float) -> datetime:
    """So many seconds from now."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


def outcome(done: Outcome) -> dict[str, Any]:
    """How a relayclear command ended, as an observation."""
    return {
        "code": done.code,
        "document": json.loads(done.stdout) if done.stdout.strip() else None,
        "error": json.loads(done.stderr) if done.stderr.strip().startswith('{"error"') else None,
    }


def _environment() -> dict[str, str]:
    """Ours without what makes Hermes talk otherwise."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RUST_")}


def _exchange(request: urllib.request.Request) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310  loopback
            return envelopes.http_outcome(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return envelopes.http_outcome(error.code, error.headers, error.read())
