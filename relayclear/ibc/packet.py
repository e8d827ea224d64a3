"""Packets, channel ends, relay paths and lists of sequences."""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from operator import itemgetter
from typing import NamedTuple

from relayclear.ibc.coin import Coin

MAX_SEQUENCE = 2**64 - 1
# ICS-20 amounts are unsigned 256-bit numbers in decimal; Python's int() would take far more forms.
_AMOUNT = re.compile(r"[0-9]{1,78}")
_HEIGHT = re.compile(r"([0-9]{1,20})-([0-9]{1,20})")
_MAX_WORD = 2**64 - 1


class Ordering(StrEnum):
    """How a channel delivers: in any order, or strictly one after the other."""

    UNORDERED = "unordered"
    ORDERED = "ordered"


class ChannelState(StrEnum):
    """State of a channel or connection end; the flushing ones exist in ibc-go v8.1 to v9 only."""

    INIT = "init"
    TRYOPEN = "tryopen"
    OPEN = "open"
    CLOSED = "closed"
    FLUSHING = "flushing"
    FLUSHCOMPLETE = "flushcomplete"
    UNKNOWN = "unknown"


class ChannelEnd(NamedTuple):
    """One end of a channel, on one chain."""

    chain: str
    port: str
    channel: str

    def __str__(self) -> str:
        """Write it as people paste it; the port only where it isn't the usual one."""
        return f"{self.chain}/{self.channel}" if self.port == "transfer" else f"{self.chain}/{self.port}/{self.channel}"


class PacketKey(NamedTuple):
    """What names a packet for ever: the sending end and the sequence."""

    chain: str
    port: str
    channel: str
    sequence: int

    @property
    def end(self) -> ChannelEnd:
        """The channel end that sent it."""
        return ChannelEnd(self.chain, self.port, self.channel)

    def __str__(self) -> str:
        """Write ``chain/channel/sequence``, as ``packets show`` takes it."""
        return f"{self.end}/{self.sequence}"


@dataclass(frozen=True, slots=True)
class RelayPath:
    """One direction of a channel: packets sent by `source`, received by `destination`.

    `source_client` lives on the source chain and follows the destination (needed for timeouts and
    acknowledgements); `destination_client` lives on the destination and follows the source
    (needed for delivery).
    """

    source: ChannelEnd
    destination: ChannelEnd
    ordering: Ordering
    version: str
    source_connection: str
    destination_connection: str
    source_client: str
    destination_client: str

    @property
    def is_ics20(self) -> bool:
        """Whether the channel carries coins (ICS-20), also under a fee or other middleware."""
        return self.source.port == "transfer" or "ics20-1" in self.version

    def reversed(self) -> RelayPath:
        """The other direction of the same channel."""
        return RelayPath(
            self.destination,
            self.source,
            self.ordering,
            self.version,
            self.destination_connection,
            self.source_connection,
            self.destination_client,
            self.source_client,
        )


class Height(NamedTuple):
    """A height with its revision, ordered as IBC orders them; 0-0 means none."""

    revision: int
    height: int

    @classmethod
    def parse(cls, text: str) -> Height:
        """Read ``1-1200`` as events write it.  Raises ValueError for anything else."""
        match = _HEIGHT.fullmatch(text)
        if match is None or max(int(match[1]), int(match[2])) > _MAX_WORD:
            message = f"{text[:50]!r} is not a height like 1-1200"
            raise ValueError(message)
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        """Write ``revision-height``."""
        return f"{self.revision}-{self.height}"

    @property
    def is_zero(self) -> bool:
        """No height at all: the packet has no timeout by height."""
        return self.height == 0 and self.revision == 0


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet as its send event told it.  `verified`: its hash equals the commitment on chain.

    `timeout_timestamp` is in unix nanoseconds, 0 for none.  `sent_height` and `send_tx` come from
    the index and are as good as the node that gave them; `send_tx` is None for packets that a
    block itself sent.
    """

    key: PacketKey
    destination: ChannelEnd
    data: bytes
    timeout_height: Height
    timeout_timestamp: int
    send_tx: str | None
    sent_height: int | None
    sent_at: datetime | None
    verified: bool = False

    def commitment(self) -> bytes:
        """The 32 bytes that the source chain stores for it (ibc-go `CommitPacket`, v1).

        Empty for a timeout outside 64 bits: only a lying node tells one, and no chain stores it.
        """
        words = (self.timeout_timestamp, self.timeout_height.revision, self.timeout_height.height)
        if not all(0 <= word <= _MAX_WORD for word in words):
            return b""
        return sha256(b"".join(word.to_bytes(8, "big") for word in words) + sha256(self.data).digest()).digest()


@dataclass(frozen=True, slots=True)
class Transfer:
    """What an ICS-20 packet moves.  All texts are the sender's own and may be hostile."""

    sender: str
    receiver: str
    coin: Coin
    memo: str


