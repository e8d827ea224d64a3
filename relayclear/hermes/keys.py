"""The accounts behind Hermes' keys, read from its key files without ever keeping a secret.

Layout: ``<key_store_folder>/<chain id>/keyring-test/<name>.json``, plain JSON in which only
`account` is of interest here.  ``hermes keys list --json`` prints private keys and is never called.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from relayclear.errors import RefusedError
from relayclear.hermes.config import HermesChain

_ETHERMINT_PATH = "m/44'/60'/0'/0/0"


def key_file(chain: HermesChain, name: str) -> Path:
    """Where Hermes keeps a key.  Raises RefusedError for a name that would lead out of the folder.

    Hermes cuts a name at its last dot before it adds ``.json``: key ``a.b`` lies in ``a.json``.
    """
    if not name or "/" in name or "\0" in name or name in {".", ".."}:
        raise RefusedError(f"{name!r} can't be the name of a key", hint="a key's name without / in it")
    stem = name.rpartition(".")[0] or name
    return _folder(chain) / f"{stem}.json"


def key_names(chain: HermesChain) -> tuple[str, ...]:
    """The names of the keys that lie there for a chain, from the file names alone; none if nothing can be listed."""
    try:
        return tuple(sorted(file.stem for file in _folder(chain).iterdir() if file.suffix == ".json"))
    except OSError:
        return ()


def key_store_visible(chain: HermesChain) -> bool:
    """Whether the chain's key folder can be looked into from here (in a container it may not be)."""
    try:
        return _folder(chain).is_dir()
    except OSError:
        return False


def read_address(chain: HermesChain, name: str, *, command: Sequence[str] = ("hermes",), config: Path) -> str:
    """The account of a key.  Raises RefusedError, naming key and chain, when there is none to be used."""
    file = key_file(chain, name)
    hint = add_key_command(chain, name, command=command, config=config)
    try:
        account = _account(file.read_bytes())
    except FileNotFoundError:
        known = ", ".join(key_names(chain))
        there = f" (there: {known})" if known else ""
        raise RefusedError(f"key {name!r} is unknown on {chain.id}: no file {file}{there}", hint=hint) from None
    except OSError as error:
        raise RefusedError(
            f"key {name!r} on {chain.id} can't be read: {error.strerror}: {file}",
            hint=f"ls -l {shlex.quote(str(file))} tells who may; it must be who runs Hermes",
        ) from error
    if account is None:
        raise RefusedError(f"key {name!r} on {chain.id} can't be used: {file} names no account", hint=hint)
    if not account.startswith(f"{chain.account_prefix}1"):
        why = f"its account is {account}, but account_prefix is {chain.account_prefix!r} now"
        raise RefusedError(f"key {name!r} on {chain.id} can't be used: {why}", hint=f"{hint} --overwrite")
    return account


def add_key_command(
    chain: HermesChain, name: str, *, command: Sequence[str] = ("hermes",), config: Path | None = None
) -> str:
    """The command that gives Hermes a key of that name, ready to paste; the mnemonic is in MNEMONIC_FILE."""
    argv = [*command, *(("--config", str(config)) if config else ()), "keys", "add", "--chain", chain.id]
    argv += ["--key-name", name, "--mnemonic-file", "MNEMONIC_FILE"]
    if chain.address_type.derivation == "ethermint":
        argv += ["--hd-path", _ETHERMINT_PATH]
    return shlex.join(argv)


def _folder(chain: HermesChain) -> Path:
    return chain.key_store_folder / chain.id / "keyring-test"


def _account(content: bytes) -> str | None:
    """The `account` of a key file; every other field is dropped while it is parsed."""
    try:
        fields = json.loads(content, object_pairs_hook=_only_account)
    # Nothing of the exception may live on: a JSONDecodeError carries the whole text, private key and all.
    except (ValueError, RecursionError):
        return None
    account = fields.get("account") if isinstance(fields, dict) else None
    return account if isinstance(account, str) else None


def _only_account(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in pairs if name == "account"}
