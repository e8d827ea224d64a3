"""The messages that relay packets, and the client update before them."""

from __future__ import annotations

from typing import Any

from cosmpy.protos.ibc.core.channel.v1 import tx_pb2 as channel_tx

from relayclear.rehearsal.hermes.chain import Chain, Status
from relayclear.rehearsal.hermes.failure import Failure
from relayclear.rehearsal.hermes.ibc_events import time_text
from relayclear.rehearsal.hermes.keyring import Signer
from relayclear.rehearsal.hermes.links import End, Link
from relayclear.rehearsal.hermes.output import Output
from relayclear.rehearsal.hermes.packet_data import PacketEvent
from relayclear.rehearsal.relaying import update_client
from relayclear.rehearsal.transactions import wrap

_PROOF = b"\x01"
_BILLION = 10**9


def receipt(link: Link, packet: Any, height: int) -> Any:
    """MsgRecvPacket, proven by the block after a height of the source.  Raises Failure without a key."""
    signer = _signer(link.destination.chain).account
    message = channel_tx.MsgRecvPacket(packet=packet, proof_commitment=_PROOF, signer=signer)
    return _proven(message, link.source.chain, height)


def acknowledgement(link: Link, event: PacketEvent, height: int) -> Any:
    """MsgAcknowledgement for the link's destination, which sent the packet."""
    signer = _signer(link.destination.chain).account
    message = channel_tx.MsgAcknowledgement(
        packet=event.packet, acknowledgement=event.acknowledgement or b"", proof_acked=_PROOF, signer=signer
    )
    return _proven(message, link.source.chain, height)


def timeout(link: Link, packet: Any, height: int, *, closed: bool) -> Any:
    """MsgTimeout for the source, or MsgTimeoutOnClose, proven by the block after a height of the destination."""
    there = link.destination
    following = there.chain.next_to_receive(there.port, there.channel, height) if link.ordered else packet.sequence
    kind = channel_tx.MsgTimeoutOnClose if closed else channel_tx.MsgTimeout
    message = kind(
        packet=packet,
        next_sequence_recv=following,
        proof_unreceived=_PROOF,
        signer=_signer(link.source.chain).account,
    )
    if closed:
        message.proof_close = _PROOF
    return _proven(message, there.chain, height)


def timed_out(packet: Any, link: Link, status: Status) -> bool:
    """Whether a packet is too late for the destination: later than its limit, not at it (`types/packet.rs`)."""
    limit, revision = packet.timeout_height, link.destination.chain.config.revision
    by_height = limit.revision_height and (revision, status.height) > (limit.revision_number, limit.revision_height)
    return bool(by_height or (packet.timeout_timestamp and status.time_ns > packet.timeout_timestamp))


def client_update(at: End, seen: Chain, height: int) -> Any:
    """MsgUpdateClient with the header of a block."""
    return update_client(at.client, seen.id, height, seen.time_at(height), _signer(at.chain).account)


def check_alive(output: Output, at: End, seen: Chain) -> None:
    """Refuse a client that is frozen or expired.  Raises Failure with the words of `rly/foreign_client.rs`."""
    state = at.chain.client_state(at.client)
    said = "failed during a client operation"
    if state is None:
        raise Failure(said, f"client {at.client} on chain id {at.chain.id} is missing")
    if state.frozen_height.revision_height:
        why = "is frozen: client state reports that client is frozen"
        raise Failure(said, f"client {at.client} on chain id {at.chain.id} {why}")
    elapsed, now = since_update(at.chain, at.client, state)
    if elapsed <= state.trusting_period.ToNanoseconds():
        return
    shown = f"{elapsed / _BILLION:.9f}".rstrip("0").rstrip(".") + "s"
    latest = state.latest_height
    fields = {
        "latest_height": f"{latest.revision_number}-{latest.revision_height}",
        "network_timestamp": time_text(now),
        "consensus_state_timestamp": time_text(now - elapsed),
        "elapsed": shown,
    }
    with output.span("foreign_client.validated_client_state", {"client": client_name(at, seen)}):
        output.error("client state is not valid: latest height is outside of trusting period!", fields)
    why = f"is expired: time elapsed since last client update: {shown}"
    raise Failure(said, f"client {at.client} on chain id {at.chain.id} {why}")


def client_name(at: End, seen: Chain) -> str:
    """A client as the log names it."""
    return f"{seen.id}->{at.chain.id}:{at.client}"


def since_update(chain: Chain, client: str, state: Any) -> tuple[int, int]:
    """How long ago, by a chain's own clock, the other chain made the newest block its client knows; and now."""
    latest = state.latest_height
    known = chain.consensus_time(client, latest.revision_number, latest.revision_height)
    now = chain.status().time_ns
    return now - (known or 0), now


def _signer(chain: Chain) -> Signer:
    try:
        return chain.signer()
    except Failure as missing:
        raise missing.wrapped(f"could not retrieve signer from src chain {chain.id}") from missing


def _proven(message: Any, seen: Chain, height: int) -> Any:
    message.proof_height.revision_number, message.proof_height.revision_height = seen.config.revision, height + 1
    return wrap(f"/{message.DESCRIPTOR.full_name}", message)
