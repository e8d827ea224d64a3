"""Write the proof of clear: what an operation found out, with all that a stranger needs to check it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from relayclear.clearing.operation import newest_results
from relayclear.clearing.proof_document import Proof, ProvedPacket, proof_of
from relayclear.errors import RefusedError, RelayclearError
from relayclear.ibc.packet import Packet, PacketKey, RelayPath
from relayclear.store.identity import instance_id
from relayclear.usecases.desk import Desk
from relayclear.usecases.operations import known_operation
from relayclear.usecases.settle import settle_all
from relayclear.usecases.topology import load_network


async def operation_proof(desk: Desk, start_of_id: str) -> Proof:
    """The proof of an operation.

    Raises UsageError for an unknown one, RefusedError while nothing is known of any of its packets, and
    UnreachableError where its path was never read and can't be read now.
    """
    await settle_all(desk)
    operation = known_operation(desk, start_of_id)
    if not newest_results(operation):
        raise RefusedError(
            f"nothing is known yet of what became of the packets of {operation.id}",
            hint=f"relayclear operations show {operation.id}",
            code="nothing_proved",
        )
    path = (await load_network(desk)).path_from(operation.source)
    if path.destination != operation.destination:
        raise RefusedError(
            f"{operation.source} leads to {path.destination} now, not to {operation.destination}",
            hint="relayclear channels",
        )
    with desk.journal.database.atomic() as tx:
        instance = instance_id(tx)
    bare = proof_of(operation, path, {}, instance, desk.clock.now())
    return replace(bare, packets=await _with_packets(desk, path, bare.packets))


async def _with_packets(desk: Desk, path: RelayPath, proved: tuple[ProvedPacket, ...]) -> tuple[ProvedPacket, ...]:
    """Add the packets as they were sent: kept ones first, the others from the source's index."""
    keys = {packet.after.sequence: PacketKey(*path.source, packet.after.sequence) for packet in proved}
    seen = {keys[packet.after.sequence]: packet.before.commitment for packet in proved}
    kept = desk.journal.packets({key: commitment for key, commitment in seen.items() if commitment is not None})
    found = {key.sequence: packet for key, packet in kept.items()}
    missing = [sequence for sequence in keys if sequence not in found]
    if missing:
        found |= await _asked(desk, path, missing)
    return tuple(replace(packet, sent=_fitting(packet, found)) for packet in proved)


async def _asked(desk: Desk, path: RelayPath, sequences: list[int]) -> dict[int, Packet]:
    try:
        answers = await desk.chains[path.source.chain].sent_packets(path, sequences)
    except (RelayclearError, KeyError):
        return {}  # the proof then says that the packet isn't in it
    return {sequence: answer for sequence, answer in answers.items() if isinstance(answer, Packet)}


def _fitting(proved: ProvedPacket, found: Mapping[int, Packet]) -> Packet | None:
    """The packet, unless it isn't the one whose commitment was seen: an index may lie, a chain begin anew."""
    sent, commitment = found.get(proved.after.sequence), proved.before.commitment
    return sent if sent is None or commitment in {None, sent.commitment()} else None
