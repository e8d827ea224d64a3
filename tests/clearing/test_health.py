"""Health: what is wrong is named, what still works is named, and what nobody looked at is neither."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from relayclear.clearing.breaker import BreakerState, BreakerView
from relayclear.clearing.health import (
    Ability,
    ChainSigns,
    Facts,
    FailedRefund,
    Gas,
    Level,
    Reading,
    Sign,
    State,
    Trouble,
    Watching,
    Work,
    health,
)

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
HERMES = "/etc/hermes/config.toml"
A, B = "alpha-1", "beta-1"
FIRST, SECOND = f"{A}/http://one:26657", f"{A}/http://two:26657"


def seen(name: str, error: str | None = None, ago: int = 10) -> Sign:
    at = NOW - timedelta(seconds=ago)
    return Sign(name, at, at if error is None else at - timedelta(minutes=3), error)


def chain(name: str, **changed: Any) -> ChainSigns:
    whole = ChainSigns(
        seen(name),
        endpoints=(seen(f"{name}/http://one:26657"), seen(f"{name}/http://two:26657")),
        hermes=(HERMES,),
        sells=name == A,
        reading=Reading(5, None, None) if name == A else None,
        gas=(Gas(seen(f"{name}/clearing"), 400),),
    )
    return replace(whole, **changed)


def facts(**changed: Any) -> Facts:
    watching = Watching(alive=True, beat_at=NOW - timedelta(seconds=3))
    whole = Facts(NOW, watching=watching, chains=(chain(A), chain(B)), hermes=(seen(HERMES),))
    return replace(whole, **changed)


def works(found: Facts) -> dict[tuple[str, str], bool | None]:
    return {(one.work.value, one.chain): one.works for one in health(found).abilities}


ALL_WELL = {
    ("remember", ""): True,
    ("look", A): True,
    ("clear", A): True,
    ("quote", A): True,
    ("take_payments", A): True,
    ("refund", A): True,
    ("look", B): True,
    ("clear", B): True,
}


def test_what_keeps_refunds_is_told_from_a_person_who_is_waited_for() -> None:
    failing = Watching(alive=True, beat_at=NOW, troubles={f"refunds {A}": "no node answers"})
    hanging = Watching(alive=True, beat_at=NOW - timedelta(seconds=61))
    of = (Work.REFUND, A)
    for watching, name in ((failing, f"task refunds {A}"), (hanging, "watch hangs")):
        (ability,) = [one for one in health(facts(watching=watching)).abilities if (one.work, one.chain) == of]
        assert ability.why == (name,)


def test_refunds_are_called_working_without_a_word_of_those_that_failed_for_good() -> None:
    judged = health(facts(chains=(chain(A, failed=(FailedRefund("abcd", NOW, "out of gas"),)), chain(B))))
    (ability,) = [one for one in judged.abilities if one.work is Work.REFUND]
    assert (ability.works, ability.why) == (True, ("refund abcd",))


def test_nothing_wrong_is_healthy_and_everything_works() -> None:
    found = health(facts())
    assert (found.level, found.findings) == (Level.HEALTHY, ())
    assert works(facts()) == ALL_WELL


def shut(name: str, state: BreakerState = BreakerState.OPEN) -> BreakerView:
    return BreakerView(name, state, "5 failures in a row", NOW - timedelta(seconds=20), NOW + timedelta(seconds=40))


D, C = Level.DEGRADED, Level.CRITICAL
SOLD_NOTHING = (chain(A, sells=False, reading=None), chain(B))
AWAY = seen(A, "refused")
ALL_OF_A: dict[tuple[str, str], bool | None] = dict.fromkeys([key for key in ALL_WELL if key[1] == A], False)
# What is so, what is found with which level, and the works that don't (or may not) go any more.
TABLE: list[tuple[str, Facts, list[tuple[Trouble, Level, str]], dict[tuple[str, str], bool | None]]] = [
    (
        "a chain away stops its own works and no other's",
        facts(chains=(chain(A, sign=AWAY), chain(B))),
        [(Trouble.CHAIN_AWAY, D, A)],
        ALL_OF_A,
    ),
    (
        "all chains away is critical",
        facts(chains=(chain(A, sign=AWAY),)),
        [(Trouble.CHAIN_AWAY, C, A)],
        ALL_OF_A,
    ),
    (
        "one endpoint away takes nothing",
        facts(chains=(chain(A, endpoints=(seen(FIRST, "refused"), seen(SECOND))), chain(B))),
        [(Trouble.ENDPOINT_AWAY, D, FIRST)],
        {},
    ),
    (
        "the only Hermes away is critical",
        facts(hermes=(seen(HERMES, "not found"),)),
        [(Trouble.HERMES_AWAY, C, HERMES)],
        {("clear", A): False, ("quote", A): False, ("clear", B): False},
    ),
    (
        "one Hermes of two away, the chain known to both",
        facts(
            hermes=(seen(HERMES, "not found"), seen("/two.toml")),
            chains=(chain(A, hermes=(HERMES, "/two.toml")), chain(B, hermes=("/two.toml",))),
        ),
        [(Trouble.HERMES_AWAY, D, HERMES)],
        {},
    ),
    (
        "a Hermes that was never looked at is not called working",
        facts(hermes=()),
        [],
        {("clear", A): None, ("quote", A): None, ("clear", B): None},
    ),
    (
        "a chain that no Hermes knows can't be cleared",
        facts(chains=(chain(A, hermes=()), chain(B))),
        [],
        {("clear", A): False, ("quote", A): False},
    ),
    (
        "one breaker of two endpoints open takes nothing",
        facts(breakers=(shut(f"endpoint/{FIRST}"),)),
        [(Trouble.BREAKER_OPEN, D, f"endpoint/{FIRST}")],
        {},
    ),
    (
        "both breakers open shut the chain",
        facts(breakers=(shut(f"endpoint/{FIRST}"), shut(f"endpoint/{SECOND}"))),
        [(Trouble.BREAKER_OPEN, D, f"endpoint/{FIRST}"), (Trouble.BREAKER_OPEN, D, f"endpoint/{SECOND}")],
        ALL_OF_A,
    ),
    (
        "a half-open breaker is told and lets pass",
        facts(breakers=(shut(f"wallet/{A}", BreakerState.HALF_OPEN),)),
        [(Trouble.BREAKER_OPEN, D, f"wallet/{A}")],
        {},
    ),
    ("a closed breaker is nothing", facts(breakers=(shut(f"wallet/{A}", BreakerState.CLOSED),)), [], {}),
    (
        "the wallet's breaker stops refunds alone",
        facts(breakers=(shut(f"wallet/{A}"), shut(f"wallet/{A}0"))),
        [(Trouble.BREAKER_OPEN, D, f"wallet/{A}"), (Trouble.BREAKER_OPEN, D, f"wallet/{A}0")],
        {("refund", A): False},
    ),
    (
        "nobody watches where something is sold",
        facts(watching=Watching(alive=False, beat_at=NOW - timedelta(days=1))),
        [(Trouble.NO_WATCH, C, "watch")],
        {("take_payments", A): False, ("refund", A): False},
    ),
    (
        "nobody watches where nothing is sold",
        facts(watching=Watching(), chains=SOLD_NOTHING),
        [(Trouble.NO_WATCH, D, "watch")],
        {("quote", A): True},
    ),
    (
        "a daemon that lives and does nothing",
        facts(watching=Watching(alive=True, beat_at=NOW - timedelta(seconds=61))),
        [(Trouble.WATCH_HANGS, C, "watch")],
        {("take_payments", A): False, ("refund", A): False},
    ),
    ("a daemon that has just begun", facts(watching=Watching(alive=True)), [], {}),
    (
        "a task of it that fails",
        facts(watching=Watching(alive=True, beat_at=NOW, troubles={"sweep": "boom"})),
        [(Trouble.TASK_FAILS, D, "sweep")],
        {},
    ),
    (
        "its task of sending refunds, which go no more by themselves",
        facts(watching=Watching(alive=True, beat_at=NOW, troubles={f"refunds {A}": "there is no key"})),
        [(Trouble.TASK_FAILS, D, f"refunds {A}")],
        {("refund", A): False},
    ),
    (
        "a new config that can't count",
        facts(watching=Watching(alive=True, beat_at=NOW, troubles={"config": "no such key"})),
        [(Trouble.OLD_CONFIG, D, "config")],
        {},
    ),
    (
        "the troubles of a daemon that is gone are not its own any more",
        facts(watching=Watching(alive=False, troubles={"sweep": "boom"}), chains=SOLD_NOTHING),
        [(Trouble.NO_WATCH, D, "watch")],
        {},
    ),
    (
        "payments unread",
        facts(chains=(chain(A, reading=Reading(9, "the index is off", NOW)), chain(B))),
        [(Trouble.PAYMENTS_UNREAD, D, A)],
        {("take_payments", A): False},
    ),
    (
        "payments read with a lag",
        facts(chains=(chain(A, reading=Reading(301, None, None)), chain(B))),
        [(Trouble.PAYMENTS_BEHIND, D, A)],
        {},
    ),
    (
        "payments never read are not called read",
        facts(chains=(chain(A, reading=None), chain(B))),
        [],
        {("take_payments", A): None},
    ),
    (
        "refunds that wait for a person",
        facts(chains=(chain(A, stopped="restored", stopped_at=NOW), chain(B))),
        [(Trouble.REFUNDS_STOPPED, D, A)],
        {("refund", A): False},
    ),
    (
        "a refund that failed for good waits, and the others go",
        facts(chains=(chain(A, failed=(FailedRefund("abcd", NOW, "code 11 (out of gas)"),)), chain(B))),
        [(Trouble.REFUND_FAILED, D, "abcd")],
        {},
    ),
    ("books that don't add up", facts(unbalanced=(f"{A}/stake",)), [(Trouble.BOOKS_OFF, C, f"{A}/stake")], {}),
    (
        "gas for 49 relays",
        facts(chains=(chain(A, gas=(Gas(seen(f"{A}/clearing"), 49),)), chain(B))),
        [(Trouble.GAS_LOW, D, f"{A}/clearing")],
        {},
    ),
    ("gas for 50", facts(chains=(chain(A, gas=(Gas(seen("x"), 50),)), chain(B))), [], {}),
    ("gas that costs nothing", facts(chains=(chain(A, gas=(Gas(seen("x"), None),)), chain(B))), [], {}),
    ("gas of three hours ago says nothing", facts(chains=(chain(A, gas=(Gas(seen("x", None, 10_800), 1),)),)), [], {}),
    (
        "gas unread",
        facts(chains=(chain(A, gas=(Gas(seen("x", "refused"), 400),)), chain(B))),
        [(Trouble.GAS_UNREAD, D, "x")],
        {},
    ),
    (
        "gas unread because the chain is away is told once",
        facts(chains=(chain(A, sign=AWAY, gas=(Gas(seen("x", "refused"), 400),)), chain(B))),
        [(Trouble.CHAIN_AWAY, D, A)],
        ALL_OF_A,
    ),
    ("dead letters", facts(dead={"rc1x": "no channel"}), [(Trouble.DEAD_LETTERS, D, "rc1x")], {}),
    ("a paid token past its deadline", facts(overdue={"rc1x": 60}), [(Trouble.OVERDUE, D, "rc1x")], {}),
]


@pytest.mark.parametrize(("told", "found", "expected", "lost"), TABLE, ids=[row[0] for row in TABLE])
def test_the_table(
    told: str, found: Facts, expected: list[tuple[Trouble, Level, str]], lost: dict[tuple[str, str], bool | None]
) -> None:
    del told
    judged = health(found)
    assert [(one.trouble, one.level, one.subject) for one in judged.findings] == expected
    assert judged.level == max([one[1] for one in expected] or [Level.HEALTHY], key=list(Level).index)
    kept = {key: value for key, value in works(found).items() if value is not True}
    assert kept == {key: value for key, value in lost.items() if value is not True}


def test_every_trouble_has_a_row() -> None:
    assert {one[0] for row in TABLE for one in row[2]} | {Trouble.DATABASE} == set(Trouble)


def test_a_path_whose_breaker_is_open_keeps_only_itself() -> None:
    path = f"hermes/{A}/transfer/channel-0"
    found = {(one.work, one.chain): one for one in health(facts(breakers=(shut(path),))).abilities}
    assert found[Work.CLEAR, A] == Ability(Work.CLEAR, A, works=True, why=(path,))
    assert found[Work.QUOTE, A].why == (path,)
    assert found[Work.CLEAR, B].why == ()


def test_a_database_that_cannot_be_read_is_critical_and_nothing_else_is_said() -> None:
    found = health(facts(unusable="the disk is gone", dead={"rc1x": "no channel"}))
    assert [(one.trouble, one.level) for one in found.findings] == [(Trouble.DATABASE, Level.CRITICAL)]
    assert found.abilities == (Ability(Work.REMEMBER, "", works=False, why=("database",)),)


def test_the_worst_stands_first() -> None:
    found = health(facts(dead={"rc1x": "no channel"}, unbalanced=("x",)))
    assert [one.level for one in found.findings] == [Level.CRITICAL, Level.DEGRADED]
    assert found.level is Level.CRITICAL


@pytest.mark.parametrize(
    ("sign", "state"),
    [
        (Sign("x"), State.UNKNOWN),
        (seen("x"), State.GOOD),
        (seen("x", "refused"), State.FAILING),
        (seen("x", None, 7200), State.GOOD),
        (seen("x", None, 7201), State.UNKNOWN),
        (seen("x", "refused", 7201), State.UNKNOWN),
    ],
)
def test_what_nobody_looked_at_for_two_hours_is_unknown(sign: Sign, state: State) -> None:
    assert sign.state(NOW) is state
