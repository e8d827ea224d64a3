"""The keys that refunds are signed with: one file for all chains, sealed under one passphrase.

``wallet.json``: how the passphrase becomes a key, a seal that tells a wrong passphrase from damage,
and for each chain its public part in clear with the sealed private key (32 bytes, never the
mnemonic).  The public part is bound to the seal: changed, the key can't be opened.  The folder has
mode 0700, the file 0600.  No message holds what is sealed.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from relayclear.config import private
from relayclear.config.passphrase import PassphraseSource
from relayclear.config.sealing import Lock, Sealed, key_of, seal, unseal
from relayclear.errors import ConfigError, HeldError, RefusedError, UsageError
from relayclear.ibc.spending import WalletKey

NAME = "wallet.json"
SCHEMA_VERSION = 1
COST = 2**17
"""scrypt's n for new files: 128 MiB and half a second a try (OWASP's password storage cheat sheet)."""

_WHY = "whoever reads the wallet file can try passphrases on it"
_LARGEST = 256 * 1024
_SALT_BYTES = 16
_SECRET_BYTES = 32
_R, _P = 8, 1
# Less could be tried too fast; more would take a machine's memory because a file says so.
_COSTS = frozenset(2**power for power in range(14, 21))
_MOST_R, _MOST_P = 16, 4
_CHECK = b"relayclear wallet check 1"
_FIELDS = {"schema_version", "kdf", "check", "keys"}
_KDF = {"name", "salt", "n", "r", "p"}
_PUBLIC = ("chain", "address", "kind", "path", "added_at")


@dataclass(frozen=True, slots=True)
class _Vault:
    """What stands in the file: `keys` by chain, in their order."""

    lock: Lock
    check: Sealed
    keys: Mapping[str, tuple[WalletKey, Sealed]]


class WalletFile:
    """The file in a folder; one that isn't there yet holds no keys.

    The key that a passphrase made is kept in memory, so that it is asked for once a process.
    """

    def __init__(self, folder: Path, cost: int = COST) -> None:
        self.path = folder / NAME
        self._cost = cost
        self._opened: tuple[Lock, bytes] | None = None

    def listed(self) -> list[WalletKey]:
        """The public parts of all keys, by chain.  Raises ConfigError for a file that can't be used safely."""
        vault = self._read()
        return [key for key, _ in vault.keys.values()] if vault else []

    def find(self, chain: str) -> WalletKey | None:
        """The public part of a chain's key, None where there is none."""
        return next((key for key in self.listed() if key.chain == chain), None)

    def secret(self, chain: str, passphrase: PassphraseSource) -> bytes:
        """The private key of a chain.

        Raises UsageError where there is none, ConfigError for no or a wrong passphrase, and for a key that was
        changed since it was put there.
        """
        vault = self._read()
        if vault is None or chain not in vault.keys:
            hint = f"relayclear wallet add --chain {chain} --mnemonic-file FILE"
            raise UsageError(f"the wallet file has no key for {chain}", hint=hint)
        key, sealed = vault.keys[chain]
        secret = unseal(self._key(vault, passphrase), sealed, _about(key))
        if secret is None or len(secret) != _SECRET_BYTES:
            raise self._damaged(f"the key of {chain} in {self.path} was changed since it was put there")
        return secret

    def add(self, key: WalletKey, secret: bytes, passphrase: PassphraseSource) -> None:
        """Put a key into the file, and make the file with the first.

        Raises RefusedError where the chain has a key, ConfigError for no or a wrong passphrase, HeldError where
        another process changed the file meanwhile.
        """
        before = self._read()
        # Nobody waits for the folder while a person types a passphrase.
        vault = self._new(passphrase) if before is None else before
        opened = self._key(vault, passphrase)
        with private.alone(self.path.parent, _WHY):
            now = self._read()
            if (now and now.lock) != (before and before.lock):
                raise HeldError(f"another process changed {self.path} meanwhile", hint="the same command again")
            keys = dict(now.keys) if now else {}
            if key.chain in keys:
                raise RefusedError(
                    f"the wallet file has a key for {key.chain} already, {keys[key.chain][0].address}",
                    hint=f"relayclear wallet remove --chain {key.chain}",
                    code="key_exists",
                )
            keys[key.chain] = key, seal(opened, secret, _about(key))
            self._put(replace(vault, keys=keys))

    def remove(self, chain: str) -> WalletKey:
        """Take a key out for good, and the file with the last; what it was.  Raises UsageError where there is none."""
        with private.alone(self.path.parent, _WHY):
            vault = self._read()
            if vault is None or chain not in vault.keys:
                raise UsageError(f"the wallet file has no key for {chain}", hint="relayclear wallet list")
            keys = dict(vault.keys)
            key, _ = keys.pop(chain)
            if keys:
                self._put(replace(vault, keys=keys))
            else:
                private.drop(self.path)
            return key

    def _new(self, passphrase: PassphraseSource) -> _Vault:
        lock = Lock(secrets.token_bytes(_SALT_BYTES), self._cost, _R, _P)
        key = key_of(lock, passphrase.chosen())
        self._opened = lock, key
        return _Vault(lock, seal(key, b"", _CHECK), {})

    def _key(self, vault: _Vault, passphrase: PassphraseSource) -> bytes:
        if self._opened is not None and self._opened[0] == vault.lock:
            return self._opened[1]
        key = key_of(vault.lock, passphrase.given())
        if unseal(key, vault.check, _CHECK) is None:
            raise ConfigError(
                f"this is not the passphrase of {self.path}",
                hint="one passphrase opens the whole file, that of the first key",
                code="wrong_passphrase",
            )
        self._opened = vault.lock, key
        return key

    def _read(self) -> _Vault | None:
        folder = self.path.parent
        try:
            if not folder.is_dir():
                return None
            private.refuse_open(folder, "700", _WHY)
            if not self.path.exists():
                return None
        except OSError as error:
            raise private.unusable(folder, error) from error
        raw = private.read(self.path, _LARGEST, _WHY)
        try:
            return _vault(raw)
        # What was wrong may quote what stands in the file: the cause is left out, and nothing of it is told.
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise self._damaged(f"{self.path} is no whole wallet file") from None

    def _put(self, vault: _Vault) -> None:
        private.put(self.path, _text(vault))

    def _damaged(self, message: str) -> ConfigError:
        hint = f"put back {NAME} from your backup, or move it away and add the keys from their mnemonics"
        return ConfigError(message, hint=hint, code="keys_damaged")


