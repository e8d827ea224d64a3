"""One packet's story, pending or done: what both chains and the journal tell of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from relayclear.clearing.operation import Operation, PacketAfter, PacketBefore
from relayclear.errors import RefusedError, RelayclearError
from relayclear.ibc.packet import Packet, PacketKey, RelayPath, Transfer, read_transfer
from relayclear.ibc.topology import ClientHealth
from relayclear.usecases.desk import Desk
from relayclear.usecases.details import Details, fetch_details
from relayclear.usecases.proof import judge
from relayclear.usecases.scan import Reading, Scope, client_health, scan
from relayclear.usecases.views import PacketView, half_dead, packet_view, path_desk


@dataclass(frozen=True, slots=True)
class Story:
    """What is known of one packet.

    `view` is set while it is pending, `after` once it is done; client health is None where it
    could not be read; `unread` says why the send transaction is missing.
    """

    key: PacketKey
    path: RelayPath
    reading: Reading
    view: PacketView | None
    after: PacketAfter | None
    packet: Packet | None
    transfer: Transfer | None
    unread: RelayclearError | None
    source_client: ClientHealth | None
    destination_client: ClientHealth | None
    operations: tuple[Operation, ...]


async def packet_story(desk: Desk, key: PacketKey) -> Story:
    """Tell the story of a packet.

    Raises UsageError for an unknown channel, RefusedError for a sequence never sent.
    """
    reading = await scan(desk, Scope(key.chain, key.channel, key.port))
    item = reading.readable(key.end)
    path = item.path
    clients = {path.source.chain: [path.source_client], path.destination.chain: [path.destination_client]}
    if key.sequence in item.commitments:
        details = Details()
        health, _ = await asyncio.gather(client_health(desk, clients), fetch_details(desk, reading, [key], details))
        packet, unread = details.packets.get(key), details.unread.get(key)
        at = path_desk(desk, reading, item, desk.journal.mutes(reading.at))
        view, after = packet_view(at, key.sequence, packet, unread), None
        view.warning = half_dead(at.facts, view.verdict.packet_class)
    else:
        following = await desk.chains[key.chain].next_send_sequence(key.end)
        if key.sequence >= following:
            raise RefusedError(
                f"{key} was never sent; the next sequence is {following}",
                code="never_sent",
                hint=f"relayclear packets list --chain {key.chain} --channel {key.channel} --all",
            )
        health, sent = await asyncio.gather(client_health(desk, clients), _sent(desk, path, key))
        packet, unread = (sent, None) if isinstance(sent, Packet) else (None, sent)
        view, after = None, await _done(desk, reading, path, key)
    return Story(
        key,
        path,
        reading,
        view,
        after,
        packet,
        read_transfer(key.port, path.version, packet.data) if packet else None,
        unread,
        health.get((path.source.chain, path.source_client)),
        health.get((path.destination.chain, path.destination_client)),
        tuple(desk.journal.operations_of(key)),
    )


async def _sent(desk: Desk, path: RelayPath, key: PacketKey) -> Packet | RelayclearError:
    """The send event of a packet that is done: its commitment is gone, so nothing verifies it."""
    try:
        answer = (await desk.chains[key.chain].sent_packets(path, [key.sequence]))[key.sequence]
    except RelayclearError as error:
        return error
    return replace(answer, verified=False) if isinstance(answer, Packet) else answer


async def _done(desk: Desk, reading: Reading, path: RelayPath, key: PacketKey) -> PacketAfter:
    heights = {chain: head.height for chain, head in reading.heads.items()}
    before = PacketBefore(key.sequence, None, None, heights)
    (after,) = await judge(desk, path, [before], ended=True, patient=False)
    return after
