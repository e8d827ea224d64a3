"""A database with as many sales as a busy operator has after years, and every list there is over it.

`python -m tests.store.many PATH COUNT` makes one and says how long each list takes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from statistics import median
from time import perf_counter

from relayclear.ibc.packet import ChannelEnd, PacketKey
from relayclear.ibc.triage import PacketClass
from relayclear.money.document import write_document
from relayclear.money.fees import promise, quote
from relayclear.money.ledger import Place
from relayclear.money.token import ClearingToken, issue
from relayclear.store import (
    attempts,
    cursors,
    history,
    ledger,
    operations,
    payments,
    sales,
    token_states,
    tokens,
)
from relayclear.store.db import Database, Reads, Transaction, Value, open_database
from relayclear.store.history import Search
from relayclear.store.values import time_text
from tests.money.build import KEY, PAYEE, RULES, SIGNING_KEY, prices
from tests.store.sold import after, packet

CHAINS = ("alpha-1", "beta-1", "gamma-1")
# Every so many sales another wallet, another channel; one of so many tokens was never paid.
WALLETS, CHANNELS, UNPAID = 5000, 200, 10
OPEN = 40
APART = 60  # seconds between two sales
# Sold at once in memory; and in one commit: each writes most pages of the indexes of random keys anew.
_BATCH, _COMMIT = 20_000, 500_000

Rows = Iterable[Sequence[Value]]


@dataclass(frozen=True)
class Sold:
    """One of many: its number, and what follows from it."""

    number: int
    count: int
    told: dict[float, str] = field(default_factory=dict)

    @cached_property
    def order_id(self) -> str:
        """16 characters that are spread like random ones."""
        return sha256(self.number.to_bytes(8, "big")).hexdigest()[:16]

    @cached_property
    def hash(self) -> str:
        """The payment's transaction."""
        return sha256(self.number.to_bytes(9, "big")).hexdigest().upper()

    @property
    def chain(self) -> str:
        """Where it was paid."""
        return CHAINS[self.number % len(CHAINS)]

    @property
    def wallet(self) -> str:
        """Whose packet it was."""
        return f"cosmos1wallet{self.number % WALLETS}"

    @property
    def end(self) -> tuple[str, str, str]:
        """Where the packet was sent."""
        return self.chain, "transfer", f"channel-{self.number % CHANNELS}"

    @property
    def packet(self) -> tuple[str, str, str, int]:
        """The packet."""
        return *self.end, self.number + 1

    @cached_property
    def token(self) -> ClearingToken:
        """What was sold: one packet, for 100stake."""
        price = replace(prices(100), chain=self.chain)
        promises = [promise(PacketKey(*self.packet), PacketClass.STUCK)]
        issued_at = after(self.number * APART)
        return issue(quote(price, "stake", promises, []), PAYEE, KEY, bytes.fromhex(self.order_id), issued_at, RULES)

    @cached_property
    def operation_id(self) -> str:
        """The work's id."""
        return f"op-{self.order_id}"

    @property
    def payment(self) -> tuple[str, str, int, str]:
        """The payment's identity."""
        return self.chain, self.hash, 0, "stake"

    @cached_property
    def state(self) -> str:
        """Where the token stands in the end; the newest few are under way."""
        if self.number >= self.count - OPEN:
            return ("open", "clearing")[self.number % 2]
        return "expired" if self.number % UNPAID == 0 else "cleared"

    @property
    def paid(self) -> bool:
        """Whether it was paid."""
        return self.state in {"clearing", "cleared"}

    @property
    def ended(self) -> bool:
        """Whether its work ended."""
        return self.state == "cleared"

    def at(self, seconds: float = 0) -> str:
        """A moment of its life, as the database writes it."""
        if seconds not in self.told:
            self.told[seconds] = time_text(after(self.number * APART + seconds))
        return self.told[seconds]


