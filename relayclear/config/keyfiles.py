"""The signing keys of quotes as files: one file a key id, for nobody's eyes but ours.

``quote-001.json`` holds the memo secret and the Ed25519 private key (base64) with its times.  The
folder has mode 0700, the files 0600; anything wider is refused, because whoever reads them can
issue quotes in the operator's name.  No message holds what stands in them.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from relayclear.config import private
from relayclear.errors import ConfigError, RefusedError, UsageError
from relayclear.money.issuer import SIGNING_KEY_BYTES, IssuerKey, KeyState
from relayclear.money.memo import MAX_KID, SECRET_BYTES, MemoKey

SCHEMA_VERSION = 1
_NAME = re.compile(r"quote-([0-9]{3})\.json")
_WHY = "whoever reads signing keys can issue quotes in your name"
_LARGEST = 4096
_TIMES = ("created_at", "rotated_at", "revoked_at")
_FIELDS = {"schema_version", "key_id", "memo_secret", "signing_key", *_TIMES}


class KeyFiles:
    """The `KeyRing` port over a folder; a folder that isn't there yet holds no keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def listed(self) -> list[IssuerKey]:
        """All keys by id.  Raises ConfigError for a folder or file that others may read, or that can't be."""
        try:
            if not self.folder.is_dir():
                return []
            private.refuse_open(self.folder, "700", _WHY)
            names = sorted(path.name for path in self.folder.iterdir() if _NAME.fullmatch(path.name))
        except OSError as error:
            raise private.unusable(self.folder, error) from error
        return [_read(self.folder / name) for name in names]

    def current(self) -> IssuerKey | None:
        """The key that makes quotes now: the newest that is neither rotated nor revoked."""
        live = [key for key in self.listed() if key.state is KeyState.CURRENT]
        return live[-1] if live else None

    def find(self, kid: int) -> IssuerKey | None:
        """The key of an id, None where there is none."""
        return next((key for key in self.listed() if key.kid == kid), None)

    def create(self, at: datetime, above: int = 0) -> IssuerKey:
        """Make the key that quotes are made with from now on; its id is above `above` and all there are.

        Raises RefusedError where there is one, or where all 255 ids are used.
        """
        with private.alone(self.folder, _WHY):
            found = self.current()
            if found is not None:
                raise RefusedError(
                    f"key {found.kid} makes quotes already", hint="relayclear keys rotate", code="key_exists"
                )
            return self._add(at, above)

    def rotate(self, at: datetime, above: int = 0) -> IssuerKey:
        """Make a new key; the ones before it only know their own quotes.  Raises RefusedError without one."""
        with private.alone(self.folder, _WHY):
            old = [key for key in self.listed() if key.state is KeyState.CURRENT]
            if not old:
                raise RefusedError("there is no key to rotate", hint="relayclear keys create", code="no_key")
            # The new one first: whatever happens in between, quotes can still be made.
            new = self._add(at, above)
            for key in old:
                self._put(replace(key, rotated_at=at))
            return new

    def revoke(self, kid: int, at: datetime) -> IssuerKey:
        """Mark a key as revoked; a second time changes nothing.  Raises UsageError for an unknown id."""
        with private.alone(self.folder, _WHY):
            key = self.find(kid)
            if key is None:
                raise UsageError(f"there is no key {kid}", hint="relayclear keys list")
            if key.revoked_at is None:
                key = replace(key, revoked_at=at)
                self._put(key)
            return key

    def _add(self, at: datetime, above: int) -> IssuerKey:
        kid = max([above, *(key.kid for key in self.listed())]) + 1
        if kid > MAX_KID:
            raise RefusedError(
                f"all {MAX_KID} key ids are used",
                code="no_key_left",
                hint="a new [keys] dir, with the old one kept for its tokens",
            )
        secret, signing = secrets.token_bytes(SECRET_BYTES), secrets.token_bytes(SIGNING_KEY_BYTES)
        key = IssuerKey(MemoKey(kid, secret), signing, at)
        self._put(key)
        return key

    def _put(self, key: IssuerKey) -> None:
        private.put(self.folder / f"quote-{key.kid:03}.json", _text(key))


def _text(key: IssuerKey) -> str:
    times = {name: getattr(key, name) for name in _TIMES}
    fields = {
        "schema_version": SCHEMA_VERSION,
        "key_id": key.kid,
        "memo_secret": base64.b64encode(key.memo_key.secret).decode(),
        "signing_key": base64.b64encode(key.signing_key).decode(),
        **{name: None if at is None else at.isoformat() for name, at in times.items()},
    }
    return json.dumps(fields, indent=1) + "\n"


def _read(path: Path) -> IssuerKey:
    raw = private.read(path, _LARGEST, _WHY)
    try:
        key = _key(raw)
    # What was wrong may quote what stands in the file: the cause is left out, and nothing of it is told.
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _damaged(path) from None
    match = _NAME.fullmatch(path.name)
    if match is None or int(match[1]) != key.kid:
        raise _damaged(path)
    return key


def _key(raw: bytes) -> IssuerKey:
    fields: dict[str, Any] = json.loads(raw)
    if set(fields) != _FIELDS or fields["schema_version"] != SCHEMA_VERSION or type(fields["key_id"]) is not int:
        raise ValueError
    secret, signing = (base64.b64decode(fields[name], validate=True) for name in ("memo_secret", "signing_key"))
    created, rotated, revoked = (None if fields[name] is None else _time(fields[name]) for name in _TIMES)
    if created is None:
        raise ValueError
    return IssuerKey(MemoKey(fields["key_id"], secret), signing, created, rotated, revoked)


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError
    return at


def _damaged(path: Path) -> ConfigError:
    hint = f"put back {path.name} from your backup; without it no memo of its quotes can be checked"
    return ConfigError(f"{path} is no whole key file", hint=hint, code="keys_damaged")
