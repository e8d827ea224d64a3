"""What a clearing costs: a schedule of fees, gas at its margin, and the frozen quote with its shares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import ceil
from statistics import median_high
from typing import NamedTuple

from relayclear.ibc.coin import Coin
from relayclear.ibc.fate import Fate
from relayclear.ibc.packet import PacketKey
from relayclear.ibc.triage import RETURNING, UNDELIVERED, PacketClass
from relayclear.money.shares import even_shares


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """What a chain charges in one denom, in its base units: one price entry of the config.

    `dust` is the most that is not worth sending back.  Raises ValueError for a negative figure.
    """

    denom: str
    service_fee: int
    per_packet_fee: int
    refund_fee: int
    dust: int

    def __post_init__(self) -> None:
        """Refuse negative figures: a fee below zero would pay the payer."""
        if min(self.service_fee, self.per_packet_fee, self.refund_fee, self.dust) < 0:
            raise ValueError("fees can't be negative")


class Rate(NamedTuple):
    """One base unit of a gas denom is worth ``num / den`` base units of the denom `of`."""

    num: int
    den: int
    of: str


@dataclass(frozen=True, slots=True)
class PriceList:
    """What the operator charges for tokens paid on one chain: an entry per accepted denom.

    `rates` are keyed by chain and denom of the gas.  Raises ValueError for two entries of one
    denom, a margin that is negative or not a number, or a rate without two positive numbers.
    """

    chain: str
    schedules: tuple[FeeSchedule, ...]
    gas_margin: Decimal
    rates: Mapping[tuple[str, str], Rate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what would make a quote ambiguous or negative."""
        if len({schedule.denom for schedule in self.schedules}) != len(self.schedules):
            raise ValueError("two price entries for one denom")
        _not_negative(self.gas_margin)
        if any(min(rate.num, rate.den) <= 0 for rate in self.rates.values()):
            raise ValueError("a rate needs two numbers above zero")

    def schedule(self, denom: str) -> FeeSchedule | None:
        """The entry of a denom, None where it isn't accepted."""
        return next((schedule for schedule in self.schedules if schedule.denom == denom), None)


class GasSource(StrEnum):
    """Where a gas figure comes from: our own relays, or the config's `gas_per_message`."""

    MEDIAN = "median"
    CONFIGURED = "gas_per_message"


class GasBasis(NamedTuple):
    """A source, and how many relays of ours it rests on (0 for the configured figure)."""

    source: GasSource
    relays: int


def gas_per_message(recent: Sequence[int], configured: int) -> tuple[int, GasBasis]:
    """Gas units of one message: the median of recent relays of ours, else the configured figure.

    Of an even number the higher of the middle two counts, so that it is a figure that occurred.
    """
    if not recent:
        return configured, GasBasis(GasSource.CONFIGURED, 0)
    return median_high(recent), GasBasis(GasSource.MEDIAN, len(recent))


@dataclass(frozen=True, slots=True)
class GasEstimate:
    """The gas that the whole clearing burns on one chain: units, and that chain's own gas price in `denom`.

    Raises ValueError for negative units, and for a price that is negative or not a number.
    """

    chain: str
    denom: str
    units: int
    price: Decimal
    basis: GasBasis

    def __post_init__(self) -> None:
        """Refuse what would make gas a gain."""
        _not_negative(self.price)
        _not_negative(Decimal(self.units))


@dataclass(frozen=True, slots=True)
class GasCharge:
    """An estimate and what the payer is charged for it, margin included, in the paying denom.

    `charged` is None where gas of another denom has no rate: it is not charged.  `rate` is None
    where none was needed, or none is there.
    """

    estimate: GasEstimate
    rate: Rate | None
    charged: int | None


class Promise(NamedTuple):
    """What a clear of one packet is expected to come to, and what else it may (None: nothing else)."""

    key: PacketKey
    expected: Fate
    otherwise: Fate | None


def promise(key: PacketKey, packet_class: PacketClass) -> Promise:
    """What may be promised of a packet of this class.

    | class | expected | otherwise |
    |---|---|---|
    | `pending`, `in_flight`, `stuck` | `delivered` | `returned_to_sender` |
    | `timed_out`, `timeout_on_close` | `returned_to_sender` | - |
    | `ack_missing` | `acknowledged` | - |

    Raises ValueError for `async_ack`: nothing a relayer does moves it.
    """
    if packet_class in UNDELIVERED:
        return Promise(key, Fate.DELIVERED, Fate.RETURNED_TO_SENDER)
    if packet_class in RETURNING:
        return Promise(key, Fate.RETURNED_TO_SENDER, None)
    if packet_class is PacketClass.ACK_MISSING:
        return Promise(key, Fate.ACKNOWLEDGED, None)
    raise ValueError(f"{key} waits for the receiving application: there is nothing to sell")


