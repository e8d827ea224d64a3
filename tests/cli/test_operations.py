"""Operations at the command line: found again by what one remembers, told with their whole story, called off."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from relayclear.clearing.operation import Operation
from relayclear.clearing.timeline import timeline
from relayclear.cli.operation_pages import story_document
from relayclear.cli.output import Exit
from relayclear.ibc.packet import SequenceRanges
from relayclear.ibc.readings import RelayStep
from relayclear.ibc.relayer import ClearJob, RelayRun
from relayclear.store import history
from relayclear.store.history import Event
from relayclear.usecases import operations as usecase
from relayclear.usecases.operations import OperationStory
from tests.clearing.proofs import AT, after, attempt, before, operation, tx
from tests.cli.conftest import Cli, agrees
from tests.fakes.relayer import FakeRelayer, Progress, does_nothing_and_says_success, does_the_job, ran
from tests.fakes.rig import Rig

ONE = ("clear", "--chain", "alpha-1", "--channel", "channel-0", "--packet-sequences")


def ids(cli: Cli, *options: str) -> list[str]:
    """The operations of a list, newest first, by their sequences."""
    said = cli("operations", "list", "--json", *options)
    assert said.code == Exit.DONE
    return [f"{row['path']['channel']}/{row['sequences']}" for row in said.document["operations"]]


@pytest.fixture
def many(cli: Cli, rig: Rig) -> Rig:
    """A failed clear of #1, an hour later one of #1 and #2, and one on another channel."""
    other, _ = rig.world.connect("alpha-1", "beta-1")
    rig.stuck(count=2)
    rig.stuck(other)
    rig.relayer.scenarios = [does_nothing_and_says_success]
    cli(*ONE, "1", "--yes")
    rig.relayer.scenarios = [does_the_job]
    rig.clock.step(3600)
    cli(*ONE, "1..2", "--yes")
    cli("clear", "--chain", "alpha-1", "--channel", "channel-1", "--packet-sequences", "1", "--yes")
    return rig


def test_a_list_is_narrowed_by_what_one_remembers(cli: Cli, many: Rig) -> None:
    del many
    assert ids(cli) == ["channel-1/1", "channel-0/1..2", "channel-0/1"]
    assert ids(cli, "--chain", "alpha-1", "--channel", "channel-0") == ["channel-0/1..2", "channel-0/1"]
    assert ids(cli, "--chain", "beta-1") == []
    assert ids(cli, "--state", "failed") == ["channel-0/1"]
    assert ids(cli, "--state", "failed", "--state", "cleared", "--limit", "1", "--offset", "1") == ["channel-0/1..2"]
    assert ids(cli, "--since", "10m", "--state", "failed") == []
    assert ids(cli, "--since", "10m") == ["channel-1/1", "channel-0/1..2"]
    assert ids(cli, "--since", "2026-01-02T12:00:00") == ids(cli)
    assert ids(cli, "--state", "running", "--state", "queued") == []
    assert cli("operations", "list", "--state", "running").text == "No clears that fit.\n"


def test_a_list_says_how_far_it_looked(cli: Cli, many: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    del many
    monkeypatch.setattr(usecase, "LOOKED_AT", 2)
    document = cli("operations", "list", "--state", "failed", "--json").document
    assert (document["operations"], document["complete"]) == ([], False)
    assert "Only the newest 2 were looked at" in cli("operations", "list", "--state", "failed").text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--channel", "channel-0"), "--channel needs --chain"),
        (("--state", "clered"), "did you mean cleared"),
        (("--since", "soon"), "neither a duration nor a time"),
        (("--token", "rc1nothing"), "no token 'rc1nothing' is known here"),
    ],
)
def test_what_can_not_be_meant_is_refused(cli: Cli, options: tuple[str, ...], said: str) -> None:
    answer = cli("operations", "list", *options)
    assert (answer.code, said in answer.err) == (Exit.USAGE, True)


def test_one_operation_is_told_with_its_timeline_and_all_that_hermes_wrote(cli: Cli, rig: Rig) -> None:
    rig.stuck()

    async def chatters(relayer: FakeRelayer, job: ClearJob, progress: Progress) -> RelayRun:
        run = await does_the_job(relayer, job, progress)
        return RelayRun(run.version, run.argv, 0, 1.7, ended=True, output="one\x1b[2J\ntwo")

    rig.relayer.scenarios = [chatters]
    cli(*ONE, "1", "--yes")
    assert agrees("operations-show-80.txt", cli("operations", "show", "op-", width=80).out)
    shown = cli("operations", "show", "op-", "--output").lines
    assert [line for line in shown if line.startswith("  | ")] == ["  | one", "  | two"]
    document = cli("operations", "show", "op-", "--output", "--json").document
    assert document["hermes"]["output"] == "one\x1b[2J\ntwo"
    assert [row["what"] for row in document["timeline"]][:3] == ["asked", "planned", "ran"]
    assert [row["at"] for row in document["timeline"]] == sorted(row["at"] for row in document["timeline"])
    assert [row["tx"]["step"] for row in document["timeline"] if row["what"] == "moved"] == ["recv", "ack"]


