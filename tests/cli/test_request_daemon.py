"""A request and a real `relayclear watch`: carried out once, also when that is stopped or killed in the middle."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from relayclear.bootstrap.desk import SystemClock
from relayclear.ibc.packet import ChannelEnd, SequenceRanges
from relayclear.store.db import open_database
from relayclear.store.journal import Journal
from relayclear.usecases.breakers import Breakers
from relayclear.usecases.desk import Desk
from relayclear.usecases.requests import RequestState, RequestView, Verb, Wish, ask, requests
from tests.cli.daemons import Daemon, Network, network

END = ChannelEnd("alpha-1", "transfer", "channel-0")


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Network]:
    with network(tmp_path) as made:
        yield made


@contextmanager
def face(net: Network) -> Iterator[Desk]:
    """What a face has: the database, and nothing else of the network."""
    with open_database(net.world.folder / "relayclear.db") as database:
        clock = SystemClock()
        yield Desk(Journal(database), {}, (), clock, 0, {}, {}, {}, breakers=Breakers(database, clock))


def asked(desk: Desk) -> RequestView:
    return ask(desk, Wish(Verb.CLEAR, end=END, sequences=SequenceRanges.of([2])), "ada")


def now(desk: Desk) -> RequestView:
    (found,) = requests(desk, 10)
    return found


def until_over(desk: Desk, daemon: Daemon) -> RequestView:
    daemon.until(lambda: now(desk).ended_at is not None)
    return now(desk)


def attempts(desk: Desk) -> int:
    (operation,) = desk.journal.operations(10)
    return len(operation.attempts)


def test_a_running_daemon_takes_a_request_up_at_once(net: Network) -> None:
    daemon = net.watch()
    daemon.until(lambda: "watching" in daemon.events())
    with face(net) as desk:
        asked(desk)
        view = until_over(desk, daemon)
        assert (view.state, view.code, view.carrier) == (RequestState.DONE, "cleared", f"watch {daemon.process.pid}")
        assert attempts(desk) == 1
    assert b"cleared" in net.run("operations", "list").stdout
    assert daemon.end()[0] == 0


def test_stopped_while_hermes_hangs_for_a_request_the_next_daemon_judges_it_and_runs_nothing(net: Network) -> None:
    net.control("relayer/faults", {"hang": True})
    with face(net) as desk:
        asked(desk)
        daemon = net.watch()
        daemon.until(lambda: "attempt" in daemon.events())
        code, seconds = daemon.end()
        assert (code, seconds < 10) == (0, True)
        assert now(desk).state is RequestState.RUNNING
        net.control("relayer/faults", {"hang": False})
        after = net.watch()
        # Whether the run that was cut short sent anything nobody knows: said so, and not tried again.
        assert until_over(desk, after).state is RequestState.UNKNOWN
        assert attempts(desk) == 1
        assert after.end()[0] == 0


def test_killed_while_hermes_runs_for_a_request_the_next_daemon_waits_for_it_and_starts_no_second(net: Network) -> None:
    with face(net) as desk:
        asked(desk)
        daemon = net.watch()
        daemon.until(lambda: "attempt" in daemon.events())
        # Its Hermes may live on, and keeps the locks of its keys and of its operation until it has ended.
        daemon.end(signal.SIGKILL)
        after = net.watch()
        assert until_over(desk, after).state in {RequestState.DONE, RequestState.UNKNOWN}
        assert attempts(desk) == 1
        assert [line["operation"] for line in after.lines() if line["event"] == "attempt"] == []
