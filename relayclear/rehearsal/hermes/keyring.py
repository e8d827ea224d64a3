"""Key files: `<folder>/<chain id>/keyring-test/<name>.json`, plain JSON (`rly/keyring.rs`)."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relayclear.rehearsal.hermes.config import ChainConfig
from relayclear.rehearsal.hermes.failure import Failure
from relayclear.rehearsal.keys import Key, decode_address
from relayclear.rehearsal.spec import KeyKind

_TYPES = {KeyKind.SECP256K1: "Cosmos", KeyKind.ETH_SECP256K1: "Ethermint"}


@dataclass(frozen=True, slots=True)
class Signer:
    """A key of the store; `account` is the address its file names."""

    name: str
    account: str
    key: Key


def load(chain: ChainConfig, name: str) -> Signer:
    """The key of a name.  Raises Failure, like Hermes, when there is none."""
    file = _file(chain, name)
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as missing:
        raise Failure("keyring error", f"cannot find key file at '{file}'") from missing
    try:
        return _signer(name, json.loads(text))
    except (ValueError, KeyError, TypeError):
        # Nothing of the exception may live on: it carries the file's text, private key and all.
        raise Failure("keyring error", f"error deserializing key file at '{file}'") from None


def add(chain: ChainConfig, name: str, key: Key) -> Signer:
    """Write a key, over whatever has its name."""
    file = _file(chain, name)
    file.parent.mkdir(parents=True, exist_ok=True)
    account = key.address(chain.account_prefix)
    fields = {
        "private_key": key.secret.hex(),
        "public_key": key.public.hex(),
        "address": [*decode_address(account, chain.account_prefix)],
        "address_type": _TYPES[key.kind],
        "account": account,
    }
    file.write_text(json.dumps(fields, indent=2), encoding="utf-8")
    return Signer(name, account, key)


def delete(chain: ChainConfig, name: str) -> None:
    """Remove a key.  Raises Failure when there is none."""
    file = _file(chain, name)
    try:
        file.unlink()
    except OSError as missing:
        why = f"{os.strerror(missing.errno or 0)} (os error {missing.errno})"
        raise Failure(f"I/O error while removing key file at location '{file}'", why) from missing


def every(chain: ChainConfig) -> list[Signer]:
    """All keys of a chain, in the folder's own order, as Hermes lists them."""
    folder = _folder(chain)
    names = [file.name.removesuffix(".json") for file in os.scandir(folder)] if folder.is_dir() else []
    return [load(chain, name) for name in names]


def _signer(name: str, fields: dict[str, Any]) -> Signer:
    kinds = {word: kind for kind, word in _TYPES.items()}
    key = Key(bytes.fromhex(fields["private_key"]), kinds[fields["address_type"]])
    return Signer(name, str(fields["account"]), key)


def _folder(chain: ChainConfig) -> Path:
    return chain.key_folder / chain.id / "keyring-test"


def _file(chain: ChainConfig, name: str) -> Path:
    # Hermes sets the file's extension, so whatever stands behind a dot of the name is lost.
    return (_folder(chain) / name).with_suffix(".json")
