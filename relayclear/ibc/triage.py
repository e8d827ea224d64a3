"""Which pending packets need somebody: class, and what stands in the way of relaying them.

A packet is pending while its commitment stands on the source chain.  The class says which relay
message is missing; the overlay `Blocked` says why Hermes could not send that message now.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from relayclear.ibc.packet import ChannelState, Height, Ordering, Packet, SequenceRanges, Transfer
from relayclear.ibc.readings import RelayRules
from relayclear.ibc.topology import ClientStatus

_REVISION = re.compile(r".*[^\n-]-([1-9][0-9]{0,19})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PacketClass(StrEnum):
    """What a pending packet waits for."""

    PENDING = "pending"
    IN_FLIGHT = "in_flight"
    STUCK = "stuck"
    TIMED_OUT = "timed_out"
    TIMEOUT_ON_CLOSE = "timeout_on_close"
    ACK_MISSING = "ack_missing"
    ASYNC_ACK = "async_ack"


UNDELIVERED = frozenset({PacketClass.PENDING, PacketClass.IN_FLIGHT, PacketClass.STUCK})
RETURNING = frozenset({PacketClass.TIMED_OUT, PacketClass.TIMEOUT_ON_CLOSE})


class BlockReason(StrEnum):
    """Why the missing message can't be relayed."""

    CLIENT_EXPIRED = "client_expired"
    CLIENT_FROZEN = "client_frozen"
    CLIENT_NOT_ACTIVE = "client_not_active"
    CONNECTION_NOT_OPEN = "connection_not_open"
    CHANNEL_NOT_OPEN = "channel_not_open"
    EXCLUDED = "excluded"
    TOO_LARGE = "too_large"
    ORDERED_BEHIND = "ordered_behind"
    NO_PACKET_DATA = "no_packet_data"


class Blocked(NamedTuple):
    """A reason, and the fact behind it in a few words."""

    reason: BlockReason
    detail: str


class Verdict(NamedTuple):
    """The class of a packet and what blocks it, None where nothing is known to."""

    packet_class: PacketClass
    blocked: Blocked | None

    @property
    def clearable(self) -> bool | None:
        """Whether a clear can move it: None while its details are unread and could say no."""
        if self.packet_class is PacketClass.ASYNC_ACK or self.blocked is not None:
            return False
        return None if self.packet_class is PacketClass.PENDING else True


@dataclass(frozen=True, slots=True)
class PathFacts:
    """What holds for every packet of one path at the moment of a scan; None is not known."""

    ordering: Ordering
    source_state: ChannelState
    destination_state: ChannelState
    connections_open: bool
    source_client: str
    source_client_status: ClientStatus | None
    destination_client: str
    destination_client_status: ClientStatus | None
    source_channel: str
    rules: RelayRules


class PacketFacts(NamedTuple):
    """What decides one packet's verdict.  Hashable, so that equal packets share one.

    `timed_out` and `aged` are None where the packet's timeout, or its age, isn't known; `unread`
    tells that its details were asked for and no node has them.
    """

    received: bool
    acknowledged: bool
    timed_out: bool | None
    aged: bool | None
    excluded: bool
    too_large: str | None
    behind: int | None
    unread: bool


def classify(facts: PacketFacts, destination_state: ChannelState) -> PacketClass:
    """Name the missing message.  The first row that fits counts; `-` is anything.

    | received | acknowledged | destination end | timed out | aged | class |
    |---|---|---|---|---|---|
    | yes | yes | - | - | - | `ack_missing` |
    | yes | no | - | - | - | `async_ack` |
    | no | - | closed | - | - | `timeout_on_close` |
    | no | - | other | not known | - | `pending` |
    | no | - | other | yes | - | `timed_out` |
    | no | - | other | no | yes | `stuck` |
    | no | - | other | no | no, not known | `in_flight` |
    """
    if facts.received:
        return PacketClass.ACK_MISSING if facts.acknowledged else PacketClass.ASYNC_ACK
    if destination_state is ChannelState.CLOSED:
        return PacketClass.TIMEOUT_ON_CLOSE
    if facts.timed_out is None:
        return PacketClass.PENDING
    if facts.timed_out:
        return PacketClass.TIMED_OUT
    return PacketClass.STUCK if facts.aged else PacketClass.IN_FLIGHT