def fill(database: Database, count: int) -> None:
    """Write `count` sales, oldest first, in commits of many.

    What a crash in the middle would cost is this database, so nothing waits for the disk; rows that
    point nowhere are for `Database.integrity` to find afterwards.
    """
    for setting in ("synchronous = OFF", "foreign_keys = OFF", "cache_size = -4000000"):
        database.rows(f"PRAGMA {setting}")
    with database.atomic() as tx:
        for chain in CHAINS:
            cursors.begin(tx, chain, PAYEE, 1, after(0), {}, after(0))
    for first in range(0, count, _COMMIT):
        with database.atomic() as tx:
            for start in range(first, min(first + _COMMIT, count), _BATCH):
                _add(tx, [Sold(number, count) for number in range(start, min(start + _BATCH, count))])
    for setting in ("synchronous = FULL", "foreign_keys = ON", "cache_size = -2000"):
        database.rows(f"PRAGMA {setting}")


def _add(tx: Transaction, some: list[Sold]) -> None:
    _add_operations(tx, some)
    _add_tokens(tx, some)
    _add_payments(tx, [sold for sold in some if sold.paid])
    _add_work(tx, [sold for sold in some if sold.paid])
    _add_books(tx, some)


def _add_operations(tx: Transaction, some: list[Sold]) -> None:
    far = ("delta-1", "transfer", "channel-9")
    worked = [sold for sold in some if sold.ended]
    each(tx, operations.ADD_OPERATION, ((s.operation_id, s.at(70), *s.end, *far, str(s.number + 1)) for s in some))
    each(tx, operations.SET_OPEN, ((s.operation_id,) for s in some if s.state == "clearing"))
    each(tx, attempts.ADD_ATTEMPT, ((s.operation_id, 1, s.at(71), '["hermes"]') for s in worked))
    each(
        tx,
        attempts.ADD_BEFORE,
        ((s.operation_id, 1, s.number + 1, 0, "stuck", b"c" * 32, "{}", None) for s in worked),
    )
    each(
        tx,
        attempts.ADD_RUN,
        ((s.operation_id, 1, "1.10.5", "[]", 0, 1.7, 1, "[]", "[]", "Success" * 9) for s in worked),
    )
    each(tx, attempts.ADD_END, ((s.operation_id, 1, s.at(80), "[]") for s in worked))
    each(
        tx,
        attempts.ADD_AFTER,
        ((s.operation_id, 1, s.number + 1, 0, "delivered", "us", 0, 1, 1, "{}", None) for s in worked),
    )
    moved = ("recv", "AB" * 32, 900, None, "cosmos1ours", "[]", 90_000, None)
    each(tx, attempts.ADD_TX, ((s.operation_id, 1, s.number + 1, 0, "delta-1", *moved) for s in worked))


def _add_tokens(tx: Transaction, some: list[Sold]) -> None:
    each(tx, tokens.ADD_SOLD, (_kept(sold) for sold in some))
    each(tx, tokens.ADD_PACKET, ((s.order_id, *s.packet) for s in some))
    each(tx, token_states.BEGIN, ((s.state, s.state, s.at(81), s.order_id) for s in some))
    past = [(s, *life) for s in some for life in _lives(s)]
    each(
        tx,
        token_states.ADD_PAST,
        (
            (s.order_id, state, s.at(since), s.at(until), (until - since).bit_length())
            for s, state, since, until in past
        ),
    )


def _kept(sold: Sold) -> tuple[Value, ...]:
    token = sold.token
    name = (sold.order_id, token.memo, token.ref.kid)
    price = (sold.chain, token.quote.denom, token.payee, str(token.quote.price.amount))
    times = tuple(time_text(at) for at in (token.issued_at, token.expires_at, token.grace_ends_at))
    return *name, *price, *times, sold.wallet, "issued", sold.at(), write_document(token, SIGNING_KEY)


def _lives(sold: Sold) -> list[tuple[str, int, int]]:
    if not sold.paid:
        return [] if sold.state == "open" else [("open", 0, 81)]
    lived = [("open", 0, 60), ("paid", 60, 71)]
    return [*lived, ("clearing", 71, 81)] if sold.ended else lived


