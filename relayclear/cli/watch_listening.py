"""Where the daemon tells health and metrics, and the token that whoever asks needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relayclear.config import private
from relayclear.errors import ConfigError
from relayclear.watch import Listen

if TYPE_CHECKING:
    from pathlib import Path

    from relayclear.config.settings import Settings

_LARGEST_TOKEN = 1024
_WHERE = "check [watch] token_file"


def listen_of(settings: Settings) -> Listen | None:
    """Where to tell health and metrics.  Raises ConfigError for a token that others may read."""
    chosen = settings.watch
    if not chosen.listen:
        return None
    return Listen(chosen.listen, None if chosen.token_file is None else _token(chosen.token_file))


def _token(file: Path) -> str:
    raw = private.read(file, _LARGEST_TOKEN, "whoever reads it can read health and metrics", _WHERE)
    token = raw.decode("ascii", "replace").strip()
    if len(raw) > _LARGEST_TOKEN or not token.isprintable() or " " in token:
        raise ConfigError(
            f"{file} holds no token: one line of letters, digits and signs",
            code="no_token",
            hint="head -c 32 /dev/urandom | base64 > TOKEN_FILE",
        )
    return token
