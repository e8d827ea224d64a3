"""Packet details: fetched where they are wanted, and believed only when their hash fits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from relayclear.errors import RelayclearError
from relayclear.ibc.packet import ChannelEnd, ChannelState, Packet, PacketKey
from relayclear.ibc.topology import ChannelInfo
from relayclear.usecases.desk import Desk
from relayclear.usecases.scan import Reading
from relayclear.usecases.topology import with_states


@dataclass(slots=True)
class Details:
    """What is known of packets beyond their commitment.

    `unread` names those that no node could tell about, with the reason; `older` the moment up to
    which an age was proved by a look at an older height.
    """

    packets: dict[PacketKey, Packet] = field(default_factory=dict)
    unread: dict[PacketKey, RelayclearError] = field(default_factory=dict)

    def known(self, key: PacketKey) -> bool:
        """Whether the packet's details were already asked for, with or without success."""
        return key in self.packets or key in self.unread


async def fetch_details(desk: Desk, reading: Reading, keys: Iterable[PacketKey], into: Details) -> None:
    """Fill in the details of packets: remembered ones first, the rest from their source chains.

    Verified packets are remembered for ever; an unverified one is kept for this listing only.
    """
    missing = [key for key in keys if not into.known(key)]
    wanted = {key: reading.paths[key.end].commitments[key.sequence] for key in missing}
    into.packets |= desk.journal.packets(wanted)
    by_end: dict[ChannelEnd, list[int]] = {}
    for key in missing:
        if key not in into.packets:
            by_end.setdefault(key.end, []).append(key.sequence)
    await asyncio.gather(
        refresh_states(desk, reading, {key.end for key in missing}),
        *(_ask_end(desk, reading, end, sequences, into) for end, sequences in by_end.items()),
    )
    fresh = {key: into.packets[key] for key in missing if key in into.packets and into.packets[key].verified}
    desk.journal.save_packets(fresh.values())
    await _prove_ages(desk, reading, [key for key in missing if key not in fresh])


async def _ask_end(desk: Desk, reading: Reading, end: ChannelEnd, sequences: Sequence[int], into: Details) -> None:
    path_reading = reading.paths[end]
    answers: Mapping[int, Packet | RelayclearError]
    try:
        answers = await desk.chains[end.chain].sent_packets(path_reading.path, sequences)
    except RelayclearError as error:
        answers = dict.fromkeys(sequences, error)
    for sequence, answer in answers.items():
        key = PacketKey(*end, sequence)
        if isinstance(answer, RelayclearError):
            into.unread[key] = answer
        else:
            # The commitment is the chain's own word; the index that told the rest may lie.
            verified = answer.commitment() == path_reading.commitments[sequence]
            into.packets[key] = replace(answer, verified=verified)


async def refresh_states(desk: Desk, reading: Reading, ends: Iterable[ChannelEnd]) -> None:
    """Read the channel states of both ends anew: the remembered ones may be a day old."""
    by_chain: dict[str, list[ChannelEnd]] = {}
    for end in ends:
        path = reading.paths[end].path
        by_chain.setdefault(end.chain, []).append(end)
        by_chain.setdefault(path.destination.chain, []).append(path.destination)
    states: dict[ChannelEnd, ChannelState] = {}

    async def ask(chain: str, chain_ends: Sequence[ChannelEnd]) -> None:
        """Fill in one chain's states."""
        # An end that can't be read now is unknown: what is remembered may be a day old.
        states.update(dict.fromkeys(chain_ends, ChannelState.UNKNOWN))
        with suppress(RelayclearError):
            answers = await desk.chains[chain].channels(chain_ends)
            states.update({end: info.state for end, info in answers.items() if isinstance(info, ChannelInfo)})

    await asyncio.gather(*(ask(chain, chain_ends) for chain, chain_ends in by_chain.items()))
    changed = [info for info in with_states(reading.network, states) if info.state is not ChannelState.UNKNOWN]
    if changed:
        desk.journal.update_channels(changed)


async def _prove_ages(desk: Desk, reading: Reading, keys: Sequence[PacketKey]) -> None:
    """Where no send time is to be had, look at an older height: what stood there is that old."""
    by_chain: dict[str, list[PacketKey]] = {}
    bound = reading.at - timedelta(seconds=desk.stuck_after)
    for key in keys:
        if reading.first_seen[key.end].get(key.sequence, reading.at) > bound:
            by_chain.setdefault(key.chain, []).append(key)
    await asyncio.gather(*(_look_back(desk, reading, chain, found, bound) for chain, found in by_chain.items()))


async def _look_back(desk: Desk, reading: Reading, chain_id: str, keys: Sequence[PacketKey], bound: datetime) -> None:
    try:
        height, at = await height_at(desk, reading, chain_id, bound)
        answers = await desk.chains[chain_id].commitments_at(sorted({key.end for key in keys}), height)
    except RelayclearError:
        return  # pruned: the age stays what the sightings say
    for end in {key.end for key in keys}:
        answer = answers.get(end)
        if answer is None or isinstance(answer, RelayclearError):
            continue
        older = {key.sequence for key in keys if key.end == end and key.sequence in answer.by_sequence}
        desk.journal.predate(end, older, at)
        reading.first_seen[end] = {**reading.first_seen[end], **dict.fromkeys(older, at)}


async def height_at(desk: Desk, reading: Reading, chain_id: str, bound: datetime) -> tuple[int, datetime]:
    """A height whose block is at or before `bound`, and that block's time, in at most six looks.

    Raises HeightError where the chain isn't that old or the node has no such block.
    """
    chain, head = desk.chains[chain_id], reading.heads[chain_id]
    height, at, back = head.height, head.at, 100
    for _ in range(6):
        if at <= bound:
            break
        target = max(1, head.height - back)
        height, at = target, await chain.block_time(target)
        pace = max((head.at - at).total_seconds(), 0.1) / max(head.height - target, 1)
        back = int((head.at - bound).total_seconds() / pace * 1.1) + 2
        if target == 1:
            break
    return height, at
