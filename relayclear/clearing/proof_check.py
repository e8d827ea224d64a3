"""What has to agree between a proof of clear and the two chains, packet by packet.  Pure.

Three facts never turn round on a chain: a commitment that is gone stays gone, what was received
stays received, and an acknowledgement that was written stays as it is.  What a proof says was *not*
so at its height may have happened since; that is no contradiction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from relayclear.clearing.proof_document import Proof, ProvedPacket
from relayclear.errors import NotFoundError, RelayclearError
from relayclear.ibc.evidence import StepClaim, StepEvidence
from relayclear.ibc.fate import Ack, Doer, Fate, deciding_steps, fate_of, read_ack
from relayclear.ibc.packet import Ordering
from relayclear.ibc.readings import Commitments, Reception, RelayTx
from relayclear.ibc.triage import PacketClass


class Verdict(StrEnum):
    """What checking came to."""

    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"
    UNREADABLE = "unreadable"


class Flaw(StrEnum):
    """Why a proof, or a packet in it, isn't confirmed."""

    PATH_DIFFERS = "path_differs"
    HASH_DIFFERS = "hash_differs"
    COMMITMENT_THERE = "commitment_there"
    COMMITMENT_DIFFERS = "commitment_differs"
    NOT_RECEIVED = "not_received"
    RECEIVED = "received"
    ACK_DIFFERS = "ack_differs"
    NO_SUCH_TX = "no_such_tx"
    TX_FAILED = "tx_failed"
    TX_ELSEWHERE = "tx_elsewhere"
    TX_WITHOUT_STEP = "tx_without_step"
    OTHER_RELAYER = "other_relayer"
    OTHER_PACKET = "other_packet"
    FATE_DIFFERS = "fate_differs"
    DOER_UNPROVED = "doer_unproved"
    UNTOLD = "untold"
    NO_PACKET = "no_packet"
    UNREAD = "unread"
    BEHIND = "behind"
    MOVED_ON = "moved_on"


_UNREADABLE = {Flaw.UNTOLD, Flaw.NO_PACKET, Flaw.UNREAD, Flaw.BEHIND, Flaw.MOVED_ON}


class Finding(NamedTuple):
    """A flaw and what it is about: a transaction, an error's words, a height."""

    flaw: Flaw
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Observed:
    """What the chains show of a proof's packets; an error where a side can't be read."""

    commitments: Commitments | RelayclearError
    reception: Reception | RelayclearError
    steps: Mapping[StepClaim, StepEvidence | RelayclearError]


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """One contradiction outweighs everything; without findings it is confirmed."""
    flaws = {finding.flaw for finding in findings}
    if flaws - _UNREADABLE:
        return Verdict.CONTRADICTED
    return Verdict.UNREADABLE if flaws else Verdict.CONFIRMED


def check_packet(proof: Proof, packet: ProvedPacket, observed: Observed) -> tuple[Finding, ...]:
    """Everything about one packet that the chains, or the proof itself, don't bear out."""
    return (
        *_by_itself(packet),
        *_on_source(proof, packet, observed.commitments),
        *_on_destination(proof, packet, observed.reception),
        *_by_transactions(proof, packet, observed),
    )


def _by_itself(packet: ProvedPacket) -> Iterable[Finding]:
    before, after = packet.before, packet.after
    if before.commitment is not None and packet.sent is not None and packet.sent.commitment() != before.commitment:
        yield Finding(Flaw.HASH_DIFFERS)
    packet_class = before.packet_class or PacketClass.STUCK
    # Without a known meaning the acknowledgement may be there or not: the document doesn't tell.
    acks = {True: (Ack.SUCCESS,), False: (Ack.ERROR,), None: (Ack.NONE, Ack.OTHER)}[after.ack_success]
    fates = {fate_of(packet_class, committed=after.committed, received=after.received, ack=ack) for ack in acks}
    if after.fate is Fate.UNKNOWN:
        yield Finding(Flaw.UNTOLD)
    elif after.fate not in fates:
        yield Finding(Flaw.FATE_DIFFERS, " or ".join(sorted(fates)))
    found = {tx.step: tx for tx in after.txs}
    deciding = next((found[step] for step in deciding_steps(packet_class) if step in found), None)
    if after.by is not Doer.UNKNOWN and (deciding is None or not deciding.relayer):
        yield Finding(Flaw.DOER_UNPROVED)


