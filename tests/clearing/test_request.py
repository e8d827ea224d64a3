"""The state of a request follows from its facts: every row of the table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from relayclear.clearing.request import (
    LIFE,
    OVER,
    Begun,
    Ended,
    Request,
    RequestState,
    Verb,
    Wish,
    has_expired,
    request_state,
)

AT = datetime(2026, 12, 1, tzinfo=UTC)
BEGUN = Begun(AT, "watch 1", "op-1")
SECOND = timedelta(seconds=1)


def request(begun: Begun | None = None, ended: Ended | None = None) -> Request:
    return Request("rq-1", Wish(Verb.CLEAR), "ada", AT, begun, ended)


@pytest.mark.parametrize("state", sorted(OVER))
@pytest.mark.parametrize("begun", [None, BEGUN])
def test_what_has_ended_stays_as_it_ended_however_long_ago(state: RequestState, begun: Begun | None) -> None:
    found = request(begun, Ended(AT, state, "watch 1", "said"))
    assert request_state(found, AT + 10 * LIFE) is state
    assert not has_expired(found, AT + 10 * LIFE)


@pytest.mark.parametrize(
    ("begun", "later", "state"),
    [
        (None, timedelta(), RequestState.REQUESTED),
        (None, LIFE, RequestState.REQUESTED),
        (None, LIFE + SECOND, RequestState.REFUSED),
        (None, -LIFE, RequestState.REQUESTED),
        (None, -LIFE - SECOND, RequestState.REFUSED),
        (BEGUN, timedelta(), RequestState.RUNNING),
        (BEGUN, 100 * LIFE, RequestState.RUNNING),
    ],
)
def test_what_has_not_ended_runs_once_begun_and_else_lives_for_ten_minutes(
    begun: Begun | None, later: timedelta, state: RequestState
) -> None:
    assert request_state(request(begun), AT + later) is state
    assert has_expired(request(begun), AT + later) is (state is RequestState.REFUSED)
