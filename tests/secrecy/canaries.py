"""A world whose configs, keys and files are full of secrets, and a search for them in everything else.

To plant another one, give it a name in `plant`, and write it where an operator would.
"""

from __future__ import annotations

import base64
import json
import os
import threading
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import tomli_w

from relayclear.rehearsal.staging import ALPHA, BETA, PAYEE, PHRASE, RELAYERS, key_of
from tests.long.stall import World


@dataclass
class Planted:
    """The secrets by what they are, and the files that hold them by right."""

    secrets: dict[str, bytes] = field(default_factory=dict)
    files: set[Path] = field(default_factory=set)

    def add(self, name: str) -> str:
        """A new secret that nothing else on this machine holds."""
        text = f"canary-{name}-{os.urandom(6).hex()}"
        self.secrets[name] = text.encode()
        return text

    def add_key(self, name: str, secret: bytes) -> None:
        """A key in its bytes."""
        self.secrets[name] = secret

    def forms(self) -> Iterator[tuple[str, bytes]]:
        """Every secret in every shape in which it would still be one."""
        for name, secret in self.secrets.items():
            yield name, secret
            for way, shape in (("base64", base64.b64encode), ("urlsafe base64", base64.urlsafe_b64encode)):
                yield f"{name} in {way}", shape(secret).rstrip(b"=")
            yield f"{name} in hex", secret.hex().encode()
            yield f"{name} in HEX", secret.hex().upper().encode()

    def seen_in(self, content: bytes) -> set[str]:
        """The secrets that stand in these bytes, also cut down to their random half."""
        found = {name for name, shape in self.forms() if shape in content}
        halves = {name: text.rpartition(b"-")[2] for name, text in self.secrets.items() if text.startswith(b"canary-")}
        return found | {f"half of {name}" for name, half in halves.items() if half in content}

    def files_with(self, folder: Path) -> dict[str, set[str]]:
        """What stands in which file below a folder, those that hold it by right left out."""
        found = {}
        for path in folder.rglob("*"):
            with suppress(FileNotFoundError):
                if path.is_file() and path not in self.files and (seen := self.seen_in(path.read_bytes())):
                    found[str(path.relative_to(folder))] = seen
        return found


def plant(world: World) -> Planted:
    """Write secrets into everything that an operator writes, in a way that all of it still works."""
    planted, folder = Planted(), world.folder
    _configs(world, planted)
    passphrase = folder / "passphrase.txt"
    passphrase.write_text(planted.add("passphrase") + "\n", encoding="utf-8")
    planted.secrets["mnemonic"] = PHRASE.encode()
    planted.add_key("payee's key", key_of(PAYEE, ALPHA.key_kind).secret)
    for name in RELAYERS[:2]:
        planted.add_key(f"Hermes' key {name}", key_of(name, ALPHA.key_kind).secret)
    planted.files |= {passphrase, folder / "payee.txt", folder / "dead-hermes.toml"}
    planted.files |= {folder / "relayclear.toml", folder / "hermes" / "config.toml"}
    planted.files |= set((folder / "hermes" / "keys").rglob("*.json"))
    return planted


def plant_signing_keys(planted: Planted, keys: Path) -> None:
    """What the first quote made: the keys that sign them."""
    for path in keys.glob("quote-*.json"):
        told = json.loads(path.read_bytes())
        for name in ("memo_secret", "signing_key"):
            planted.add_key(f"{path.stem} {name}", base64.b64decode(told[name]))
        planted.files.add(path)


def _configs(world: World, planted: Planted) -> None:
    """Addresses with a password, a token, a key in the path; and a second Hermes config whose nodes are dead."""
    hermes, own = world.folder / "hermes" / "config.toml", world.folder / "relayclear.toml"
    tables = tomllib.loads(hermes.read_text(encoding="utf-8"))
    for chain in tables["chains"]:
        place = chain["rpc_addr"].removeprefix("http://")
        user, password, token = (planted.add(f"{chain['id']}-{what}") for what in ("user", "password", "token"))
        planted.secrets[f"{chain['id']} login"] = f"{user}:{password}".encode()
        chain["rpc_addr"] = f"http://{user}:{password}@{place}/?token={token}"
        chain["grpc_addr"] = f"http://{quote(planted.add('grpc'))}@{place}"
        chain["event_source"] = {"mode": "push", "url": f"ws://u:{planted.add('ws')}@{place}/websocket"}
    hermes.write_text(tomli_w.dumps(tables), encoding="utf-8")
    dead = [{**chain, "rpc_addr": _dead(chain["rpc_addr"])} for chain in tables["chains"]]
    (world.folder / "dead-hermes.toml").write_text(tomli_w.dumps({**tables, "chains": dead}), encoding="utf-8")
    ours = tomllib.loads(own.read_text(encoding="utf-8"))
    for chain_id in (ALPHA.chain_id, BETA.chain_id):
        _own_endpoints(ours["chains"][chain_id], planted)
    ours["operator"]["url"] = f"https://ada:{planted.add('operator')}@relay.example/keys?k={planted.add('query')}"
    own.write_text(tomli_w.dumps(ours), encoding="utf-8")


def _own_endpoints(chain: dict[str, Any], planted: Planted) -> None:
    first, second = (row["url"].removeprefix("http://") for row in chain["rpc"])
    chain["rpc"] = [
        f"http://127.0.0.1:1/v1/{planted.add('path')}/rpc",
        {"url": f"http://own:{planted.add('own')}@{first}/", "trusted": True},
        {"url": f"http://{second}/?apikey={planted.add('apikey')}", "trusted": True},
    ]


def _dead(url: str) -> str:
    scheme, _, rest = url.partition("://")
    login, _, place = rest.rpartition("@")
    return f"{scheme}://{login}@127.0.0.1:1/?{place.partition('?')[2]}"


@contextmanager
def watching_processes() -> Iterator[set[bytes]]:
    """The argument lists of all processes of this machine while the block runs."""
    seen: set[bytes] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.03):
            for entry in os.scandir("/proc"):
                if entry.name.isdigit():
                    with suppress(OSError):
                        seen.add(Path(entry.path, "cmdline").read_bytes())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def told(captured: Mapping[str, bytes], planted: Planted) -> dict[str, set[str]]:
    """What stands in what was said, by the command that said it."""
    return {words: seen for words, said in captured.items() if (seen := planted.seen_in(said))}
