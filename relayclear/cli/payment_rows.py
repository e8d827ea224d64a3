"""Rows of payments for `--json`."""

from __future__ import annotations

from typing import Any

from relayclear.cli.output import rfc3339
from relayclear.cli.rows import coin_row, end_row
from relayclear.ibc.coin import Coin
from relayclear.money.settlement import Flaw
from relayclear.store.cursors import Cursor, Gap
from relayclear.usecases.payments_acts import Rechecked
from relayclear.usecases.payments_view import PaymentPage, PaymentView


def payment_row(view: PaymentView) -> dict[str, Any]:
    """A payment: what arrived, and what it is for; `token` is null for one of no token."""
    found, match, paid = view.stored.arrival, view.stored.match, view.paid
    return {
        "chain": found.chain,
        "tx_hash": found.tx_hash,
        "ordinal": found.ordinal,
        "amount": coin_row(found.coin),
        "to": view.stored.payee,
        "height": found.height,
        "at": rfc3339(found.at),
        "arrived_by": found.kind.value,
        "from": found.sender,
        "senders": found.senders,
        "memo": found.memo,
        "outer_memo": found.outer_memo or None,
        "packet": list(found.packet) if found.packet else None,
        "channel": end_row(found.channel) if found.channel else None,
        "token": view.token,
        "matched": None
        if match is None
        else {"how": match.how.value, "who": match.who, "reason": match.why or None, "at": rfc3339(match.at)},
        "applied": coin_row(Coin(found.coin.denom, paid.applied)) if paid else None,
        "flaws": [flaw.value for flaw in Flaw if paid and flaw in paid.flaws],
        "orphan": view.orphan.value if view.orphan else None,
        "why": view.recognition.why.value if view.recognition and view.recognition.why else None,
        "suggested_token": view.suggested,
    }


def page_row(page: PaymentPage, limit: int, offset: int) -> dict[str, Any]:
    """A page of payments, how far was read, and which gaps stop it."""
    return {
        "payments": [payment_row(view) for view in page.payments],
        "orphans": page.orphans,
        "ours_lost": page.lost,
        "page": {"limit": limit, "offset": offset, "has_next": page.has_next},
        "readings": [reading_row(cursor) for cursor in page.readings],
        "open_gaps": [gap_row(gap, is_open=True) for gap in page.gaps],
    }


def reading_row(cursor: Cursor) -> dict[str, Any]:
    """How far a payee's chain was read; `error` is what stops it."""
    return {
        "chain": cursor.chain,
        "payee": cursor.payee,
        "opening_height": cursor.opening_height,
        "read_through": cursor.read_through,
        "read_through_time": rfc3339(cursor.read_through_time),
        "read_at": rfc3339(cursor.read_at),
        "failed_at": rfc3339(cursor.failed_at),
        "error": cursor.error,
    }


def gap_row(gap: Gap, *, is_open: bool) -> dict[str, Any]:
    """Heights that no node could serve."""
    accepted = gap.accepted
    return {
        "gap": gap.id,
        "chain": gap.chain,
        "payee": gap.payee,
        "first": gap.first,
        "last": gap.last,
        "why": gap.why,
        "found_at": rfc3339(gap.found_at),
        "open": is_open,
        "accepted": None
        if accepted is None
        else {"who": accepted.who, "reason": accepted.reason, "at": rfc3339(accepted.at)},
    }


def rechecked_row(found: Rechecked, views: list[PaymentView]) -> dict[str, Any]:
    """A transaction looked at again."""
    return {
        "chain": found.chain,
        "tx_hash": found.tx_hash,
        "found": found.found.value,
        "payments": [payment_row(view) for view in views],
    }