def _public(key: WalletKey) -> dict[str, str]:
    return {**dict(zip(_PUBLIC, key[:-1], strict=False)), "added_at": key.added_at.isoformat()}


def _about(key: WalletKey) -> bytes:
    """What the seal of a key is bound to."""
    return json.dumps(["relayclear wallet key", SCHEMA_VERSION, _public(key)], sort_keys=True).encode()


def _text(vault: _Vault) -> str:
    fields = {
        "schema_version": SCHEMA_VERSION,
        "kdf": {"name": "scrypt", **vault.lock._asdict(), "salt": _base64(vault.lock.salt)},
        "check": _seal_fields(vault.check),
        "keys": [{**_public(key), **_seal_fields(sealed)} for _, (key, sealed) in sorted(vault.keys.items())],
    }
    return json.dumps(fields, indent=1) + "\n"


def _seal_fields(sealed: Sealed) -> dict[str, str]:
    return {"nonce": _base64(sealed.nonce), "sealed": _base64(sealed.text)}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _vault(raw: bytes) -> _Vault:
    if len(raw) > _LARGEST:
        raise ValueError
    fields: dict[str, Any] = json.loads(raw)
    if (
        set(fields) != _FIELDS
        or fields["schema_version"] != SCHEMA_VERSION
        or set(fields["check"]) != {"nonce", "sealed"}
    ):
        raise ValueError
    if not isinstance(fields["keys"], list):
        raise TypeError
    keys = [_entry(entry) for entry in fields["keys"]]
    by_chain = {key.chain: (key, sealed) for key, sealed in keys}
    if len(by_chain) != len(keys):
        raise ValueError
    return _Vault(_lock(fields["kdf"]), _sealed(fields["check"]), by_chain)


def _lock(kdf: dict[str, Any]) -> Lock:
    numbers = (kdf["n"], kdf["r"], kdf["p"])
    salt = base64.b64decode(kdf["salt"], validate=True)
    bounded = kdf["n"] in _COSTS and 1 <= kdf["r"] <= _MOST_R and 1 <= kdf["p"] <= _MOST_P
    whole = all(type(number) is int for number in numbers) and len(salt) == _SALT_BYTES
    if set(kdf) != _KDF or kdf["name"] != "scrypt" or not bounded or not whole:
        raise ValueError
    return Lock(salt, *numbers)


def _entry(entry: dict[str, Any]) -> tuple[WalletKey, Sealed]:
    if set(entry) != {*_PUBLIC, "nonce", "sealed"} or not all(isinstance(value, str) for value in entry.values()):
        raise ValueError
    at = datetime.fromisoformat(entry["added_at"])
    if at.tzinfo is None:
        raise ValueError
    return WalletKey(entry["chain"], entry["address"], entry["kind"], entry["path"], at), _sealed(entry)


def _sealed(fields: dict[str, Any]) -> Sealed:
    return Sealed(*(base64.b64decode(fields[name], validate=True) for name in ("nonce", "sealed")))
