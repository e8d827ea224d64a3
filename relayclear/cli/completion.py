"""Completion with live values from the database: never from the network, never an error."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relayclear.store.journal import Journal

KNOWN_OPERATIONS = 50


def typed_so_far(environ: Mapping[str, str]) -> Sequence[str]:
    """The whole words of the line that a shell wants completed, after the program's name; empty where none does.

    Bash tells them in one variable, zsh and fish in another.  All that hangs on it is how much is loaded.
    """
    if "_RELAYCLEAR_COMPLETE" not in environ:
        return ()
    line = environ.get("COMP_WORDS") or environ.get("_TYPER_COMPLETE_ARGS", "")
    # A word that is still being typed may be the start of many: it doesn't count.
    words = line.split()[1:]
    return words if line[-1:].isspace() else words[:-1]


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


def topics(incomplete: str) -> list[tuple[str, str]]:
    """Help topics and nouns, each with its line."""
    from relayclear.cli.help_topics import TOPICS
    from relayclear.cli.nouns import NOUNS

    known = {**{name: topic.says for name, topic in TOPICS.items()}, **{name: one.says for name, one in NOUNS.items()}}
    return [(name, says) for name, says in known.items() if name.startswith(incomplete)]


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
