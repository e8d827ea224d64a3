"""What Hermes prints, and what of it we believe."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest

from relayclear.hermes import output
from relayclear.hermes.events import Claims
from relayclear.hermes.output import COMPLAINT_LENGTH, KEPT, MOST_COMPLAINTS, Transcript
from relayclear.ibc.packet import PacketKey
from relayclear.ibc.relayer import RelayEvent
from tests.hermes.standin import job

SUCCESS = b'{"result":[],"status":"success"}\n'
# Word for word from Hermes 1.10.5 between two local chains.
LOGGED_RECV = (
    "[Sync->beta-1] result events:\n\tUpdateClient(UpdateClient { Attributes { client_id: 07-tendermint-0,"
    " client_type: ClientType(07-tendermint), consensus_height: 1-372 } }) at height 1-372\n"
    "\tWriteAcknowledgement(WriteAcknowledgement { packet: seq:2, path:channel-0/transfer->channel-3/transfer,"
    " toh:no timeout, tos:2026-12-22T15:49:58.701064369Z),"
    " ack: [ 123, 34, 114, 101, 115, 117, 108, 116, 34, 58, 34, 65, 81, 61, 61, 34, 125 ] }) at height 1-372\n"
)
LOGGED_ACK = (
    "[Sync->alpha-1] result events:\n\tAcknowledgePacket(AcknowledgePacket { packet: seq:2, path:channel-0/transfer->"
    "channel-3/transfer, toh:no timeout, tos:2026-12-22T15:49:58.701064369Z)}) at height 1-374\n"
)


def log(message: str, level: str = "INFO") -> bytes:
    return (
        json.dumps({"timestamp": "t", "level": level, "fields": {"message": message}, "threadId": "1"}).encode() + b"\n"
    )


def heard(*chunks: bytes) -> Transcript:
    transcript = Transcript()
    for chunk in chunks:
        transcript.feed_stdout(chunk)
    transcript.close()
    return transcript


def claims(*, messages: tuple[str, ...] = (), result: Any = None) -> tuple[RelayEvent, ...]:
    told: list[RelayEvent] = []
    claims = Claims(job(), told.append)
    for message in messages:
        claims.hear_message(message)
    claims.hear_result(result)
    assert tuple(told) == claims.events
    return claims.events


def event(step: str, sequence: int, chain: str = "ibc-0", channel: str = "channel-0") -> RelayEvent:
    return RelayEvent(step, PacketKey(chain, "transfer", channel, sequence))


def packet(sequence: Any = 2, source: str = "channel-0", destination: str = "channel-3") -> dict[str, Any]:
    ends = {"source_port": "transfer", "source_channel": source}
    return {
        "packet": {"sequence": sequence, **ends, "destination_port": "transfer", "destination_channel": destination}
    }


def test_the_result_is_the_last_line_whatever_stands_before() -> None:
    transcript = heard(log("running"), b"garbage\n", b"{half a json\n", b'{"neither":1}\n', b"\n", SUCCESS)
    assert (transcript.status, transcript.result, transcript.complaints) == ("success", [], ())


def test_a_result_without_a_line_break_at_the_end_counts() -> None:
    assert heard(SUCCESS.rstrip()).status == "success"


def test_a_result_that_comes_in_pieces_is_put_together() -> None:
    assert heard(*(SUCCESS[i : i + 1] for i in range(len(SUCCESS)))).status == "success"


def test_half_a_result_is_no_result() -> None:
    assert heard(log("running"), SUCCESS[:20]).status is None


def test_an_error_is_a_text_and_a_complaint() -> None:
    transcript = heard(b'{"result":"link failed","status":"error"}\n')
    assert (transcript.status, transcript.complaints) == ("error", ("link failed",))


def test_warnings_and_errors_of_the_log_are_complaints() -> None:
    transcript = heard(log("fine"), log("odd", "WARN"), log("bad", "ERROR"), b'{"level":"ERROR"}\n', SUCCESS)
    assert transcript.complaints == ("odd", "bad", "{'level': 'ERROR'}")


def test_a_complaint_ends_before_the_place_in_hermes_source() -> None:
    text = "link failed\n\nCaused by:\n    no account\n\nLocation:\n    /home/op/.cargo/registry/src/tracer.rs:10:9"
    assert heard(log(text, "ERROR")).complaints == ("link failed Caused by: no account",)


def test_only_the_newest_complaints_are_kept_and_none_is_endless() -> None:
    lines = [log(f"{n} " + "x" * 9999, "WARN") for n in range(MOST_COMPLAINTS + 5)]
    complaints = heard(*lines).complaints
    assert len(complaints) == MOST_COMPLAINTS
    assert complaints[-1].startswith(f"{MOST_COMPLAINTS + 4} xxx")
    assert {len(complaint) for complaint in complaints} == {COMPLAINT_LENGTH}


def test_credentials_and_escape_codes_stay_out_of_what_is_kept() -> None:
    line = log("RPC error to https://user:hunter2@rpc.example.org/?key=sesame \x1b[31mred\u202e", "ERROR")
    transcript = heard(line, b"\x1b[2J https://user:hunter2@rpc.example.org\n")
    assert transcript.complaints == ("RPC error to https://***@rpc.example.org/?*** red?",)
    assert "hunter2" not in transcript.output
    assert "\x1b" not in transcript.output


def test_invalid_utf8_is_shown_as_such_and_read_past() -> None:
    transcript = heard(b"\xff\xfe broken\n", b'{"level":"ERROR","fields":{"message":"\xff"}}\n', SUCCESS)
    assert transcript.status == "success"
    assert "\ufffd\ufffd broken" in transcript.output


def test_output_is_standard_output_then_standard_error() -> None:
    transcript = heard(SUCCESS)
    transcript.feed_stderr(b"thread 'main' panicked\nat x\n")
    assert transcript.output == SUCCESS.decode().rstrip() + "\nthread 'main' panicked\nat x"
    assert transcript.error_text == "thread 'main' panicked at x"


def test_fifty_megabytes_of_log_are_read_in_little_memory() -> None:
    transcript = Transcript()
    chunk = log("something happened, and here is a lot of detail about it " * 20) * 50
    tracemalloc.start()
    for _ in range(50_000_000 // len(chunk)):
        transcript.feed_stdout(chunk)
    transcript.feed_stdout(SUCCESS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert transcript.status == "success"
    assert len(transcript.output) <= KEPT
    assert peak < 2_000_000


def test_a_line_without_end_is_dropped_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "LONGEST_LINE", 1000)
    transcript = heard(*[b'{"x":"' + b"x" * 600] * 3, b"\n", SUCCESS)
    assert transcript.status == "success"
    assert transcript.complaints == ("lines of Hermes' output that were too long to be read: 1",)


def test_a_step_is_told_by_the_log_before_the_result_comes() -> None:
    assert claims(messages=(LOGGED_RECV, LOGGED_ACK)) == (event("recv", 2), event("ack", 2))


def test_a_step_told_by_log_and_result_counts_once() -> None:
    result = [{"UpdateClient": {"header": None}}, {"WriteAcknowledgement": packet()}, {"AcknowledgePacket": packet()}]
    assert claims(messages=(LOGGED_RECV,), result=result) == (event("recv", 2), event("ack", 2))


def test_a_timeout_is_a_step_of_its_own() -> None:
    assert claims(result=[{"TimeoutPacket": packet(7)}]) == (event("timeout", 7),)


def test_a_message_that_only_quotes_an_event_is_no_event() -> None:
    assert claims(messages=(LOGGED_RECV.replace("[Sync->", "saw [Sync->"), "[Sync->beta-1] error")) == ()


def test_a_packet_that_was_not_asked_for_keeps_its_own_name() -> None:
    result = [{"WriteAcknowledgement": packet(9, "channel-8", "channel-9")}, {"WriteAcknowledgement": packet(3)}]
    assert claims(result=result) == (event("recv", 9, channel="channel-8"), event("recv", 3))


def test_a_packet_of_the_other_direction_is_the_destinations() -> None:
    result = [{"WriteAcknowledgement": packet(4, "channel-3", "channel-0")}]
    assert claims(result=result) == (event("recv", 4, chain="ibc-1", channel="channel-3"),)


@pytest.mark.parametrize(
    "result",
    [
        None,
        "a text",
        {"WriteAcknowledgement": packet()},
        ["x", 7, None, []],
        [{"WriteAcknowledgement": "x"}, {"WriteAcknowledgement": {"packet": 7}}, {"WriteAcknowledgement": {}}],
        [{"WriteAcknowledgement": packet("2")}, {"WriteAcknowledgement": {"packet": {"sequence": 2}}}],
        [{"WriteAcknowledgement": packet(None)}, {"Other": packet()}],
    ],
)
def test_a_result_of_another_shape_claims_nothing(result: Any) -> None:
    assert claims(result=result) == ()


@pytest.mark.parametrize("level", [{}, [], {"a": 1}, None, 7])
def test_a_log_line_whose_level_is_no_text_ends_the_reading_of_a_run(level: Any) -> None:
    line = json.dumps({"level": level, "fields": {"message": "odd"}}).encode() + b"\n"
    assert heard(line, SUCCESS).status == "success"
