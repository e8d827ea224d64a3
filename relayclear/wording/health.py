"""Sentences about how relayclear itself is, and the document that every face shows of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from relayclear.clearing.health import FORGOTTEN_AFTER, Ability, Finding, Health, Level, Trouble, Work
from relayclear.ibc.instant import rfc3339
from relayclear.ibc.text import clean
from relayclear.wording import Word, age, long_age, of_chain

LEVELS = {
    Level.HEALTHY: Word("healthy", "✓", "green", "everything works"),
    Level.DEGRADED: Word("degraded", "!", "yellow", "some of it works"),
    Level.CRITICAL: Word("critical", "✗", "red", "what it is there for doesn't work"),
}

_SAID = {
    Trouble.DATABASE: "the database can't be used: {detail}",
    Trouble.NO_WATCH: "nobody watches: relayclear watch doesn't run",
    Trouble.WATCH_HANGS: "relayclear watch lives and does nothing",
    Trouble.TASK_FAILS: "watch's task {subject} fails: {detail}",
    Trouble.OLD_CONFIG: "watch goes on with its old config: {detail}",
    Trouble.CHAIN_AWAY: "{subject} can't be read: {detail}",
    Trouble.ENDPOINT_AWAY: "endpoint {subject} can't be used: {detail}",
    Trouble.HERMES_AWAY: "Hermes of {subject} can't be used: {detail}",
    Trouble.BREAKER_OPEN: "the breaker {subject} is not closed: {detail}",
    Trouble.PAYMENTS_UNREAD: "payments on {subject} are not read: {detail}",
    Trouble.PAYMENTS_BEHIND: "the reading of payments on {subject} is {detail} behind",
    Trouble.REFUNDS_STOPPED: "refunds on {subject} wait for a person: {detail}",
    Trouble.REFUND_FAILED: "refund {subject} failed, and what it owed waits for a person: {detail}",
    Trouble.BOOKS_OFF: "the books of {subject} don't add up",
    Trouble.GAS_LOW: "the {subject} key has gas for {detail} at their dearest",
    Trouble.GAS_UNREAD: "the gas of the {subject} key can't be read: {detail}",
    Trouble.DEAD_LETTERS: "the work of {subject} was given up, and waits for a person: {detail}",
    Trouble.OVERDUE: "the work of {subject} is {detail} past its deadline",
}

_TRY = {
    Trouble.DATABASE: "relayclear db check",
    Trouble.NO_WATCH: "relayclear watch",
    Trouble.WATCH_HANGS: "look at its log, and start it anew",
    Trouble.TASK_FAILS: "relayclear doctor",
    Trouble.OLD_CONFIG: "relayclear config validate",
    Trouble.CHAIN_AWAY: "relayclear doctor",
    Trouble.ENDPOINT_AWAY: "relayclear doctor",
    Trouble.HERMES_AWAY: "relayclear doctor",
    Trouble.BREAKER_OPEN: "relayclear breakers list",
    Trouble.PAYMENTS_UNREAD: "relayclear payments gaps",
    Trouble.PAYMENTS_BEHIND: "relayclear payments gaps",
    Trouble.REFUNDS_STOPPED: "relayclear audit --chain {subject}, and where it agrees:"
    ' relayclear refunds resolve --chain {subject} --go-on --reason "…"',
    Trouble.REFUND_FAILED: "relayclear refunds show {subject}",
    Trouble.BOOKS_OFF: "relayclear audit",
    Trouble.GAS_LOW: "relayclear doctor",
    Trouble.GAS_UNREAD: "relayclear doctor",
    Trouble.DEAD_LETTERS: "relayclear operations retry {subject}",
    Trouble.OVERDUE: "relayclear tokens show {subject}",
}

# What `since` means: when it was last seen well.
_LAST_GOOD = frozenset({Trouble.CHAIN_AWAY, Trouble.ENDPOINT_AWAY, Trouble.HERMES_AWAY, Trouble.GAS_UNREAD})
_LAST_GOOD |= {Trouble.NO_WATCH, Trouble.WATCH_HANGS}

WORKS = {
    Work.REMEMBER: "lists, history, statistics and books from memory",
    Work.LOOK: "looking for packets",
    Work.CLEAR: "clearing",
    Work.QUOTE: "quoting",
    Work.TAKE_PAYMENTS: "taking payments and working for them",
    Work.REFUND: "sending refunds by itself",
}

_FORGOTTEN = long_age(int(FORGOTTEN_AFTER.total_seconds()))
_KEPT_BY = {
    "database": "the database can't be used",
    "watch": "relayclear watch doesn't run",
    "watch hangs": "relayclear watch hangs",
    "hermes": "no Hermes config has it",
}
_READ = {"payments": "payments there are not read", "refunds": "they wait for a person"}


def sentence(finding: Finding, now: datetime) -> str:
    """What is wrong, in one line, and for how long."""
    # The line names the chain itself.
    detail = of_chain(finding.subject.partition("/")[0], finding.detail or "?")
    said = _SAID[finding.trouble].format(subject=clean(finding.subject, 200), detail=clean(detail, 300).strip())
    if finding.since is None:
        return said
    seconds = age(max(0, int((now - finding.since).total_seconds())))
    return f"{said} (last good {seconds} ago)" if finding.trouble in _LAST_GOOD else f"{said} (for {seconds})"


def step(finding: Finding) -> str:
    """The command that helps, or shows more."""
    return _TRY[finding.trouble].format(subject=clean(finding.subject, 200))


def hermes_called(found: Health) -> dict[str, str]:
    """What each Hermes is called where its config would stand in every line: the path is said once, beside them."""
    if len(found.hermes) == 1:
        return {found.hermes[0]: "Hermes"}
    return {config: f"Hermes {number}" for number, config in enumerate(found.hermes, 1)}


def hermes_lines(found: Health) -> list[str]:
    """Which Hermes the names in the abilities are, where nothing above has said it."""
    called = hermes_called(found)
    named = {name for ability in found.abilities for name in ability.why}
    told = {finding.subject for finding in found.findings} if len(called) == 1 else set()
    return [f"{name}: {clean(config, 200)}" for config, name in called.items() if config in named - told]


def ability_line(ability: Ability, called: Mapping[str, str] = MappingProxyType({})) -> str:
    """One work: whether it can be done where, and what keeps it, by the name that it is `called`."""
    glyph = {True: "✓", False: "✗", None: "?"}[ability.works]
    where = f" on {clean(ability.chain, 64)}" if ability.chain else ""
    work = f"{glyph} {WORKS[ability.work]}{where}"
    if not ability.why:
        return work
    if ability.works:
        return f"{work}, all but {', '.join(called.get(name) or clean(name, 200) for name in ability.why)}"
    if ability.works is None:
        return f"{work}: not known, {_unseen(ability, called)}"
    return f"{work}: {', '.join(_kept_by(ability, name, called) for name in ability.why)}"


def _subject(ability: Ability, name: str, called: Mapping[str, str]) -> str:
    if name in called:
        return called[name]
    return clean(name, 200) if name == ability.chain else f"Hermes of {clean(name, 200)}"


def _unseen(ability: Ability, called: Mapping[str, str]) -> str:
    """What nobody has looked at, so that nobody can tell."""
    payments = f"payments {ability.chain}"
    seen = " and ".join(_subject(ability, name, called) for name in ability.why if name != payments)
    looked = [f"nobody has looked at {seen} in the last {_FORGOTTEN}"] if seen else []
    return ", ".join([*looked, *(["nobody has read payments there yet"] if payments in ability.why else [])])


def _kept_by(ability: Ability, name: str, called: Mapping[str, str]) -> str:
    """Why a work can't be done, as one clause."""
    kind, _, rest = name.partition(" ")
    if name.startswith(("endpoint/", "hermes/", "wallet/")):
        return f"the breaker {clean(name, 200)} is open"
    if kind in _READ and rest == ability.chain:
        return _READ[kind]
    if kind == "task":
        return f"watch's task {clean(rest, 200)} fails"
    if name in _KEPT_BY:
        return _KEPT_BY[name]
    return f"{_subject(ability, name, called)} can't be {'read' if name == ability.chain else 'used'}"


def unknown_step(found: Health) -> str | None:
    """What tells more where nobody can tell whether something works; None where all is known."""
    unknown = any(ability.works is None for ability in found.abilities)
    return "relayclear doctor looks now; relayclear watch keeps looking" if unknown else None


def document(found: Health, now: datetime) -> dict[str, Any]:
    """The health as programs read it: of the command and of the listener alike."""
    return {
        "level": found.level.value,
        "at": rfc3339(now),
        "findings": [finding_row(finding, now) for finding in found.findings],
        "works": [
            {
                "work": one.work.value,
                "chain": one.chain or None,
                "works": one.works,
                "why": [clean(name, 200) for name in one.why],
            }
            for one in found.abilities
        ],
    }


def finding_row(finding: Finding, now: datetime) -> dict[str, Any]:
    """One finding; `since` is when it was last seen well, or since when it is so."""
    return {
        "trouble": finding.trouble.value,
        "level": finding.level.value,
        "subject": clean(finding.subject, 200),
        "since": None if finding.since is None else rfc3339(finding.since),
        "message": sentence(finding, now),
        "try": step(finding),
    }
