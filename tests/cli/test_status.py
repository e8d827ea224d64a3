"""Bare `relayclear`: ten lines of 80 columns that hide no trouble, and a next command that can be pasted."""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from relayclear.cli.output import Exit
from relayclear.cli.status_lines import Begun, lines, next_command
from relayclear.ibc.packet import ChannelEnd, SequenceRanges
from relayclear.ibc.triage import Blocked, BlockReason, PacketClass, Verdict
from relayclear.store import judgements, watchers
from relayclear.store.db import open_database
from relayclear.store.judgements import Judged
from relayclear.store.watchers import Watcher
from relayclear.usecases.listing import ListRequest, list_packets
from relayclear.usecases.mute import mute_packets
from relayclear.usecases.scan import scan
from relayclear.usecases.status import Standing, Status, Watched, last_status
from tests.cli.conftest import Cli
from tests.cli.test_init import hermes
from tests.fakes.rig import Rig

__all__ = ["hermes"]

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
END = ChannelEnd("alpha-1", "transfer", "channel-0")
OLD = NOW - timedelta(hours=3)
STUCK = Standing(END, 4, OLD, SequenceRanges([(1, 3)]))
QUIET = Status(NOW - timedelta(minutes=5), 8, (), (), (), 0, 0, Watched.RUNS, NOW)
READY = Begun(hermes=True, config=True, sells=True)


def test_the_stuck_packets_come_without_the_command_that_clears_them() -> None:
    assert lines(replace(QUIET, waiting=(STUCK,)), NOW, READY) == [
        "4 packets pending on 1 of 8 paths, looked 5m ago.",
        "  alpha-1/channel-0: 4, 3 need attention, the oldest for 3h at least",
        "  try: relayclear clear --chain alpha-1 --channel channel-0 \\",
        "       --packet-sequences 1..3",
    ]
    short = replace(STUCK, end=ChannelEnd("a-1", "transfer", "channel-0"))
    (*_, last) = lines(replace(QUIET, waiting=(short,)), NOW, READY)
    assert last == "  try: relayclear clear --chain a-1 --channel channel-0 --packet-sequences 1..3"


def test_a_long_list_of_sequences_is_pasted_into_the_page() -> None:
    many = replace(STUCK, stuck=SequenceRanges.of(range(1, 99, 2)))
    command = next_command(replace(QUIET, waiting=(many,)), READY)
    assert command == "relayclear packets list --chain alpha-1 --channel channel-0"


LONG = ChannelEnd("c" * 64, "icacontroller-" + "p" * 90, "channel-123456")
WORST = replace(
    QUIET,
    waiting=tuple(replace(STUCK, end=LONG._replace(channel=f"channel-{number}")) for number in range(9)),
    failed=((END, "boom"),) * 12345,
    unfinished=(None,) * 12345,  # type: ignore[arg-type]  # only counted
    owed=123456,
    approved=123456,
)


@pytest.mark.parametrize("watched", Watched)
@pytest.mark.parametrize("sells", [True, False])
def test_the_page_is_longer_than_ten_lines_or_wider_than_a_terminal(watched: Watched, *, sells: bool) -> None:
    for waiting in (WORST.waiting, WORST.waiting[:3], ()):
        found = replace(WORST, waiting=waiting, watched=watched, beat_at=OLD)
        told = lines(found, NOW, READY._replace(sells=sells))
        assert len(told) <= 10
        assert [line for line in told[:-2] if len(line) > 80] == []


@pytest.mark.parametrize(
    ("changed", "begun", "command", "line"),
    [
        ({}, READY._replace(hermes=False), "relayclear init", "No Hermes config found."),
        ({"looked_at": None}, READY._replace(config=False), "relayclear init", "No scan yet."),
        ({"looked_at": None}, READY, "relayclear packets list", "No scan yet."),
        ({}, READY, "relayclear packets list", "0 packets pending on 0 of 8 paths, looked 5m ago."),
        (
            {"watched": Watched.NO, "waiting": (STUCK,)},
            *(READY, "relayclear watch", "watch doesn't run, so nobody sees payments."),
        ),
        (
            {"watched": Watched.NO},
            READY._replace(sells=False),
            *("relayclear packets list", "watch doesn't run: what is shown is as old as the last look."),
        ),
        (
            {"watched": Watched.SILENT, "beat_at": OLD},
            *(READY, "relayclear packets list", "watch gave no sign for 3h: relayclear health"),
        ),
        (
            {"failed": ((END, "boom"),)},
            READY,
            *("relayclear packets list", "1 path could not be read at the last look: relayclear doctor"),
        ),
        (
            {"owed": 1, "approved": 2},
            READY,
            *(
                "relayclear refunds list",
                "1 refund waits to be decided, 2 approved and not sent: relayclear refunds list",
            ),
        ),
        (
            {"approved": 1},
            READY,
            *("relayclear refunds sweep --dry-run", "1 refund is approved and not sent: relayclear refunds sweep"),
        ),
    ],
)
def test_a_trouble_goes_without_its_command(changed: dict[str, object], begun: Begun, command: str, line: str) -> None:
    found = replace(QUIET, **changed)  # type: ignore[arg-type]
    assert next_command(found, begun) == command
    told = lines(found, NOW, begun)
    assert line[:80] in {text.rstrip("…") for text in told} or line in told
    assert told[-1] == f"  try: {command}"


