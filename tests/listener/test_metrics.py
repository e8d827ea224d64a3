"""`/metrics`: what Prometheus reads, agreeing with `stats`, and nothing invented."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from relayclear.clearing.breaker import Breaker, opened
from relayclear.clearing.operation import Attempt, Operation, OperationState
from relayclear.errors import HermesError, NodeError
from relayclear.ibc.coin import Coin
from relayclear.ibc.fate import Fate
from relayclear.listener.exposing import Exposition
from relayclear.money.ledger import Account, Place
from relayclear.store import breakers, ledger, operations
from relayclear.usecases import figures, recording, stats, tally
from relayclear.usecases.metrics import METRICS, Shape
from relayclear.usecases.tally import Tally
from tests.fakes.relayer import does_nothing_and_says_success
from tests.fakes.rig import Rig
from tests.fakes.world import address
from tests.listener.conftest import Ears, look_around
from tests.usecases.counter import Counter

PROMTOOL = shutil.which("promtool")
Samples = dict[str, dict[tuple[str, ...], float]]


def parsed(text: str) -> Samples:
    """What the official parser makes of the text, by name and labels' values in the table's order."""
    found: Samples = defaultdict(dict)
    for family in text_string_to_metric_families(text):
        assert family.documentation
        row = METRICS[family.name + ("_total" if family.type == "counter" else "")]
        for sample in family.samples:
            assert sample.labels.keys() == ({"le"} if sample.name.endswith("_bucket") else {*row.labels})
            found[sample.name][tuple(sample.labels[label] for label in row.labels or sample.labels)] = sample.value
    return found


def metrics(rig: Rig) -> Samples:
    return parsed(Ears(rig.desk)("/metrics").text)


def test_one_question_reads_what_was_noted_and_the_books_once_and_of_one_moment(traded: Counter) -> None:
    database, asked = traded.rig.journal.database, list[str]()
    database._connection.set_trace_callback(asked.append)
    figures.read_figures(traded.rig.desk, None)
    database._connection.set_trace_callback(None)
    for words in ("FROM vitals", ledger.SELECT_PLACES):
        assert sum(words in text for text in asked) == 1, words
    assert sum(text.startswith("BEGIN") for text in asked) == 1


def test_a_parser_takes_it_and_every_name_and_label_is_the_tables(traded: Counter) -> None:
    text = Ears(traded.rig.desk)("/metrics").text
    names = set()
    for family in text_string_to_metric_families(text):
        name = family.name + ("_total" if family.type == "counter" else "")
        row = METRICS[name]
        assert (family.type, family.documentation) == (row.shape.value, row.doc)
        names.add(name)
    assert parsed(text)
    silent = {"relayclear_task_failing", "relayclear_breaker_state", "relayclear_dead_letters"}
    assert names == METRICS.keys() - silent


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_prometheus_own_tool_finds_nothing_to_mend(traded: Counter) -> None:
    text = Ears(traded.rig.desk)("/metrics").content
    said = subprocess.run([str(PROMTOOL), "check", "metrics"], input=text, capture_output=True, check=False, timeout=60)
    assert (said.returncode, said.stdout + said.stderr) == (0, b"")


def test_what_is_silent_is_told_when_there_is_something_to_tell(traded: Counter) -> None:
    rig = traded.rig
    with rig.journal.database.atomic() as tx:
        tx.execute("UPDATE tasks SET status = 'dead', ended_at = 0 WHERE status = 'ready'")
        tx.execute("""UPDATE watchers SET doing = '{"troubles": {"sweep": "boom"}}'""")
        breakers.put(tx, opened(Breaker("wallet/alpha-1"), "refused", rig.desk.clock.now()))
    found = metrics(rig)
    assert sum(found["relayclear_dead_letters"].values()) == 1
    assert found["relayclear_task_failing"] == {("sweep",): 1}
    assert found["relayclear_breaker_state"] == {
        ("wallet/alpha-1", "closed"): 0,
        ("wallet/alpha-1", "open"): 1,
        ("wallet/alpha-1", "half_open"): 0,
    }


def as_stats_say(rig: Rig) -> dict[str, Any]:
    """The document of `stats --json`."""
    from relayclear.cli.stats import _document  # noqa: PLC0415 - the face itself, not a copy of it

    document: dict[str, Any] = json.loads(json.dumps(_document(stats.gather(rig.desk, None, None), None, None)))
    return document


def agree(found: Samples, said: dict[str, Any]) -> None:
    """Every figure that both have is one."""
    asked = found["relayclear_clearing_requests_total"]
    assert asked == {
        ("own",): said["operations"]["total"] - said["operations"]["sold"],
        ("sold",): said["operations"]["sold"],
    }
    for name, by in (("operations", said["operations"]["by_state"]), ("cleared_packets", said["packets"]["by_fate"])):
        told = found[f"relayclear_{name}"].items()
        assert {key: value for (key,), value in told if value} == {key: value for key, value in by.items() if value}
    assert found["relayclear_cleared_packets_ours"] == {(): said["packets"]["by_us"]}
    waits = said["payment_to_cleared_seconds"]
    assert found["relayclear_payment_to_cleared_seconds_count"] == {(): waits["count"]}
    buckets = found["relayclear_payment_to_cleared_seconds_bucket"]
    assert buckets["+Inf",] == waits["count"]
    for share, name in ((0.5, "median"), (0.9, "ninth_of_ten"), (1, "longest")):
        # As many as that took no longer than the first bound that isn't below it.
        fits = [count for bound, count in buckets.items() if waits[name] is not None and waits[name] <= float(bound[0])]
        assert all(count >= share * waits["count"] for count in fits)
    earned = {
        (row["chain"], row["earned"]["denom"]): int(row["earned"]["amount"])
        for row in said["money"]
        if row["earned"]["amount"] != "0"
    }
    assert found["relayclear_earned_amount"] == earned


def test_it_agrees_with_stats(traded: Counter) -> None:
    said = as_stats_say(traded.rig)
    assert (said["operations"]["total"], said["operations"]["sold"]) == (3, 2)
    agree(metrics(traded.rig), said)


def test_it_goes_on_agreeing_while_work_goes_on(traded: Counter) -> None:
    exposition = Exposition(traded.rig.desk)
    agree(parsed(asyncio.run(exposition.text()).decode()), as_stats_say(traded.rig))
    engine = traded.engine()
    while asyncio.run(engine.step()):
        agree(parsed(asyncio.run(exposition.text()).decode()), as_stats_say(traded.rig))
    by_state = as_stats_say(traded.rig)["operations"]["by_state"]
    assert sum(by_state.values()) == 4
    assert by_state.keys() <= {"cleared", "nothing_to_do"}


def test_it_agrees_where_only_the_task_of_a_sale_moved(traded: Counter) -> None:
    rig = traded.rig
    engine = traded.engine()
    rig.relayer.scenarios = [does_nothing_and_says_success]
    traded.bought(rig.stuck())
    exposition = Exposition(rig.desk)
    while asyncio.run(engine.step()):
        pass
    agree(parsed(asyncio.run(exposition.text()).decode()), as_stats_say(rig))
    before = as_stats_say(rig)["operations"]["by_state"]
    with rig.journal.database.atomic() as tx:
        tx.execute("UPDATE tasks SET lease = '1:x', lease_until = 1e9, lease_boot = 'b' WHERE status = 'ready'")
    assert as_stats_say(rig)["operations"]["by_state"] != before
    agree(parsed(asyncio.run(exposition.text()).decode()), as_stats_say(rig))


def tried_again(rig: Rig, operation: Operation) -> None:
    """An operation that ended is begun once more, and ends otherwise, all between two questions."""
    (last,) = operation.attempts
    again = Attempt(2, rig.clock.now(), last.before)
    recording.start_attempt(rig.desk, operation, again, "ada")
    after = [replace(packet, fate=Fate.UNKNOWN) for packet in last.after]
    recording.finish_attempt(rig.desk, operation.id, 2, after, ())


@pytest.mark.parametrize("remembered", [1, 4096])
def test_what_had_ended_and_moves_once_more_is_counted_as_it_is(
    traded: Counter, monkeypatch: pytest.MonkeyPatch, remembered: int
) -> None:
    monkeypatch.setattr(tally, "_REMEMBERED", remembered)
    database = traded.rig.journal.database
    kept = Tally(database)
    before = replace(asyncio.run(kept.catch_up()))
    seen = before.states.copy()
    tried_again(traded.rig, next(operations.every(database)))
    after, fresh = asyncio.run(kept.catch_up()), asyncio.run(Tally(database).catch_up())
    assert +after.states == +fresh.states != +seen
    assert (+after.fates, after.waits, after.waited) == (+fresh.fates, fresh.waits, fresh.waited)
    assert after.states.total() == seen.total()


def test_until_all_was_counted_nothing_is_told(traded: Counter) -> None:
    kept = Tally(traded.rig.journal.database)
    assert kept.sums is None
    names = {sample.name for sample in figures.read_figures(traded.rig.desk, kept.sums)}
    assert "relayclear_clearing_requests_total" not in names
    assert "relayclear_pending_packets" in names


def test_waits_fall_into_their_buckets() -> None:
    sums = tally.Sums()
    for wait in (0, 15, 16, 7200, 7201):
        part = tally.Part(OperationState.CLEARED, (), 0, 1, (wait,), ())
        sums.add(part)
        sums.add(part)
        sums.add(part, -1)
    assert sums.waits == [2, 1, 0, 0, 0, 0, 0, 0, 1, 1]
    assert (sums.waited, sums.states.total()) == (0 + 15 + 16 + 7200 + 7201, 5)


def test_money_is_what_the_books_say(traded: Counter) -> None:
    found = metrics(traded.rig)
    place = Place("alpha-1", "stake")
    book = ledger.book(traded.rig.journal.database, place).totals
    assert found["relayclear_owed_amount"][place] == book[Account.OWED] == 77
    assert found["relayclear_held_amount"][place] == book[Account.HELD] > 1_000_000
    assert found["relayclear_earned_amount"][place] == book[Account.EARNED] > 2_000_000
    assert found["relayclear_books_balanced"] == {("alpha-1",): 1}
    assert found["relayclear_payments_total"] == {("alpha-1",): 3}
    assert found["relayclear_refunds"]["owed",] == 1
    assert found["relayclear_wallet_balance"]["alpha-1", "payee", address("payee", "alpha-1"), "stake"] > 3_000_000


def test_coins_that_anybody_may_send_make_no_series(traded: Counter) -> None:
    rig = traded.rig
    with rig.journal.database.atomic() as tx:
        tx.execute("""UPDATE cursors SET held = '{"stake": "5", "factory/spam/1": "7"}'""")
    denoms = {labels[3] for labels in metrics(rig)["relayclear_wallet_balance"] if labels[1] == "payee"}
    assert denoms == {"stake"}


def test_an_amount_of_any_length_is_a_number(traded: Counter) -> None:
    rig = traded.rig
    with rig.journal.database.atomic() as tx:
        tx.execute("UPDATE totals SET amount = ? WHERE account = 'owed'", ("9" * 400,))
    found = metrics(rig)
    assert found["relayclear_owed_amount"]["alpha-1", "stake"] == float("inf")
    assert found["relayclear_books_balanced"] == {("alpha-1",): 0}


def test_stuck_packets_by_channel_and_class_with_the_age_of_the_oldest(traded: Counter) -> None:
    found = metrics(traded.rig)
    end = ("alpha-1", "transfer", "channel-0")
    assert found["relayclear_stuck_packets"] == {(*end, "stuck"): 1, (*end, "pending"): 2}
    assert found["relayclear_pending_packets"][end] == 3
    assert found["relayclear_oldest_packet_age_seconds"][end] >= 600
    assert found["relayclear_path_up"][end] == 1


def test_what_could_not_be_read_is_left_out_and_never_nought(watched: Rig) -> None:
    end = ("alpha-1", "transfer", "channel-0")
    before = metrics(watched)
    assert before["relayclear_pending_packets"][end] == 0
    watched.alpha.down = NodeError("alpha-1: refused")
    look_around(watched)
    found = metrics(watched)
    assert found["relayclear_path_up"][end] == 0
    assert end not in found["relayclear_pending_packets"]
    assert found["relayclear_chain_up"] == {("alpha-1",): 0, ("beta-1",): 1}
    assert ("alpha-1", "daemon") not in {labels[:2] for labels in found["relayclear_wallet_balance"]}
    assert ("alpha-1", "daemon") not in found["relayclear_gas_relays_left"]
    # When it was last good is known, and told.
    assert found["relayclear_chain_good_timestamp_seconds"].keys() == {("alpha-1",), ("beta-1",)}


def test_before_anything_was_looked_at_nothing_is_told_of_it(rig: Rig) -> None:
    found = metrics(rig)
    assert {
        "relayclear_pending_packets",
        "relayclear_scans_total",
        "relayclear_chain_up",
        "relayclear_hermes_up",
    }.isdisjoint(found)
    assert found["relayclear_health_level"] == {(): 1}


def test_endpoints_and_hermes(watched: Rig) -> None:
    watched.relayer.says = HermesError("hermes can't be started")
    look_around(watched)
    found = metrics(watched)
    labels = ("alpha-1", "http://alpha-1:26657")
    assert found["relayclear_hermes_up"] == {("/etc/hermes/config.toml",): 0}
    assert found["relayclear_endpoint_up"][labels] == 1
    assert found["relayclear_endpoint_latency_seconds"][labels] == 0.25
    assert found["relayclear_endpoint_requests_total"][labels] > found["relayclear_endpoint_failures_total"][labels]
    assert found["relayclear_health_level"] == {(): 2}


def test_a_label_from_outside_is_harmless(watched: Rig) -> None:
    watched.world.send(watched.source, coin=Coin("stake", 1))
    with watched.journal.database.atomic() as tx:
        doing = {"troubles": {"a\nb\x1b[2J\u202e https://user:secret@node": "boom"}}
        tx.execute("UPDATE watchers SET doing = ?", (json.dumps(doing),))
    text = Ears(watched.desk)("/metrics").text
    assert "secret" not in text
    assert not {"\x1b", "\u202e"} & set(text)
    assert len(parsed(text)["relayclear_task_failing"]) == 1


def test_every_metric_has_a_name_as_prometheus_wants_it() -> None:
    for name, row in METRICS.items():
        assert name.startswith("relayclear_")
        assert name.endswith("_total") == (row.shape is Shape.COUNTER)
        assert row.doc
