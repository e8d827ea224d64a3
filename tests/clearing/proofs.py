"""An operation and its proof, every part of which is as it should be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from relayclear.clearing.operation import Attempt, Operation, PacketAfter, PacketBefore
from relayclear.clearing.proof_check import Observed
from relayclear.clearing.proof_document import Proof, proof_of
from relayclear.ibc.evidence import StepEvidence
from relayclear.ibc.fate import SUCCESS_ACK_HASH, Doer, Fate
from relayclear.ibc.packet import ChannelEnd, Height, Ordering, Packet, PacketKey, RelayPath, SequenceRanges
from relayclear.ibc.readings import Commitments, Reception, RelayStep, RelayTx
from relayclear.ibc.triage import PacketClass

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SOURCE = ChannelEnd("alpha-1", "transfer", "channel-0")
FAR = ChannelEnd("beta-1", "transfer", "channel-5")
PATH = RelayPath(SOURCE, FAR, Ordering.UNORDERED, "ics20-1", "connection-0", "connection-3", "client-0", "client-7")
BEFORE, AFTER = {"alpha-1": 100, "beta-1": 200}, {"alpha-1": 110, "beta-1": 210}
US = "beta1us"


def sent(sequence: int = 2) -> Packet:
    """The packet as its send event told it."""
    data = b'{"amount":"5"}'
    return Packet(PacketKey(*SOURCE, sequence), FAR, data, Height(1, 5000), 2**63, "AA" * 32, 90, AT)


SENT = sent()


def tx(step: RelayStep, relayer: str = US, height: int = 105) -> RelayTx:
    """A relay transaction."""
    chain = "beta-1" if step is RelayStep.RECV else "alpha-1"
    number = list(RelayStep).index(step)
    return RelayTx(chain, step, f"{number}F" * 32, height, AT, relayer, (), 0)


def before(sequence: int = 2, **changed: Any) -> PacketBefore:
    """How the packet stood."""
    fields: dict[str, Any] = {
        "packet_class": PacketClass.STUCK,
        "commitment": sent(sequence).commitment(),
        "heights": BEFORE,
    }
    return PacketBefore(sequence, **fields | changed)


def after(sequence: int = 2, **changed: Any) -> PacketAfter:
    """What became of it: delivered and acknowledged by us."""
    fields: dict[str, Any] = {
        "fate": Fate.DELIVERED,
        "by": Doer.US,
        "committed": False,
        "received": True,
        "ack_success": True,
        "heights": AFTER,
        "txs": (tx(RelayStep.RECV), tx(RelayStep.ACK)),
    }
    return PacketAfter(sequence, **fields | changed)


def attempt(number: int, was: PacketBefore, became: PacketAfter) -> Attempt:
    """One try that ended."""
    return Attempt(number, AT, (was,), after=(became,), ended_at=AT + timedelta(seconds=9))


def operation(*attempts: Attempt) -> Operation:
    """The work of clearing packet 2."""
    return Operation("op-1", AT, SOURCE, FAR, SequenceRanges.of([2]), attempts or (attempt(1, before(), after()),))


def proof(was: PacketBefore | None = None, became: PacketAfter | None = None, packet: Packet | None = SENT) -> Proof:
    """The proof of an operation of one attempt; `packet` None is one that nobody could tell."""
    found = operation(attempt(1, was or before(), became or after()))
    return proof_of(found, PATH, {2: packet} if packet else {}, "0123456789abcdef", AT)


def observed(proved: Proof) -> Observed:
    """Chains that bear out a delivery."""
    steps = {
        claim: StepEvidence(told.height, 0, did_step=True, relayer=told.relayer, commitment=sent().commitment())
        for packet in proved.packets
        for told, claim in proved.claims(packet)
    }
    return Observed(Commitments(120, {}), Reception(220, frozenset(), {2: SUCCESS_ACK_HASH}), dict(steps))
