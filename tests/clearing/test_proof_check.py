"""What the chains don't bear out is found: each claim of a proof turned round once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from relayclear.clearing.proof_check import Finding, Flaw, Observed, Verdict, check_packet, verdict_of
from relayclear.clearing.proof_document import Proof
from relayclear.errors import HeightError, NodeError, NotFoundError
from relayclear.ibc.evidence import StepClaim, StepEvidence
from relayclear.ibc.fate import SUCCESS_ACK_HASH, Doer, Fate
from relayclear.ibc.packet import Ordering
from relayclear.ibc.readings import Commitments, Reception, RelayStep
from relayclear.ibc.triage import PacketClass
from tests.clearing.proofs import PATH, after, before, observed, proof, sent, tx

PENDING: dict[str, Any] = {
    "fate": Fate.STILL_PENDING,
    "by": Doer.UNKNOWN,
    "committed": True,
    "received": False,
    "ack_success": None,
}
UNKNOWN: dict[str, Any] = {
    "fate": Fate.UNKNOWN,
    "by": Doer.UNKNOWN,
    "committed": None,
    "received": None,
    "ack_success": None,
}
OTHER_HASH = b"\x01" * 32


def flaws(proved: Proof, shown: Observed | None = None, **changed: Any) -> list[Flaw]:
    """The flaws of a proof's only packet against chains that bear it out but for what is changed."""
    found = check_packet(proved, proved.packets[0], replace(shown or observed(proved), **changed))
    return [finding.flaw for finding in found]


def steps(proved: Proof, step: RelayStep, evidence: Any) -> dict[StepClaim, Any]:
    """The evidence with that of one step changed: an error, or fields of it."""
    told = dict(observed(proved).steps)
    claim = next(claim for claim in told if claim.step is step)
    found = told[claim]
    assert isinstance(found, StepEvidence)
    return told | {claim: evidence if isinstance(evidence, Exception) else found._replace(**evidence)}


def test_what_the_chains_bear_out_has_no_flaw() -> None:
    assert flaws(proof()) == []
    assert flaws(proof(packet=None)) == []
    assert verdict_of([]) is Verdict.CONFIRMED


def test_one_contradiction_outweighs_what_could_not_be_read() -> None:
    unread = Finding(Flaw.UNREAD, "x")
    assert verdict_of([unread]) is Verdict.UNREADABLE
    assert verdict_of([unread, Finding(Flaw.NOT_RECEIVED)]) is Verdict.CONTRADICTED


@pytest.mark.parametrize(
    ("commitments", "expected"),
    [
        (Commitments(120, {2: sent().commitment()}), [Flaw.COMMITMENT_THERE]),
        (Commitments(109, {}), [Flaw.BEHIND]),
        (NodeError("down"), [Flaw.UNREAD]),
        (Commitments(120, {3: OTHER_HASH}), []),
    ],
)
def test_a_commitment_that_is_not_gone_is_noticed(commitments: Any, expected: list[Flaw]) -> None:
    assert flaws(proof(), commitments=commitments) == expected


@pytest.mark.parametrize(
    ("reception", "expected"),
    [
        (Reception(220, frozenset([2]), {}), [Flaw.NOT_RECEIVED]),
        (Reception(220, frozenset(), {}), [Flaw.ACK_DIFFERS]),
        (Reception(220, frozenset(), {2: OTHER_HASH}), [Flaw.ACK_DIFFERS]),
        (Reception(209, frozenset([2]), {}), [Flaw.BEHIND]),
        (NodeError("down"), [Flaw.UNREAD]),
    ],
)
def test_a_packet_that_was_not_received_so_is_noticed(reception: Any, expected: list[Flaw]) -> None:
    assert flaws(proof(), reception=reception) == expected


def test_an_ordered_channel_may_have_pruned_its_acknowledgement() -> None:
    ordered = replace(proof(), path=replace(PATH, ordering=Ordering.ORDERED))
    assert flaws(ordered, reception=Reception(220, frozenset(), {})) == [Flaw.UNREAD]
    assert flaws(ordered, reception=Reception(220, frozenset(), {2: OTHER_HASH})) == [Flaw.ACK_DIFFERS]


