"""A mnemonic in a file, which only its owner may read."""

from __future__ import annotations

from pathlib import Path

from relayclear.config import private
from relayclear.errors import UsageError

_LARGEST = 4096
_WHY = "whoever reads a mnemonic owns its coins"


def read_mnemonic(path: Path) -> str:
    """Its words as they stand there.  Raises ConfigError for a file that others may read, UsageError for no text."""
    raw = private.read(path, _LARGEST, _WHY, "name a file of yours with --mnemonic-file")
    if len(raw) > _LARGEST or not raw.isascii():
        # What stands in it is nobody's business, least of all an error's.
        raise UsageError(f"{path} holds no English mnemonic", hint="12 to 24 words, with spaces or lines between them")
    return raw.decode("ascii")
