"""What alerts by webhook are signed with: a file of mode 0600, or a systemd credential; never in the config."""

from __future__ import annotations

from pathlib import Path

from relayclear.config import private
from relayclear.errors import ConfigError

CREDENTIAL = "relayclear-webhook-secret"
SHORTEST = 16
_LARGEST = 4096
_WHY = "whoever reads it can forge alerts"
_HINT = "umask 077; openssl rand -hex 32 > FILE, and name it in [alerts] webhook_secret_file"


def hook_secret(file: Path | None, credentials: Path | None) -> bytes:
    """The secret of a named file, else of the credential in systemd's folder.

    Raises ConfigError where there is none, where others may read it, or where it is too short to be one.
    """
    credential = credentials / CREDENTIAL if credentials else None
    if file is not None:
        trusted = credentials is not None and file.is_relative_to(credentials)
        found = private.read(file, _LARGEST, _WHY, _HINT, trusted=trusted)
    elif credential is not None and credential.exists():
        found = private.read(credential, _LARGEST, _WHY, _HINT, trusted=True)
    else:
        raise ConfigError("[alerts] webhook has no secret to sign with", hint=_HINT, code="no_webhook_secret")
    secret = found.strip()
    if not SHORTEST <= len(secret) <= _LARGEST:
        raise ConfigError(
            f"the webhook's secret has {len(secret)} bytes; expected {SHORTEST} to {_LARGEST}",
            hint=_HINT,
            code="no_webhook_secret",
        )
    return secret
