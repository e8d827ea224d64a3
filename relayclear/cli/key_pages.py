"""Signing keys as people and programs see them; never their secrets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from relayclear.cli.face import Face
from relayclear.cli.output import console, rfc3339
from relayclear.cli.tables import Cell, Column, print_table
from relayclear.usecases.keys import KeyView
from relayclear.wording import moment
from relayclear.wording.selling import KEYS


def print_keys(face: Face, keys: Iterable[KeyView]) -> None:
    """Print signing keys, one a line."""
    rows = [
        [
            Cell(str(view.key.kid)),
            Cell(f"{KEYS[view.key.state].glyph} {KEYS[view.key.state].word}", KEYS[view.key.state].style),
            Cell(view.key.fingerprint),
            Cell(moment(view.key.created_at)),
            Cell(moment(view.needed_until) if view.needed_until else "no quote"),
        ]
        for view in keys
    ]
    columns = (
        Column("key", right=True),
        Column("state"),
        Column("fingerprint"),
        Column("made", drop=2),
        Column("needed until", drop=1),
    )
    print_table(console(face.color), columns, rows)


def key_view_row(view: KeyView) -> dict[str, Any]:
    """A signing key; never its secrets."""
    key = view.key
    return {
        "key_id": key.kid,
        "state": key.state.value,
        "fingerprint": key.fingerprint,
        "created_at": rfc3339(key.created_at),
        "rotated_at": rfc3339(key.rotated_at),
        "revoked_at": rfc3339(key.revoked_at),
        "needed_until": rfc3339(view.needed_until),
    }
