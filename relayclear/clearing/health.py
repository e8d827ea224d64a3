"""How relayclear itself is: healthy, degraded or critical, what is wrong, and what exactly still works.

A rule over plain facts.  What nobody looked at for two hours is unknown: neither good nor bad, and
nothing that rests on it is called working.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from relayclear.clearing.breaker import BreakerState, BreakerView

FORGOTTEN_AFTER = timedelta(hours=2)
"""How long the last good look still says something."""

BEAT_MISSED = timedelta(seconds=60)
LAG_SECONDS = 300
LOW_RELAYS = 50
OLD_CONFIG = "config"
"""Under this name, in place of a task's, a daemon says why it goes on with the config that it had."""


class Level(StrEnum):
    """The worst of the findings."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    CRITICAL = "critical"


class State(StrEnum):
    """How a dependency is; `unknown` where nobody has looked lately."""

    GOOD = "good"
    FAILING = "failing"
    UNKNOWN = "unknown"


class Trouble(StrEnum):
    """What is wrong, as programs read it."""

    DATABASE = "database"
    NO_WATCH = "no_watch"
    WATCH_HANGS = "watch_hangs"
    TASK_FAILS = "task_fails"
    OLD_CONFIG = "old_config"
    CHAIN_AWAY = "chain_away"
    ENDPOINT_AWAY = "endpoint_away"
    HERMES_AWAY = "hermes_away"
    BREAKER_OPEN = "breaker_open"
    PAYMENTS_UNREAD = "payments_unread"
    PAYMENTS_BEHIND = "payments_behind"
    REFUNDS_STOPPED = "refunds_stopped"
    REFUND_FAILED = "refund_failed"
    BOOKS_OFF = "books_off"
    GAS_LOW = "gas_low"
    GAS_UNREAD = "gas_unread"
    DEAD_LETTERS = "dead_letters"
    OVERDUE = "overdue"


class Work(StrEnum):
    """What may still work while something else doesn't."""

    REMEMBER = "remember"
    LOOK = "look"
    CLEAR = "clear"
    QUOTE = "quote"
    TAKE_PAYMENTS = "take_payments"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Sign:
    """How one thing was found: when somebody last looked, and last saw it well; what went wrong since, if anything."""

    name: str
    tried_at: datetime | None = None
    good_at: datetime | None = None
    error: str | None = None

    def state(self, now: datetime) -> State:
        """Its state; what was looked at too long ago says nothing."""
        if self.tried_at is None or now - self.tried_at > FORGOTTEN_AFTER:
            return State.UNKNOWN
        return State.GOOD if self.error is None else State.FAILING


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a payee's chain is read: seconds behind by its block time, and what keeps it, None for nothing."""

    lag_seconds: int
    error: str | None
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Gas:
    """What a key holds for gas: `relays` transactions at their dearest; None where that isn't known."""

    sign: Sign
    relays: int | None


class FailedRefund(NamedTuple):
    """A refund that failed for good or came back, and what it owed waits for a person: its id, since when, why."""

    id: str
    since: datetime
    why: str


@dataclass(frozen=True, slots=True)
class ChainSigns:
    """One configured chain: how it and its endpoints were found, the Hermes that know it, how its money is read.

    `sells` says whether it has a payee; `hermes` are configs.  `stopped` is why its refunds wait for a
    person, None where nothing stops them; `failed` are those of which one waits for a person alone.
    """

    sign: Sign
    endpoints: tuple[Sign, ...] = ()
    hermes: tuple[str, ...] = ()
    sells: bool = False
    reading: Reading | None = None
    stopped: str | None = None
    stopped_at: datetime | None = None
    gas: tuple[Gas, ...] = ()
    failed: tuple[FailedRefund, ...] = ()

    @property
    def chain(self) -> str:
        """Its id."""
        return self.sign.name


@dataclass(frozen=True, slots=True)
class Watching:
    """The daemon: whether it lives, its last heartbeat, which of its tasks fail with what."""

    alive: bool = False
    beat_at: datetime | None = None
    troubles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the rule looks at.

    `dead` are paid tokens whose work was given up, and why; `overdue` are paid tokens past their deadline with the
    seconds since; `unbalanced` are the books that don't add up.  `unusable` is why the database can't
    be read: nothing else is known then.
    """

    now: datetime
    watching: Watching = field(default_factory=Watching)
    chains: tuple[ChainSigns, ...] = ()
    hermes: tuple[Sign, ...] = ()
    breakers: tuple[BreakerView, ...] = ()
    dead: Mapping[str, str] = field(default_factory=dict)
    overdue: Mapping[str, int] = field(default_factory=dict)
    unbalanced: tuple[str, ...] = ()
    unusable: str | None = None

    @property
    def sells(self) -> bool:
        """Whether anything is sold at all: then somebody has to watch."""
        return any(chain.sells for chain in self.chains)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: with what, since when, and the words of whoever met it."""

    trouble: Trouble
    level: Level
    subject: str
    since: datetime | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Ability:
    """Whether a work can be done on a chain (empty: everywhere); None where nobody can tell.

    `why` names what keeps it, or part of it: a path whose breaker is open keeps only itself.
    """

    work: Work
    chain: str
    works: bool | None
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Health:
    """The level, the worst findings first, and what still works; `hermes` are the configs that an ability may name."""

    level: Level
    findings: tuple[Finding, ...]
    abilities: tuple[Ability, ...]
    hermes: tuple[str, ...] = ()


