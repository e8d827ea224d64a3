"""What a quote is asked with, and what is said about it beside its signed terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import SequenceRanges
from relayclear.ibc.units import Unit
from relayclear.money.fees import Quote
from relayclear.money.token import ClearingToken
from relayclear.usecases.once import Once


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """Exact `sequences` sent over a channel, or all clearable packets that `wallet` sent.

    `pay_on` and `pay_denom` None: the packets' own chain, and its first price.  `expires` in seconds,
    None for the config's.  `waive` is the reason of a clearing for nothing.  `anyway` sells also what
    only tidies up.  `who` asks, for the history.
    """

    chain: str | None
    channel: str | None
    port: str
    sequences: SequenceRanges | None
    who: str
    wallet: str | None = None
    pay_on: str | None = None
    pay_denom: str | None = None
    payer: str | None = None
    refund_to: str | None = None
    from_exchange: bool = False
    expires: int | None = None
    waive: str | None = None
    anyway: bool = False
    idempotency_key: str | None = None

    @property
    def once(self) -> Once:
        """The idempotency key with what was asked: the same words get the same answer."""
        where = (self.chain, self.channel, self.port, self.sequences, self.wallet)
        terms = (self.pay_on, self.pay_denom, self.payer, self.refund_to, self.from_exchange, self.expires)
        words = ("tokens create", *(str(word) for word in (*where, *terms, self.waive, self.anyway)))
        return Once(self.idempotency_key, words)


class NoteCode(StrEnum):
    """What the operator should know before giving a quote away."""

    DAEMON_MAY_CLEAR = "daemon_may_clear"
    DAEMON_AS_THEY_COME = "daemon_as_they_come"
    IN_FLIGHT = "in_flight"
    ACK_CANT_RETURN = "ack_cant_return"
    ARRIVED_ALREADY = "arrived_already"
    FORWARDED = "forwarded"
    GAS_NOT_CHARGED = "gas_not_charged"
    NOT_READ = "not_read"
    FIRST_KEY = "first_key"
    REPEATED = "repeated"


class Note(NamedTuple):
    """A code, the sequences it is about, and the fact behind it in a few words."""

    code: NoteCode
    sequences: tuple[int, ...] = ()
    detail: str = ""


class PayerCheck(NamedTuple):
    """Whether an account can pay: what it holds of the denom, what a payment's gas costs, what it lacks."""

    address: str
    balance: Coin
    gas: Coin
    missing: tuple[Coin, ...]

    def as_json(self) -> list[Any]:
        """For the store."""
        return [self.address, str(self.balance), str(self.gas), list(map(str, self.missing))]

    @classmethod
    def from_json(cls, value: list[Any]) -> PayerCheck:
        """Read what `as_json` wrote."""
        address, balance, gas, missing = value
        return cls(address, Coin.parse(balance), Coin.parse(gas), tuple(map(Coin.parse, missing)))


@dataclass(frozen=True, slots=True)
class Sold:
    """What a payer is told beside the signed terms: how wallets show the denom, the chain's program, its gas.

    `gas_price` is written as the program takes it, like ``0.01stake``.  `hops` maps sequences of
    packets that another chain passes on to how many hops they make in all.
    """

    unit: Unit | None = None
    program: str | None = None
    gas_price: str | None = None
    hops: Mapping[int, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For the store."""
        unit = None if self.unit is None else list(self.unit)
        hops = {str(key): value for key, value in self.hops.items()}
        return {"unit": unit, "program": self.program, "gas_price": self.gas_price, "hops": hops}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Sold:
        """Read what `as_json` wrote."""
        unit = None if value["unit"] is None else Unit(*value["unit"])
        return cls(
            unit, value["program"], value["gas_price"], {int(key): number for key, number in value["hops"].items()}
        )


@dataclass(frozen=True, slots=True)
class Issued:
    """A token that may be given away: it is signed, stored and in the quotes file."""

    token: ClearingToken
    document: str
    sold: Sold
    notes: tuple[Note, ...] = ()
    payer: PayerCheck | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be sold: the price with its breakdown, paid to whom, for how many seconds it would hold.

    `accepted` are the denoms that it could be paid in, the usual one first.
    """

    quote: Quote
    payee: str
    ttl: int
    accepted: tuple[str, ...]
    notes: tuple[Note, ...] = ()
    payer: PayerCheck | None = None


def notes_json(notes: tuple[Note, ...]) -> list[list[Any]]:
    """Notes for the store."""
    return [[note.code.value, list(note.sequences), note.detail] for note in notes]


def notes_from_json(value: list[list[Any]]) -> tuple[Note, ...]:
    """Read what `notes_json` wrote."""
    return tuple(Note(NoteCode(code), tuple(sequences), detail) for code, sequences, detail in value)
