"""`keys add`, `keys balance`, `keys delete`, `keys list` (`cli/commands/keys/`).

The real `keys list --json` prints private keys.  This one never does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from relayclear.rehearsal.hermes import keyring, phrases
from relayclear.rehearsal.hermes.arguments import Parsed
from relayclear.rehearsal.hermes.config import ChainConfig
from relayclear.rehearsal.hermes.failure import Failure
from relayclear.rehearsal.hermes.session import Session
from relayclear.rehearsal.keys import Key

_PATH = re.compile(r"m(/[0-9]{1,3}'?){5}")


def run(session: Session, parsed: Parsed) -> int:
    """Carry one of them out; the exit code.  Raises Failure."""
    commands: dict[str, Callable[..., int]] = {"add": _add, "balance": _balance, "delete": _delete, "list": _list}
    return commands[parsed.command.words[1]](session, **parsed.values)


def _configured(session: Session, chain: str) -> ChainConfig:
    found = session.config.chain(chain)
    if found is None:
        raise Failure(f"chain '{chain}' not found in configuration file", located=False)
    return found


def _add(
    session: Session,
    *,
    chain: str,
    key_file: str | None,
    mnemonic_file: str | None,
    key_name: str | None,
    hd_path: str,
    overwrite: bool | None,
) -> int:
    config = _configured(session, chain)
    name = key_name or config.key_name
    if not _PATH.fullmatch(hd_path):
        raise Failure(f"invalid derivation path: {hd_path}", located=False)
    doing, did = ("adding", "Added") if key_file else ("restoring", "Restored")
    path = Path(key_file or mnemonic_file or "")
    try:
        if _exists(config, name):
            if not overwrite:
                return session.output.fail(f"A key with name '{name}' already exists")
            session.output.warn(f"key {name} will be overwritten")
        key = _key(config, path, hd_path, seed_file=key_file is not None)
    except Failure as failed:
        raise Failure(
            f'An error occurred {doing} the key on chain {chain} from file "{path}": {failed}', located=False
        ) from failed
    signer = keyring.add(config, name, key)
    said = f"{did} key '{name}' ({signer.account}) on chain {chain}"
    return session.output.succeed(said, said)


def _exists(config: ChainConfig, name: str) -> bool:
    try:
        keyring.load(config, name)
    except Failure:
        return False
    return True


def _key(config: ChainConfig, path: Path, hd_path: str, *, seed_file: bool) -> Key:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as missing:
        what = "key" if seed_file else "mnemonic"
        raise Failure(f"error reading the {what} file", located=False) from missing
    if seed_file:
        return phrases.from_seed_file(text, hd_path, config.key_kind)
    return phrases.from_phrase(text, hd_path, config.key_kind)


def _balance(
    session: Session,
    *,
    chain: str,
    key_name: str | None,
    denom: str | None,
    **others: bool | None,
) -> int:
    found = session.chain(chain)
    name = key_name or found.config.key_name
    try:
        rows = found.balances(keyring.load(found.config, name).account)
    except Failure as failed:
        raise Failure(f"there was a problem querying the balance: {failed}", located=False) from failed
    if others["all"]:
        listed = "".join(f"\n\t{amount} {kind}" for amount, kind in rows)
        documents = [{"denom": kind, "amount": amount} for amount, kind in rows]
        return session.output.succeed(documents, f"Balances for key `{name}`:{listed}")
    wanted = denom or found.config.gas.denom
    amount = next((amount for amount, kind in rows if kind == wanted), "0")
    return session.output.succeed({"denom": wanted, "amount": amount}, f"balance for key `{name}`: {amount} {wanted}")


def _delete(session: Session, *, chain: str, key_name: str | None, **_: Any) -> int:
    config = _configured(session, chain)
    if key_name is not None:
        keyring.delete(config, key_name)
        said = f"Removed key ({key_name}) on chain {chain}"
        return session.output.succeed(said, said)
    for signer in keyring.every(config):
        keyring.delete(config, signer.name)
    said = f"Removed all keys on chain {chain}"
    return session.output.succeed(said, said)


def _list(session: Session, *, chain: str) -> int:
    signers = keyring.every(_configured(session, chain))
    listed = "".join(f"\n- {signer.name} ({signer.account})" for signer in signers)
    return session.output.succeed({signer.name: {"account": signer.account} for signer in signers}, listed)