def read_transfer(port: str, version: str, data: bytes) -> Transfer | None:
    """Decode ICS-20 data, or None where port and version say it isn't, or it doesn't decode.

    Invalid UTF-8 is replaced, never refused: the commitment check, not the text, proves a packet.
    """
    if port != "transfer" and '"ics20-1"' not in version and version != "ics20-1":
        return None
    try:
        fields = json.loads(data.decode("utf-8", "replace"))
        memo = fields.get("memo")
        coin = Coin(_text(fields["denom"]), _amount(fields["amount"]))
        return Transfer(_text(fields["sender"]), _text(fields["receiver"]), coin, "" if memo is None else _text(memo))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _text(value: object) -> str:
    """Take a JSON string as Go reads it: half a surrogate pair, which no encoding can write, is replaced."""
    if not isinstance(value, str):
        raise TypeError
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _amount(value: object) -> int:
    """Take plain digits, or a bare number as the first versions of ICS-20 wrote it."""
    digits = str(value) if type(value) is int else value
    if not isinstance(digits, str) or not _AMOUNT.fullmatch(digits) or int(digits) >= 2**256:
        raise TypeError
    return int(digits)


class SequenceRanges:
    """A set of packet sequences, kept as ranges: ``1,10..20`` may stand for millions.

    Ranges never overlap, stand in order and touch nowhere, so equal sets are equal values.
    """

    __slots__ = ("ranges",)

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        """Take inclusive ranges in any order and merge those that touch or overlap."""
        merged: list[tuple[int, int]] = []
        for first, last in sorted(ranges):
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(merged[-1][1], last))
            else:
                merged.append((first, last))
        self.ranges = tuple(merged)

    @classmethod
    def of(cls, sequences: Iterable[int]) -> SequenceRanges:
        """The ranges of single sequences."""
        return cls((sequence, sequence) for sequence in sequences)

    @classmethod
    def parse(cls, text: str) -> SequenceRanges:
        """Read Hermes' own spelling, ``1,10..20``, spaces forgiven.

        Raises ValueError with a sentence for the user when a part is empty, zero, backwards, over
        2**64-1, or names a sequence that another part already named.
        """
        ranges = [_parse_range(part.strip()) for part in text.split(",")]
        merged = cls(ranges)
        if merged.count != sum(last - first + 1 for first, last in ranges):
            message = f"{text!r} names a sequence twice"
            raise ValueError(message)
        return merged

    def __contains__(self, sequence: object) -> bool:
        """Whether one of the ranges holds the sequence."""
        if not isinstance(sequence, int):
            return False
        # Tens of thousands of packets are looked up in sets of as many ranges.
        place = bisect_right(self.ranges, sequence, key=itemgetter(0)) - 1
        return place >= 0 and sequence <= self.ranges[place][1]

    def __iter__(self) -> Iterator[int]:
        """Walk the sequences in rising order."""
        for first, last in self.ranges:
            yield from range(first, last + 1)

    @property
    def count(self) -> int:
        """How many sequences the ranges hold, also where `len` refuses (2**63 and more)."""
        return sum(last - first + 1 for first, last in self.ranges)

    def __len__(self) -> int:
        """How many sequences the ranges hold.  Python's own limit: OverflowError from 2**63 on."""
        return self.count

    def __bool__(self) -> bool:
        """Whether they hold any."""
        return bool(self.ranges)

    def minus(self, other: SequenceRanges) -> SequenceRanges:
        """The sequences that the other set doesn't hold."""
        kept: list[tuple[int, int]] = []
        for first, last in self.ranges:
            low = first
            for hole in other.ranges[bisect_left(other.ranges, first, key=itemgetter(1)) :]:
                if hole[0] > last:
                    break
                kept.append((low, hole[0] - 1))
                low = hole[1] + 1
            kept.append((low, last))
        return SequenceRanges((low, high) for low, high in kept if low <= high)

    def __eq__(self, other: object) -> bool:
        """Whether both stand for the same sequences."""
        return isinstance(other, SequenceRanges) and self.ranges == other.ranges

    def __hash__(self) -> int:
        """Hash as the ranges do."""
        return hash(self.ranges)

    def __str__(self) -> str:
        """Write the shortest text that `parse` and Hermes read back to the same set."""
        return ",".join(str(first) if first == last else f"{first}..{last}" for first, last in self.ranges)

    def __repr__(self) -> str:
        """Show the text form."""
        return f"SequenceRanges({str(self)!r})"


def _parse_range(part: str) -> tuple[int, int]:
    first_text, dots, last_text = part.partition("..")
    first_text, last_text = first_text.strip(), last_text.strip()
    numbers = (first_text, last_text) if dots else (first_text, first_text)
    if not all(number.isascii() and number.isdigit() for number in numbers):
        message = f"{part!r} is not a sequence or a range like 10..20"
        raise ValueError(message)
    # Python refuses to convert digit strings beyond 4300 characters; nothing over 20 can be valid.
    if any(len(number.lstrip("0")) > len(str(MAX_SEQUENCE)) for number in numbers):
        message = f"{part[:30]!r} is above the largest sequence, {MAX_SEQUENCE}"
        raise ValueError(message)
    first, last = (int(number.lstrip("0") or "0") for number in numbers)
    if first == 0:
        message = "sequences start at 1"
    elif last > MAX_SEQUENCE:
        message = f"{part!r} is above the largest sequence, {MAX_SEQUENCE}"
    elif last < first:
        message = f"{part!r} runs backwards"
    else:
        return first, last
    raise ValueError(message)