_ORDER = (Level.HEALTHY, Level.DEGRADED, Level.CRITICAL)


def health(facts: Facts) -> Health:
    """Judge.  Each row is a finding; the level is the worst of them.

    | what | level |
    |---|---|
    | the database can't be used | critical |
    | books that don't add up | critical |
    | nobody watches, or the daemon hangs | critical where something is sold, else degraded |
    | no chain can be read | critical |
    | no Hermes can be used | critical |
    | a chain, an endpoint or a Hermes away, others not | degraded |
    | a breaker open or half-open | degraded |
    | one that is left over from another config | nothing |
    | payments unread or five minutes behind; refunds stopped, or failed for good | degraded |
    | gas for less than fifty relays, or unread | degraded |
    | a task of the daemon fails; a new config that can't count | degraded |
    | dead letters; a paid token past its deadline | degraded |
    """
    if facts.unusable is not None:
        finding = Finding(Trouble.DATABASE, Level.CRITICAL, "database", None, facts.unusable)
        return Health(Level.CRITICAL, (finding,), (Ability(Work.REMEMBER, "", works=False, why=("database",)),))
    found = [*_of_watching(facts), *_of_dependencies(facts), *_of_money(facts), *_of_work(facts)]
    found.sort(key=lambda finding: -_ORDER.index(finding.level))
    level = max((finding.level for finding in found), key=_ORDER.index, default=Level.HEALTHY)
    hermes = dict.fromkeys(name for chain in facts.chains for name in chain.hermes)
    return Health(level, tuple(found), tuple(_abilities(facts)), tuple(hermes))


def _of_watching(facts: Facts) -> Iterator[Finding]:
    level, watching = Level.CRITICAL if facts.sells else Level.DEGRADED, facts.watching
    if not watching.alive:
        yield Finding(Trouble.NO_WATCH, level, "watch", watching.beat_at)
    elif _hangs(facts):
        yield Finding(Trouble.WATCH_HANGS, level, "watch", watching.beat_at)
    if watching.alive:
        for task, said in sorted(watching.troubles.items()):
            trouble = Trouble.OLD_CONFIG if task == OLD_CONFIG else Trouble.TASK_FAILS
            yield Finding(trouble, Level.DEGRADED, task, None, said)


def _hangs(facts: Facts) -> bool:
    beat = facts.watching.beat_at
    return beat is not None and facts.now - beat > BEAT_MISSED


def _of_dependencies(facts: Facts) -> Iterator[Finding]:
    away = [chain.sign for chain in facts.chains if chain.sign.state(facts.now) is State.FAILING]
    yield from _away(Trouble.CHAIN_AWAY, away, all_of_them=len(away) == len(facts.chains))
    for chain in facts.chains:
        failing = [sign for sign in chain.endpoints if sign.state(facts.now) is State.FAILING]
        yield from _away(Trouble.ENDPOINT_AWAY, failing, all_of_them=False)
    away = [sign for sign in facts.hermes if sign.state(facts.now) is State.FAILING]
    yield from _away(Trouble.HERMES_AWAY, away, all_of_them=len(away) == len(facts.hermes))
    for breaker in facts.breakers:
        if breaker.is_shut:
            yield Finding(Trouble.BREAKER_OPEN, Level.DEGRADED, breaker.name, breaker.since, breaker.reason or None)


def _away(trouble: Trouble, signs: Iterable[Sign], *, all_of_them: bool) -> Iterator[Finding]:
    level = Level.CRITICAL if all_of_them else Level.DEGRADED
    return (Finding(trouble, level, sign.name, sign.good_at, sign.error) for sign in signs)


def _of_money(facts: Facts) -> Iterator[Finding]:
    for book in facts.unbalanced:
        yield Finding(Trouble.BOOKS_OFF, Level.CRITICAL, book)
    for chain in facts.chains:
        reading = chain.reading
        if reading is not None and reading.error is not None:
            yield Finding(Trouble.PAYMENTS_UNREAD, Level.DEGRADED, chain.chain, reading.since, reading.error)
        elif reading is not None and reading.lag_seconds > LAG_SECONDS:
            yield Finding(Trouble.PAYMENTS_BEHIND, Level.DEGRADED, chain.chain, None, f"{reading.lag_seconds} s")
        if chain.stopped is not None:
            yield Finding(Trouble.REFUNDS_STOPPED, Level.DEGRADED, chain.chain, chain.stopped_at, chain.stopped)
        for refund in chain.failed:
            yield Finding(Trouble.REFUND_FAILED, Level.DEGRADED, refund.id, refund.since, refund.why)
        yield from _of_gas(chain, facts.now)


