"""Read what is pending on every path, in two round trips when nothing was received."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime

from relayclear.errors import HeightError, NodeError, RelayclearError, UsageError
from relayclear.ibc.nearest import did_you_mean
from relayclear.ibc.packet import ChannelEnd, Ordering, RelayPath
from relayclear.ibc.readings import Commitments, Head, Reception, ReceptionQuestion
from relayclear.ibc.topology import ClientHealth
from relayclear.usecases.desk import Desk
from relayclear.usecases.topology import Network, Progress, load_network, refresh_network


@dataclass(slots=True)
class PathReading:
    """One path at one moment.  `error` is set when either end could not be read.

    `reception` is None when nothing is pending: nothing had to be asked then.  It speaks of pending
    sequences alone.
    """

    path: RelayPath
    commitments: Mapping[int, bytes]
    reception: Reception | None
    error: RelayclearError | None

    def received(self, sequence: int) -> bool:
        """Whether the destination has the packet."""
        return self.reception is not None and sequence not in self.reception.unreceived

    def acknowledged(self, sequence: int) -> bool:
        """Whether the destination wrote an acknowledgement for the packet."""
        return self.reception is not None and sequence in self.reception.acknowledgements


@dataclass(slots=True)
class Reading:
    """Everything one scan saw.  `first_seen` holds the sighting of every pending sequence."""

    at: datetime
    network: Network
    heads: dict[str, Head] = field(default_factory=dict)
    failures: dict[str, RelayclearError] = field(default_factory=dict)
    paths: dict[ChannelEnd, PathReading] = field(default_factory=dict)
    clients: dict[tuple[str, str], ClientHealth] = field(default_factory=dict)
    first_seen: dict[ChannelEnd, Mapping[int, datetime]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every chain and path that was looked at could be read."""
        return not self.failures and all(reading.error is None for reading in self.paths.values())

    def readable(self, end: ChannelEnd) -> PathReading:
        """The reading of one path in scope.  Raises what kept it from being read."""
        item = self.paths[self.network.path_from(end).source]
        if item.error is not None:
            raise item.error
        return item


@dataclass(frozen=True, slots=True)
class Scope:
    """Which paths to look at: those sent from `chain`, over `channel`; None is all."""

    chain: str | None = None
    channel: str | None = None
    port: str | None = None

    def holds(self, path: RelayPath) -> bool:
        """Whether the path's sending end is meant."""
        end = path.source
        wanted = ((self.chain, end.chain), (self.channel, end.channel), (self.port, end.port))
        return all(want is None or want == have for want, have in wanted)


@dataclass(slots=True)
class _ChainRound:
    head: Head | None = None
    count: int | None = None
    commitments: Mapping[ChannelEnd, Commitments | RelayclearError] = field(default_factory=dict)
    error: RelayclearError | None = None


async def scan(desk: Desk, scope: Scope | None = None, progress: Progress = lambda _: None) -> Reading:
    """Read every path in scope, both ends, and remember what was seen.

    A path whose either end fails is a failed path with its error; the rest goes on.  Raises
    UsageError for a chain or channel in the scope that doesn't exist.
    """
    scope = scope or Scope()
    network = await load_network(desk, progress)
    reading = await _read(desk, network, _chosen(desk, network, scope))
    moved = [chain for chain, round_ in reading[1].items() if round_.count not in {None, network.counts.get(chain)}]
    if moved:
        network = await refresh_network(desk, network, moved, progress)
        reading = await _read(desk, network, _chosen(desk, network, scope))
    _remember(desk, reading[0])
    if any(isinstance(item.error, HeightError) for item in reading[0].paths.values()):
        # Another process may have looked meanwhile, a block later than this look began: then looking again is enough.
        # A node that really fell back is behind again.
        reading = await _read(desk, network, _chosen(desk, network, scope))
        _remember(desk, reading[0])
    return reading[0]


def _chosen(desk: Desk, network: Network, scope: Scope) -> list[RelayPath]:
    if scope.chain is not None:
        desk.chain(scope.chain)
        if scope.channel is not None and scope.chain in network.chains:
            network.path_from(ChannelEnd(scope.chain, scope.port or "transfer", scope.channel))
    chosen = [path for path in network.paths if scope.holds(path)]
    if not chosen and scope.channel is not None and not network.failures:
        raise UsageError(
            f"no channel {scope.channel!r}{did_you_mean(scope.channel, {p.source.channel for p in network.paths})}",
            hint="relayclear channels",
        )
    return chosen


async def _read(desk: Desk, network: Network, paths: Sequence[RelayPath]) -> tuple[Reading, Mapping[str, _ChainRound]]:
    reading = Reading(desk.clock.now(), network, failures=dict(network.failures))
    involved = {path.source.chain for path in paths} | {path.destination.chain for path in paths}
    sending: dict[str, list[ChannelEnd]] = {chain: [] for chain in involved}
    for path in paths:
        sending[path.source.chain].append(path.source)
    answers, guesses = await asyncio.gather(
        asyncio.gather(*(_ask(desk, chain, ends) for chain, ends in sending.items())), _guess(desk, paths, reading.at)
    )
    rounds = dict(zip(sending, answers, strict=True))
    for chain, round_ in rounds.items():
        if round_.error is not None:
            reading.failures[chain] = round_.error
        elif round_.head is not None:
            reading.heads[chain] = round_.head
    for path in paths:
        reading.paths[path.source] = _first_half(path, rounds, reading)
    for end, (asked, reception) in guesses.items():
        pending = reading.paths[end].commitments.keys()
        if pending <= asked:
            gone = len(pending) < len(asked)
            narrowed = replace(reception, unreceived=reception.unreceived & pending) if gone else reception
            reading.paths[end].reception = narrowed
    await asyncio.gather(_ask_receptions(desk, reading), _ask_clients(desk, reading))
    return reading, rounds


