"""Doctor's look at what relayclear keeps: the database and its disk, the daemon, breakers, the reading of payments."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from relayclear.clearing.breaker import BreakerState
from relayclear.clearing.health import BEAT_MISSED, LAG_SECONDS, ChainSigns, Facts
from relayclear.errors import ConfigError
from relayclear.ibc import instant
from relayclear.store import cursors
from relayclear.usecases.desk import Desk
from relayclear.usecases.doctor_facts import Finding, MemoryFacts, Severity, Unread
from relayclear.usecases.doctor_nodes import span_of
from relayclear.usecases.health_facts import gather
from relayclear.usecases.payments_view import is_open

MB = 1024 * 1024
LEAST_FREE, LOW_FREE = 100 * MB, 1024 * MB
LOOKED_THROUGH = 256 * MB
"""A larger file is left to ``db check``: reading all of it would keep whoever waits."""

_FORGETS = "it remembers what was cleared, paid and given back"
_FULL = "on a full disk nothing can be written: no payment is taken, no clear begun"
_UNSEEN = "whoever pays waits, and at the deadline it goes back"


def gather_memory(desk: Desk, free: int | None) -> MemoryFacts:
    """Read what is kept, `free` bytes being left beside it.  Raises StoreError."""
    database = desk.journal.database
    size = _size(database.path)
    problems = tuple(database.integrity()) if size <= LOOKED_THROUGH else None
    with database.snapshot() as reads:
        open_ones = [gap for gap in cursors.gaps(reads, open_only=True) if is_open(reads, gap)]
    key, trouble = _quote_key(desk)
    return MemoryFacts(
        database=str(database.path or "in memory"),
        size=size,
        version=database.schema_version(),
        problems=problems,
        free=free,
        facts=gather(desk),
        gaps=tuple(Unread(gap.chain, gap.first, gap.last, gap.why) for gap in open_ones),
        quote_key=key,
        keys_trouble=trouble,
    )


def _size(path: Path | None) -> int:
    """Bytes of the file and of the log beside it."""
    files = [] if path is None else [path, path.with_name(path.name + "-wal")]
    return sum(file.stat().st_size for file in files if file.exists())


def _quote_key(desk: Desk) -> tuple[int | None, str]:
    if desk.shop is None:
        return None, ""
    try:
        key = desk.shop.keys.current()
    except ConfigError as error:
        return None, error.message
    return (None, "") if key is None else (key.kid, "")


def check_memory(memory: MemoryFacts) -> list[Finding]:
    """Every finding about what is kept and who works on it."""
    facts = memory.facts
    return [
        _database(memory),
        *_disk(memory),
        *_keys(memory),
        _watch(facts),
        *_tasks(facts),
        *_breakers(facts),
        *(finding for chain in facts.chains for finding in _money(chain)),
        *_gaps(memory),
        *_books(facts),
    ]


def _database(memory: MemoryFacts) -> Finding:
    found = f"{memory.database}: version {memory.version}, {_bytes(memory.size)}"
    if memory.problems:
        more = f" and {len(memory.problems) - 1} more" if len(memory.problems) > 1 else ""
        step = "relayclear db check\nrelayclear db restore FILE"
        return _fail("database", f"{memory.database} is damaged: {memory.problems[0][:200]}{more}", _FORGETS, step)
    looked = "whole" if memory.problems is not None else "not looked through here: relayclear db check"
    room = f"; {_bytes(memory.free)} free" if memory.free is not None else ""
    return _ok("database", f"{found}, {looked}{room}", _FORGETS)


def _disk(memory: MemoryFacts) -> list[Finding]:
    if memory.free is None or memory.free >= LOW_FREE:
        return []
    say = _fail if memory.free < LEAST_FREE else _warn
    folder = shlex.quote(str(Path(memory.database).parent))
    return [say("disk", f"{_bytes(memory.free)} are left beside {memory.database}", _FULL, f"df -h {folder}")]


def _keys(memory: MemoryFacts) -> list[Finding]:
    if not memory.facts.sells:
        return []
    why = "without it no quote is made, and no memo of an open one is known"
    if memory.keys_trouble:
        return [_fail("quote_keys", memory.keys_trouble, why, "relayclear keys list")]
    if memory.quote_key is None:
        return [_ok("quote_keys", "no key signs quotes yet: the first quote makes one", why)]
    return [_ok("quote_keys", f"key {memory.quote_key} signs quotes", why)]


def _watch(facts: Facts) -> Finding:
    """Whether somebody works; where nothing is sold, nobody has to."""
    watching, now = facts.watching, facts.now
    since = "" if watching.beat_at is None else f"; its last sign was {_ago(watching.beat_at, now)} ago"
    if not watching.alive:
        found = f"relayclear watch doesn't run{since}"
        if not facts.sells:
            return _ok("watch_runs", found, "nothing is sold, so nobody has to; alerts and figures come from it")
        return _warn(
            "watch_runs", found, f"nobody sees payments: {_UNSEEN}", "relayclear watch\nrelayclear service unit"
        )
    if watching.beat_at is None or now - watching.beat_at > BEAT_MISSED:
        step = "journalctl -u relayclear -n 50"
        return _fail("watch_runs", f"relayclear watch lives and does nothing{since}", _UNSEEN, step)
    return _ok("watch_runs", f"relayclear watch runs{since}", "it sees payments, clears and gives back")


def _tasks(facts: Facts) -> Iterator[Finding]:
    for task, words in sorted(facts.watching.troubles.items()):
        yield _warn("watch_task", f"watch's task {task} fails: {words}", "what it does waits", "relayclear health")
    if facts.dead:
        found = f"{facts.dead} of watch's tasks were given up"
        yield _warn("watch_task", found, "they wait for a person", "relayclear health")
    for memo, seconds in sorted(facts.overdue.items()):
        found = f"the work of {memo} is {span_of(seconds)} past its deadline"
        yield _warn("overdue", found, "what is not cleared by then goes back", f"relayclear tokens show {memo}")


def _breakers(facts: Facts) -> Iterator[Finding]:
    for one in facts.breakers:
        if one.state is not BreakerState.CLOSED:
            until = "until somebody resets it" if one.until is None else f"until {instant.clock(one.until)}"
            state, why = one.state.value.replace("_", "-"), one.reason or "nobody said why"
            found = f"the breaker {one.name} is {state} {until}: {why}"
            yield _warn("breaker", found, "what it stands before is left alone meanwhile", "relayclear breakers list")


def _money(chain: ChainSigns) -> Iterator[Finding]:
    """How far payments are read, and whether refunds go, where money is taken."""
    if not chain.sells:
        return
    name, reading = chain.chain, chain.reading
    if reading is None:
        yield _warn("payments", "payments were never read here", _UNSEEN, "relayclear watch", name)
    elif reading.error is not None:
        found = f"payments are not read: {reading.error}"
        yield _warn("payments", found, _UNSEEN, "relayclear payments gaps", name)
    elif reading.lag_seconds > LAG_SECONDS:
        found = f"the reading of payments is {span_of(reading.lag_seconds)} behind the chain"
        yield _warn("payments", found, _UNSEEN, "relayclear watch", name)
    else:
        yield _ok("payments", f"payments are read up to {span_of(reading.lag_seconds)} ago", _UNSEEN, name)
    if chain.stopped is not None:
        why = "what is owed back waits"
        yield _warn("refunds", f"no refund goes by itself: {chain.stopped}", why, _resolve(name), name)


def _gaps(memory: MemoryFacts) -> Iterator[Finding]:
    for gap in memory.gaps:
        found = f"blocks {gap.first} to {gap.last} can't be read: {gap.why}"
        why = "a payment in them is not seen, and nothing after them is read"
        yield _warn("payments_gap", found, why, "relayclear payments gaps", gap.chain)


def _books(facts: Facts) -> list[Finding]:
    if not facts.unbalanced:
        return []
    found = f"the books of {', '.join(facts.unbalanced)} don't add up"
    return [_fail("books", found, "until they do, nobody can tell what is owed", "relayclear audit")]


def _resolve(chain: str) -> str:
    return f"relayclear refunds resolve --chain {chain}"


def _ago(at: datetime, now: datetime) -> str:
    return span_of(max(0, int((now - at).total_seconds())))


def _bytes(number: int | None) -> str:
    size = number or 0
    for unit, one in (("GB", 1024 * MB), ("MB", MB), ("kB", 1024)):
        if size >= one:
            return f"{size // one} {unit}"
    return f"{size} bytes"


def _ok(check: str, found: str, why: str, chain: str | None = None) -> Finding:
    return Finding(check, chain, Severity.OK, found, why)


def _warn(check: str, found: str, why: str, step: str, chain: str | None = None) -> Finding:
    return Finding(check, chain, Severity.WARN, found, why, step)


def _fail(check: str, found: str, why: str, step: str) -> Finding:
    return Finding(check, None, Severity.FAIL, found, why, step)
