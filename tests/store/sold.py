"""Tokens, payments and their keeping, short enough for a test's first lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from relayclear.clearing.operation import Operation
from relayclear.ibc.arrivals import Arrival, ArrivalKind
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd, PacketKey, SequenceRanges
from relayclear.ibc.triage import PacketClass
from relayclear.money.document import write_document
from relayclear.money.fees import promise, quote
from relayclear.money.payment import PaymentId
from relayclear.money.settlement import Allocation
from relayclear.money.token import ClearingToken, issue
from relayclear.store import operations, sales, tokens
from relayclear.store.db import Transaction
from tests.money.build import DEADLINE, KEY, NOW, PAYEE, RULES, SIGNING_KEY, prices

CHAIN = "alpha-1"
SOURCE = ChannelEnd(CHAIN, "transfer", "channel-0")
DESTINATION = ChannelEnd("beta-1", "transfer", "channel-0")
WALLET = "cosmos1wallet"
STARTED = datetime(2026, 11, 22, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    """A moment so long after everything began, by whatever clock."""
    return STARTED + timedelta(seconds=seconds)


def packet(sequence: int) -> PacketKey:
    """A packet of the one channel."""
    return PacketKey(*SOURCE, sequence)


def make(number: int = 1, sequences: Sequence[int] = (2,), at: int = 0, price: int = 100) -> ClearingToken:
    """A token issued `at` seconds after the start; `number` makes its order id."""
    promises = [promise(packet(sequence), PacketClass.STUCK) for sequence in sequences]
    sold = quote(prices(price), "stake", promises, [], None if price else "a gift")
    order_id = sha256(number.to_bytes(8, "big")).digest()[:8]
    return issue(sold, PAYEE, KEY, order_id, NOW + timedelta(seconds=at), RULES)


def keep(tx: Transaction, token: ClearingToken, wallet: str = WALLET, at: float | None = None) -> str:
    """Keep a token; its order id."""
    made_at = token.issued_at if at is None else after(at)
    return tokens.add(tx, token, write_document(token, SIGNING_KEY), wallet, made_at)


def arrive(number: int = 1, amount: int = 100, at: float = 60, **told: Any) -> Arrival:
    """An arrival `at` seconds after the start, a block a second."""
    fields: dict[str, Any] = {
        "ordinal": 0,
        "denom": "stake",
        "kind": ArrivalKind.SEND,
        "sender": "cosmos1alice",
        "senders": 1,
        "memo": "",
        "outer_memo": "",
        "packet": None,
        "signed": True,
        "channel": None,
        "chain": CHAIN,
        **told,
    }
    coin = Coin(fields.pop("denom"), amount)
    tx_hash = sha256(number.to_bytes(8, "big")).hexdigest().upper()
    return Arrival(tx_hash=tx_hash, coin=coin, height=1000 + int(at), at=after(at), **fields)


def sell(tx: Transaction, order_id: str, at: float = 61) -> str:
    """Give a paid token its operation; the operation's id."""
    operation_id = f"op-{order_id}"
    operations.add(tx, Operation(operation_id, after(at), SOURCE, DESTINATION, SequenceRanges.parse("2")))
    sales.link(tx, order_id, operation_id, after(at + DEADLINE), after(at))
    return operation_id


def allocate(arrival: Arrival) -> Allocation:
    """One payment that covers the price to the last coin."""
    return Allocation({name_of(arrival): arrival.coin.amount}, name_of(arrival), arrival.at)


def name_of(arrival: Arrival) -> PaymentId:
    """What names a payment for ever."""
    return PaymentId(*arrival.identity)