def _add_payments(tx: Transaction, some: list[Sold]) -> None:
    each(
        tx,
        payments.ADD_PAYMENT.partition("ON CONFLICT")[0],
        (
            (*s.payment, PAYEE, "100", s.number, s.at(60), "send", s.wallet, 1, s.order_id, "", None, None, 1, s.at(61))
            for s in some
        ),
    )
    each(
        tx,
        payments.ADD_MATCH,
        ((*s.payment, s.order_id, "memo", "watch", "", s.at(61)) for s in some if s.number % 1000),
    )
    each(tx, payments.ADD_ORPHAN, ((*s.payment, "orphan", s.at(60)) for s in some if not s.number % 1000))


def _add_work(tx: Transaction, some: list[Sold]) -> None:
    ended = [sold for sold in some if sold.ended]
    each(tx, sales.ADD_SALE, ((s.order_id, s.operation_id, s.at(61)) for s in some))
    each(
        tx,
        sales.ADD_START,
        ((s.order_id, s.at(71), s.at(60), s.at(7260), *s.payment[1:]) for s in some),
    )
    each(tx, sales.ADD_ALLOCATION, ((s.order_id, *s.payment, "100") for s in some))
    each(tx, sales.SET_OPEN, ((s.at(7260), s.order_id) for s in some if not s.ended))
    each(tx, sales.ADD_END, ((s.order_id, s.at(81), "cleared") for s in ended))
    verdict = ("earned", "cleared_by_us", "us", "AB" * 32)
    each(
        tx,
        sales.ADD_VERDICT,
        ((s.order_id, *s.packet, *verdict, s.at(75), "rules", s.at(81)) for s in ended),
    )


def _add_books(tx: Transaction, some: list[Sold]) -> None:
    paid = [sold for sold in some if sold.paid]
    each(
        tx,
        "INSERT INTO entries (id, chain, denom, kind, ref, order_id, booked_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        ((s.number + 1, s.chain, "stake", "payment", s.hash, s.order_id, s.at(61)) for s in paid),
    )
    each(
        tx,
        ledger.ADD_POSTING,
        (
            (s.number + 1, account, s.chain, "stake", "100", str(100 * s.number), s.at(61))
            for s in paid
            for account in ("received", "held", "balance")
        ),
    )
    each(
        tx,
        ledger.SET_TOTAL,
        (
            (s.chain, "stake", account, str(100 * s.number), s.number + 1)
            for s in paid[-len(CHAINS) :]
            for account in ("received", "held", "balance")
        ),
    )
    told = [("ann", "token_created", 0), ("watch", "payment_matched", 61), ("watch", "token_cleared", 81)]
    each(
        tx,
        history.ADD_EVENT.partition("RETURNING")[0],
        (
            (s.at(seconds), who, what, s.order_id, s.operation_id, s.wallet, None, '{"price":"100stake"}')
            for s in some
            for who, what, seconds in told
        ),
    )


def each(tx: Transaction, sql: str, rows: Rows) -> None:
    """Run a statement for every row."""
    tx.execute_each(sql, rows)


