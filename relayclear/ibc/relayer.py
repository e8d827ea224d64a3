"""What is asked of a relayer program, and what it said it did: evidence, never proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import ceil

from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd, PacketKey, SequenceRanges

WORK = "clearing"  # no chain has this id: ids of chains end in a revision, or are never asked for


@dataclass(frozen=True, slots=True)
class KeyChoice:
    """The key a relayer signs with on one chain.  `address` is None where it can't be learned."""

    chain: str
    name: str
    address: str | None


def work_lock(operation_id: str) -> KeyChoice:
    """The lock that lives as long as somebody works on an operation: us, or a relayer that outlives us."""
    return KeyChoice(WORK, operation_id, None)


class DaemonHabit(StrEnum):
    """What a running daemon does with the packets of a channel end, by its config alone.

    `never`: it relays no packets, or its filter leaves the end out.  `as_they_come`: what it missed
    it takes only when it starts.  `only_new`: not even then, but for ordered channels, which it clears at
    every start whatever its config says.  `clears_too`: it looks again for what it missed, on channels that
    had events lately.
    """

    NEVER = "never"
    AS_THEY_COME = "as_they_come"
    ONLY_NEW = "only_new"
    CLEARS_TOO = "clears_too"


@dataclass(frozen=True, slots=True)
class GasTerms:
    """What the relayer pays for gas on a chain: at most `max_gas` a transaction at `price` each.

    `price` is exact, in `denom`, and includes the most that a dynamic price may rise to.
    `fee_granter` pays in the key's place where one is set.
    """

    chain: str
    denom: str
    price: Decimal
    max_gas: int
    fee_granter: str | None = None

    @property
    def worst_fee(self) -> Coin:
        """The most that one transaction can cost.

        Hermes rounds ``gas x price`` up, with the binary value of the written price: 10,000,000 x
        0.002 is 20001.
        """
        return Coin(self.denom, ceil(self.max_gas * Fraction(float(self.price))))


@dataclass(frozen=True, slots=True)
class FeeCap:
    """The most that one relay transaction may cost on a chain."""

    chain: str
    fee: Coin


@dataclass(frozen=True, slots=True)
class ClearJob:
    """Clear exactly these sequences, sent by `source`, with these keys.

    `keys` maps chain id to the key name to sign with; a chain without an entry keeps the
    configured key.  `locks` are held already and must live as long as the run, like its keys'.
    """

    source: ChannelEnd
    destination: ChannelEnd
    sequences: SequenceRanges
    keys: Mapping[str, str]
    fee_caps: tuple[FeeCap, ...] = ()
    memo: str | None = None
    locks: tuple[KeyChoice, ...] = ()


@dataclass(frozen=True, slots=True)
class RelayEvent:
    """One step that the relayer claims to have made: recv, ack or timeout of a packet."""

    step: str
    key: PacketKey


@dataclass(frozen=True, slots=True)
class RelayRun:
    """One finished run of the relayer program.

    `exit_code` is None when it did not end by itself; `ended` tells whether the process is known
    to be gone.  `complaints` are its own warnings and errors, newest last, cleaned of secrets.
    """

    version: str
    argv: tuple[str, ...]
    exit_code: int | None
    seconds: float
    ended: bool
    events: tuple[RelayEvent, ...] = ()
    complaints: tuple[str, ...] = field(default=())
    output: str = ""
