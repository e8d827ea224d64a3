"""The hash by which a person names a transaction where money hangs on it: whole, for the start of one is no name."""

from __future__ import annotations

import re
from collections.abc import Collection

from relayclear.errors import UsageError

_DIGITS = 64
_HASH = re.compile(f"[0-9A-F]{{{_DIGITS}}}")
_SHOWN = 80


def whole_hash(text: str, known: Collection[str] = ()) -> str:
    """The hash as the chain spells it.

    Raises UsageError for anything but 64 hex digits, naming of the `known` hashes the one that is meant, if
    only one can be.
    """
    found = text.strip().upper().removeprefix("0X")
    if _HASH.fullmatch(found):
        return found
    strange = re.sub("[0-9A-F]", "", found)
    got = f"{len(found)}" if not strange else f"{len(found)} characters, {strange[0]!r} among them"
    meant = {one for one in known if found and one.startswith(found)}
    raise UsageError(
        f"a transaction's whole hash is needed, {_DIGITS} hex digits, and {found[:_SHOWN]!r} has {got}",
        hint=f"--tx {meant.pop()}" if len(meant) == 1 else "relayclear payments list --json tells whole hashes",
        code="not_a_hash",
    )
