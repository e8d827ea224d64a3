"""The proof of clear: what became of an operation's packets, with all that a stranger needs to check it.

The file is JSON.  It holds claims and where each can be looked up; nothing in it is to be believed
without asking the two chains: `proof_check` says what has to agree.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from relayclear.clearing.operation import Operation, OperationState, PacketAfter, PacketBefore, operation_state
from relayclear.ibc.evidence import StepClaim
from relayclear.ibc.packet import ChannelEnd, Packet, PacketKey, RelayPath, SequenceRanges
from relayclear.ibc.readings import RelayStep, RelayTx

SCHEMA_VERSION = 1
KIND = "proof of clear"


@dataclass(frozen=True, slots=True)
class ProvedPacket:
    """One packet: how it stood, as it was sent (None: nobody could tell), and what became of it.

    `before` has the class that the newest attempt judged by, and the commitment of the first that
    saw one; `after` has the transactions of all attempts.
    """

    before: PacketBefore
    sent: Packet | None
    after: PacketAfter

    @property
    def commitment(self) -> bytes | None:
        """The hash that stands for the packet: the one seen on chain, else that of the packet as it was sent."""
        return self.before.commitment or (self.sent.commitment() if self.sent else None)


@dataclass(frozen=True, slots=True)
class Proof:
    """An operation with its judged packets, in rising order.  `instance` names the database it comes from."""

    instance: str
    written_at: datetime
    operation_id: str
    requested_at: datetime
    state: OperationState
    sequences: SequenceRanges
    path: RelayPath
    packets: tuple[ProvedPacket, ...]

    def claims(self, packet: ProvedPacket) -> list[tuple[RelayTx, StepClaim]]:
        """The packet's transactions, each with the claim that it makes."""
        key = PacketKey(*self.path.source, packet.after.sequence)
        return [(tx, StepClaim(key, self.path.destination, tx.step, tx.hash, tx.height)) for tx in packet.after.txs]


def proof_of(operation: Operation, path: RelayPath, sent: Mapping[int, Packet], instance: str, at: datetime) -> Proof:
    """Gather what an operation found out; `sent` are its packets as their send events told them, by sequence."""
    return Proof(
        instance,
        at,
        operation.id,
        operation.requested_at,
        operation_state(operation),
        operation.sequences,
        path,
        tuple(_proved(steps, sent.get(sequence)) for sequence, steps in sorted(_by_packet(operation).items())),
    )


def _by_packet(operation: Operation) -> dict[int, list[tuple[PacketBefore, PacketAfter | None]]]:
    """What each attempt knew of each packet that was judged at least once, in the order of the attempts."""
    found: defaultdict[int, list[tuple[PacketBefore, PacketAfter | None]]] = defaultdict(list)
    for attempt in operation.attempts:
        judged = {packet.sequence: packet for packet in attempt.after}
        for packet in attempt.before:
            found[packet.sequence].append((packet, judged.get(packet.sequence)))
    return {sequence: steps for sequence, steps in found.items() if any(after for _, after in steps)}


def _proved(steps: Sequence[tuple[PacketBefore, PacketAfter | None]], sent: Packet | None) -> ProvedPacket:
    judged = [(before, after) for before, after in steps if after is not None]
    before, after = judged[-1]
    seen = next((packet for packet, _ in steps if packet.commitment is not None), before)
    txs = {(tx.step, tx.hash): tx for _, packet in judged for tx in packet.txs}
    order = list(RelayStep)
    return ProvedPacket(
        replace(before, commitment=seen.commitment, heights=seen.heights),
        sent,
        replace(after, txs=tuple(sorted(txs.values(), key=lambda tx: (order.index(tx.step), tx.height, tx.hash)))),
    )


def write_proof(proof: Proof) -> str:
    """The text of the file."""
    return json.dumps(_document(proof), indent=2) + "\n"


def _document(proof: Proof) -> dict[str, Any]:
    path = proof.path
    return {
        "schema_version": SCHEMA_VERSION,
        "document": KIND,
        "instance": proof.instance,
        "written_at": _time(proof.written_at),
        "operation": {
            "id": proof.operation_id,
            "requested_at": _time(proof.requested_at),
            "state": proof.state.value,
            "sequences": str(proof.sequences),
        },
        "path": {
            "ordering": path.ordering.value,
            "version": path.version,
            "source": _end(path.source, path.source_connection, path.source_client),
            "destination": _end(path.destination, path.destination_connection, path.destination_client),
        },
        "packets": [_packet(packet) for packet in proof.packets],
    }


def _end(end: ChannelEnd, connection: str, client: str) -> dict[str, str]:
    return {**end._asdict(), "connection": connection, "client": client}


def _packet(packet: ProvedPacket) -> dict[str, Any]:
    before, after = packet.before, packet.after
    return {
        "sequence": after.sequence,
        "class_before": before.packet_class.value if before.packet_class else None,
        "commitment_before": before.commitment.hex() if before.commitment else None,
        "heights_before": dict(sorted(before.heights.items())),
        "sent": _sent(packet.sent),
        "transactions": [_tx(tx) for tx in after.txs],
        "heights_after": dict(sorted(after.heights.items())),
        "committed": after.committed,
        "received": after.received,
        "ack_success": after.ack_success,
        "fate": after.fate.value,
        "by": after.by.value,
    }


def _sent(packet: Packet | None) -> dict[str, Any] | None:
    if packet is None:
        return None
    return {
        "data_hex": packet.data.hex(),
        "timeout_height": str(packet.timeout_height),
        # Nanoseconds pass what many readers of JSON keep exactly.
        "timeout_timestamp": str(packet.timeout_timestamp),
        "tx_hash": packet.send_tx,
        "height": packet.sent_height,
        "at": _time(packet.sent_at),
    }


def _tx(tx: RelayTx) -> dict[str, Any]:
    return {
        "step": tx.step.value,
        "chain": tx.chain,
        "hash": tx.hash,
        "height": tx.height,
        "at": _time(tx.at),
        "relayer": tx.relayer,
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
