"""The folder of a rehearsal: what an operator would have beside such a network, pointed at it.

```
world.json          what runs, written by the process that serves the world
hermes/config.toml  the operator's Hermes config, with keys/ beside it
bin/hermes          the stand-in
relayclear.toml     relayclear's own config
payee.txt           the payee's mnemonic, and passphrase.txt, which seals its key once the wallet has it
relayclear.db       its memory; state/ its locks
```
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

import relayclear
from relayclear.rehearsal.keys import Key, decode_address
from relayclear.rehearsal.spec import ChainSpec, KeyKind
from relayclear.rehearsal.staging import PAYEE, PHRASE, RELAYERS, address

_GAS_PRICE = 0.002
_PRICE = {"service_fee": 1_000_000, "per_packet_fee": 100_000, "refund_fee": 5_000, "dust": 10_000}
# Of each gas coin: what a refund, a day's, and a payer's may come to without anybody's yes.
_CAPS = {"max_each": 5_000_000, "max_per_day": 20_000_000, "max_per_payer": 10_000_000}
WORDS, PASSPHRASE = "payee.txt", "passphrase.txt"


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a served world listens: its control port, and by chain the addresses of its nodes."""

    control: str
    nodes: Mapping[str, Sequence[str]]


def furnish(
    folder: Path, specs: Sequence[ChainSpec], at: Listening, excluded: Mapping[str, Mapping[str, Sequence[int]]]
) -> None:
    """Write the configs, the keys and the stand-in into a folder, over what an earlier world left there."""
    hermes = folder / "hermes"
    hermes.mkdir(parents=True, exist_ok=True)
    for spec in specs:
        for name in RELAYERS[:2]:
            write_key(hermes / "keys", spec, name, Key.of_name(name, spec.key_kind))
    chains = [
        _hermes_chain(spec, at.nodes[spec.chain_id][0], hermes, excluded.get(spec.chain_id, {})) for spec in specs
    ]
    _write(hermes / "config.toml", tomli_w.dumps({**_HERMES, "chains": chains}))
    _write(folder / "bin" / "hermes", _script(at.control), mode=0o755)
    _write(folder / "relayclear.toml", tomli_w.dumps(_own_config(folder, specs, at)))
    _write(folder / WORDS, f"{PHRASE}\n", mode=0o600)
    _write(folder / PASSPHRASE, "nothing here is worth a secret\n", mode=0o600)


def environment(folder: Path) -> dict[str, str]:
    """The variables that point relayclear at a furnished folder, and keep all it writes inside it."""
    return {
        "RELAYCLEAR_CONFIG": str(folder / "relayclear.toml"),
        "RELAYCLEAR_PASSPHRASE_FILE": str(folder / PASSPHRASE),
        "XDG_STATE_HOME": str(folder / "state"),
    }


def write_key(keys: Path, spec: ChainSpec, name: str, key: Key) -> None:
    """Write a key file as Hermes does: plain text, so only for keys that are worth nothing."""
    account = key.address(spec.prefix)
    fields = {
        "private_key": key.secret.hex(),
        "public_key": key.public.hex(),
        "address": list(decode_address(account, spec.prefix)),
        "address_type": "Ethermint" if spec.key_kind is KeyKind.ETH_SECP256K1 else "Cosmos",
        "account": account,
    }
    _write(keys / spec.chain_id / "keyring-test" / f"{name}.json", json.dumps(fields), mode=0o600)


_HERMES: dict[str, Any] = {
    "global": {"log_level": "info"},
    "mode": {
        "clients": {"enabled": True, "refresh": True, "misbehaviour": False},
        "connections": {"enabled": False},
        "channels": {"enabled": False},
        "packets": {"enabled": True, "clear_interval": 100, "clear_on_start": True, "tx_confirmation": False},
    },
    "rest": {"enabled": False, "host": "127.0.0.1", "port": 3000},
    "telemetry": {"enabled": False, "host": "127.0.0.1", "port": 3001},
}


def _hermes_chain(spec: ChainSpec, node: str, hermes: Path, excluded: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    chain: dict[str, Any] = {
        "id": spec.chain_id,
        "type": "CosmosSdk",
        "rpc_addr": node,
        "grpc_addr": node,
        "event_source": {"mode": "pull", "interval": "500ms"},
        "rpc_timeout": "10s",
        "account_prefix": spec.prefix,
        "key_name": "daemon",
        "key_store_type": "Test",
        "key_store_folder": str(hermes / "keys"),
        "store_prefix": "ibc",
        "default_gas": 300_000,
        "max_gas": 10_000_000,
        "gas_multiplier": 1.2,
        "max_msg_num": 30,
        "max_tx_size": 180_000,
        "clock_drift": "5s",
        "max_block_time": "30s",
        "trust_threshold": "2/3",
        "gas_price": {"price": _GAS_PRICE, "denom": spec.gas_denom},
    }
    if spec.key_kind is KeyKind.ETH_SECP256K1:
        chain["address_type"] = {"derivation": "ethermint", "proto_type": {"pk_type": spec.pub_key_type}}
    if excluded:
        chain["excluded_sequences"] = {channel: list(sequences) for channel, sequences in excluded.items()}
    return chain


def _own_config(folder: Path, specs: Sequence[ChainSpec], at: Listening) -> dict[str, Any]:
    return {
        "hermes": {"config": str(folder / "hermes" / "config.toml"), "command": [str(folder / "bin" / "hermes")]},
        "scan": {"rpc_budget": 1000},
        "chains": {
            spec.chain_id: {
                "rpc": [{"url": url, "trusted": True} for url in at.nodes[spec.chain_id]],
                "clearing_key": "clearing",
                "payee": address(spec, PAYEE),
                "prices": [{"denom": spec.gas_denom, **_PRICE}],
            }
            for spec in specs
        },
        "operator": {"name": "a rehearsal"},
        "refunds": {"mode": "auto", **_caps(specs)},
        "rates": _rates(specs),
        "keys": {"dir": str(folder / "signing")},
        "store": {"url": str(folder / "relayclear.db")},
    }


def _caps(specs: Sequence[ChainSpec]) -> dict[str, list[str]]:
    return {name: [f"{amount}{spec.gas_denom}" for spec in specs] for name, amount in _CAPS.items()}


def _rates(specs: Sequence[ChainSpec]) -> dict[str, Any]:
    """Everybody's gas is worth the same here, so that it can be charged in any of the coins."""
    return {
        f"{spec.chain_id}/{spec.gas_denom}": {"num": 1, "den": 1, "of": other.gas_denom}
        for spec in specs
        for other in specs
        if spec is not other
    }


def _script(control: str) -> str:
    package = Path(relayclear.__file__).resolve().parent.parent
    return f"""#!/bin/sh
# The stand-in Hermes of this folder's network.
export RELAYCLEAR_REHEARSAL_CONTROL={shlex.quote(control)}
export PYTHONPATH={shlex.quote(str(package))}${{PYTHONPATH:+:$PYTHONPATH}}
exec {shlex.quote(sys.executable)} -m relayclear.rehearsal.hermes "$@"
"""


def _write(file: Path, text: str, *, mode: int = 0o644) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
