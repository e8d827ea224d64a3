"""The document of `packets list --json`, and its exit code."""

from __future__ import annotations

from typing import Any

from relayclear.cli.output import Exit, Rows, error_row, rfc3339, worst
from relayclear.cli.rows import packet_rows, path_row
from relayclear.usecases.listing import Listing


def exit_of(listing: Listing, *, check: bool) -> Exit:
    """3 when a path could not be read; 10 with --check when something is stuck."""
    unread = [Exit.UNREACHABLE] if not listing.reading.complete else []
    return worst([*unread, *([Exit.FOUND] if check and listing.needy else [])])


def listing_document(listing: Listing) -> dict[str, Any]:
    """The document of `packets list --json`."""
    reading = listing.reading
    return {
        "taken_at": rfc3339(reading.at),
        "packets": Rows(listing.packets, packet_rows),
        "paths": [path_row(path) for path in listing.paths],
        "chains": [
            {
                "chain": chain,
                "status": "failed" if chain in reading.failures else "ok",
                "height": reading.heads[chain].height if chain in reading.heads else None,
                "error": error_row(reading.failures[chain]) if chain in reading.failures else None,
            }
            for chain in sorted({*reading.heads, *reading.failures})
        ],
        "page": {
            "limit": listing.limit,
            "offset": listing.offset,
            "total": listing.total,
            "has_next": listing.has_next,
            "has_previous": listing.offset > 0,
        },
    }