def _of_gas(chain: ChainSigns, now: datetime) -> Iterator[Finding]:
    for gas in chain.gas:
        state = gas.sign.state(now)
        # A key that can't be read while its chain is away says nothing that isn't said already.
        if state is State.FAILING and chain.sign.state(now) is State.GOOD:
            yield Finding(Trouble.GAS_UNREAD, Level.DEGRADED, gas.sign.name, gas.sign.good_at, gas.sign.error)
        elif state is State.GOOD and gas.relays is not None and gas.relays < LOW_RELAYS:
            yield Finding(Trouble.GAS_LOW, Level.DEGRADED, gas.sign.name, None, f"{gas.relays} relays")


def _of_work(facts: Facts) -> Iterator[Finding]:
    for memo, why in facts.dead.items():
        yield Finding(Trouble.DEAD_LETTERS, Level.DEGRADED, memo, None, why)
    for memo, seconds in facts.overdue.items():
        yield Finding(Trouble.OVERDUE, Level.DEGRADED, memo, None, f"{seconds} s")


def _abilities(facts: Facts) -> Iterator[Ability]:
    yield Ability(Work.REMEMBER, "", works=True)
    for chain in facts.chains:
        looks = _looks(facts, chain)
        yield _all(Work.LOOK, chain, looks)
        yield _but(_all(Work.CLEAR, chain, looks + _hermes(facts, chain)), _paths(facts, chain))
        if chain.sells:
            yield _but(_all(Work.QUOTE, chain, looks + _hermes(facts, chain)), _paths(facts, chain))
            # The reading of payments may not have noticed yet what others know of the chain.
            away = [one for one in looks if one[0] is False]
            yield _all(Work.TAKE_PAYMENTS, chain, [*_watched(facts), *away, *_payments(chain)])
            left = tuple(f"refund {one.id}" for one in chain.failed)
            yield _but(_all(Work.REFUND, chain, [*_watched(facts), *looks, *_refunds(facts, chain)]), left)


# What a work rests on: whether that is there (None: not known), and its name.
_Rests = list[tuple[bool | None, str]]


def _all(work: Work, chain: ChainSigns, rests: _Rests) -> Ability:
    """The table over what a work rests on: one missing is no, else one unknown is unknown, else yes."""
    states = [there for there, _ in rests]
    works = False if False in states else None if None in states else True
    # What nobody knows keeps nothing while something is known to: it is named only where it alone stands in the way.
    return Ability(work, chain.chain, works, tuple(name for there, name in rests if not there and there is works))


def _but(ability: Ability, left: tuple[str, ...]) -> Ability:
    """The same, without what is left out of it: paths that are shut off, refunds that wait for a person."""
    return Ability(ability.work, ability.chain, ability.works, ability.why + left)


_THERE = {State.GOOD: True, State.FAILING: False, State.UNKNOWN: None}


def _looks(facts: Facts, chain: ChainSigns) -> _Rests:
    # One endpoint whose breaker is closed is enough.
    shut = _shut(facts, f"endpoint/{chain.chain}/")
    if shut and len(shut) >= len(chain.endpoints):
        return [(False, name) for name in shut]
    return [(_THERE[chain.sign.state(facts.now)], chain.chain)]


def _hermes(facts: Facts, chain: ChainSigns) -> _Rests:
    signs = {sign.name: sign for sign in facts.hermes}
    states = [(signs[name].state(facts.now) if name in signs else State.UNKNOWN, name) for name in chain.hermes]
    if any(state is State.GOOD for state, _ in states):
        return []
    return [(_THERE[state], name) for state, name in states] or [(False, "hermes")]


def _watched(facts: Facts) -> _Rests:
    alive = facts.watching.alive
    return [(alive and not _hangs(facts), "watch hangs" if alive else "watch")]


def _payments(chain: ChainSigns) -> _Rests:
    if chain.reading is None:
        return [(None, f"payments {chain.chain}")]
    return [(chain.reading.error is None, f"payments {chain.chain}")]


def _refunds(facts: Facts, chain: ChainSigns) -> _Rests:
    wallet = f"wallet/{chain.chain}"
    shut = [(False, name) for name in _shut(facts, wallet) if name == wallet]
    # By a person's hand they go all the same; by themselves they wait.
    task = f"refunds {chain.chain}"
    if chain.stopped is not None:
        return [*shut, (False, task)]
    failing = facts.watching.alive and task in facts.watching.troubles
    return [*shut, *([(False, f"task {task}")] if failing else [])]


def _paths(facts: Facts, chain: ChainSigns) -> tuple[str, ...]:
    return tuple(_shut(facts, f"hermes/{chain.chain}/"))


def _shut(facts: Facts, start: str) -> list[str]:
    shut = (one.name for one in facts.breakers if one.is_shut and one.state is BreakerState.OPEN)
    return [name for name in shut if name.startswith(start)]
