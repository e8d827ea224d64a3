"""Read both chains about exact packets and say what became of each: the only judge there is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from relayclear.clearing.operation import PacketAfter, PacketBefore
from relayclear.errors import RelayclearError
from relayclear.ibc.fate import Ack, Doer, Fate, deciding_steps, doer_of, fate_of, read_ack
from relayclear.ibc.packet import Ordering, RelayPath
from relayclear.ibc.readings import Commitments, Head, Reception, ReceptionQuestion, RelayQuestion, RelayStep, RelayTx
from relayclear.ibc.relayer import KeyChoice, RelayRun
from relayclear.ibc.triage import PacketClass
from relayclear.usecases.desk import Desk

# Nodes index a transaction shortly after its block; a later look finds what the first one missed.
INDEX_WAITS = (0.1, 0.2, 0.4, 0.8, 1.5)

_SIGNAL_EXITS = 128


@dataclass(slots=True)
class BothSides:
    """What both ends say of some sequences.  A side is None where it could not be read."""

    heads: dict[str, Head] = field(default_factory=dict)
    commitments: Commitments | None = None
    reception: Reception | None = None
    errors: list[RelayclearError] = field(default_factory=list)

    @property
    def heights(self) -> dict[str, int]:
        """The height that each chain was read at."""
        return {chain: head.height for chain, head in self.heads.items()}


async def read_both(desk: Desk, path: RelayPath, sequences: Sequence[int]) -> BothSides:
    """Read commitments on the source, receipts and acknowledgements on the destination."""
    sides = BothSides()
    source, destination = desk.chains[path.source.chain], desk.chains[path.destination.chain]
    question = ReceptionQuestion(path.destination, tuple(sequences), ordered=path.ordering is Ordering.ORDERED)

    async def near() -> None:
        """Fill in the source's side.  Raises UnreachableError."""
        head, sides.commitments = await asyncio.gather(source.head(), source.committed(path.source, sequences))
        sides.heads[path.source.chain] = head

    async def far() -> None:
        """Fill in the destination's side.  Raises UnreachableError."""
        head, answers = await asyncio.gather(destination.head(), destination.receptions([question]))
        answer = answers[path.destination]
        if isinstance(answer, RelayclearError):
            raise answer
        sides.heads[path.destination.chain], sides.reception = head, answer

    for result in await asyncio.gather(near(), far(), return_exceptions=True):
        if isinstance(result, RelayclearError):
            sides.errors.append(result)
        elif isinstance(result, BaseException):
            raise result
    return sides


async def find_txs(
    desk: Desk, path: RelayPath, wanted: Mapping[int, Sequence[RelayStep]]
) -> dict[int, tuple[RelayTx, ...]]:
    """Look for the transactions that did the wanted steps.  What isn't found is left out."""
    by_step: dict[RelayStep, list[int]] = {}
    for sequence, steps in wanted.items():
        for step in steps:
            by_step.setdefault(step, []).append(sequence)
    questions: dict[str, list[RelayQuestion]] = {}
    for step, sequences in by_step.items():
        chain = path.destination.chain if step is RelayStep.RECV else path.source.chain
        questions.setdefault(chain, []).append(RelayQuestion(path.source, step, tuple(sequences), path.destination))
    answers = await asyncio.gather(
        *(desk.chains[chain].relay_txs(asked) for chain, asked in questions.items()), return_exceptions=True
    )
    found: dict[int, list[RelayTx]] = {sequence: [] for sequence in wanted}
    for answer in answers:
        if isinstance(answer, RelayclearError):
            continue  # an index that is off leaves the doer unknown, never the fate
        if isinstance(answer, BaseException):
            raise answer
        for key, txs in answer.items():
            found[key.sequence].extend(txs)
    order = list(RelayStep)
    return {sequence: tuple(sorted(txs, key=lambda tx: order.index(tx.step))) for sequence, txs in found.items()}