def _on_source(proof: Proof, packet: ProvedPacket, read: Commitments | RelayclearError) -> Iterable[Finding]:
    after, chain = packet.after, proof.path.source.chain
    if after.committed is None:
        return
    if isinstance(read, RelayclearError):
        yield Finding(Flaw.UNREAD, read.message)
    elif read.height < after.heights.get(chain, 0):
        yield _behind(chain, read.height, after.heights[chain])
    elif (there := read.by_sequence.get(after.sequence)) is None:
        if after.committed and after.fate is Fate.STILL_PENDING:
            yield Finding(Flaw.MOVED_ON, chain)
    elif not after.committed:
        yield Finding(Flaw.COMMITMENT_THERE, chain)
    elif packet.commitment not in {None, there}:
        yield Finding(Flaw.COMMITMENT_DIFFERS, chain)


def _on_destination(proof: Proof, packet: ProvedPacket, read: Reception | RelayclearError) -> Iterable[Finding]:
    after, chain = packet.after, proof.path.destination.chain
    if after.received is None:
        return
    if isinstance(read, RelayclearError):
        yield Finding(Flaw.UNREAD, read.message)
    elif read.height < after.heights.get(chain, 0):
        yield _behind(chain, read.height, after.heights[chain])
    elif after.sequence in read.unreceived:
        if after.received:
            yield Finding(Flaw.NOT_RECEIVED, chain)
    elif not after.received:
        # What was given back for good was never delivered; what was still pending may have been since.
        yield Finding(Flaw.MOVED_ON if after.committed else Flaw.RECEIVED, chain)
    elif after.ack_success is not None:
        yield from _acknowledgement(proof, packet, read)


def _acknowledgement(proof: Proof, packet: ProvedPacket, read: Reception) -> Iterable[Finding]:
    written = read.acknowledgements.get(packet.after.sequence)
    ack = read_ack(written, ics20=proof.path.is_ics20)
    if ack is Ack.NONE and proof.path.ordering is Ordering.ORDERED:
        yield Finding(Flaw.UNREAD, f"{proof.path.destination.chain} no longer has the acknowledgement")
    elif ack is not (Ack.SUCCESS if packet.after.ack_success else Ack.ERROR):
        yield Finding(Flaw.ACK_DIFFERS, ack.value)


def _behind(chain: str, height: int, claimed: int) -> Finding:
    return Finding(Flaw.BEHIND, f"{chain} was read at {height}, the proof at {claimed}")


def _by_transactions(proof: Proof, packet: ProvedPacket, observed: Observed) -> Iterable[Finding]:
    wanted, shown = packet.commitment, _present(packet, observed)
    for tx, claim in proof.claims(packet):
        evidence = observed.steps[claim]
        if isinstance(evidence, StepEvidence):
            shown.add(evidence.commitment)
        yield from (Finding(flaw, f"{tx.step} {tx.hash}{more}") for flaw, more in _step(tx, evidence, wanted))
    # Without the packet itself only a chain's own word can tie the hash to anything.
    if packet.sent is None and wanted is not None and wanted not in shown:
        yield Finding(Flaw.NO_PACKET)


def _present(packet: ProvedPacket, observed: Observed) -> set[bytes | None]:
    if isinstance(observed.commitments, RelayclearError):
        return set()
    return {observed.commitments.by_sequence.get(packet.after.sequence)}


def _step(
    tx: RelayTx, evidence: StepEvidence | RelayclearError, commitment: bytes | None
) -> Iterable[tuple[Flaw, str]]:
    if isinstance(evidence, RelayclearError):
        known = isinstance(evidence, NotFoundError)
        yield (Flaw.NO_SUCH_TX, "") if known else (Flaw.UNREAD, f": {evidence.message}")
        return
    if evidence.code:
        yield Flaw.TX_FAILED, f" with code {evidence.code}"
    elif evidence.height != tx.height:
        yield Flaw.TX_ELSEWHERE, f" at height {evidence.height}"
    elif not evidence.did_step:
        yield Flaw.TX_WITHOUT_STEP, ""
    elif evidence.relayer != tx.relayer:
        yield Flaw.OTHER_RELAYER, f" by {evidence.relayer or 'nobody that can be told'}"
    elif commitment is not None and evidence.commitment not in {None, commitment}:
        yield Flaw.OTHER_PACKET, ""
