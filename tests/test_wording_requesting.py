"""What people read about requests: every state, verb, end and lasting thing has its own words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from relayclear.clearing.operation import OperationState
from relayclear.clearing.request import RequestState, Verb, Wish
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd, SequenceRanges
from relayclear.ibc.relayer import KeyChoice
from relayclear.usecases.refund_send import LANDED
from relayclear.usecases.requests import RequestView
from relayclear.usecases.requests_plan import Cost, Lasting, Plan
from relayclear.wording import OPERATIONS
from relayclear.wording.planning import cost_line, lasting_lines, plan_lines
from relayclear.wording.requesting import REQUESTS, VERBS, outcome, request_line

AT = datetime(2026, 12, 1, tzinfo=UTC)
WISH = Wish(Verb.CLEAR, end=ChannelEnd("alpha-1", "transfer", "channel-0"), sequences=SequenceRanges.parse("1,3"))
VIEW = RequestView("rq-1", Verb.CLEAR, WISH, "ada", AT, RequestState.DONE, "cleared", ended_at=AT)


def test_every_state_and_verb_has_words_and_no_two_states_look_alike() -> None:
    assert set(REQUESTS) == set(RequestState)
    assert set(VERBS) == set(Verb)
    assert len({word.word for word in REQUESTS.values()}) == len(RequestState)


def test_a_request_says_what_came_of_it_and_one_that_waits_says_why() -> None:
    assert request_line(VIEW) == "clear alpha-1/channel-0/1,3: done, every packet is done"
    waits = replace(VIEW, state=RequestState.REQUESTED, code=None, said="beta-1: nobody answers", ended_at=None)
    assert outcome(waits) == "it waits: beta-1: nobody answers"
    assert outcome(replace(waits, said=None)) == "somebody takes it up in a moment"
    assert outcome(replace(VIEW, state=RequestState.FAILED, said="#1: too dear")) == "#1: too dear"


@pytest.mark.parametrize("code", [*sorted(state.value for state in LANDED), "called_off", "reset", "retried", "muted"])
def test_what_was_done_is_told_in_its_own_words(code: str) -> None:
    assert outcome(replace(VIEW, code=code)) != REQUESTS[RequestState.DONE].meaning


@pytest.mark.parametrize("state", sorted(OperationState))
def test_a_clear_ends_in_the_words_of_its_operation(state: OperationState) -> None:
    assert outcome(replace(VIEW, code=state.value)) == OPERATIONS[state].meaning


def test_a_line_obeys_no_escape_of_a_chain() -> None:
    assert "\x1b" not in request_line(replace(VIEW, said="\x1b[2Jgone"))


def test_everything_lasting_has_a_sentence_and_tokens_are_named() -> None:
    lines = lasting_lines(Plan(WISH, lasting=tuple(Lasting), taken_back=("rc1AB", "rc1CD")))
    assert len(set(lines)) == len(Lasting)
    assert "open tokens that hold these packets are taken back: rc1AB, rc1CD" in lines
    assert lasting_lines(Plan(WISH)) == []


def test_costs_say_who_pays_and_what_is_left_and_never_make_up_a_balance() -> None:
    key = KeyChoice("alpha-1", "clearing", "alpha1abc")
    coins = [Coin("stake", amount) for amount in (50, 4001, 900, 850)]
    assert cost_line(Cost("alpha-1", key, "alpha1abc", *coins)) == (
        "alpha-1: key clearing pays about 50 stake, at most 4001 stake a transaction;"
        " of 900 stake about 850 stake are left"
    )
    unread = cost_line(Cost("alpha-1", key, None, coins[0], coins[1], None, None))
    assert unread.endswith("what it holds can't be read")
    assert [plan_lines(Plan(WISH, packets))[0] for packets in (0, 1, 2)] == [
        "clear alpha-1/channel-0/1,3",
        "clear alpha-1/channel-0/1,3, 1 packet",
        "clear alpha-1/channel-0/1,3, 2 packets",
    ]
