"""Packet events of every age of node, and transactions: who did it, what it cost, what was answered."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cosmpy.protos.cosmos.authz.v1beta1 import tx_pb2 as authz
from cosmpy.protos.cosmos.tx.v1beta1 import tx_pb2
from cosmpy.protos.ibc.core.channel.v1 import tx_pb2 as channel_tx
from hypothesis import given
from hypothesis import strategies as st

from relayclear.chains import wire_events, wire_tx
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd, Height, Packet, PacketKey
from relayclear.ibc.readings import RelayStep

KEY = PacketKey("alpha-1", "transfer", "channel-0", 7)
THERE = ChannelEnd("beta-1", "transfer", "channel-9")
DATA = b'{"denom":"token","memo":"\xff\x00"}'


def event(kind: str, /, *, encoded: bool = False, **attributes: str | None) -> dict[str, Any]:
    """An event as nodes write it; `encoded` as 0.34 did."""

    def text(value: str | None) -> str | None:
        return base64.b64encode(value.encode()).decode() if encoded and value is not None else value

    rows = [{"key": text(key), "value": text(value), "index": True} for key, value in attributes.items()]
    return {"type": kind, "attributes": rows}


def packet_event(kind: str, *, encoded: bool = False, **more: str | None) -> dict[str, Any]:
    """An event about the packet KEY."""
    attributes: dict[str, str | None] = {
        "packet_sequence": "7",
        "packet_src_port": "transfer",
        "packet_src_channel": "channel-0",
        "packet_dst_port": "transfer",
        "packet_dst_channel": "channel-9",
        "packet_timeout_height": "1-1200",
        "packet_timeout_timestamp": "1795000000000000000",
        "packet_data_hex": DATA.hex(),
    }
    return event(kind, encoded=encoded, **(attributes | more))


SENT = Packet(
    key=KEY,
    destination=THERE,
    data=DATA,
    timeout_height=Height(1, 1200),
    timeout_timestamp=1_795_000_000_000_000_000,
    send_tx=None,
    sent_height=None,
    sent_at=None,
)
OTHERS: list[dict[str, Any]] = [
    {"type": "message", "attributes": [{"key": "action", "value": "x"}]},
    {"type": "send_packet", "attributes": None},
    {"type": "send_packet"},
    {"type": "send_packet", "attributes": [{"value": "no key"}]},
    event("send_packet", packet_source_client="07-tendermint-0", packet_sequence="7", encoded_packet_hex="00"),
    packet_event("send_packet", packet_sequence="70"),
    packet_event("send_packet", packet_src_channel="channel-00"),
    packet_event("send_packet", packet_src_port="wasm.x"),
]


@pytest.mark.parametrize("encoded", [False, True])
def test_a_sent_packet_is_found_among_others_in_either_encoding(encoded: bool) -> None:  # noqa: FBT001
    events = [*OTHERS, packet_event("send_packet", encoded=encoded)]
    assert wire_events.sent_packet(events, KEY, THERE) == SENT


def test_nothing_else_is_taken_for_the_packet() -> None:
    assert wire_events.sent_packet(OTHERS, KEY, THERE) is None
    assert wire_events.sent_packet([packet_event("recv_packet")], KEY, THERE) is None


def test_timeouts_that_are_left_out_are_none() -> None:
    events = [packet_event("send_packet", packet_timeout_height=None, packet_timeout_timestamp="")]
    packet = wire_events.sent_packet(events, KEY, THERE)
    assert packet is not None
    assert packet.timeout_height.is_zero
    assert packet.timeout_timestamp == 0


@pytest.mark.parametrize(
    "bad", [{"packet_data_hex": "zz"}, {"packet_timeout_height": "soon"}, {"packet_timeout_timestamp": "never"}]
)
def test_a_send_event_that_can_not_be_read_is_no_packet_without_data(bad: dict[str, str]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whichever number it was
        wire_events.sent_packet([packet_event("send_packet", **bad)], KEY, THERE)  # type: ignore[arg-type]


@pytest.mark.parametrize("events", [None, "x", 7, [None], ["x"], [{"type": "send_packet", "attributes": "xy"}]])
def test_events_without_sense_hold_nothing(events: Any) -> None:
    assert wire_events.sent_packet(events, KEY, THERE) is None
    assert wire_events.charged_fee(events) == ()


@pytest.mark.parametrize(
    ("kind", "step"),
    [
        ("recv_packet", RelayStep.RECV),
        ("acknowledge_packet", RelayStep.ACK),
        ("timeout_packet", RelayStep.TIMEOUT),
        ("timeout_on_close_packet", RelayStep.TIMEOUT),
    ],
)
def test_each_step_is_known_by_its_own_event_only(kind: str, step: RelayStep) -> None:
    events = [packet_event(kind)]
    assert [each for each in RelayStep if wire_events.has_step(events, each, KEY, None)] == [step]


def test_a_packet_from_another_chain_with_the_same_channel_id_is_not_ours() -> None:
    events = [packet_event("recv_packet", packet_dst_channel="channel-8")]
    assert wire_events.has_step(events, RelayStep.RECV, KEY, None)
    assert not wire_events.has_step(events, RelayStep.RECV, KEY, THERE)
    assert wire_events.has_step(events, RelayStep.RECV, KEY, THERE._replace(channel="channel-8"))


@pytest.mark.parametrize("encoded", [False, True])
def test_the_acknowledgement_of_the_packet_is_read_and_no_others(encoded: bool) -> None:  # noqa: FBT001
    ack = b'{"result":"AQ=="}'
    events = [
        packet_event("write_acknowledgement", packet_sequence="8", packet_ack_hex="00"),
        packet_event("write_acknowledgement", encoded=encoded, packet_ack_hex=ack.hex()),
    ]
    assert wire_events.written_acknowledgement(events, KEY, THERE) == ack
    assert wire_events.written_acknowledgement(events[:1], KEY, THERE) is None
    assert (
        wire_events.written_acknowledgement([packet_event("write_acknowledgement", packet_ack_hex="?")], KEY, None)
        is None
    )


@pytest.mark.parametrize(
    ("fee", "coins"),
    [
        ("312stake", (Coin("stake", 312),)),
        ("1ibc/AB,20stake", (Coin("ibc/AB", 1), Coin("stake", 20))),
        ("", ()),
        ("free", ()),
    ],
)
@pytest.mark.parametrize("encoded", [False, True])
def test_the_fee_is_what_the_chain_charged(fee: str, coins: tuple[Coin, ...], encoded: bool) -> None:  # noqa: FBT001
    events = [event("tx", encoded=encoded, acc_seq="x/1"), event("tx", encoded=encoded, fee=fee, fee_payer="x")]
    assert wire_events.charged_fee(events) == coins


def test_block_events_of_every_version_are_read() -> None:
    old = {"begin_block_events": ["a"], "end_block_events": ["b"]}
    assert wire_events.block_events(old) == ["a", "b"]
    assert wire_events.block_events({"finalize_block_events": ["c"], "begin_block_events": None}) == ["c"]
    assert wire_events.block_events(None) == []


def packed(*messages: tuple[str, Any]) -> str:
    """A transaction with these messages, as base64."""
    body = tx_pb2.TxBody()
    for url, message in messages:
        body.messages.add(type_url=url, value=message.SerializeToString())
    return base64.b64encode(tx_pb2.TxRaw(body_bytes=body.SerializeToString()).SerializeToString()).decode()


def message(kind: Any, signer: str, sequence: int = 7, channel: str = "channel-0") -> Any:
    made = kind(signer=signer)
    made.packet.sequence, made.packet.source_port, made.packet.source_channel = sequence, "transfer", channel
    return made


IBC = "/ibc.core.channel.v1."


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("MsgRecvPacket", RelayStep.RECV),
        ("MsgAcknowledgement", RelayStep.ACK),
        ("MsgTimeout", RelayStep.TIMEOUT),
        ("MsgTimeoutOnClose", RelayStep.TIMEOUT),
    ],
)
def test_the_relayer_is_who_signed_the_message_about_this_packet(name: str, step: RelayStep) -> None:
    kind = getattr(channel_tx, name)
    raw = packed(
        ("/unknown.Msg", message(kind, "stranger")),
        (IBC + name, message(kind, "other", sequence=8)),
        (IBC + name, message(kind, "other", channel="channel-1")),
        (IBC + name, message(kind, "us")),
    )
    assert wire_tx.relayer(raw, step, KEY) == "us"
    assert [wire_tx.relayer(raw, each, KEY) for each in RelayStep if each is not step] == ["", ""]


def test_a_message_executed_for_another_is_found_and_endless_nesting_is_not_followed() -> None:
    inner = ("MsgRecvPacket", message(channel_tx.MsgRecvPacket, "granter"))
    wrapped, url = inner[1], IBC + inner[0]
    for depth in range(1, 6):
        outer = authz.MsgExec(grantee="grantee")
        outer.msgs.add(type_url=url, value=wrapped.SerializeToString())
        wrapped, url = outer, "/cosmos.authz.v1beta1.MsgExec"
        found = wire_tx.relayer(packed((url, wrapped)), RelayStep.RECV, KEY)
        assert found == ("granter" if depth <= 3 else "")


@given(st.binary(max_size=80))
def test_no_bytes_break_the_reading_of_a_transaction(raw: bytes) -> None:
    assert wire_tx.relayer(base64.b64encode(raw).decode(), RelayStep.RECV, KEY) == ""


@pytest.mark.parametrize("raw", ["", "?", "AAA"])
def test_what_is_no_base64_has_no_relayer(raw: str) -> None:
    assert wire_tx.relayer(raw, RelayStep.RECV, KEY) == ""