def lists(count: int) -> Mapping[str, Callable[[Reads], object]]:
    """Every list and filter of the room, by what it shows, over a database of `count` sales."""
    middle = Sold(count // 2 + 1, count)
    then = after(middle.number * APART + 75)
    end = ChannelEnd(*middle.end)
    wallet = middle.wallet
    return {
        "operations": lambda reads: operations.page(reads, 50),
        "operations, page 20": lambda reads: operations.page(reads, 50, 1000),
        "operations of a chain": lambda reads: operations.page(reads, 50, source=middle.chain),
        "operations of a channel": lambda reads: operations.page(reads, 50, source=end),
        "operations of a moment": lambda reads: operations.page(reads, 50, as_of=then),
        "operations not ended": operations.unfinished,
        "operations by the start of an id": lambda reads: operations.find(reads, middle.operation_id[:12]),
        "tokens": lambda reads: tokens.page(reads, 50),
        "tokens of a chain": lambda reads: tokens.page(reads, 50, chain="beta-1"),
        "tokens of a chain that sells nothing": lambda reads: tokens.page(reads, 50, chain="delta-1"),
        "tokens of a wallet": lambda reads: tokens.page(reads, 50, wallet=wallet),
        **{
            f"tokens that are {state}": _of_state(state) for state in ("open", "clearing", "cleared", "expired", "paid")
        },
        "tokens of three states": lambda reads: tokens.page(reads, 50, states=["open", "cleared", "expired"]),
        "open tokens of a chain": lambda reads: tokens.page(reads, 50, states=["open"], chain="beta-1"),
        "cleared tokens of a wallet": lambda reads: tokens.page(reads, 50, states=["cleared"], wallet=wallet),
        "tokens of a moment": lambda reads: tokens.page(reads, 50, as_of=then),
        **{f"tokens that were {state}": _of_state(state, then) for state in ("open", "clearing", "cleared", "paid")},
        "a token by the start of its memo": lambda reads: tokens.find(reads, middle.token.memo[:12]),
        "tokens on a packet": lambda reads: tokens.open_of_packet(reads, packet(2), then),
        "open tokens of a wallet, counted": lambda reads: tokens.count_open(reads, wallet, then),
        "tokens of the last hour, counted": lambda reads: tokens.count_since(reads, after((count - 60) * APART)),
        "payments": lambda reads: payments.page(reads, 50),
        "payments, page 20": lambda reads: payments.page(reads, 50, 1000),
        "payments of a chain": lambda reads: payments.page(reads, 50, chain="gamma-1"),
        "payments of a sender": lambda reads: payments.page(reads, 50, sender=wallet),
        "payments of a token": lambda reads: payments.of_token(reads, middle.order_id),
        "a payment by its hash": lambda reads: payments.find(reads, middle.hash),
        "orphans": lambda reads: payments.orphans(reads, 50),
        "orphans of a chain": lambda reads: payments.orphans(reads, 50, chain="alpha-1"),
        "sales not ended": sales.open_sales,
        "sales that are due": lambda reads: sales.due(reads, "alpha-1", then),
        "a sale": lambda reads: (sales.find(reads, middle.order_id), sales.verdicts(reads, middle.order_id)),
        "the books": ledger.books,
        "the books of a moment": lambda reads: ledger.book(reads, Place("alpha-1", "stake"), then),
        "bookings of a token": lambda reads: ledger.of_token(reads, middle.order_id),
        "history": lambda reads: history.page(reads, 50),
        "history since": lambda reads: history.page(reads, 50, search=Search(since=then)),
        "history until": lambda reads: history.page(reads, 50, search=Search(until=then)),
        "history of a token": lambda reads: history.page(reads, 50, search=Search(order_id=middle.order_id)),
        "history of an operation": lambda reads: history.page(
            reads, 50, search=Search(operation_id=middle.operation_id)
        ),
        "history of a wallet": lambda reads: history.page(reads, 50, search=Search(wallet=wallet)),
        "history of a wallet since": lambda reads: history.page(reads, 50, search=Search(wallet=wallet, since=then)),
    }


def _of_state(state: str, as_of: datetime | None = None) -> Callable[[Reads], object]:
    return lambda reads: tokens.page(reads, 50, states=[state], as_of=as_of)


def steps(database: Database, shown: Callable[[Reads], object]) -> int:
    """How many hundred steps of SQLite's machine a list takes: its work, however busy this machine is."""
    counted = [0]

    def count() -> None:
        counted[0] += 1

    database._connection.set_progress_handler(count, 100)
    try:
        shown(database)
    finally:
        database._connection.set_progress_handler(None, 0)
    return counted[0]


def times(database: Database, count: int, rounds: int = 5) -> Iterator[tuple[str, float, float]]:
    """Each list with its first and its median time, in seconds."""
    for name, shown in lists(count).items():
        took = []
        for _ in range(rounds):
            began = perf_counter()
            with database.snapshot() as reads:
                shown(reads)
            took.append(perf_counter() - began)
        yield name, took[0], median(took)


def main(path: Path, count: int) -> None:
    """Make the database where there is none, and print how long each list takes."""
    fresh = not path.exists()
    with open_database(path) as database:
        if fresh:
            began = perf_counter()
            fill(database, count)
            print(f"{count} sales in {perf_counter() - began:.0f} s")
        for name, first, middle in times(database, count):
            print(f"{name:<40} first {first * 1000:7.1f} ms, median {middle * 1000:7.1f} ms")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
