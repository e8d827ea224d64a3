"""Who signed what in a transaction: decoding of its bytes.  Pure."""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from cosmpy.protos.cosmos.authz.v1beta1 import tx_pb2 as authz
from cosmpy.protos.cosmos.tx.v1beta1 import tx_pb2 as tx
from cosmpy.protos.ibc.core.channel.v1 import tx_pb2 as channel_tx
from google.protobuf.message import DecodeError

from relayclear.chains.index import FoundTx
from relayclear.chains.wire_flows import Told, told
from relayclear.ibc.packet import ChannelEnd, Height, Packet, PacketKey
from relayclear.ibc.readings import RelayStep

_IBC = "/ibc.core.channel.v1."
_EXEC = "/cosmos.authz.v1beta1.MsgExec"
_DEEPEST = 3

_MESSAGES: Final = {
    RelayStep.RECV: {f"{_IBC}MsgRecvPacket": channel_tx.MsgRecvPacket},
    RelayStep.ACK: {f"{_IBC}MsgAcknowledgement": channel_tx.MsgAcknowledgement},
    RelayStep.TIMEOUT: {
        f"{_IBC}MsgTimeout": channel_tx.MsgTimeout,
        f"{_IBC}MsgTimeoutOnClose": channel_tx.MsgTimeoutOnClose,
    },
}


class Moved(NamedTuple):
    """The message that did a step: who signed it, and what a chain stores for the packet in it."""

    relayer: str
    commitment: bytes


class Body(NamedTuple):
    """A decoded transaction: its memo, which is hostile, and its packed messages."""

    memo: str
    messages: tuple[Any, ...]


def body(encoded: str) -> Body | None:
    """What a base64 transaction says, None for one that can't be decoded."""
    try:
        decoded = tx.TxBody.FromString(tx.TxRaw.FromString(binascii.a2b_base64(encoded)).body_bytes)
    except (DecodeError, binascii.Error, ValueError):
        return None
    return Body(decoded.memo, tuple(decoded.messages))


def opened(found: FoundTx) -> tuple[Body | None, list[Told]]:
    """What a transaction says, None where it can't be decoded, and what its events tell."""
    read = body(found.raw)
    return read, told(found.events, [message.type_url for message in read.messages] if read else ())


def relayer(encoded: str, step: RelayStep, key: PacketKey) -> str:
    """The signer of the message that did the step, out of a base64 transaction; empty where none is found.

    Not the fee payer: a fee may be granted, and a message may be executed for another (authz).
    """
    found = moved(encoded, step, key)
    return "" if found is None else found.relayer


def moved(encoded: str, step: RelayStep, key: PacketKey) -> Moved | None:
    """The message that did the step, None where the transaction has none."""
    try:
        body = tx.TxBody.FromString(tx.TxRaw.FromString(binascii.a2b_base64(encoded)).body_bytes)
        for message in _messages(body.messages):
            kind = _MESSAGES[step].get(message.type_url)
            # Relayers put many packets into one transaction, and may do so for several signers.
            if kind is not None and _is_about(decoded := kind.FromString(message.value), key):
                return Moved(str(decoded.signer), _commitment(decoded.packet, key))
    except (DecodeError, binascii.Error, ValueError):
        return None
    return None


def _commitment(sent: Any, key: PacketKey) -> bytes:
    there = ChannelEnd("", sent.destination_port, sent.destination_channel)
    height = Height(sent.timeout_height.revision_number, sent.timeout_height.revision_height)
    return Packet(key, there, sent.data, height, sent.timeout_timestamp, None, None, None).commitment()


def _messages(packed: Iterable[Any], depth: int = 0) -> Iterator[Any]:
    """Every message, those inside an authz execution included."""
    for message in packed:
        yield message
        if message.type_url == _EXEC and depth < _DEEPEST:
            yield from _messages(authz.MsgExec.FromString(message.value).msgs, depth + 1)


def _is_about(message: Any, key: PacketKey) -> bool:
    packet = message.packet
    return (packet.source_port, packet.source_channel, packet.sequence) == (key.port, key.channel, key.sequence)
