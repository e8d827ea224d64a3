"""Every alert says in one sentence what happened."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from relayclear.clearing.alerting import Alert, Priority
from relayclear.store.alerts import Delivery, Outcome
from relayclear.wording import alerting
from relayclear.wording.alerting import alert_sentence, delivery_line

AT = datetime(2026, 11, 1, tzinfo=UTC)


def alert(kind: str, subject: str | None = None, **detail: object) -> Alert:
    return Alert("al-1", AT, Priority.HIGH, kind, None, "op-1", subject, detail)


@pytest.mark.parametrize("kind", sorted(alerting._SENTENCES))
def test_an_alert_whose_detail_is_missing_still_says_what_happened(kind: str) -> None:
    said = alert_sentence(alert(kind))
    assert said
    assert "{" not in said


@pytest.mark.parametrize("kind", sorted(alerting._OVER))
def test_whatever_begins_can_be_over(kind: str) -> None:
    assert kind in alerting._SENTENCES
    assert alert_sentence(alert(kind, "alpha-1", over=True)) != alert_sentence(alert(kind, "alpha-1"))


def test_a_word_that_nobody_wrote_a_sentence_for_is_told_in_its_own_words() -> None:
    assert alert_sentence(alert("moon_rose", "over alpha-1")) == "moon rose: over alpha-1"
    assert alert_sentence(alert("moon_rose")) == "moon rose: op-1"
    assert alert_sentence(alert("moon_fell", "x", over=True)) == "moon fell is over: x"


def test_a_value_is_never_read_as_a_template() -> None:
    assert alert_sentence(alert("payments_not_read", "{error.__class__}", error="{subject} {0}")) == (
        "payments on {error.__class__} can't be read: {subject} {0}"
    )


def test_fates_are_told_by_packet() -> None:
    said = alert_sentence(alert("attempt_judged", None, attempt=2, fates={"7": "delivered", "8": "unknown"}))
    assert said == "try 2 of a clear has ended (op-1): #7 delivered, #8 unknown"


def test_what_became_of_a_delivery_is_told_by_channel() -> None:
    failed = Delivery(1, "webhook", 2, Outcome.FAILED, "503", AT)
    sent = Delivery(1, "command", 1, Outcome.SENT, "0", AT)
    given_up = Delivery(1, "webhook", 4, Outcome.GIVEN_UP, "503", AT)
    assert delivery_line([failed, sent], {"webhook"}) == "command sent, webhook waiting after 2 failed"
    assert delivery_line([failed, given_up], set()) == "webhook given up"
    assert delivery_line([], {"webhook"}) == "webhook waiting"
    assert delivery_line([], set()) == "no channel"
