"""What nodes and gateways answer, good and bad, and what is made of it."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayclear.chains import jsonrpc
from relayclear.chains.jsonrpc import MISSING, BadReplyError, Refusal, SmallerError
from relayclear.rehearsal import wire


def reply(document: Any) -> bytes:
    return json.dumps(document).encode()


def good(number: int, result: Any = "yes") -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "result": result}


def test_integers_travel_as_strings_and_none_stays_at_home() -> None:
    assert json.loads(jsonrpc.call("tx_search", query="a", page=1, prove=False, x=None).params) == {
        "query": "a",
        "page": "1",
        "prove": False,
    }


@given(st.binary(max_size=40), st.integers(0, 2**63))
def test_a_query_carries_plain_hex_and_its_height_as_a_string(data: bytes, height: int) -> None:
    params = json.loads(jsonrpc.query("/a.Query/B", data, height).params)
    assert params == {"path": "/a.Query/B", "data": data.hex(), "height": str(height), "prove": False}


def test_a_single_call_is_sent_bare_and_several_as_an_array() -> None:
    assert json.loads(jsonrpc.body([jsonrpc.call("status")])) == {
        "jsonrpc": "2.0",
        "id": 0,
        "method": "status",
        "params": {},
    }
    assert [item["id"] for item in json.loads(jsonrpc.body([jsonrpc.call("status")] * 3))] == [0, 1, 2]


def test_the_size_of_a_body_is_never_underestimated() -> None:
    calls = [jsonrpc.query("/ibc.core.channel.v1.Query/PacketCommitments", bytes(1000))] * 10
    assert len(jsonrpc.body(calls)) <= sum(item.size for item in calls)


def test_a_batch_of_one_answered_by_a_bare_object_is_understood() -> None:
    assert jsonrpc.answers(200, reply(good(0)), 1) == ["yes"]
    assert jsonrpc.answers(200, reply([good(0)]), 1) == ["yes"]


@given(st.permutations(range(8)))
def test_answers_are_matched_by_id_not_by_place(order: list[int]) -> None:
    assert jsonrpc.answers(200, reply([good(number, number) for number in order]), 8) == list(range(8))


def test_what_is_left_out_or_made_up_is_missing() -> None:
    document = [good(2), good(7), good(-1), {"id": "0", "result": 1}, "junk", None, {"id": 1}]
    assert jsonrpc.answers(200, reply(document), 3) == [MISSING, MISSING, "yes"]


def test_an_error_of_one_call_is_that_calls_answer() -> None:
    document = [good(0), wire.failure(1, wire.INTERNAL_ERROR, "tx (0101) not found")]
    assert jsonrpc.answers(200, reply(document), 2) == ["yes", Refusal(-32603, "Internal error: tx (0101) not found")]


def test_http_500_with_an_rpc_error_in_it_is_an_answer() -> None:
    document = wire.failure(0, wire.INTERNAL_ERROR, "tx (0101) not found")
    assert jsonrpc.answers(500, reply(document), 1) == [Refusal(-32603, "Internal error: tx (0101) not found")]


def test_a_batch_over_the_limit_answered_without_id_tells_the_limit() -> None:
    document = wire.failure(None, wire.INVALID_REQUEST, "batch request exceeds maximum (4) allowed number of requests")
    with pytest.raises(SmallerError) as caught:
        jsonrpc.answers(200, reply(document), 10)
    assert (caught.value.size, caught.value.lasting) == (4, True)


@pytest.mark.parametrize("limit", [0, 10, 99])
def test_a_limit_that_makes_nothing_smaller_does_not_run_in_circles(limit: int) -> None:
    document = wire.failure(
        None, wire.INVALID_REQUEST, f"batch request exceeds maximum ({limit}) allowed number of requests"
    )
    with pytest.raises(SmallerError) as caught:
        jsonrpc.answers(200, reply(document), 10)
    assert caught.value.size == 1
    with pytest.raises(BadReplyError):
        jsonrpc.answers(200, reply(document), 1)


@pytest.mark.parametrize("status", [400, 404, 405, 413, 415])
def test_a_gateway_that_refuses_arrays_gets_single_calls(status: int) -> None:
    with pytest.raises(SmallerError) as caught:
        jsonrpc.answers(status, b"<html>no</html>", 10)
    assert (caught.value.size, caught.value.lasting) == (1, True)
    with pytest.raises(BadReplyError) as refused:
        jsonrpc.answers(status, b"<html>no</html>", 1)
    assert not refused.value.again
    assert str(status) in refused.value.words


def test_a_body_that_is_too_large_is_halved_for_once() -> None:
    document = reply(
        wire.failure(None, wire.INVALID_REQUEST, "error reading request body: http: request body too large")
    )
    with pytest.raises(SmallerError) as caught:
        jsonrpc.answers(400, document, 10)
    assert (caught.value.size, caught.value.lasting) == (5, False)
    with pytest.raises(BadReplyError) as refused:
        jsonrpc.answers(400, document, 1)
    assert "too large" in refused.value.words


def test_a_web_page_for_an_array_may_be_answered_singly_and_is_no_lasting_lesson() -> None:
    with pytest.raises(SmallerError) as caught:
        jsonrpc.answers(200, b"<!doctype html>", 10)
    assert (caught.value.size, caught.value.lasting) == (1, False)


@pytest.mark.parametrize(
    ("status", "content", "words"),
    [
        (200, b"<!doctype html><p>welcome", "web page"),
        (200, b'{"jsonrpc":"2.0","id":0,"resu', "cut off"),
        (200, b'[{"jsonrpc":"2.0"', "cut off"),
        (200, b"", "nothing"),
        (200, b"hello", "not JSON"),
        (200, b"null", "not JSON"),
        (502, b"<html>bad gateway</html>", "502"),
    ],
)
def test_what_is_no_answer_is_said_so_and_may_be_asked_again(status: int, content: bytes, words: str) -> None:
    with pytest.raises(BadReplyError, match=words) as caught:
        jsonrpc.answers(status, content, 1)
    assert caught.value.again


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_login_is_not_tried_again(status: int) -> None:
    with pytest.raises(BadReplyError) as caught:
        jsonrpc.answers(status, b"", 1)
    assert not caught.value.again


@pytest.mark.parametrize("status", [429, 503])
def test_a_node_that_wants_rest_is_not_read_even_with_a_good_body(status: int) -> None:
    with pytest.raises(BadReplyError, match="fewer requests"):
        jsonrpc.answers(status, reply(good(0)), 1)


@given(st.integers(100, 599), st.binary(max_size=60), st.integers(1, 10))
def test_no_reply_at_all_breaks_the_reader(status: int, content: bytes, count: int) -> None:
    with contextlib.suppress(SmallerError, BadReplyError):
        assert len(jsonrpc.answers(status, content, count)) == count


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["id", "result", "error", "data", "message"]), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_no_json_at_all_breaks_the_reader(document: Any) -> None:
    with contextlib.suppress(SmallerError, BadReplyError):
        assert len(jsonrpc.answers(200, reply(document), 3)) == 3
