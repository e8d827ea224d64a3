"""Hermes: its configs, its keys, its runs."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.localnet import paths

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.localnet.genesis import Key
    from tests.localnet.node import Node

# Who runs Hermes: the folder and file of the config, by the name of the key it signs with. The clearing key lies in the
# operator's own key folder; the rival is somebody else.
CONFIGS = {"daemon": "hermes/config.toml", "clearing": "hermes/clearing.toml", "rival": "rival/config.toml"}
KEYS = {"hermes": ("daemon", "clearing", "pauper"), "rival": ("rival",)}

GAS_PRICE = 0.002

Excluded = dict[str, dict[str, list[int | str]]]


@dataclass
class Settings:
    """What a test may change in the configs."""

    max_memo: str = "4KiB"
    excluded: Excluded = field(default_factory=dict)


@dataclass(frozen=True)
class Pending:
    """Hermes' own list of what is pending on one channel, for packets sent from the chain that was asked about."""

    unreceived_packets: list[int]
    unreceived_acks: list[int]


class HermesError(RuntimeError):
    """Hermes ended with an error."""


def write_config(file: Path, nodes: Mapping[str, Node], key: str, settings: Settings) -> None:
    """Write the config of one Hermes; its keys lie in `keys` beside it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    chains = (
        _chain(node, key, file.parent / "keys", settings.excluded.get(chain, {})) for chain, node in nodes.items()
    )
    file.write_text("\n".join((_global(settings), *chains)), encoding="utf-8")


def add_key(config: Path, chain: str, name: str, key: Key) -> None:
    """Put a key into the key folder of a config."""
    with tempfile.NamedTemporaryFile("w", suffix=".mnemonic") as file:
        file.write(key.mnemonic)
        file.flush()
        done = run(config, "keys", "add", "--chain", chain, "--key-name", name, "--mnemonic-file", file.name)
    result(done)


def close_keys(directory: Path) -> None:
    """Make the key files of a network the operator's alone: Hermes leaves them to whoever may read."""
    for file in directory.glob("*/keys/*/keyring-test/*.json"):
        file.chmod(0o600)


def run(config: Path, *args: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run Hermes with a config. Its exit code and its words prove nothing; see `result` for what it says."""
    argv = [str(paths.program("hermes")), "--config", str(config), "--json", *args]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=timeout, stdin=subprocess.DEVNULL)


def result(done: subprocess.CompletedProcess[str]) -> Any:
    """What Hermes says came out: the last line, because log lines go to standard output too."""
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    last = json.loads(lines[-1]) if lines else {}
    if done.returncode != 0 or last.get("status") != "success":
        raise HermesError(
            f"hermes {' '.join(done.args[3:])}: exit {done.returncode}\n{done.stdout[-1500:]}{done.stderr[-500:]}"
        )
    return last["result"]


def pending(config: Path, chain: str, channel: str, port: str) -> Pending:
    """`hermes query packet pending`, the side of the packets this chain sent."""
    done = run(config, "query", "packet", "pending", "--chain", chain, "--port", port, "--channel", channel)
    # "src" is the chain that was asked about, whichever end opened the channel.
    mine = result(done)["src"]
    return Pending(sorted(mine["unreceived_packets"]), sorted(mine["unreceived_acks"]))


def ranges(sequences: Sequence[int]) -> str:
    """Sequences as Hermes' flag wants them."""
    return ",".join(str(sequence) for sequence in sequences)


def _global(settings: Settings) -> str:
    return f"""[global]
log_level = 'info'

[mode.clients]
enabled = true
refresh = true
misbehaviour = false

[mode.connections]
enabled = false

[mode.channels]
enabled = false

[mode.packets]
enabled = true
clear_interval = 100
clear_on_start = true
tx_confirmation = false
ics20_max_memo_size = {{ enabled = true, size = '{settings.max_memo}' }}

[rest]
enabled = false
host = '127.0.0.1'
port = 3000

[telemetry]
enabled = false
host = '127.0.0.1'
port = 3001
"""


def _chain(node: Node, key: str, keys: Path, excluded: Mapping[str, Sequence[int | str]]) -> str:
    listed = "".join(f"{json.dumps(channel)} = {json.dumps(list(items))}\n" for channel, items in excluded.items())
    return f"""[[chains]]
id = '{node.chain_id}'
type = 'CosmosSdk'
rpc_addr = '{node.rpc}'
grpc_addr = '{node.grpc}'
event_source = {{ mode = 'pull', interval = '500ms' }}
rpc_timeout = '10s'
account_prefix = 'cosmos'
key_name = '{key}'
key_store_type = 'Test'
key_store_folder = '{keys}'
store_prefix = 'ibc'
default_gas = 300000
max_gas = 10000000
gas_price = {{ price = {GAS_PRICE}, denom = '{node.gas_denom}' }}
gas_multiplier = 1.2
max_msg_num = 30
max_tx_size = 180000
clock_drift = '5s'
max_block_time = '30s'
trust_threshold = '2/3'
{"[chains.excluded_sequences]" if listed else ""}
{listed}"""