def triage(path: PathFacts, facts: PacketFacts) -> Verdict:
    """Class and overlay of one packet.  Of several obstacles the one hardest to lift is named."""
    packet_class = classify(facts, path.destination_state)
    if packet_class is PacketClass.ASYNC_ACK:
        return Verdict(packet_class, None)
    blocked = (
        _client_obstacle(path, packet_class)
        or _channel_obstacle(path, packet_class)
        or _packet_obstacle(facts, packet_class)
    )
    return Verdict(packet_class, blocked)


def _client_obstacle(path: PathFacts, packet_class: PacketClass) -> Blocked | None:
    # Delivery is proved to the destination's client of the source; a timeout or an
    # acknowledgement to the source's client of the destination.
    delivers = packet_class in UNDELIVERED
    status = path.destination_client_status if delivers else path.source_client_status
    client = path.destination_client if delivers else path.source_client
    if status is None or status is ClientStatus.ACTIVE:
        return None
    reason = {
        ClientStatus.EXPIRED: BlockReason.CLIENT_EXPIRED,
        ClientStatus.FROZEN: BlockReason.CLIENT_FROZEN,
    }.get(status, BlockReason.CLIENT_NOT_ACTIVE)
    side = "destination" if delivers else "source"
    return Blocked(reason, f"{client} on the {side} chain is {status}")


def _channel_obstacle(path: PathFacts, packet_class: PacketClass) -> Blocked | None:
    if not path.connections_open:
        return Blocked(BlockReason.CONNECTION_NOT_OPEN, "the handshake of its connection never finished")
    # ibc-go lets packets in and acknowledgements back while a channel flushes before an upgrade.
    passing = {ChannelState.OPEN, ChannelState.FLUSHING, ChannelState.FLUSHCOMPLETE, ChannelState.UNKNOWN}
    if packet_class in UNDELIVERED and path.destination_state not in passing:
        return Blocked(BlockReason.CHANNEL_NOT_OPEN, f"the destination's end is {path.destination_state}")
    if packet_class is PacketClass.ACK_MISSING and path.source_state not in passing:
        return Blocked(BlockReason.CHANNEL_NOT_OPEN, f"the source's end is {path.source_state}")
    return None


def _packet_obstacle(facts: PacketFacts, packet_class: PacketClass) -> Blocked | None:
    if facts.excluded:
        return Blocked(BlockReason.EXCLUDED, "excluded_sequences in the Hermes config names it")
    if facts.too_large is not None and packet_class is not PacketClass.ACK_MISSING:
        return Blocked(BlockReason.TOO_LARGE, facts.too_large)
    if facts.behind is not None:
        return Blocked(BlockReason.ORDERED_BEHIND, f"ordered channel: behind #{facts.behind}")
    if facts.unread:
        return Blocked(BlockReason.NO_PACKET_DATA, "no node has the transaction that sent it")
    return None


def revision_of(chain_id: str) -> int:
    """The revision number in a chain id: the digits after the last dash, else 0 (ICS-24)."""
    match = _REVISION.fullmatch(chain_id)
    return int(match[1]) if match else 0


def has_timed_out(packet: Packet, chain_id: str, height: int, at: datetime) -> bool:
    """Whether the destination, at this height and block time, would refuse the packet as late.

    ibc-go's rule: past is at or above the timeout height, or at or after the timestamp; a
    timeout of zero never comes.
    """
    now = Height(revision_of(chain_id), height)
    by_height = not packet.timeout_height.is_zero and now >= packet.timeout_height
    by_time = packet.timeout_timestamp != 0 and unix_nanoseconds(at) >= packet.timeout_timestamp
    return by_height or by_time


def unix_nanoseconds(at: datetime) -> int:
    """A block's time as timeouts count it."""
    # Whole microseconds: a float of seconds can be off by one from the year 2038 on.
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000


def over_limits(rules: RelayRules, transfer: Transfer | None) -> str | None:
    """Why Hermes drops the packet for its size, or None.  Hermes counts bytes, not letters."""
    if transfer is None:
        return None
    memo, receiver = len(transfer.memo.encode()), len(transfer.receiver.encode())
    if rules.max_memo is not None and memo > rules.max_memo:
        return f"memo of {memo} bytes, Hermes relays up to {rules.max_memo}"
    if rules.max_receiver is not None and receiver > rules.max_receiver:
        return f"receiver of {receiver} bytes, Hermes relays up to {rules.max_receiver}"
    return None


def excluded_on(rules: RelayRules, channel: str) -> SequenceRanges:
    """The sequences of the channel that Hermes was told to leave alone."""
    return rules.excluded.get(channel, SequenceRanges())
