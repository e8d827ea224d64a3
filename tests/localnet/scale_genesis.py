"""The genesis of the scale network: what stands in which channel, and the JSON for it (ibc-go v8).

| channels of `alpha-1` | other end | pending | on the other side |
|---|---|---|---|
| 0-149 | `beta-1`, same number | none | |
| 150-189 | `beta-1` | 1-5 | |
| 190 | `beta-1` | 1-100 | 1-20 received and acknowledged |
| 191 | `beta-1` | 50,001-50,100 | 1-50,000 received and acknowledged long ago |
| 192-198 | `beta-1` | 1-100 | (192 is 191's twin without a past) |
| 199 | `beta-1` | 1-23,757 | |
| 200-2199 | `gamma-1`, 0-1999 | 1-3 on every hundredth | a chain that nobody configured and that doesn't run |
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.localnet.scale_client import Json, Watched, b64, client_genesis, rfc3339

PORT = "transfer"
NONE = range(0)
BIG_CHANNEL = 199
HALF_RELAYED_CHANNEL = 190
HISTORY_CHANNEL = 191
TWIN_CHANNEL = 192
# What an ICS-20 module acknowledges when all went well; the chain keeps only its hash.
SUCCESS_ACK_HASH = hashlib.sha256(b'{"result":"AQ=="}').digest()
_GAMMA_KEY = hashlib.sha256(b"nobody validates gamma-1").digest()


@dataclass(frozen=True)
class Lane:
    """One channel end on `alpha-1`: its number, its connection and other end, and the packets that left through it.

    `pending` are the sequences whose commitment still stands, `received` those that the other side has received
    and acknowledged; both may overlap (acknowledgement not brought back yet).
    """

    number: int
    connection: int
    other: int
    pending: range = NONE
    received: range = NONE

    @property
    def next_send(self) -> int:
        """The next sequence that this channel will send: one above everything ever sent."""
        return max(self.pending.stop, self.received.stop, 1)


def to_beta() -> list[Lane]:
    """The 200 lanes between `alpha-1` and `beta-1`, over `connection-0` on both sides."""
    return [Lane(number, 0, number, _pending(number), _received(number)) for number in range(200)]


def to_gamma() -> list[Lane]:
    """The 2,000 lanes to `gamma-1`, over `connection-1`; twenty of them hold three packets each."""
    return [Lane(200 + other, 1, other, range(1, 4) if other % 100 == 0 else NONE) for other in range(2000)]


def pending_total(lanes: Iterable[Lane]) -> int:
    """How many commitments stand in these lanes together."""
    return sum(len(lane.pending) for lane in lanes)


def gamma(genesis_time: datetime) -> Watched:
    """`gamma-1` as its light client on `alpha-1` sees it: invented, active, never updated."""
    return Watched("gamma-1", _GAMMA_KEY, 1, genesis_time)


def edit_alpha(genesis: Json, alpha_time: datetime, beta: Watched) -> None:
    """Put the sender's half into a fresh genesis of `alpha-1`: commitments to `beta-1` and `gamma-1`."""
    lanes = to_beta() + to_gamma()
    channels = _channel_genesis(lanes)
    channels["commitments"] = [
        _packet(lane.number, n, _commitment(lane.number, n)) for lane in lanes for n in lane.pending
    ]
    channels["send_sequences"] = _sequences(lanes, lambda lane: lane.next_send)
    _install(genesis, alpha_time, [beta, gamma(alpha_time)], channels)


def edit_beta(genesis: Json, beta_time: datetime, alpha: Watched) -> None:
    """Put the receiver's half into a fresh genesis of `beta-1`: receipts and acknowledgements."""
    lanes = to_beta()
    channels = _channel_genesis(lanes)
    channels["receipts"] = [_packet(lane.other, n, b"\x01") for lane in lanes for n in lane.received]
    channels["acknowledgements"] = [_packet(lane.other, n, SUCCESS_ACK_HASH) for lane in lanes for n in lane.received]
    channels["send_sequences"] = _sequences(lanes, lambda _lane: 1)
    _install(genesis, beta_time, [alpha], channels)