async def judge(
    desk: Desk,
    path: RelayPath,
    before: Sequence[PacketBefore],
    *,
    ended: bool,
    patient: bool,
    keys: Sequence[KeyChoice] = (),
) -> tuple[PacketAfter, ...]:
    """Say what became of each packet.

    `ended` False means that the run did not end by itself: a packet still pending is then
    `unknown`, because a transaction already sent may land later.  `patient` waits for indexers;
    `keys` are those just signed with, which are ours whatever the config says.
    """
    sequences = [packet.sequence for packet in before]
    sides = await read_both(desk, path, sequences)
    judged = {packet.sequence: _fate(path, packet, sides, ended=ended) for packet in before}
    wanted = {packet.sequence: _steps(packet, judged[packet.sequence]) for packet in before}
    txs = await _find_patiently(desk, path, {s: steps for s, steps in wanted.items() if steps}, patient=patient)
    ours = _ours(desk, keys)
    return tuple(_with_txs(ours, packet, judged[packet.sequence], txs.get(packet.sequence, ())) for packet in before)


def _ours(desk: Desk, keys: Sequence[KeyChoice]) -> dict[str, frozenset[str]]:
    ours = dict(desk.ours)
    for key in keys:
        if key.address is not None:
            ours[key.chain] = ours.get(key.chain, frozenset()) | {key.address}
    return ours


def ended_by_itself(run: RelayRun) -> bool:
    """Whether the run came to its own end: a signal's exit code (also a shell's 128+n) is not one."""
    return run.ended and run.exit_code is not None and 0 <= run.exit_code < _SIGNAL_EXITS


def class_before(packet: PacketBefore) -> PacketClass:
    """The class to judge by: one gone before we looked counts as an ordinary stuck packet."""
    return packet.packet_class or PacketClass.STUCK


def _fate(path: RelayPath, packet: PacketBefore, sides: BothSides, *, ended: bool) -> PacketAfter:
    sequence = packet.sequence
    committed = sequence in sides.commitments.by_sequence if sides.commitments is not None else None
    received = sequence not in sides.reception.unreceived if sides.reception is not None else None
    written = sides.reception.acknowledgements.get(sequence) if sides.reception is not None else None
    ack = read_ack(written, ics20=path.is_ics20)
    if any(sides.heights.get(chain, height) < height for chain, height in packet.heights.items()):
        committed = None  # the node went back behind the reading before: its word is old
    fate = fate_of(class_before(packet), committed=committed, received=received, ack=ack)
    reason = sides.errors[0].message if sides.errors else None
    if fate is Fate.STILL_PENDING and not ended:
        fate, reason = Fate.UNKNOWN, "the run did not end by itself; a transaction it sent may still land"
    success = {Ack.SUCCESS: True, Ack.ERROR: False}.get(ack)
    return PacketAfter(sequence, fate, Doer.UNKNOWN, committed, received, success, sides.heights, (), reason)


def _steps(packet: PacketBefore, after: PacketAfter) -> tuple[RelayStep, ...]:
    """Which transactions must exist for what was found, the deciding one first."""
    if after.fate is Fate.RETURNED_TO_SENDER:
        return (RelayStep.TIMEOUT,)
    if after.fate is Fate.ACKNOWLEDGED:
        return (RelayStep.ACK,)
    if not after.received or after.fate is Fate.STILL_PENDING:
        return ()
    acked = (RelayStep.ACK,) if after.committed is False else ()
    return (RelayStep.RECV, *acked) if RelayStep.RECV in deciding_steps(class_before(packet)) else acked


async def _find_patiently(
    desk: Desk, path: RelayPath, wanted: Mapping[int, Sequence[RelayStep]], *, patient: bool
) -> dict[int, tuple[RelayTx, ...]]:
    found = await find_txs(desk, path, wanted) if wanted else {}
    for wait in INDEX_WAITS if patient else ():
        missing = {s: steps for s, steps in wanted.items() if {tx.step for tx in found[s]} < set(steps)}
        if not missing:
            break
        await desk.clock.sleep(wait)
        found |= await find_txs(desk, path, missing)
    return found


def _with_txs(
    ours: Mapping[str, frozenset[str]], packet: PacketBefore, after: PacketAfter, txs: tuple[RelayTx, ...]
) -> PacketAfter:
    return replace(after, by=doer_of(class_before(packet), txs, ours), txs=txs)


def deciding_tx(before: PacketBefore, after: PacketAfter) -> RelayTx | None:
    """The transaction that ended the packet's wait, where one was found."""
    found = {tx.step: tx for tx in after.txs}
    return next((found[step] for step in deciding_steps(class_before(before)) if step in found), None)
