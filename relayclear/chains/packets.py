"""Packets and what was done to them, out of a node's index: evidence for people, checked or judged elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from relayclear.chains import wire_events, wire_tx
from relayclear.chains.index import FoundTx, Index, Search
from relayclear.errors import NodeError, NotFoundError, RelayclearError
from relayclear.ibc.packet import ChannelEnd, Packet, PacketKey, RelayPath
from relayclear.ibc.readings import RelayQuestion, RelayTx


async def sent_packets(index: Index, path: RelayPath, sequences: Sequence[int]) -> dict[int, Packet | RelayclearError]:
    """Packets of a path out of their send events: of transactions first, then of blocks themselves.

    Blocks send packets too (interchain accounts, forwarding, contracts woken by the block).
    """
    keys = [PacketKey(*path.source, sequence) for sequence in dict.fromkeys(sequences)]
    searches = {key: _search("send_packet", key) for key in keys}
    results = await index.txs(list(searches.values()))
    found: dict[PacketKey, Packet | RelayclearError] = {
        key: result if isinstance(result, RelayclearError) else _sent_by_tx(result, key, path.destination)
        for key, result in zip(keys, results, strict=True)
    }
    # Only what surely isn't there: an index that failed once fails for blocks too.
    missing = [key for key, got in found.items() if isinstance(got, NotFoundError)]
    found |= await _sent_by_blocks(index, {key: searches[key] for key in missing}, path.destination)
    return {key.sequence: got for key, got in (await _with_times(index, found)).items()}


def _search(event: str, key: PacketKey) -> Search:
    return Search(f"{event}.packet_sequence='{key.sequence}'", f"{event}.packet_src_channel='{key.channel}'")


def _sent_by_tx(txs: Sequence[FoundTx], key: PacketKey, destination: ChannelEnd) -> Packet | RelayclearError:
    for tx in txs:
        try:
            packet = wire_events.sent_packet(tx.events, key, destination) if tx.code == 0 else None
        except ValueError:
            return NodeError(f"the send event of {key} can't be read")
        if packet is not None:
            return replace(packet, send_tx=tx.hash, sent_height=tx.height)
    return NotFoundError(f"the index has no transaction that sent {key}")


async def _sent_by_blocks(
    index: Index, searches: Mapping[PacketKey, Search], destination: ChannelEnd
) -> dict[PacketKey, Packet | RelayclearError]:
    if not searches:
        return {}
    answers = await index.blocks(list(searches.values()))
    heights = {key: got for key, got in zip(searches, answers, strict=True) if isinstance(got, list)}
    results = await index.block_results(height for found in heights.values() for height in found)
    packets: dict[PacketKey, Packet | RelayclearError] = {}
    for key, found in heights.items():
        for height in found:
            try:
                packet = wire_events.sent_packet(wire_events.block_events(results[height]), key, destination)
            except ValueError:
                packets[key] = NodeError(f"the send event of {key} can't be read")
                break
            if packet is not None:
                packets[key] = replace(packet, sent_height=height)
                break
    return packets


async def _with_times(
    index: Index, found: Mapping[PacketKey, Packet | RelayclearError]
) -> dict[PacketKey, Packet | RelayclearError]:
    """Add the block times; a packet whose block is gone keeps its time open."""
    times = await _times(index, (got.sent_height for got in found.values() if isinstance(got, Packet)))
    return {
        key: replace(got, sent_at=times.get(got.sent_height)) if isinstance(got, Packet) else got
        for key, got in found.items()
    }


async def _times(index: Index, heights: Iterable[int | None]) -> dict[int | None, datetime]:
    answers = await index.times(height for height in heights if height is not None)
    return {height: at for height, at in answers.items() if isinstance(at, datetime)}


async def relay_txs(index: Index, questions: Sequence[RelayQuestion]) -> dict[PacketKey, list[RelayTx]]:
    """Who did the asked steps.  Raises only when nothing could be searched; otherwise what fails stays empty."""
    asked = [(question, key) for question in questions for key in question.keys()]  # noqa: SIM118 - not a mapping
    results = await index.txs([_search(wire_events.STEP_EVENTS[question.step][0], key) for question, key in asked])
    errors = [result for result in results if isinstance(result, RelayclearError)]
    if errors and len(errors) == len(results):
        raise errors[0]
    done = [
        (question, key, tx)
        for (question, key), result in zip(asked, results, strict=True)
        if isinstance(result, list)
        for tx in result
        # A failed transaction changed nothing, whatever its events say.
        if tx.code == 0 and wire_events.has_step(tx.events, question.step, key, question.destination)
    ]
    times = await _times(index, (tx.height for _, _, tx in done))
    found: dict[PacketKey, list[RelayTx]] = {key: [] for _, key in asked}
    for question, key, tx in done:
        found[key].append(_relay_tx(index.chain, question, key, tx, times.get(tx.height)))
    return found


def _relay_tx(chain: str, question: RelayQuestion, key: PacketKey, tx: FoundTx, at: datetime | None) -> RelayTx:
    return RelayTx(
        chain=chain,
        step=question.step,
        hash=tx.hash,
        height=tx.height,
        at=at,
        relayer=wire_tx.relayer(tx.raw, question.step, key),
        fee=wire_events.charged_fee(tx.events),
        gas_used=tx.gas_used,
        ack=wire_events.written_acknowledgement(tx.events, key, question.destination),
    )
