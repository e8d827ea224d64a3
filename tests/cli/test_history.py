"""`history` and `stats`: from memory alone, row by row, and harmless whatever a payer wrote."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest

from relayclear.cli.output import Exit
from relayclear.money.token import ClearingToken
from relayclear.store import history
from relayclear.store.history import Event
from relayclear.usecases import trail
from tests.cli.conftest import HOSTILE, Cli, agrees
from tests.cli.test_pages import harmless
from tests.fakes.relayer import does_nothing_and_says_success
from tests.fakes.rig import Rig
from tests.usecases.counter import Counter

ONE = ("clear", "--chain", "alpha-1", "--channel", "channel-0", "--packet-sequences")


@pytest.fixture
def remembered(rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    """The rig's own database as this user's; there is no Hermes config at all."""
    monkeypatch.setenv("RELAYCLEAR_DB", str(tmp_path / "relayclear.db"))
    monkeypatch.setenv("RELAYCLEAR_OPERATOR", "ana")
    return rig


@pytest.fixture
def told(cli: Cli, remembered: Rig) -> Rig:
    """A mute, a clear, and a payment by somebody who writes nasty memos."""
    remembered.stuck()
    cli("packets", "mute", "alpha-1/channel-0/1", "--reason", "known")
    cli(*ONE, "1", "--yes")
    at = remembered.clock.now() + timedelta(minutes=5)
    with remembered.journal.database.atomic() as tx:
        history.add(tx, Event(at, "watch", "payment", wallet="=cmd|calc", subject=HOSTILE, detail={"memo": HOSTILE}))
    return remembered


def test_history_as_people_and_programs_read_it(cli: Cli, told: Rig) -> None:
    del told
    page = cli("history", "list", width=80)
    assert (page.code, page.err) == (Exit.DONE, "")
    harmless(page)
    assert agrees("history-80.txt", page.out)
    assert max(map(len, page.lines)) <= 80
    assert agrees("history.json", cli("history", "list", "--json").out)


def test_history_is_narrowed_to_what_is_asked(cli: Cli, told: Rig) -> None:
    (operation,) = told.journal.operations(1)

    def whats(*options: str) -> list[str]:
        return [row["what"] for row in cli("history", "list", "--json", *options).document["events"]]

    assert whats("--operation", "op-") == ["attempt_judged", "attempt", "operation_added"]
    assert whats("--operation", operation.id, "--limit", "1", "--offset", "1") == ["attempt"]
    assert whats("--wallet", "=cmd|calc") == ["payment"]
    assert whats("--wallet", "cosmos1nobody") == []
    assert whats("--since", "2026-01-02T12:12:00Z") == ["payment"]
    assert cli("history", "list", "--wallet", "x").text == "No events match.\n"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ("history list --operation op-77", "no operation 'op-77'"),
        ("history list --token rc1zzz", "no token 'rc1zzz' is known here"),
        ("history list --since soon", "neither a duration nor a time"),
        ("history export", "choose one form"),
        ("history export --csv --json", "choose one form"),
        ("history export --csv --token rc1zzz", "no token 'rc1zzz' is known here"),
    ],
)
def test_what_can_not_be_meant_is_refused_and_writes_no_file(
    cli: Cli, told: Rig, tmp_path: Path, argv: str, said: str
) -> None:
    del told
    answer = cli(*argv.split(), *(["-o", str(tmp_path / "out")] if "export" in argv else []))
    assert (answer.code, said in answer.err) == (Exit.USAGE, True)
    assert not (tmp_path / "out").exists()


def test_an_export_holds_everything_in_order_as_lines_and_as_a_table(
    cli: Cli, told: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del told
    monkeypatch.setattr(trail, "_AT_ONCE", 2)
    lines = [json.loads(line) for line in cli("history", "export", "--json").lines]
    whats = ["muted", "operation_added", "attempt", "attempt_judged", "payment"]
    assert [line["what"] for line in lines] == whats
    assert {line["schema_version"] for line in lines} == {1}
    assert lines[-1]["detail"] == {"memo": HOSTILE}
    file = tmp_path / "history.csv"
    assert cli("history", "export", "--csv", "-o", str(file)).code == Exit.DONE
    assert file.stat().st_mode & 0o777 == 0o600
    table = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    assert [row["what"] for row in table] == whats
    assert table[-1]["wallet"] == "'=cmd|calc", "a spreadsheet would run it"
    again = cli("history", "export", "--csv", "-o", str(file))
    assert (again.code, "is there already" in again.err) == (Exit.USAGE, True)
    nowhere = cli("history", "export", "--csv", "-o", str(tmp_path / "no" / "where"))
    assert (nowhere.code, "can't be written" in nowhere.err) == (Exit.USAGE, True)


def test_without_a_database_history_says_so(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAYCLEAR_DB", str(tmp_path / "nothing.db"))
    assert cli("history", "list", "--json").error["code"] == "store_missing"


def test_stats_as_people_and_programs_read_them(cli: Cli, remembered: Rig, tmp_path: Path) -> None:
    assert cli("stats").text == "No clears match.\n"
    counter = Counter(remembered, tmp_path / "shop")
    token: ClearingToken = counter.bought(remembered.stuck(count=2)[:1])
    counter.work()
    cli(*ONE, "2", "--yes")
    page = cli("stats", width=80)
    assert (page.code, page.err) == (Exit.DONE, "")
    assert agrees("stats-80.txt", page.out)
    assert max(map(len, page.lines)) <= 120
    said = cli("stats", "--json")
    assert agrees("stats.json", said.out)
    (earned,) = (row["earned"] for row in said.document["money"] if row["chain"] == "alpha-1")
    assert earned == {"denom": "stake", "amount": str(token.price.amount)}
    assert cli("stats", "--since", "1s", "--json").document["operations"]["total"] <= 1


def test_the_story_of_a_sold_clear_is_found_by_its_token(cli: Cli, remembered: Rig, tmp_path: Path) -> None:
    counter = Counter(remembered, tmp_path / "shop")
    token = counter.bought(remembered.stuck()[:1])
    counter.work()
    events = cli("history", "list", "--token", token.memo, "--json").document["events"]
    assert {row["token"] for row in events} == {token.memo}
    assert {"token_created", "operation_added", "attempt", "packet_judged"} <= {row["what"] for row in events}
    (row,) = cli("operations", "list", "--token", token.memo, "--json").document["operations"]
    shown = cli("operations", "show", row["operation"], "--json").document
    assert "work_ended" in {entry["what"] for entry in shown["timeline"]}
    assert "work ended (rules" in cli("operations", "show", row["operation"]).text
    verified = tmp_path / "proof.json"
    cli("operations", "proof", row["operation"], "-o", str(verified))
    assert cli("operations", "verify", str(verified)).code == Exit.DONE


def test_calling_off_sold_work_is_told_to_its_task(cli: Cli, remembered: Rig, tmp_path: Path) -> None:
    counter = Counter(remembered, tmp_path / "shop")
    remembered.relayer.scenarios = [does_nothing_and_says_success]
    token = counter.bought(remembered.stuck()[:1])
    counter.work()
    (row,) = cli("operations", "list", "--state", "waiting", "--json").document["operations"]
    asked = cli("operations", "cancel", row["operation"], typed="n\n")
    assert "What is not earned yet will be owed back" in asked.err
    said = cli("operations", "cancel", row["operation"], "--yes", "--reason", "the payer asked")
    assert (said.code, "it ends at its next step" in said.text) == (Exit.DONE, True)
    counter.work()
    assert counter.books()["owed"] == token.price.amount
    whats = [entry["what"] for entry in cli("history", "list", "--token", token.memo, "--json").document["events"]]
    assert "cancel_asked" in whats
    assert cli("operations", "cancel", row["operation"], "--yes").code == Exit.REFUSED
