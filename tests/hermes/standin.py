"""A program that stands in for Hermes: a small script that does what one test wants of it."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

from relayclear.hermes.config import HermesConfig, load
from relayclear.hermes.relayer import HermesProgram, HermesRelayer
from relayclear.ibc.packet import ChannelEnd, SequenceRanges
from relayclear.ibc.relayer import ClearJob, KeyChoice

CONFIGS = Path(__file__).parent / "configs"
SOURCE = ChannelEnd("ibc-0", "transfer", "channel-0")
DESTINATION = ChannelEnd("ibc-1", "transfer", "channel-3")
KEYS = (KeyChoice("ibc-0", "relayer", "cosmos1zero"), KeyChoice("ibc-1", "relayer", "cosmos1one"))

_SCRIPT = """\
#!{python} -S
import json, os, signal, sys, time
def say(line):
    print(line, flush=True)
def log(message, level="INFO"):
    say(json.dumps({{"timestamp": "t", "level": level, "fields": {{"message": message}}, "threadId": "ThreadId(1)"}}))
def packet(sequence, **other):
    ends = {{"source_port": "transfer", "source_channel": "channel-0", "destination_port": "transfer",
            "destination_channel": "channel-3"}}
    return {{"packet": {{"sequence": sequence, **ends, "data": "7B", **other}}}}
def hang():
    # Ends only when it is ended.
    while True:
        time.sleep(3600)
if sys.argv[-1] == "version":
    say("hermes {version}")
    sys.exit(0)
{body}
"""

_CONFIG = """\
[[chains]]
id = 'ibc-0'
rpc_addr = 'http://127.0.0.1:27030'
grpc_addr = 'http://127.0.0.1:27032'
event_source = {{ mode = 'pull' }}
account_prefix = 'cosmos'
key_name = 'relayer'
key_store_folder = '{keys}'
store_prefix = 'ibc'
gas_price = {{ price = 0.002, denom = 'stake' }}
"""


def program(folder: Path, body: str, version: str = "1.10.5+0a1b2c3") -> Path:
    """Write the stand-in; `body` runs for every call but ``version``."""
    path = folder / "hermes"
    path.write_text(_SCRIPT.format(python=sys.executable, version=version, body=dedent(body)), encoding="utf-8")
    path.chmod(0o755)
    return path


def key_file(folder: Path, chain: str, name: str, account: str) -> Path:
    """Write a key as Hermes does, with a private key that must never be seen again."""
    path = folder / chain / "keyring-test" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    secret = "5e" * 32
    fields = (
        f'"private_key":"{secret}","public_key":"02ab","address":[1,2],"address_type":"Cosmos","account":"{account}"'
    )
    path.write_text("{" + fields + "}", encoding="utf-8")
    return path


def config(folder: Path) -> HermesConfig:
    """Two chains, ``ibc-0`` and ``ibc-1``, with a key `relayer` and a key `clearing` on each."""
    keys = folder / "keys"
    for key in KEYS:
        assert key.address is not None
        key_file(keys, key.chain, "relayer", key.address)
        key_file(keys, key.chain, "clearing", f"{key.address}clearing")
    path = folder / "config.toml"
    one = _CONFIG.format(keys=keys)
    path.write_text(one + one.replace("ibc-0", "ibc-1"), encoding="utf-8")
    return load(path)


def relayer(folder: Path, body: str, *, command: tuple[str, ...] = (), time_limit: float = 30.0) -> HermesRelayer:
    """A relayer over a stand-in; `command` goes before the script, as ``docker exec`` would."""
    place = HermesProgram((*command, str(program(folder, body))), time_limit=time_limit, grace=10.0)
    return HermesRelayer(config(folder), place, lock_folder=folder / "locks")


def job(sequences: str = "2", **changes: object) -> ClearJob:
    """Clear some sequences that ``ibc-0`` sent."""
    return ClearJob(SOURCE, DESTINATION, SequenceRanges.parse(sequences), **{"keys": {}, **changes})  # type: ignore[arg-type]