def test_a_packet_that_waits_a_minute_or_is_muted_is_called_stuck(rig: Rig) -> None:
    rig.stuck(count=3)
    asyncio.run(scan(rig.desk))
    rig.clock.step(301)
    asyncio.run(scan(rig.desk))
    rig.stuck(count=1)
    asyncio.run(scan(rig.desk))
    (standing,) = last_status(rig.journal, rig.clock.now(), 300).waiting
    assert (standing.pending, str(standing.stuck)) == (4, "1..3")
    asyncio.run(mute_packets(rig.desk, rig.source, SequenceRanges([(2, 2)]), "known", None))
    (standing,) = last_status(rig.journal, rig.clock.now(), 300).waiting
    assert str(standing.stuck) == "1,3"
    asyncio.run(mute_packets(rig.desk, rig.source, None, "dead", None))
    (standing,) = last_status(rig.journal, rig.clock.now(), 300).waiting
    assert (standing.pending, str(standing.stuck)) == (4, "")


def test_a_packet_just_found_that_was_sent_an_hour_ago_is_called_new(rig: Rig) -> None:
    (key,) = rig.stuck()
    sent_at = rig.clock.now() - timedelta(seconds=600)
    asyncio.run(list_packets(rig.desk, ListRequest()))
    (standing,) = last_status(rig.journal, rig.clock.now(), 300).waiting
    assert str(standing.stuck) == str(key.sequence)
    assert standing.oldest <= sent_at


def test_what_no_clear_can_move_comes_with_the_command_to_clear_it(rig: Rig) -> None:
    rig.stuck(count=3)
    asyncio.run(scan(rig.desk))
    now = rig.clock.now()
    ready, blocked = Verdict(PacketClass.STUCK, None), Verdict(PacketClass.STUCK, Blocked(BlockReason.EXCLUDED, ""))
    said = {
        1: Judged(ready, known=True, attention=True, first_seen=now),
        2: Judged(blocked, known=True, attention=True, first_seen=now),
        3: Judged(Verdict(PacketClass.IN_FLIGHT, None), known=True, attention=False, first_seen=now),
    }
    with rig.journal.database.atomic() as tx:
        judgements.record(tx, now, {rig.source: said})
    (standing,) = last_status(rig.journal, now + timedelta(hours=1), 300).waiting
    assert str(standing.stuck) == "1"


def test_a_daemon_that_was_killed_is_said_to_run(rig: Rig) -> None:
    now = rig.clock.now()
    assert last_status(rig.journal, now).watched is Watched.NO
    with rig.journal.database.atomic() as tx:
        watchers.beat(tx, Watcher(7, now, now, {}))
    assert last_status(rig.journal, now).watched is Watched.RUNS
    assert last_status(rig.journal, now + timedelta(seconds=61)).watched is Watched.SILENT
    with rig.journal.database.atomic() as tx:
        watchers.leave(tx, 7)
    assert last_status(rig.journal, now).watched is Watched.NO


def test_a_beginner_is_not_pointed_at_init(cli: Cli, home: Path) -> None:
    said = cli.alone()
    assert (said.code, said.lines[-1]) == (Exit.DONE, "  try: relayclear init")
    assert [*home.iterdir()] == []


def test_the_documents_watch_and_next_command_are_lost(
    cli: Cli, hermes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del hermes
    monkeypatch.setenv("RELAYCLEAR_DB", str(tmp_path / "own.db"))
    now = datetime.now(UTC)
    with open_database(tmp_path / "own.db") as database, database.atomic() as tx:
        watchers.beat(tx, Watcher(os.getpid(), now, now, {}))
    document = cli.alone("--json").document
    assert document["watch"]["state"] == "runs"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", document["watch"]["last_sign"])
    assert document["next"] == "relayclear init"
