"""Completion with live values from the database: never from the network, never an error.

A shell starts the program anew on every tab, so that what is imported decides how long a person waits: of the
database only `names` is read, and settings are looked into for its place alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relayclear.store.db import Reads

# What is found among more by typing on; a terminal asks before it shows as many.
MOST = 50
_BUSY_SECONDS = 0.05


def chains(incomplete: str) -> list[str]:
    """Chain ids that were ever looked at."""
    return _known(incomplete, lambda reads: _names().chains(reads))


def channels(ctx: Any, incomplete: str) -> list[str]:
    """Channels that were ever looked at, of the chain already typed where there is one."""
    chain = ctx.params.get("chain") or ""
    return _known(incomplete, lambda reads: _names().channels(reads, chain))


def packets(incomplete: str) -> list[str]:
    """CHAIN/CHANNEL/, and behind it the sequences that wait there."""
    return _known(incomplete, lambda reads: _packets(reads, incomplete))


def _packets(reads: Reads, incomplete: str) -> Iterable[str]:
    known: list[str] = [f"{path}/" for path in _names().paths(reads)]
    chosen = [path for path in known if incomplete.startswith(path)]
    if not chosen:
        return known
    chain, *port, channel = chosen[0].rstrip("/").split("/")
    found: list[int] = _names().waiting(reads, chain, port[0] if port else "transfer", channel, MOST)
    return [f"{chosen[0]}{sequence}" for sequence in found]


def paths(incomplete: str) -> list[str]:
    """CHAIN/CHANNEL, which stands for all its packets."""
    return _known(incomplete, lambda reads: _names().paths(reads))


def muted(incomplete: str) -> list[str]:
    """What is muted now."""
    from datetime import UTC, datetime

    from relayclear.ibc.instant import rfc3339

    return _known(incomplete, lambda reads: _names().mutes(reads, rfc3339(datetime.now(UTC)), MOST))


def operations(incomplete: str) -> list[str]:
    """The newest operations."""
    return _known(incomplete, lambda reads: _names().operations(reads, MOST))


def work(incomplete: str) -> list[str]:
    """What may be tried again: tasks that were given up, and the newest operations."""
    return _known(incomplete, lambda reads: _names().given_up(reads, MOST) + _names().operations(reads, MOST))


def tokens(incomplete: str) -> list[str]:
    """The newest tokens."""
    return _known(incomplete, lambda reads: _names().tokens(reads, MOST))


def payments(incomplete: str) -> list[str]:
    """The newest payments, by their transactions."""
    return _known(incomplete, lambda reads: _names().payments(reads, MOST))


def gaps(incomplete: str) -> list[str]:
    """Gaps that nobody has accepted."""
    return _known(incomplete, lambda reads: _names().open_gaps(reads, MOST))


def keys(incomplete: str) -> list[str]:
    """Keys that ever signed a quote."""
    return _known(incomplete, lambda reads: _names().keys(reads, MOST))


def refunds(incomplete: str) -> list[str]:
    """Refunds that were decided, the newest, and what is owed of the oldest payments."""
    return _known(incomplete, _refund_ids)


def _refund_ids(reads: Reads) -> Iterable[str]:
    from relayclear.store import dues

    owed = [due.payment for due in dues.page(reads, MOST)]
    decided: list[str] = _names().refunds(reads, MOST)
    if not owed:
        return decided
    # An id is made of the payment, so what is only owed has one too; making it loads more.
    from relayclear.money.refunds import refund_id
    from relayclear.store.refunds import of_payment

    return [refund_id(payment, len(of_payment(reads, payment)) + 1) for payment in owed] + decided


def breakers(incomplete: str) -> list[str]:
    """Those that were open lately."""
    return _known(incomplete, lambda reads: _names().breakers(reads))


def classes(incomplete: str) -> list[str]:
    """Classes of packets."""
    from relayclear.ibc.triage import PacketClass

    return _starting(incomplete, PacketClass)


def reasons(incomplete: str) -> list[str]:
    """What may be in a packet's way."""
    from relayclear.ibc.triage import BlockReason

    return _starting(incomplete, BlockReason)


def operation_states(incomplete: str) -> list[str]:
    """States of operations."""
    from relayclear.clearing.operation import OperationState

    return _starting(incomplete, OperationState)


def token_states(incomplete: str) -> list[str]:
    """States of tokens."""
    from relayclear.money.state import TokenState

    return _starting(incomplete, TokenState)


def refund_states(incomplete: str) -> list[str]:
    """States of refunds."""
    from relayclear.money.refund_state import RefundState

    return _starting(incomplete, RefundState)


def topics(incomplete: str) -> list[tuple[str, str]]:
    """Help topics and nouns, each with its line."""
    from relayclear.cli.help_topics import TOPICS
    from relayclear.cli.nouns import NOUNS

    known = {**{name: topic.says for name, topic in TOPICS.items()}, **{name: one.says for name, one in NOUNS.items()}}
    return [(name, says) for name, says in known.items() if name.startswith(incomplete)]


def _names() -> Any:
    from relayclear.store import names

    return names


def _starting(incomplete: str, words: Iterable[str]) -> list[str]:
    return [str(word) for word in words if word.startswith(incomplete)]


def _known(incomplete: str, names: Callable[[Reads], Iterable[str]]) -> list[str]:
    # A shell waits for this on every tab: whatever is wrong, it says nothing and offers nothing.
    try:
        from relayclear.store.db import open_database

        with open_database(_place(), read_only=True, busy_seconds=_BUSY_SECONDS) as database:
            return sorted({name for name in names(database) if name.startswith(incomplete)})
    except Exception:  # noqa: BLE001 - see above
        return []


def _place() -> Any:
    """The database that the command would use which is being typed: its own --db and --config count too."""
    from pathlib import Path

    from relayclear.cli.typed import hoisted, typed_so_far
    from relayclear.config.finding import database_place

    options = hoisted(typed_so_far(os.environ))[0]
    given = {}
    for at, word in enumerate(options):
        name, found, value = word.partition("=")
        given[name] = value if found else (options[at + 1 : at + 2] or [""])[0]
    config = given.get("--config")
    return database_place(Path(config) if config else None, os.environ, {"store.url": given.get("--db")})