async def _ask(desk: Desk, chain_id: str, ends: Sequence[ChannelEnd]) -> _ChainRound:
    chain = desk.chains[chain_id]
    round_ = _ChainRound()
    try:
        # One gather: the three go out together and share their batches.
        round_.head, round_.count, round_.commitments = await asyncio.gather(
            chain.head(), chain.next_channel_sequence(), chain.commitments(ends)
        )
    except RelayclearError as error:
        round_.error = error
    return round_


def _first_half(path: RelayPath, rounds: Mapping[str, _ChainRound], reading: Reading) -> PathReading:
    source = rounds[path.source.chain]
    error = reading.failures.get(path.source.chain) or reading.failures.get(path.destination.chain)
    if error is not None and path.source.chain in reading.heads and path.destination.chain in reading.heads:
        error = None  # the topology alone could not be refreshed; both nodes answer
    if error is not None:
        return PathReading(path, {}, None, error)
    answer = source.commitments.get(path.source)
    if answer is None:
        return PathReading(path, {}, None, NodeError(f"{path.source}: no answer"))
    if isinstance(answer, RelayclearError):
        return PathReading(path, {}, None, answer)
    return PathReading(path, answer.by_sequence, None, None)


async def _ask_receptions(desk: Desk, reading: Reading) -> None:
    by_chain: dict[str, list[PathReading]] = {}
    for item in reading.paths.values():
        if item.commitments and item.error is None and item.reception is None:
            by_chain.setdefault(item.path.destination.chain, []).append(item)
    await asyncio.gather(*(_ask_chain_receptions(desk, chain, items) for chain, items in by_chain.items()))


def _question(path: RelayPath, sequences: Iterable[int]) -> ReceptionQuestion:
    return ReceptionQuestion(path.destination, tuple(sequences), ordered=path.ordering is Ordering.ORDERED)


async def _guess(
    desk: Desk, paths: Sequence[RelayPath], at: datetime
) -> dict[ChannelEnd, tuple[AbstractSet[int], Reception]]:
    """Ask about what was pending at the last look while the first half is still under way.

    Mostly nothing has changed, and a scan then takes one round trip; where something is new, its
    path is asked again.  An error is no answer here: the second half asks and tells.
    """
    known = desk.journal.pending_at([path.source for path in paths], at)
    by_chain: dict[str, list[RelayPath]] = {}
    for path in paths:
        if known.get(path.source):
            by_chain.setdefault(path.destination.chain, []).append(path)

    async def ask(chain: str, known_paths: Sequence[RelayPath]) -> Mapping[ChannelEnd, Reception | RelayclearError]:
        """One chain's receptions; nothing where it can't be read, for this is only a guess."""
        try:
            return await desk.chains[chain].receptions([_question(path, known[path.source]) for path in known_paths])
        except RelayclearError:
            return {}

    answers = await asyncio.gather(*(ask(chain, known_paths) for chain, known_paths in by_chain.items()))
    found = {end: answer for part in answers for end, answer in part.items() if isinstance(answer, Reception)}
    return {
        path.source: (known[path.source].keys(), found[path.destination]) for path in paths if path.destination in found
    }


async def _ask_chain_receptions(desk: Desk, chain: str, items: Sequence[PathReading]) -> None:
    questions = [_question(item.path, item.commitments) for item in items]
    try:
        answers = await desk.chains[chain].receptions(questions)
    except RelayclearError as error:
        answers = {question.end: error for question in questions}
    for item in items:
        answer = answers.get(item.path.destination) or NodeError(f"{item.path.destination}: no answer")
        if isinstance(answer, RelayclearError):
            item.error = answer
        else:
            item.reception = answer


async def _ask_clients(desk: Desk, reading: Reading) -> None:
    wanted: dict[str, set[str]] = {}
    for item in reading.paths.values():
        if item.commitments and item.error is None:
            wanted.setdefault(item.path.source.chain, set()).add(item.path.source_client)
            wanted.setdefault(item.path.destination.chain, set()).add(item.path.destination_client)
    reading.clients = await client_health(desk, wanted)


async def client_health(desk: Desk, wanted: Mapping[str, Iterable[str]]) -> dict[tuple[str, str], ClientHealth]:
    """Health of clients by (chain, client); one that can't be read is left out: unknown."""

    async def ask(chain: str, clients: Iterable[str]) -> list[tuple[tuple[str, str], ClientHealth]]:
        """One chain's clients; nothing where it can't be read."""
        try:
            answers = await desk.chains[chain].client_health(sorted(clients))
        except RelayclearError:
            return []
        return [((chain, client), health) for client, health in answers.items() if isinstance(health, ClientHealth)]

    answers = await asyncio.gather(*(ask(chain, clients) for chain, clients in wanted.items()))
    return {key: health for answer in answers for key, health in answer}


def _remember(desk: Desk, reading: Reading) -> None:
    good = {
        end: (reading.heads[end.chain].height, item.commitments.keys())
        for end, item in reading.paths.items()
        if item.error is None
    }
    failed = {end: item.error.message for end, item in reading.paths.items() if item.error is not None}
    for end, seen in desk.journal.record_scan(reading.at, good, failed).items():
        if isinstance(seen, RelayclearError):
            reading.paths[end].error = seen  # the node fell back behind an earlier reading
        else:
            reading.first_seen[end] = seen