def _pending(number: int) -> range:
    if number < 150:
        return NONE
    if number < 190:
        return range(1, 6)
    if number == HISTORY_CHANNEL:
        return range(50_001, 50_101)
    return range(1, 23_758) if number == BIG_CHANNEL else range(1, 101)


def _received(number: int) -> range:
    return {HALF_RELAYED_CHANNEL: range(1, 21), HISTORY_CHANNEL: range(1, 50_001)}.get(number, NONE)


def _install(genesis: Json, genesis_time: datetime, watched: list[Watched], channels: Json) -> None:
    genesis["genesis_time"] = rfc3339(genesis_time)
    state: dict[str, Any] = genesis["app_state"]
    state["ibc"]["client_genesis"] = client_genesis(watched, genesis_time)
    state["ibc"]["connection_genesis"] = _connection_genesis(len(watched))
    state["ibc"]["channel_genesis"] |= channels
    state["capability"] = _capabilities(len(channels["channels"]))


def _connection_genesis(count: int) -> Json:
    """Connection N over client N, open; the other end has number 0 whichever it is (each peer has just this one)."""
    return {
        "connections": [
            {
                "id": f"connection-{number}",
                "client_id": f"07-tendermint-{number}",
                "versions": [{"identifier": "1", "features": ["ORDER_ORDERED", "ORDER_UNORDERED"]}],
                "state": "STATE_OPEN",
                "counterparty": {
                    "client_id": "07-tendermint-0",
                    "connection_id": "connection-0",
                    "prefix": {"key_prefix": b64(b"ibc")},
                },
                "delay_period": "0",
            }
            for number in range(count)
        ],
        "client_connection_paths": [
            {"client_id": f"07-tendermint-{number}", "paths": [f"connection-{number}"]} for number in range(count)
        ],
        "next_connection_sequence": str(count),
        "params": {"max_expected_time_per_block": "30000000000"},
    }


def _channel_genesis(lanes: list[Lane]) -> Json:
    return {
        "channels": [_channel(lane) for lane in lanes],
        "recv_sequences": _sequences(lanes, lambda _lane: 1),
        "ack_sequences": _sequences(lanes, lambda _lane: 1),
        "next_channel_sequence": str(len(lanes)),
    }


def _channel(lane: Lane) -> Json:
    return {
        "state": "STATE_OPEN",
        "ordering": "ORDER_UNORDERED",
        "counterparty": {"port_id": PORT, "channel_id": f"channel-{lane.other}"},
        "connection_hops": [f"connection-{lane.connection}"],
        "version": "ics20-1",
        "port_id": PORT,
        "channel_id": f"channel-{lane.number}",
        "upgrade_sequence": "0",
    }


def _sequences(lanes: list[Lane], sequence: Callable[[Lane], int]) -> list[Json]:
    return [
        {"port_id": PORT, "channel_id": f"channel-{lane.number}", "sequence": str(sequence(lane))} for lane in lanes
    ]


def _packet(channel: int, sequence: int, data: bytes) -> Json:
    return {"port_id": PORT, "channel_id": f"channel-{channel}", "sequence": str(sequence), "data": b64(data)}


def _commitment(channel: int, sequence: int) -> bytes:
    """32 bytes that no packet hashes to: these packets can be listed, never relayed."""
    return hashlib.sha256(f"{channel}/{sequence}".encode()).digest()


def _capabilities(channels: int) -> Json:
    """Owners of every channel's capability; without them queries work and transfers fail.

    Capabilities of the ports are left out on purpose: each module binds its own port in InitChain, above `index`.
    """
    return {
        "index": str(channels + 1),
        "owners": [
            {"index": str(number + 1), "index_owners": {"owners": _owners(number)}} for number in range(channels)
        ],
    }


def _owners(number: int) -> list[Json]:
    name = f"capabilities/ports/{PORT}/channels/channel-{number}"
    return [{"module": "ibc", "name": name}, {"module": "transfer", "name": name}]
