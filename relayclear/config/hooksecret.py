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
        found = _trusted(file) if trusted else private.read(file, _LARGEST, _WHY, _HINT)
    elif credential is not None and credential.exists():
        found = _trusted(credential)
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


def _trusted(path: Path) -> bytes:
    # systemd guards its own folder, whatever the modes in it.
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST + 1)
    except OSError as error:
        raise private.unusable(path, error, _HINT) from error
