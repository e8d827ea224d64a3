"""What answers mean: text before code, and foreign text never reaches a terminal as it came."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayclear.chains import wire, wire_channels
from relayclear.chains.jsonrpc import Refusal, call, query
from relayclear.chains.wire import DeclinedError, Reply
from relayclear.errors import HeightError, IndexerError, NodeError, NotFoundError, RelayclearError
from relayclear.ibc.packet import ChannelEnd
from relayclear.ibc.text import clean
from tests.chains.fake_ibc import commitment, ends, pending, whole

QUERY = query("/a.Query/B")


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (38, "failed to load state at height 7; version does not exist (latest height: 100)", HeightError),
        (18, "failed to load state at height 7; version mismatch: invalid request", HeightError),
        (26, "cannot query with height in the future; please provide a valid height: invalid height", HeightError),
        (26, "context did not contain latest block height in either check state", HeightError),
        (38, "?", HeightError),
        (
            -32603,
            "Internal error: height 200 must be less than or equal to the current blockchain height 100",
            HeightError,
        ),
        (-32603, "Internal error: height 5 is not available, lowest height is 90", HeightError),
        (-32603, "Internal error: could not find results for height #5", HeightError),
        (-32603, "Internal error: min height 9 can't be greater than max height 5", HeightError),
        (-32603, "Internal error: transaction indexing is disabled", IndexerError),
        (-32603, "Internal error: block indexing is disabled", IndexerError),
        (-32603, "Internal error: the TxIndexer.Search method is not supported", IndexerError),
        (-32603, "Internal error: node is not persisting finalize block responses", HeightError),
        (-32603, "Internal error: tx (0101) not found", NotFoundError),
        (22, "packet commitment hash not found: key not found", NotFoundError),
        (6, "unknown query path: unknown request", DeclinedError),
        (111222, "{ReadFlat}: panic", DeclinedError),
    ],
)
def test_an_error_is_told_by_its_text_first(code: int, text: str, kind: type[RelayclearError]) -> None:
    assert type(wire.trouble(code, text)) is kind


def test_an_index_that_is_off_is_not_worth_a_retry() -> None:
    assert not wire.trouble(-32603, "transaction indexing is disabled").retryable
    assert wire.trouble(111222, "panic").retryable


@pytest.mark.parametrize("text", ["out of gas in location: ReadFlat", "{ValuePerByte}: panic", "{ReadFlat}: panic"])
def test_a_gas_limit_is_known_by_its_texts(text: str) -> None:
    error = DeclinedError(111222, text)
    assert error.out_of_gas
    assert error.wants_smaller_page


def test_a_page_limit_is_no_gas_limit() -> None:
    error = DeclinedError(18, "limit exceeds maximum")
    assert error.wants_smaller_page
    assert not error.out_of_gas
    assert not DeclinedError(6, "unknown request").wants_smaller_page


@given(st.integers(), st.text())
def test_foreign_text_is_cleaned_and_cut_before_it_is_shown(code: int, text: str) -> None:
    error = wire.trouble(code, "\x1b[31m\u202e" + text)
    assert clean(error.message) == error.message
    assert len(error.message) < 300


@pytest.mark.parametrize(
    "result",
    [
        None,
        {},
        {"response": None},
        {"response": 7},
        {"response": {"value": "!!", "height": "7"}},
        {"response": {"value": "AA=A", "height": "7"}},
        {"response": {"value": "", "height": "x"}},
        {"response": {"value": "", "height": "0"}},
        {"response": {"value": ""}},
        {"response": {"height": "7"}},
        [],
        "x",
    ],
)
def test_a_query_result_without_sense_is_an_error(result: object) -> None:
    assert isinstance(wire.read(QUERY, result), NodeError)


def test_an_empty_value_is_an_empty_message() -> None:
    assert wire.read(QUERY, {"response": {"code": 0, "value": None, "height": "7"}}) == Reply(b"", 7)
    assert wire.read(QUERY, {"response": {"code": None, "value": "", "height": 7}}) == Reply(b"", 7)


def test_a_plain_result_is_left_as_it_is_and_errors_become_values() -> None:
    assert wire.read(call("status"), {"a": 1}) == {"a": 1}
    assert isinstance(wire.read(call("status"), Refusal(-32601, "Method not found")), DeclinedError)
    error = NodeError("no")
    assert wire.read(QUERY, error) is error


def test_sure_raises_errors_and_returns_the_rest() -> None:
    assert wire.sure(7) == 7
    with pytest.raises(NodeError):
        wire.sure(NodeError("no"))


@given(st.text(max_size=30))
def test_no_server_time_breaks_the_reading_of_a_status(header: str) -> None:
    assert wire._server_time(header) is None or header.strip()


def test_acknowledgements_of_nothing_are_never_asked() -> None:
    with pytest.raises(ValueError, match="no sequences"):
        wire_channels.ask_acknowledgements(ends(1)[0], [])


@given(
    st.dictionaries(
        st.integers(0, 250), st.dictionaries(st.integers(1, 2**63 - 1), st.integers(0, 9), max_size=20), max_size=20
    )
)
def test_the_one_answer_holds_each_channel_apart(state: dict[int, dict[int, int]]) -> None:
    rows = {channel: {number: commitment(seed) for number, seed in found.items()} for channel, found in state.items()}
    found = wire_channels.read_all_commitments(Reply(whole(rows), 1), ends(251))
    assert found == {end: rows.get(number, {}) for number, end in enumerate(ends(251))}


def test_ports_are_told_apart_too() -> None:
    other = ChannelEnd("alpha-1", "transfe", "channel-0")
    found = wire_channels.read_all_commitments(Reply(whole({0: pending([1])}), 1), [other, *ends(1)])
    assert found == {other: {}, ends(1)[0]: pending([1])}


@pytest.mark.parametrize(
    "raw",
    [
        b"\n\x08\n\x03abc\x12\x01x",
        b"\n\x16\n\x14commitments/ports/zz\n\x16\n\x14commitments/ports/aa",
        b"\xff",
    ],
)
def test_a_one_answer_of_something_else_is_refused(raw: bytes) -> None:
    assert isinstance(
        wire.decoded(lambda reply: wire_channels.read_all_commitments(reply, ends(1)), Reply(raw, 1)), NodeError
    )


@given(st.binary(max_size=200))
def test_no_bytes_break_a_decoder(raw: bytes) -> None:
    for decode in (
        wire_channels.read_commitments,
        wire_channels.read_unreceived,
        wire_channels.read_acknowledgements,
        wire_channels.read_next_receive,
        wire_channels.read_next_send,
        wire_channels.read_next_send_key,
        wire_channels.read_commitment,
        wire_channels.read_status,
        wire_channels.read_trusting,
        wire_channels.read_consensus_time,
        lambda reply: wire_channels.read_all_commitments(reply, ends(1)),
        lambda reply: wire_channels.read_channels("a", reply),
        lambda reply: wire_channels.read_connections("a", reply),
        lambda reply: wire_channels.read_clients("a", reply),
    ):
        wire.decoded(decode, Reply(raw, 1))  # raises nothing
