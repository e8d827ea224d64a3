"""Proofs over two chains: written by one desk, checked by whoever asks the chains, and every forgery found."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from relayclear.clearing.operation import Operation
from relayclear.clearing.proof_check import Flaw, Verdict
from relayclear.clearing.proof_document import Proof, write_proof
from relayclear.errors import NodeError, RefusedError, UsageError
from relayclear.ibc.packet import ChannelState, Ordering, SequenceRanges
from relayclear.usecases.clear import Watcher, run_clear
from relayclear.usecases.clear_plan import ClearRequest, plan_clear
from relayclear.usecases.proof_check import ProofCheck, check_proof, proof_in
from relayclear.usecases.proof_document import operation_proof
from tests.fakes.relayer import a_rival_wins, crashes, does_nothing_and_says_success, does_the_first_only
from tests.fakes.rig import Rig
from tests.fakes.world import address


def cleared(rig: Rig, *sequences: int) -> Operation:
    """Clear these packets of the first channel."""

    async def work() -> Operation:
        plan = await plan_clear(rig.desk, ClearRequest(rig.source, SequenceRanges.of(sequences)))
        return await run_clear(rig.desk, plan, Watcher(asyncio.Event()))

    return asyncio.run(work())


def proof_of(rig: Rig, operation: str = "op-") -> Proof:
    """The proof, as it comes back from its file."""
    return proof_in(write_proof(asyncio.run(operation_proof(rig.desk, operation))).encode())


def checked(rig: Rig, proof: Proof) -> ProofCheck:
    """The proof held against the chains."""
    return asyncio.run(check_proof(rig.chains, proof))


def flaws(check: ProofCheck) -> set[Flaw]:
    """Every flaw that was found."""
    return {finding.flaw for found in (check.path, *(packet.findings for packet in check.packets)) for finding in found}


def forged(proof: Proof, change: Callable[[Any], None]) -> Proof:
    """The proof with its file changed by hand."""
    document = json.loads(write_proof(proof))
    change(document)
    return proof_in(json.dumps(document).encode())


def test_a_delivery_a_return_and_an_acknowledgement_are_all_confirmed(rig: Rig) -> None:
    rig.stuck()
    rig.stuck(timeout_seconds=60)
    (third,) = rig.stuck()
    rig.world.deliver(third, relayer=address("rival", "beta-1"))
    rig.stuck(receiver="nobody's address")
    assert cleared(rig, 1, 2, 3, 4).attempts
    proof = proof_of(rig)
    fates = [packet.after.fate.value for packet in proof.packets]
    assert fates == ["delivered", "returned_to_sender", "acknowledged", "delivered_with_error"]
    assert all(packet.sent is not None for packet in proof.packets)
    check = checked(rig, proof)
    assert (check.verdict, flaws(check)) == (Verdict.CONFIRMED, set())
    assert check.endpoints == {"alpha-1": ("http://alpha-1:26657",), "beta-1": ("http://beta-1:26657",)}
    assert check.heights == {"alpha-1": rig.alpha.height, "beta-1": rig.beta.height}
    assert not check.absent


def test_what_a_rival_did_is_proved_as_the_rivals(rig: Rig) -> None:
    rig.stuck()
    rig.relayer.scenarios = [a_rival_wins]
    cleared(rig, 1)
    proof = proof_of(rig)
    assert proof.packets[0].after.by.value == "other"
    assert checked(rig, proof).verdict is Verdict.CONFIRMED


def test_an_ordered_channel_is_asked_as_ordered_ones_are(rig: Rig) -> None:
    rig.source, rig.far = rig.world.connect("alpha-1", "beta-1", ordering=Ordering.ORDERED)
    rig.stuck(count=2)
    cleared(rig, 1, 2)
    assert checked(rig, proof_of(rig)).verdict is Verdict.CONFIRMED


def test_what_hermes_never_did_is_confirmed_as_still_pending(rig: Rig) -> None:
    (key,) = rig.stuck()
    rig.relayer.scenarios = [does_nothing_and_says_success]
    cleared(rig, 1)
    proof = proof_of(rig)
    assert checked(rig, proof).verdict is Verdict.CONFIRMED
    rig.world.relay(key)
    assert (checked(rig, proof).verdict, flaws(checked(rig, proof))) == (Verdict.UNREADABLE, {Flaw.MOVED_ON})


def test_an_operation_without_any_result_proves_nothing(rig: Rig) -> None:
    rig.stuck()
    rig.relayer.scenarios = [crashes]
    with pytest.raises(ZeroDivisionError):
        cleared(rig, 1)
    rig.alpha.down = NodeError("down")
    with pytest.raises(RefusedError, match="nothing is known yet"):
        proof_of(rig)
    with pytest.raises(UsageError, match="no operation"):
        proof_of(rig, "op-nonsense")


def test_a_packet_that_no_node_tells_any_more_is_proved_by_the_message_that_moved_it(rig: Rig) -> None:
    rig.stuck()
    rig.alpha.lost.add(1)
    cleared(rig, 1)
    proof = proof_of(rig)
    assert proof.packets[0].sent is None
    assert checked(rig, proof).verdict is Verdict.CONFIRMED
    rig.alpha.fails["sent_packets"] = NodeError("down")
    assert proof_of(rig).packets == proof.packets


def test_an_index_that_lies_about_the_packet_gets_nothing_into_the_proof(rig: Rig) -> None:
    rig.stuck()
    rig.alpha.lies.add(1)
    cleared(rig, 1)
    assert proof_of(rig).packets[0].sent is None


@pytest.mark.parametrize(
    ("change", "flaw"),
    [
        (lambda row: row["transactions"][0].update(hash="AB" * 32), Flaw.NO_SUCH_TX),
        (lambda row: row["transactions"][0].update(height=1), Flaw.TX_ELSEWHERE),
        (lambda row: row["transactions"][0].update(relayer="beta1thief"), Flaw.OTHER_RELAYER),
        (lambda row: row["transactions"][1].update(hash=row["transactions"][0]["hash"]), Flaw.NO_SUCH_TX),
        (lambda row: row["sent"].update(data_hex="7b7d"), Flaw.HASH_DIFFERS),
        (lambda row: row.update(commitment_before="01" * 32, sent=None), Flaw.OTHER_PACKET),
        (lambda row: row.update(fate="returned_to_sender", received=False, ack_success=None), Flaw.RECEIVED),
        (lambda row: row.update(ack_success=False, fate="delivered_with_error"), Flaw.ACK_DIFFERS),
        (lambda row: row.update(by="other", transactions=[]), Flaw.DOER_UNPROVED),
        (lambda row: row.update(sequence=2), Flaw.COMMITMENT_THERE),
    ],
)
def test_a_forged_part_is_a_contradiction(rig: Rig, change: Callable[[Any], None], flaw: Flaw) -> None:
    rig.stuck(count=2)
    cleared(rig, 1)
    check = checked(rig, forged(proof_of(rig), lambda whole: change(whole["packets"][0])))
    assert check.verdict is Verdict.CONTRADICTED
    assert flaw in flaws(check)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda path: path["destination"].update(channel="channel-1"), "the other end is beta-1/channel-0"),
        (lambda path: path["source"].update(channel="channel-77"), "alpha-1/channel-77 is not there"),
        (lambda path: path["source"].update(connection="connection-9"), "connection is connection-0"),
        (lambda path: path["destination"].update(client="07-tendermint-9"), "the other client is 07-tendermint-0"),
    ],
)
def test_a_path_that_leads_elsewhere_is_a_contradiction(rig: Rig, change: Callable[[Any], None], said: str) -> None:
    rig.world.connect("alpha-1", "beta-1")
    rig.stuck()
    cleared(rig, 1)
    check = checked(rig, forged(proof_of(rig), lambda whole: change(whole["path"])))
    assert check.verdict is Verdict.CONTRADICTED
    details = " ".join(finding.detail for finding in check.path)
    assert said in details or "does not exist, or leads to a chain" in details
    assert {packet.verdict for packet in check.packets} == {Verdict.CONTRADICTED}


def test_a_channel_that_leads_to_a_third_chain_is_a_contradiction(rig: Rig) -> None:
    rig.stuck()
    cleared(rig, 1)
    proof = proof_of(rig)
    rig.add_chain("gamma-1", "ugamma")
    rig.world.step(5)
    near, _ = rig.world.connect("alpha-1", "gamma-1")
    check = checked(rig, forged(proof, lambda whole: whole["path"]["source"].update(channel=near.channel)))
    assert (check.verdict, Flaw.PATH_DIFFERS in flaws(check)) == (Verdict.CONTRADICTED, True)


def test_a_closed_channel_or_an_upgraded_version_changes_nothing_that_was_proved(rig: Rig) -> None:
    rig.stuck()
    cleared(rig, 1)
    proof = proof_of(rig)
    rig.world.set_state(rig.source, ChannelState.CLOSED)
    rig.world.edit_channel(rig.source, lambda found: setattr(found, "version", '{"fee_version":"ics29-1"}'))
    assert checked(rig, proof).verdict is Verdict.CONFIRMED


def test_a_side_that_can_not_be_read_is_told_and_never_confirmed(rig: Rig) -> None:
    rig.stuck()
    cleared(rig, 1)
    proof = proof_of(rig)
    for chain in (rig.alpha, rig.beta):
        chain.down = NodeError("refuses the connection")
        check = checked(rig, proof)
        assert (check.verdict, flaws(check)) == (Verdict.UNREADABLE, {Flaw.UNREAD})
        chain.down = None
    for method in ("evidence", "clients", "committed", "receptions"):
        rig.alpha.fails[method] = rig.beta.fails[method] = NodeError("half a JSON")
        assert checked(rig, proof).verdict is Verdict.UNREADABLE
        rig.alpha.fails.clear()
        rig.beta.fails.clear()
    rig.beta.deaf.add(rig.far)
    assert checked(rig, proof).verdict is Verdict.UNREADABLE


def test_a_node_that_lags_behind_the_proof_contradicts_nothing(rig: Rig) -> None:
    rig.stuck()
    cleared(rig, 1)
    proof = proof_of(rig)
    rig.alpha.behind = 8
    check = checked(rig, proof)
    assert (check.verdict, flaws(check)) == (Verdict.UNREADABLE, {Flaw.BEHIND})


def test_a_pruned_node_can_not_tell_of_a_transaction_and_says_so(rig: Rig) -> None:
    rig.stuck()
    cleared(rig, 1)
    proof = proof_of(rig)
    rig.beta.pruned_below = 10**6
    assert (checked(rig, proof).verdict, flaws(checked(rig, proof))) == (Verdict.UNREADABLE, {Flaw.UNREAD})


def test_packets_that_a_proof_leaves_out_are_named(rig: Rig) -> None:
    rig.stuck(count=2)
    rig.relayer.scenarios = [does_the_first_only]
    cleared(rig, 1, 2)
    proof = forged(proof_of(rig), lambda whole: whole["packets"].pop())
    check = checked(rig, proof)
    assert (check.verdict, str(check.absent)) == (Verdict.CONFIRMED, "2")
    nothing = checked(rig, forged(proof, lambda whole: whole["packets"].clear()))
    assert nothing.verdict is Verdict.UNREADABLE


def test_a_file_that_is_no_proof_says_which_part_is_wrong() -> None:
    with pytest.raises(UsageError, match="this is no proof of clear: the document is not JSON"):
        proof_in(b"\x1b[2J")