class PacketTerm(NamedTuple):
    """A promise and its frozen share of the price."""

    key: PacketKey
    share: int
    expected: Fate
    otherwise: Fate | None


@dataclass(frozen=True, slots=True)
class Quote:
    """A price with its breakdown, frozen: later changes of the config don't touch it.

    `packet_fee` is for all packets together.  `refund_fees` holds the fee of every accepted denom,
    for a payment in another denom is sent back too.  `waived` is the reason of a clearing for
    nothing: its price and shares are 0 while the breakdown says what it would have cost.  Raises
    ValueError when the shares don't add up to the price.
    """

    chain: str
    denom: str
    service_fee: int
    packet_fee: int
    gas: tuple[GasCharge, ...]
    gas_margin: Decimal
    packets: tuple[PacketTerm, ...]
    refund_fees: tuple[Coin, ...]
    dust: int
    waived: str | None = None

    def __post_init__(self) -> None:
        """Hold the shares to the price: what is owed back is counted in shares."""
        if sum(term.share for term in self.packets) != self.price.amount:
            raise ValueError("the shares don't add up to the price")

    @property
    def gas_fee(self) -> int:
        """What is charged for gas, on all chains."""
        return sum(charge.charged or 0 for charge in self.gas)

    @property
    def full_price(self) -> Coin:
        """What the breakdown adds up to; of a waived quote, what the budget of waivers is charged."""
        return Coin(self.denom, self.service_fee + self.packet_fee + self.gas_fee)

    @property
    def price(self) -> Coin:
        """What is to be paid."""
        return Coin(self.denom, 0) if self.waived is not None else self.full_price

    @property
    def gas_basis(self) -> GasBasis:
        """The weakest basis of the gas figures: the configured one, else the median of fewest relays."""
        bases = [charge.estimate.basis for charge in self.gas]
        return min(bases, key=lambda basis: basis.relays, default=GasBasis(GasSource.CONFIGURED, 0))

    def refund_fee(self, denom: str) -> int | None:
        """The flat fee of a refund in a denom, None where the denom has no price entry."""
        return next((coin.amount for coin in self.refund_fees if coin.denom == denom), None)


def quote(
    prices: PriceList, denom: str, promises: Iterable[Promise], gas: Iterable[GasEstimate], waived: str | None = None
) -> Quote:
    """Price a clearing: ``service_fee + per_packet_fee x n + gas x gas_margin``.

    Packets stand in the order of their keys, each with an equal share rounded down, the rest on the
    last.  Raises ValueError for a denom without a price entry, for no packets, and for one named twice.
    """
    schedule = prices.schedule(denom)
    if schedule is None:
        raise ValueError(f"{denom} is not accepted on {prices.chain}")
    ordered = sorted(promises, key=lambda promise: promise.key)
    if not ordered or len({promise.key for promise in ordered}) != len(ordered):
        raise ValueError("a quote needs packets, each once")
    packet_fee = schedule.per_packet_fee * len(ordered)
    charges = tuple(_charge(estimate, prices, denom) for estimate in gas)
    total = schedule.service_fee + packet_fee + sum(charge.charged or 0 for charge in charges)
    shares = even_shares(0 if waived is not None else total, len(ordered))
    terms = tuple(
        PacketTerm(promise.key, share, promise.expected, promise.otherwise)
        for promise, share in zip(ordered, shares, strict=True)
    )
    fees = tuple(sorted(Coin(entry.denom, entry.refund_fee) for entry in prices.schedules))
    return Quote(
        prices.chain,
        denom,
        schedule.service_fee,
        packet_fee,
        charges,
        prices.gas_margin,
        terms,
        fees,
        schedule.dust,
        waived,
    )


def _charge(estimate: GasEstimate, prices: PriceList, denom: str) -> GasCharge:
    """Charge gas in the paying denom, rounded up once, after price, margin and rate.

    A coin of the same name on another chain is another coin: it needs a rate like any other.
    """
    # Fractions: a Decimal product is cut at 28 digits, and 18 decimals of a coin come near that.
    cost = estimate.units * Fraction(estimate.price) * Fraction(prices.gas_margin)
    if (estimate.chain, estimate.denom) == (prices.chain, denom):
        return GasCharge(estimate, None, ceil(cost))
    rate = prices.rates.get((estimate.chain, estimate.denom))
    if rate is None or rate.of != denom:
        return GasCharge(estimate, None, None)
    return GasCharge(estimate, rate, ceil(cost * Fraction(rate.num, rate.den)))


def _not_negative(number: Decimal) -> None:
    if not number.is_finite() or number < 0:
        raise ValueError(f"{number} is not a number of zero or more")
