"""Packet events as nodes of all ages write them, and what they say of packets.  Pure.

Tendermint 0.34 writes attribute keys and values in base64, 0.37 and later as text; `packet_data` is gone since ibc-go
v9 and lossy before, `packet_data_hex` is in all.  Channel v2 reuses the event names with other attributes: what has no
`packet_src_channel` is not ours.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd, Height, Packet, PacketKey
from relayclear.ibc.readings import RelayStep

Attributes = Mapping[str, str]

STEP_EVENTS: Final = {
    RelayStep.RECV: ("recv_packet",),
    RelayStep.ACK: ("acknowledge_packet",),
    RelayStep.TIMEOUT: ("timeout_packet", "timeout_on_close_packet"),
}


def attributes(event: Any, known: str) -> Attributes | None:
    """An event's attributes as text, or None when it lacks the one known to belong there, in either encoding."""
    try:
        raw = {str(item["key"]): str(item.get("value") or "") for item in event.get("attributes") or ()}
        # By the keys themselves, not by the node's version: a gateway may stand before nodes of several.
        if known in raw:
            return raw
        if _encoded(known) in raw:
            return {_decoded(key): _decoded(value) for key, value in raw.items()}
    except (KeyError, TypeError, AttributeError, binascii.Error):
        return None
    return None


def _encoded(text: str) -> str:
    return binascii.b2a_base64(text.encode(), newline=False).decode()


def _decoded(text: str) -> str:
    return binascii.a2b_base64(text).decode("utf-8", "replace")


def named(events: Any, names: Sequence[str], known: str) -> Iterator[Attributes]:
    """The attributes of every event of these types that has the known attribute."""
    for event in events if isinstance(events, list) else ():
        if isinstance(event, dict) and event.get("type") in names:
            found = attributes(event, known)
            if found is not None:
                yield found


def block_events(results: Any) -> list[Any]:
    """The events that a block itself made, out of `block_results` of any version."""
    names = ("begin_block_events", "end_block_events", "finalize_block_events")
    return [event for name in names for event in (results.get(name) or ())] if isinstance(results, dict) else []


def is_of(event: Attributes, key: PacketKey, destination: ChannelEnd | None = None) -> bool:
    """Whether a packet event is about this packet; by source, and by destination where that is given."""
    source = (event.get("packet_src_port"), event.get("packet_src_channel"), event.get("packet_sequence"))
    if source != (key.port, key.channel, str(key.sequence)):
        return False
    there = (event.get("packet_dst_port"), event.get("packet_dst_channel"))
    return destination is None or there == (destination.port, destination.channel)


def sent_packet(events: Any, key: PacketKey, destination: ChannelEnd) -> Packet | None:
    """The packet out of its send event, None when none is there.  Raises ValueError for one that can't be read.

    Where and when it was sent is left open; `destination.chain` is taken from the caller, the rest from the event.
    """
    for event in named(events, ("send_packet",), "packet_src_channel"):
        if is_of(event, key):
            return Packet(
                key=key,
                destination=ChannelEnd(
                    destination.chain, event.get("packet_dst_port", ""), event.get("packet_dst_channel", "")
                ),
                # Nothing here is believed yet: the commitment on chain is what proves it.
                data=bytes.fromhex(event.get("packet_data_hex", "")),
                timeout_height=Height.parse(event.get("packet_timeout_height") or "0-0"),
                timeout_timestamp=int(event.get("packet_timeout_timestamp") or 0),
                send_tx=None,
                sent_height=None,
                sent_at=None,
            )
    return None


def has_step(events: Any, step: RelayStep, key: PacketKey, destination: ChannelEnd | None) -> bool:
    """Whether the events tell of this step of this packet."""
    return any(is_of(event, key, destination) for event in named(events, STEP_EVENTS[step], "packet_src_channel"))


def written_acknowledgement(events: Any, key: PacketKey, destination: ChannelEnd | None) -> bytes | None:
    """The raw acknowledgement that the events say was written for the packet."""
    for event in named(events, ("write_acknowledgement",), "packet_src_channel"):
        if is_of(event, key, destination):
            try:
                return bytes.fromhex(event.get("packet_ack_hex", ""))
            except ValueError:
                return None
    return None


def charged_fee(events: Any) -> tuple[Coin, ...]:
    """What the chain charged for a transaction, out of its `tx` event; empty where it doesn't tell."""
    for event in named(events, ("tx",), "fee"):
        try:
            return Coin.parse_many(event["fee"])
        except ValueError:
            return ()
    return ()
