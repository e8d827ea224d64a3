"""What is shown of the picture that the scans draw, with how good that picture is."""

from __future__ import annotations

from typing import TypeVar

from relayclear.dashboard.reader import Shelf
from relayclear.dashboard.states import Found
from relayclear.dashboard.views.packet_cells import path_text
from relayclear.ibc.text import visible
from relayclear.usecases.board import Picture
from relayclear.usecases.silent import silent_chains
from relayclear.wording import counted

T = TypeVar("T")
_ROOM = 120


def pictured(shelf: Shelf, picture: Picture, value: T) -> Found[T]:
    """Say of a part of a picture how good it is: a path that can't be read fails it.

    Before a scan has found that out, open breakers may tell that nobody can look: then it is in doubt.
    """
    unread = picture.unread
    error = f"{path_text(unread[0].path)}: {visible(unread[0].error or '', _ROOM)}" if unread else None
    doubt = None if error or picture.as_of is not None else _doubt(shelf, picture)
    return Found(
        value,
        picture.good_at,
        counted(len(picture.paths), "path"),
        error,
        "relayclear doctor" if error or doubt else None,
        shelf.stale_after,
        doubt,
    )


def _doubt(shelf: Shelf, picture: Picture) -> str | None:
    shown = {end.chain for row in picture.paths for end in (row.path.source, row.path.destination)}
    silent = sorted(silent_chains(shelf.desk) & shown)
    return f"{visible(silent[0])} can't be asked now" if silent else None
