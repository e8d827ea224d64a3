"""Events of a transaction as Hermes reads them, and as it shows them: in its log and in its result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cosmpy.protos.ibc.lightclients.tendermint.v1 import tendermint_pb2
from google.protobuf import any_pb2

_BILLION = 10**9
_PACKETS = {
    "send_packet": "SendPacket",
    "write_acknowledgement": "WriteAcknowledgement",
    "acknowledge_packet": "AcknowledgePacket",
    "timeout_packet": "TimeoutPacket",
}
Attributes = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class IbcEvent:
    """One event: its name, its fields as JSON, its text, and the height `revision-height` that it stands at."""

    name: str
    fields: Any
    text: str
    height: str

    @property
    def document(self) -> dict[str, Any]:
        """As a result lists it."""
        return {self.name: self.fields}

    def __str__(self) -> str:
        """As the log shows it."""
        return f"{self.name}({self.text}) at height {self.height}"


def read(events: Iterable[Mapping[str, Any]], height: str) -> list[IbcEvent]:
    """The events that Hermes understands among those of a transaction; it reads no `recv_packet`."""
    found: list[IbcEvent] = []
    for event in events:
        attributes = {row["key"]: row["value"] for row in event["attributes"]}
        if event["type"] in _PACKETS:
            found.append(_packet_event(_PACKETS[event["type"]], attributes, height))
        elif event["type"] == "update_client":
            found.append(_update(attributes, height))
    return found


def chain_error(words: str, revision: int) -> IbcEvent:
    """The event that Hermes makes up when a chain refuses a transaction before it has a height."""
    return IbcEvent("ChainError", words, words, f"{revision}-1")


def time_text(nanoseconds: int) -> str:
    """A time as RFC 3339, without zeros at its end."""
    seconds, rest = divmod(nanoseconds, _BILLION)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def _packet_event(name: str, attributes: Attributes, height: str) -> IbcEvent:
    shown = f"packet: {_packet_text(attributes)}"
    fields: dict[str, Any] = {"packet": _packet(attributes)}
    if name == "WriteAcknowledgement":
        written = bytes.fromhex(attributes.get("packet_ack_hex", ""))
        fields["ack"] = written.hex().upper()
        shown += f", ack: [ {', '.join(str(byte) for byte in written)} ] "
    elif name == "SendPacket":
        shown += " "
    return IbcEvent(name, fields, f"{name} {{ {shown}}}", height)


def _packet(attributes: Attributes) -> dict[str, Any]:
    revision, _, height = attributes["packet_timeout_height"].partition("-")
    until = int(attributes["packet_timeout_timestamp"])
    return {
        "sequence": int(attributes["packet_sequence"]),
        "source_port": attributes["packet_src_port"],
        "source_channel": attributes["packet_src_channel"],
        "destination_port": attributes["packet_dst_port"],
        "destination_channel": attributes["packet_dst_channel"],
        "data": attributes.get("packet_data_hex", "").upper(),
        "timeout_height": _height(int(revision), int(height)),
        "timeout_timestamp": {"time": time_text(until) if until else None},
    }


def _packet_text(attributes: Attributes) -> str:
    here = f"{attributes['packet_src_channel']}/{attributes['packet_src_port']}"
    there = f"{attributes['packet_dst_channel']}/{attributes['packet_dst_port']}"
    limit, until = attributes["packet_timeout_height"], int(attributes["packet_timeout_timestamp"])
    by_height = "no timeout" if limit.endswith("-0") else limit
    by_time = time_text(until) if until else "NoTimestamp"
    return f"seq:{attributes['packet_sequence']}, path:{here}->{there}, toh:{by_height}, tos:{by_time})"


def _update(attributes: Attributes, height: str) -> IbcEvent:
    client, kind, seen = (attributes[key] for key in ("client_id", "client_type", "consensus_height"))
    revision, _, number = seen.partition("-")
    fields = {
        "common": {
            "client_id": client,
            "client_type": "Tendermint",
            "consensus_height": _height(int(revision), int(number)),
        },
        "header": _header(attributes.get("header")),
    }
    common = f"client_id: {client}, client_type: ClientType({kind}), consensus_height: {seen}"
    return IbcEvent("UpdateClient", fields, f"UpdateClient {{ Attributes {{ {common} }} }}", height)


def _header(raw: str | None) -> Any:
    """What a simulated header has of the real one; newer chains don't emit it."""
    if raw is None:
        return None
    found = tendermint_pb2.Header.FromString(any_pb2.Any.FromString(bytes.fromhex(raw)).value).signed_header.header
    told = {"chain_id": found.chain_id, "height": str(found.height), "time": time_text(found.time.ToNanoseconds())}
    return {"Tendermint": {"signed_header": {"header": told}}}


def _height(revision: int, number: int) -> dict[str, int]:
    return {"revision_number": revision, "revision_height": number}
