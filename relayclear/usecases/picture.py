"""The judged picture that a daemon keeps of every scan, for readers that ask no node: the dashboard.

What a scan saw is kept first, judged with what is remembered.  Then, between two scans, what the
verdicts rest on is read: states of channel ends now and then, details of packets where they are
missing, the worst first.  What changed by it replaces the scan's own words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from relayclear.ibc.packet import ChannelEnd, ChannelState, PacketKey, RelayPath
from relayclear.ibc.text import clean
from relayclear.ibc.topology import ClientHealth
from relayclear.store import judgements, outages, vitals
from relayclear.store.values import optional_time_text, time_text
from relayclear.store.vitals import Kind, Vital
from relayclear.usecases.counting import Counted
from relayclear.usecases.desk import Desk
from relayclear.usecases.details import Details, fetch_details, refresh_states
from relayclear.usecases.judging import Judge
from relayclear.usecases.path_kept import end_of
from relayclear.usecases.scan import PathReading, Reading, client_health
from relayclear.usecases.topology import with_states

KEPT_FOR = timedelta(days=90)
_FORGOTTEN_EVERY = timedelta(days=1)
# Small enough that a payment which comes in meanwhile waits for few requests.
_ASKED_TOGETHER = 50
_WORDS = 300
# Asking for them takes as long as the scan itself, and they change once in months, or days.
_SLOW_SECONDS = 300.0

_Facts = tuple[RelayPath, tuple[ChannelState, ChannelState], tuple[ClientHealth | None, ClientHealth | None]]


class Keeper:
    """One daemon's picture: judges after every scan, and writes where something is new."""

    def __init__(self, desk: Desk) -> None:
        """Go on from the picture that the daemon before left."""
        self._desk = desk
        self._judge = Judge(desk)
        with desk.journal.database.snapshot() as reads:
            self._away = {end: one.error for end, one in outages.open_ones(reads).items()}
            self._shown = {one.name: dict(one.detail) for one in vitals.of_kind(reads, Kind.PATH)}
            # Of ends that left the config nothing is judged any more.
            self._held = {*judgements.changes(reads)}
            self._begun = judgements.moment_until(reads, desk.clock.now()) is not None
            scans = [one.tried_at for one in vitals.of_kind(reads, Kind.SCAN)]
        # What wasn't away then was read by the last scan of the daemon before.
        self._read_at = {
            end: scans[0]
            for name, detail in self._shown.items()
            if scans and detail["since"] is not None and (end := end_of(name)) not in self._away
        }
        self._by: dict[ChannelEnd, _Facts] = {}
        self._clients: dict[tuple[str, str], ClientHealth] = {}
        self._slow_at = 0.0
        self._forgot: datetime | None = None

    def after_scan(self, reading: Reading) -> None:
        """Keep what a scan saw, judged with what is remembered.  Raises StoreError."""
        self._keep_or_forget(reading, ())

    def counted(self, reading: Reading) -> dict[ChannelEnd, Counted]:
        """How many packets wait on the paths that could be read, by what was judged."""
        counted = self._judge.counted(self._desk.journal.mutes(reading.at), reading.at)
        return {end: counted[end] for end, item in reading.paths.items() if item.error is None}

    async def fill(self, reading: Reading, stopped: Callable[[], bool] = lambda: False) -> int:
        """Read what the verdicts of a scan still miss; how many packets' details came in.

        What no node can tell now stays as it is.  Raises StoreError alone.
        """
        before = {
            end: reading.network.state(end) for path in _waiting(reading) for end in (path.source, path.destination)
        }
        await self._read_slow_ones(reading)
        told: list[PacketKey] = []
        count, wanted = 0, self._judge.wanted(reading)
        for start in range(0, len(wanted), _ASKED_TOGETHER):
            if stopped():
                break
            keys = wanted[start : start + _ASKED_TOGETHER]
            details = Details()
            await fetch_details(self._desk, reading, keys, details)
            self._judge.tell(details, keys)
            told += keys
            count += sum(details.packets[key].verified for key in keys if key in details.packets)
        # A node that doesn't tell them now doesn't undo what it told before.
        lost = {end: state for end, state in before.items() if reading.network.state(end) is ChannelState.UNKNOWN}
        with_states(reading.network, lost)
        self._keep_or_forget(reading, told)
        return count

    async def _read_slow_ones(self, reading: Reading) -> None:
        """Now and then: states of the ends where something waits, and the clients of all other paths.

        A scan takes states as remembered, and asks for the clients of paths where something waits.
        """
        now = self._desk.clock.boot()[1]
        if now < self._slow_at:
            return
        self._slow_at = now + _SLOW_SECONDS
        pending = [path.source for path in _waiting(reading)]
        idle: dict[str, set[str]] = {}
        for item in reading.paths.values():
            for key in _clients_of(item.path):
                if key not in reading.clients and item.error is None:
                    idle.setdefault(key[0], set()).add(key[1])
        _, health = await asyncio.gather(refresh_states(self._desk, reading, pending), client_health(self._desk, idle))
        self._clients = {**health, **reading.clients}

    def _keep_or_forget(self, reading: Reading, told: Collection[PacketKey]) -> None:
        try:
            self._keep(reading, told)
        except BaseException:
            self._judge.forget()
            self._by.clear()
            raise

    def _keep(self, reading: Reading, told: Collection[PacketKey]) -> None:
        """Write what is new, in one commit; nothing where nothing is."""
        at, database = reading.at, self._desk.journal.database
        judged = self._judge.judge(reading, told)
        if not reading.network.failures:
            judged.update((end, {}) for end in self._held - reading.paths.keys())
        away = {end: clean(item.error.message, _WORDS) for end, item in reading.paths.items() if item.error}
        news = {end: words for end, words in away.items() if self._away.get(end) != words}
        # An end that left the config is not away any more, and an end that is read is not either.
        back = [end for end in self._away if end not in away]
        shown = self._facts(reading)
        due = self._forgot is None or at - self._forgot >= _FORGOTTEN_EVERY
        self._read_at.update((end, at) for end, item in reading.paths.items() if item.error is None)
        if not judged and not news and not back and not shown and not due and self._begun:
            return
        with database.atomic() as tx:
            judgements.record(tx, at, judged)
            outages.begin(tx, at, {end: (self._read_at.get(end), words) for end, words in news.items()})
            outages.end_all(tx, at, back)
            vitals.keep(tx, [Vital(Kind.PATH, name, at, at, None, detail) for name, detail in shown.items()])
            if back or news.keys() - self._away.keys() or not self._begun:
                judgements.note_moment(tx, at)
            if due:
                judgements.forget(tx, at - KEPT_FOR)
                outages.forget(tx, at - KEPT_FOR)
        self._away, self._begun = away, True
        self._held = self._held & reading.paths.keys() if not reading.network.failures else self._held
        # What the heartbeat forgets of ends that left the config is written again if they come back.
        self._shown = {name: one for name, one in {**self._shown, **shown}.items() if end_of(name) in reading.paths}
        self._forgot = at if due else self._forgot

    def _facts(self, reading: Reading) -> dict[str, dict[str, Any]]:
        """What holds for whole paths, where it isn't as it was last written."""
        found: dict[str, dict[str, Any]] = {}
        for end, item in reading.paths.items():
            if item.error is not None and "/".join(end) in self._shown:
                continue
            by = self._facts_of(reading, item)
            # Mostly nothing has changed, and then nothing need be put together.
            if self._by.get(end) != by:
                detail, before = _detail(*by), self._shown.get("/".join(end))
                detail["since"] = self._since(before, reading, item)
                if before != detail:
                    found["/".join(end)] = detail
                # One that was never read is looked at again until it is.
                if detail["since"] is not None:
                    self._by[end] = by
        return found

    def _since(self, before: Mapping[str, Any] | None, reading: Reading, item: PathReading) -> str | None:
        since = None if before is None else before["since"]
        return time_text(reading.at) if since is None and item.error is None else since

    def _facts_of(self, reading: Reading, item: PathReading) -> _Facts:
        # Where something waits the scan asked just now: whom it couldn't read is unknown.
        near, far = (
            reading.clients.get(key) or (None if item.commitments else self._clients.get(key))
            for key in _clients_of(item.path)
        )
        states = (reading.network.state(item.path.source), reading.network.state(item.path.destination))
        return item.path, states, (near, far)


def _detail(path: RelayPath, states: Iterable[ChannelState], clients: Iterable[ClientHealth | None]) -> dict[str, Any]:
    return {
        "to": list(path.destination),
        "ordering": path.ordering.value,
        "version": path.version,
        "connections": [path.source_connection, path.destination_connection],
        "clients": [path.source_client, path.destination_client],
        "states": [state.value for state in states],
        "health": [_health_detail(client) for client in clients],
    }


def _waiting(reading: Reading) -> list[RelayPath]:
    """The paths that could be read, and where something is pending."""
    return [item.path for item in reading.paths.values() if item.error is None and item.commitments]


def _clients_of(path: RelayPath) -> tuple[tuple[str, str], tuple[str, str]]:
    return (path.source.chain, path.source_client), (path.destination.chain, path.destination_client)


def _health_detail(health: ClientHealth | None) -> list[str | None] | None:
    if health is None:
        return None
    return [health.status.value, optional_time_text(health.expires_at)]
