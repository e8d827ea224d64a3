"""Doctor on what relayclear keeps: nothing that is damaged, stopped, full or behind is called well."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from relayclear.clearing.breaker import BreakerState, BreakerView
from relayclear.clearing.health import ChainSigns, Facts, Reading, Sign, Watching
from relayclear.store import cursors
from relayclear.usecases.doctor_facts import Finding, MemoryFacts, Severity, Unread
from relayclear.usecases.doctor_memory import LEAST_FREE, LOW_FREE, check_memory, gather_memory
from tests.fakes.rig import Rig
from tests.fakes.world import address
from tests.usecases.test_doctor import NOW

SELLER = ChainSigns(Sign("alpha-1"), sells=True, reading=Reading(5, None, None))
FACTS = Facts(NOW, Watching(alive=True, beat_at=NOW), (SELLER,))
WELL = MemoryFacts("/d/r.db", 4096, 9, (), 50 * LOW_FREE, FACTS, quote_key=1)


def facts(**changed: Any) -> MemoryFacts:
    return replace(WELL, facts=replace(FACTS, **changed))


def trouble(memory: MemoryFacts) -> Finding:
    """The only finding that is not well."""
    (finding,) = [finding for finding in check_memory(memory) if finding.severity is not Severity.OK]
    assert finding.why
    assert finding.next
    return finding


def test_a_memory_that_is_well_is_found_fault_with() -> None:
    findings = check_memory(WELL)
    assert {finding.severity for finding in findings} == {Severity.OK}
    assert [finding.check for finding in findings] == ["database", "quote_keys", "watch_runs", "payments"]
    assert findings[0].finding == "/d/r.db: version 9, 4 kB, whole; 50 GB free"


@pytest.mark.parametrize(
    ("memory", "check", "severity", "said", "step"),
    [
        (replace(WELL, problems=("row 7 of packets",)), "database", Severity.FAIL, "row 7 of packets", "db check"),
        (replace(WELL, problems=("a", "b", "c")), "database", Severity.FAIL, "a and 2 more", "db restore"),
        (replace(WELL, free=LEAST_FREE - 1), "disk", Severity.FAIL, "99 MB are left", "df -h /d"),
        (replace(WELL, free=LOW_FREE - 1), "disk", Severity.WARN, "1023 MB are left", "df -h /d"),
        (replace(WELL, keys_trouble="others may read it"), "quote_keys", Severity.FAIL, "others may", "keys list"),
        (facts(watching=Watching()), "watch_runs", Severity.WARN, "doesn't run", "relayclear watch"),
        (
            facts(watching=Watching(alive=True, beat_at=NOW - timedelta(minutes=5))),
            *("watch_runs", Severity.FAIL, "does nothing; its last sign was 5 min ago", "journalctl"),
        ),
        (
            facts(watching=Watching(alive=True, beat_at=NOW, troubles={"scan": "boom"})),
            *("watch_task", Severity.WARN, "task scan fails: boom", "relayclear health"),
        ),
        (facts(dead=2), "watch_task", Severity.WARN, "2 of watch's tasks", "relayclear health"),
        (facts(overdue={"rc1x": 7300}), "overdue", Severity.WARN, "rc1x is 2 h past", "tokens show rc1x"),
        (
            facts(breakers=(BreakerView("wallet/alpha-1", BreakerState.OPEN, "moved", NOW, None),)),
            *("breaker", Severity.WARN, "open until somebody resets it: moved", "breakers list"),
        ),
        (
            facts(breakers=(BreakerView("endpoint/a/b", BreakerState.HALF_OPEN, "", NOW, NOW),)),
            *("breaker", Severity.WARN, "half-open until 12:00:00Z: nobody said why", "breakers list"),
        ),
        (facts(chains=(replace(SELLER, reading=None),)), "payments", Severity.WARN, "never read", "watch"),
        (
            facts(chains=(replace(SELLER, reading=Reading(5, "pruned", NOW)),)),
            *("payments", Severity.WARN, "not read: pruned", "payments gaps"),
        ),
        (
            facts(chains=(replace(SELLER, reading=Reading(301, None, None)),)),
            *("payments", Severity.WARN, "5 min behind", "relayclear watch"),
        ),
        (
            facts(chains=(replace(SELLER, stopped="a backup was put back"),)),
            *("refunds", Severity.WARN, "a backup was put back", "refunds resolve --chain alpha-1"),
        ),
        (
            replace(WELL, gaps=(Unread("alpha-1", 7, 9, "pruned"),)),
            *("payments_gap", Severity.WARN, "blocks 7 to 9 can't be read: pruned", "payments gaps"),
        ),
        (facts(unbalanced=("alpha-1/stake",)), "books", Severity.FAIL, "alpha-1/stake don't add up", "audit"),
    ],
)
def test_what_is_wrong_with_the_memory_is_called_well(
    memory: MemoryFacts, check: str, severity: Severity, said: str, step: str
) -> None:
    finding = trouble(memory)
    assert (finding.check, finding.severity) == (check, severity)
    assert said in finding.finding
    assert step in (finding.next or "")


def test_a_monitor_is_blamed_for_a_daemon_that_nobody_needs() -> None:
    alone = replace(WELL, facts=Facts(NOW, Watching(), (ChainSigns(Sign("alpha-1")),)))
    findings = check_memory(alone)
    assert [(finding.check, finding.severity) for finding in findings] == [
        ("database", Severity.OK),
        ("watch_runs", Severity.OK),
    ]


def test_a_file_too_large_to_look_through_is_called_whole() -> None:
    (finding, *_) = check_memory(replace(WELL, problems=None))
    assert "whole" not in finding.finding
    assert "relayclear db check" in finding.finding


def test_what_is_kept_is_read_from_another_place(rig: Rig, tmp_path: Path) -> None:
    rig.sell(tmp_path)
    payee = address("payee", "alpha-1")
    with rig.journal.database.atomic() as tx:
        cursors.begin(tx, "alpha-1", payee, 5, rig.clock.now(), {}, rig.clock.now())
        # One that a node has served since stops nothing.
        for first, last in ((1, 3), (6, 9)):
            cursors.add_gap(tx, "alpha-1", payee, first, last, "pruned", rig.clock.now())
    memory = gather_memory(rig.desk, 7)
    assert (memory.database, memory.free) == (str(rig.journal.database.path), 7)
    assert memory.size >= (rig.journal.database.path or tmp_path).stat().st_size
    assert (memory.problems, memory.gaps) == ((), (Unread("alpha-1", 6, 9, "pruned"),))
    assert (memory.quote_key, memory.keys_trouble) == (None, "")
    assert memory.facts.chains[0].reading is not None
    assert memory.facts.sells


def test_keys_that_others_may_read_are_called_well(rig: Rig, tmp_path: Path) -> None:
    shop = rig.sell(tmp_path)
    shop.keys.create(rig.clock.now())
    assert gather_memory(rig.desk, None).quote_key == 1
    (tmp_path / "keys").chmod(0o755)
    found = gather_memory(rig.desk, None)
    assert found.quote_key is None
    assert "others may read" in found.keys_trouble
