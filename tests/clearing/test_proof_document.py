"""Proofs of clear as files: nothing lost on the way, nothing believed that somebody else wrote."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayclear.clearing.operation import OperationState
from relayclear.clearing.proof_document import proof_of, write_proof
from relayclear.clearing.proof_reading import MAX_PACKETS, ProofError, read_proof
from relayclear.ibc.fate import Doer, Fate
from relayclear.ibc.readings import RelayStep
from relayclear.ibc.triage import PacketClass
from tests.clearing.proofs import AT, PATH, after, attempt, before, operation, proof, sent, tx


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(write_proof(proof()))
    return found


def test_what_is_written_is_read_back_the_same() -> None:
    whole = proof()
    assert read_proof(write_proof(whole)) == replace(
        whole, packets=tuple(replace(packet, after=replace(packet.after, reason=None)) for packet in whole.packets)
    )


def test_a_packet_of_which_little_is_known_is_read_back_the_same() -> None:
    bare = proof(
        before(packet_class=None, commitment=None),
        after(fate=Fate.UNKNOWN, by=Doer.UNKNOWN, committed=None, received=None, ack_success=None, txs=()),
        None,
    )
    assert read_proof(write_proof(bare)) == bare
    half = proof(packet=replace(sent(), send_tx=None, sent_height=None, sent_at=None))
    assert read_proof(write_proof(half)) == half
    untold = proof(became=after(txs=(replace(tx(RelayStep.RECV, relayer=""), at=None),)))
    assert read_proof(write_proof(untold)) == untold


def test_of_several_attempts_the_newest_word_counts_and_no_transaction_is_lost() -> None:
    first = attempt(
        1, before(), after(committed=True, ack_success=True, txs=(tx(RelayStep.RECV),), heights={"alpha-1": 101})
    )
    seen_gone = before(packet_class=None, commitment=None, heights={"alpha-1": 108})
    second = attempt(2, seen_gone, after(by=Doer.OTHER, txs=(tx(RelayStep.ACK), tx(RelayStep.RECV))))
    (packet,) = proof_of(operation(first, second), PATH, {}, "x", AT).packets
    assert packet.before.packet_class is None
    assert packet.before.commitment == sent().commitment()
    assert packet.before.heights == before().heights
    assert packet.after.by is Doer.OTHER
    assert [found.step for found in packet.after.txs] == [RelayStep.RECV, RelayStep.ACK]
    assert packet.commitment == sent().commitment()


def test_a_packet_gone_before_anybody_looked_is_known_by_its_own_hash() -> None:
    gone = proof(before(packet_class=None, commitment=None))
    assert gone.packets[0].commitment == sent().commitment()
    assert gone.state is OperationState.NOTHING_TO_DO


def test_amounts_of_nanoseconds_are_texts_and_sequences_numbers() -> None:
    row = document()["packets"][0]
    assert row["sent"]["timeout_timestamp"] == str(2**63)
    assert row["sequence"] == 2
    assert document()["written_at"] == "2026-11-22T12:00:00Z"


def changed(path: str, value: Any) -> str:
    """The document with one part changed; `path` names keys and places, joined by dots."""
    whole: Any = document()
    part = whole
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in way:
        part = part[step]
    if value is ...:
        del part[last]
    else:
        part[last] = value
    return json.dumps(whole)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("schema_version", 2, "the document has version 2; this relayclear knows up to 1"),
        ("schema_version", True, "schema_version is not a whole number from 1 on"),
        ("schema_version", ..., "schema_version is missing"),
        ("document", "quote", "document is not 'proof of clear'"),
        ("instance", "", "instance is not a name"),
        ("instance", 7, "instance is not a text of at most 256 letters"),
        ("written_at", "yesterday", "written_at is not a time"),
        ("written_at", "2026-11-22T12:00:00", "written_at is not a time with its zone"),
        ("operation", [], "operation is not an object"),
        ("operation.id", "op\x1b[2J", "operation.id is not a name"),
        ("operation.state", "done", "operation.state is not one of queued, "),
        ("operation.sequences", "9..2", "operation.sequences is not a list of sequences like 1,10..20"),
        ("path.source.chain", "a" * 129, "path.source.chain is not a name"),
        ("path.source.channel", None, "path.source.channel is not a text of at most 256 letters"),
        ("path.destination.chain", "alpha-1", "path.destination.chain is not another chain than the source's"),
        ("path.ordering", "sideways", "path.ordering is not one of unordered, ordered"),
        ("packets", {}, f"packets is not a list of at most {MAX_PACKETS}"),
        ("packets.0.sequence", 0, "packets[0].sequence is not a whole number from 1 on"),
        ("packets.0.sequence", 2**63, "packets[0].sequence is not a whole number from 1 on"),
        ("packets.0.sequence", 2.0, "packets[0].sequence is not a whole number from 1 on"),
        ("packets.0.class_before", "lost", "packets[0].class_before is not one of pending, "),
        ("packets.0.commitment_before", "AB" * 32, "packets[0].commitment_before is not 32 bytes in hex"),
        ("packets.0.heights_before", {"gamma-1": 1}, "packets[0].heights_before is not heights of the two chains"),
        ("packets.0.heights_after", [], "packets[0].heights_after is not heights of the two chains"),
        ("packets.0.heights_after", {"alpha-1": "9"}, "packets[0].heights_after.alpha-1 is not a whole number"),
        ("packets.0.sent.data_hex", "abc", "packets[0].sent.data_hex is not bytes in hex"),
        ("packets.0.sent.timeout_height", "9", "packets[0].sent.timeout_height is not a height like 1-1200"),
        ("packets.0.sent.timeout_timestamp", -1, "packets[0].sent.timeout_timestamp is not a text of at most"),
        ("packets.0.sent.timeout_timestamp", "-1", "packets[0].sent.timeout_timestamp is not unix nanoseconds"),
        ("packets.0.sent.tx_hash", "cafe", "packets[0].sent.tx_hash is not a transaction hash"),
        ("packets.0.transactions", [{}] * 21, "packets[0].transactions is not a list of at most 20"),
        ("packets.0.transactions.0.step", "send", "packets[0].transactions[0].step is not one of recv, ack, timeout"),
        ("packets.0.transactions.0.chain", "alpha-1", "packets[0].transactions[0].chain is not beta-1, where a recv"),
        ("packets.0.transactions.1.hash", "0f" * 32, "packets[0].transactions[1].hash is not a transaction hash"),
        ("packets.0.transactions.0.relayer", "a b", "packets[0].transactions[0].relayer is not a name"),
        ("packets.0.transactions.0.relayer", None, "packets[0].transactions[0].relayer is not a text"),
        ("packets.0.committed", "no", "packets[0].committed is not true, false or null"),
        ("packets.0.received", 1, "packets[0].received is not true, false or null"),
        ("packets.0.fate", "eaten", "packets[0].fate is not one of acknowledged, "),
        ("packets.0.by", ..., "packets[0].by is missing"),
    ],
)
def test_a_part_that_is_wrong_is_named_with_its_place(path: str, value: Any, said: str) -> None:
    with pytest.raises(ProofError) as error:
        read_proof(changed(path, value))
    assert str(error.value).startswith(said)


@pytest.mark.parametrize("text", ["", "null", "[]", "7", "{", "[" * 100_000, "9" * 5000, b"\xff\xfe\x00"])
def test_what_is_no_document_at_all_is_refused_in_words(text: str | bytes) -> None:
    with pytest.raises(ProofError):
        read_proof(text)


def test_a_sequence_that_stands_twice_is_refused() -> None:
    whole = document()
    whole["packets"] *= 2
    with pytest.raises(ProofError, match="a sequence twice"):
        read_proof(json.dumps(whole))


def test_more_packets_than_any_operation_has_are_refused() -> None:
    with pytest.raises(ProofError, match="a list of at most"):
        read_proof(changed("packets", [0] * (MAX_PACKETS + 1)))


def test_parts_that_a_later_minor_version_adds_are_passed_over() -> None:
    assert read_proof(changed("packets.0.weather", "fine")) == read_proof(json.dumps(document()))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=9), st.data())
def test_no_value_anywhere_breaks_the_reading(value: Any, data: st.DataObject) -> None:
    whole: Any = document()
    part = whole
    while True:
        keys: list[Any] = list(part) if isinstance(part, dict) else list(range(len(part)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(part[key], dict | list) or not part[key] or data.draw(st.booleans()):
            part[key] = value
            break
        part = part[key]
    with suppress(ProofError):
        read_proof(json.dumps(whole))


def test_the_class_is_kept_as_it_was_judged() -> None:
    assert read_proof(write_proof(proof())).packets[0].before.packet_class is PacketClass.STUCK