def test_who_did_what_by_hand_stands_in_the_history(cli: Cli, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAYCLEAR_OPERATOR", "ana")
    rig.stuck()
    cli("packets", "mute", "alpha-1/channel-0/1", "--reason", "known")
    cli("packets", "unmute", "alpha-1/channel-0", "--reason", "mended")
    cli("packets", "unmute", "alpha-1/channel-0")
    cli(*ONE, "1", "--yes")
    with rig.journal.database.snapshot() as reads:
        told = [(event.who, event.what, event.subject, dict(event.detail)) for event in history.export(reads)]
    assert told == [
        ("ana", "muted", "alpha-1/channel-0/1", {"why": "known"}),
        ("ana", "unmuted", "alpha-1/channel-0", {"why": "mended"}),
        ("ana", "operation_added", None, {"channel": "alpha-1/channel-0", "packets": "1"}),
        ("ana", "attempt", None, {"attempt": 1, "packets": "1", "channel": "alpha-1/channel-0"}),
        ("rules", "attempt_judged", None, {"attempt": 1, "fates": {"1": "delivered"}}),
    ]


def test_an_ended_operation_can_not_be_called_off(cli: Cli, rig: Rig) -> None:
    rig.stuck()
    cli(*ONE, "1", "--yes")
    said = cli("operations", "cancel", "op-", "--yes", "--json")
    assert (said.code, said.error["code"]) == (Exit.REFUSED, "ended")
    assert cli("operations", "cancel", "op-77", "--yes").code == Exit.USAGE


def under_way(rig: Rig) -> Operation:
    """An operation that another process works on: its lock is held."""
    operation = Operation("op-elsewhere", rig.clock.now(), rig.source, rig.far, SequenceRanges.of([1]))
    rig.journal.add_operation(operation)
    rig.relayer.held["clearing", "op-elsewhere"] = "another process"
    return operation


def test_calling_off_asks_first_and_is_told_with_who_and_why(cli: Cli, rig: Rig) -> None:
    rig.stuck()
    operation = under_way(rig)
    assert cli("operations", "cancel", operation.id, "--json").code == Exit.USAGE
    assert cli("operations", "cancel", operation.id, typed="n\n").code == Exit.REFUSED
    said = cli("operations", "cancel", operation.id, "--reason", "wrong one", typed="y\n")
    assert (said.code, said.text) == (Exit.DONE, " op-elsewhere: called off\n")
    assert cli("operations", "show", operation.id, "--json").document["state"] == "cancelled"
    with rig.journal.database.snapshot() as reads:
        (event,) = history.export(reads)
    assert (event.what, event.operation_id, dict(event.detail)) == (
        "operation_cancelled",
        operation.id,
        {"why": "wrong one"},
    )
    assert cli("operations", "cancel", operation.id, "--yes").code == Exit.REFUSED


def test_a_clear_that_is_called_off_from_elsewhere_starts_nothing_more(cli: Cli, rig: Rig) -> None:
    rig.stuck(count=60)

    async def called_off(_: FakeRelayer, job: ClearJob, __: Progress) -> RelayRun:
        (operation,) = rig.journal.unfinished()
        rig.journal.cancel(operation.id, rig.clock.now())
        return ran(job)

    rig.relayer.scenarios = [called_off]
    said = cli(*ONE, "1..60", "--yes", "--json")
    assert len(rig.relayer.jobs) == 1
    assert said.document["state"] == "cancelled"


def test_what_the_history_adds_does_not_put_a_lagging_block_before_what_caused_it() -> None:
    lagging = replace(tx(RelayStep.RECV), at=AT - timedelta(seconds=3), height=10**9)
    one = operation(attempt(1, before(), after(txs=(lagging,))))
    told = Event(AT - timedelta(seconds=1), "anna", "operation_seen", operation_id=one.id)
    document = story_document(OperationStory(one, tuple(timeline(one)), (told,), None, ()), output=False)
    assert [row["what"] for row in document["timeline"]] == ["operation_seen", "asked", "planned", "moved", "judged"]
