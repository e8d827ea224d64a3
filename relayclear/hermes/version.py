"""Which Hermes versions may be driven, and why not the others."""

from __future__ import annotations

import re

from relayclear.errors import HermesError, RefusedError

Version = tuple[int, int, int]

_PRINTED = re.compile(r"^hermes v?(\d{1,5})\.(\d{1,5})\.(\d{1,5})(?![\d.])", re.MULTILINE)
_OLDEST: Version = (1, 8, 2)
_WRONG_CHANNEL: Version = (1, 8, 1)


def parse_version(printed: str) -> Version:
    """Read what ``hermes version`` prints: ``hermes 1.10.5+0a1b2c3``.  Raises HermesError for anything else."""
    match = _PRINTED.search(printed)
    if match is None:
        said = f"it says {printed.strip()[:80]!r}" if printed.strip() else "it says nothing"
        hint = "hermes version, and look at [hermes] command"
        raise HermesError(f"this is no Hermes that we know: {said}", hint=hint)
    major, minor, patch = match.groups()
    return int(major), int(minor), int(patch)


def refuse_unusable(version: Version) -> None:
    """Raise RefusedError for a version that can't clear exact sequences, or clears wrong ones."""
    text = ".".join(map(str, version))
    hint = "install Hermes 1.8.2 or newer, 1.10.5 for example"
    if version == _WRONG_CHANNEL:
        raise RefusedError(f"Hermes {text} can clear packets of the wrong channel (its issue 3889)", hint=hint)
    if version < _OLDEST:
        raise RefusedError(f"Hermes {text} is too old to clear exact sequences", hint=hint)
