"""Completion with live values from the database: never from the network, never an error."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relayclear.store.journal import Journal

KNOWN_OPERATIONS = 50


def chains(incomplete: str) -> list[str]:
    """Chain ids that were ever looked at."""
    return _from_journal(incomplete, lambda journal: {end.chain for end in journal.last_readings()})


def channels(ctx: Any, incomplete: str) -> list[str]:
    """Channels that were ever looked at, of the chain already typed where there is one."""
    chain = ctx.params.get("chain")
    return _from_journal(
        incomplete, lambda journal: {end.channel for end in journal.last_readings() if chain in {None, end.chain}}
    )


def packets(incomplete: str) -> list[str]:
    """CHAIN/CHANNEL/ to which a sequence is added."""
    return _from_journal(incomplete, lambda journal: {f"{end}/" for end in journal.last_readings()})


def operations(incomplete: str) -> list[str]:
    """The newest operations."""
    return _from_journal(incomplete, lambda journal: {item.id for item in journal.operations(KNOWN_OPERATIONS)})


def tokens(incomplete: str) -> list[str]:
    """The newest tokens."""
    return _from_journal(incomplete, _memos)


def _memos(journal: Journal) -> Iterable[str]:
    from relayclear.store.tokens import page

    return {stored.token.memo for stored in page(journal.database, KNOWN_OPERATIONS)}


def refunds(incomplete: str) -> list[str]:
    """Refunds that were decided, the newest, and what is owed of the oldest payments."""
    return _from_journal(incomplete, _refund_ids)


def _refund_ids(journal: Journal) -> Iterable[str]:
    from relayclear.money.refunds import refund_id
    from relayclear.store import dues
    from relayclear.store.refunds import of_payment, page

    owed = [due.payment for due in dues.page(journal.database, KNOWN_OPERATIONS)]
    open_ones = {refund_id(payment, len(of_payment(journal.database, payment)) + 1) for payment in owed}
    return open_ones | {refund.id for refund in page(journal.database, KNOWN_OPERATIONS)}


def breakers(incomplete: str) -> list[str]:
    """Those that were open lately."""
    return _from_journal(incomplete, _breaker_names)


def _breaker_names(journal: Journal) -> Iterable[str]:
    from relayclear.store.breakers import every

    return {one.name for one in every(journal.database)}


def topics() -> list[str]:
    """Help topics."""
    return ["demo", "environment", "exit-codes", "json", "keys", "money"]


def _from_journal(incomplete: str, names: Callable[[Journal], Iterable[str]]) -> list[str]:
    # A shell waits for this on every tab: whatever is wrong, it says nothing and offers nothing.
    try:
        from relayclear.config.loading import load
        from relayclear.store.db import open_database
        from relayclear.store.journal import Journal

        settings = load(config_path=None, env=os.environ, flags={})
        with open_database(settings.database, read_only=True) as database:
            return sorted(name for name in names(Journal(database)) if name.startswith(incomplete))
    except Exception:  # noqa: BLE001 - see above
        return []