def test_an_error_acknowledgement_is_checked_as_one() -> None:
    failed = proof(became=after(fate=Fate.DELIVERED_WITH_ERROR, ack_success=False))
    assert flaws(failed) == [Flaw.ACK_DIFFERS]
    assert flaws(failed, reception=Reception(220, frozenset(), {2: OTHER_HASH})) == []


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (NotFoundError("no such"), [Flaw.NO_SUCH_TX]),
        (HeightError("pruned"), [Flaw.UNREAD]),
        ({"code": 5}, [Flaw.TX_FAILED]),
        ({"height": 106}, [Flaw.TX_ELSEWHERE]),
        ({"did_step": False}, [Flaw.TX_WITHOUT_STEP]),
        ({"relayer": "beta1rival"}, [Flaw.OTHER_RELAYER]),
        ({"relayer": ""}, [Flaw.OTHER_RELAYER]),
        ({"commitment": OTHER_HASH}, [Flaw.OTHER_PACKET]),
        ({"commitment": None}, []),
    ],
)
@pytest.mark.parametrize("step", [RelayStep.RECV, RelayStep.ACK])
def test_a_transaction_that_is_not_what_is_claimed_is_noticed(
    step: RelayStep, evidence: Any, expected: list[Flaw]
) -> None:
    whole = proof()
    assert flaws(whole, steps=steps(whole, step, evidence)) == expected


def test_a_packet_whose_hash_is_not_the_commitment_is_noticed() -> None:
    forged = proof(packet=replace(sent(), data=b'{"amount":"500000"}'))
    assert flaws(forged) == [Flaw.HASH_DIFFERS]


def test_a_forged_commitment_is_noticed_by_the_packet_in_the_message() -> None:
    forged = replace(sent(), data=b"forged")
    whole = proof(before(commitment=forged.commitment()), packet=forged)
    assert set(flaws(whole)) == {Flaw.OTHER_PACKET}


def test_a_hash_that_nothing_can_be_tied_to_is_told() -> None:
    bare = proof(became=after(txs=(), by=Doer.UNKNOWN), packet=None)
    assert flaws(bare) == [Flaw.NO_PACKET]
    assert flaws(bare, commitments=NodeError("down")) == [Flaw.UNREAD, Flaw.NO_PACKET]
    gone = proof(before(packet_class=None, commitment=None), after(txs=(), by=Doer.UNKNOWN), None)
    assert flaws(gone) == []


def test_a_fate_that_does_not_follow_from_its_own_facts_is_noticed() -> None:
    assert flaws(proof(became=after(fate=Fate.RETURNED_TO_SENDER))) == [Flaw.FATE_DIFFERS]
    assert flaws(proof(became=after(received=None))) == [Flaw.FATE_DIFFERS]
    missing = before(packet_class=PacketClass.ACK_MISSING)
    assert flaws(proof(missing, after(fate=Fate.ACKNOWLEDGED))) == []


def test_who_did_it_is_not_believed_without_a_transaction_of_theirs() -> None:
    assert flaws(proof(became=after(txs=(tx(RelayStep.ACK),)))) == [Flaw.DOER_UNPROVED]
    nobody = proof(became=after(by=Doer.OTHER, txs=(tx(RelayStep.RECV, relayer=""),)))
    assert flaws(nobody) == [Flaw.DOER_UNPROVED]


def test_an_unknown_fate_proves_nothing_and_contradicts_nothing() -> None:
    unknown = proof(became=after(**UNKNOWN, txs=()))
    assert flaws(unknown) == [Flaw.UNTOLD]


def test_what_was_still_pending_may_have_moved_since_and_is_no_lie() -> None:
    pending = proof(became=after(**PENDING, txs=()))
    there = Commitments(120, {2: sent().commitment()})
    waiting = Reception(220, frozenset([2]), {})
    assert flaws(pending, commitments=there, reception=waiting) == []
    assert flaws(pending, reception=waiting) == [Flaw.MOVED_ON]
    assert flaws(pending, commitments=there) == [Flaw.MOVED_ON]
    other = Commitments(120, {2: OTHER_HASH})
    assert flaws(pending, commitments=other, reception=waiting) == [Flaw.COMMITMENT_DIFFERS]


def test_a_delivery_acknowledged_since_stays_confirmed() -> None:
    early = proof(became=after(committed=True, txs=(tx(RelayStep.RECV),)))
    assert flaws(early) == []
    open_ = proof(became=after(committed=True, ack_success=None, fate=Fate.DELIVERED_ACK_OPEN))
    assert flaws(open_) == []


def test_coins_given_back_and_delivered_too_are_a_contradiction() -> None:
    returned: dict[str, Any] = {"fate": Fate.RETURNED_TO_SENDER, "received": False, "ack_success": None}
    back = proof(before(packet_class=PacketClass.TIMED_OUT), after(**returned, txs=(tx(RelayStep.TIMEOUT),)))
    assert flaws(back, reception=Reception(220, frozenset([2]), {})) == []
    assert flaws(back, reception=Reception(220, frozenset(), {2: SUCCESS_ACK_HASH})) == [Flaw.RECEIVED]
