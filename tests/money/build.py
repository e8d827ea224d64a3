"""Tokens, payments and keys to test with: price 100 for two packets unless a test says otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from relayclear.ibc.packet import PacketKey
from relayclear.ibc.triage import PacketClass
from relayclear.money.fees import FeeSchedule, PriceList, promise, quote
from relayclear.money.memo import MemoKey
from relayclear.money.payment import Payment, PaymentId
from relayclear.money.settlement import Settlement, settle
from relayclear.money.token import ClearingToken, SaleRules, issue

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TTL, GRACE, DEADLINE = 3600, 86_400, 7200
EXPIRY = NOW + timedelta(seconds=TTL)
KEY = MemoKey(7, bytes(range(32)))
RULES = SaleRules("desk-1", TTL, GRACE, DEADLINE)
PAYEE = "cosmos1payee"
SIGNING_KEY = b"s" * 32


def keys(count: int) -> list[PacketKey]:
    """The first packets of one channel."""
    return [PacketKey("alpha-1", "transfer", "channel-0", sequence) for sequence in range(1, count + 1)]


def prices(price: int, refund_fee: int = 2) -> PriceList:
    """A list on which everything costs `price`, with a second accepted denom."""
    schedules = (FeeSchedule("stake", price, 0, refund_fee, 0), FeeSchedule("uatom", price, 0, 1, 0))
    return PriceList("alpha-1", schedules, Decimal("1.5"))


def token(price: int = 100, packets: int = 2, refund_fee: int = 2, waived: str | None = None) -> ClearingToken:
    """A token of one channel's first packets, issued at NOW."""
    promises = [promise(key, PacketClass.STUCK) for key in keys(packets)]
    return issue(quote(prices(price, refund_fee), "stake", promises, [], waived), PAYEE, KEY, b"order--1", NOW, RULES)


def refunded_to(address: str) -> ClearingToken:
    """The usual token with a refund address."""
    return replace(token(), refund_to=address)


def after(seconds: int) -> datetime:
    """A block time so long after the token's issue."""
    return NOW + timedelta(seconds=seconds)


def pay(
    amount: int, name: str = "alice", at: int = 60, denom: str = "stake", chain: str = "alpha-1", **how: object
) -> Payment:
    """A payment `at` seconds after the issue, a block a second; `name` names sender and transaction."""
    fields: dict[str, Any] = {"sender": f"cosmos1{name}", **how}
    return Payment(PaymentId(chain, f"TX-{name}-{at}", 0, denom), amount, 1000 + at, after(at), **fields)


def settled(sold: ClearingToken, *payments: Payment, honours_late: bool = False) -> Settlement:
    """The settlement of payments of which nothing has gone back."""
    return settle(sold, payments, {}, after(10**6), honours_late=honours_late)
