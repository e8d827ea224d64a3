"""The stand-in as a daemon: what it relays of itself, and what it leaves to a clear."""

from __future__ import annotations

import json
from typing import Any

from relayclear.rehearsal.hermes import daemon
from relayclear.rehearsal.hermes.session import Session
from tests.rehearsal.hermes.playing import Playground

OFF = {"enabled": False}


def running(ground: Playground, **packets: Any) -> tuple[Session, list[Any]]:
    ground.tables["mode"] = {
        "clients": OFF,
        "connections": OFF,
        "channels": OFF,
        "packets": {"enabled": True, **packets},
    }
    session, _ = ground.session()
    return session, daemon.start(session)


def test_it_clears_what_waits_when_it_starts(ground: Playground) -> None:
    ground.send()
    session, workers = running(ground)
    daemon.step(session, workers)
    daemon.step(session, workers)
    assert ground.committed() == []


def test_without_clearing_at_its_start_old_packets_wait_for_the_interval(ground: Playground) -> None:
    ground.send()
    session, workers = running(ground, clear_on_start=False, clear_interval=50)
    ground.send()
    daemon.step(session, workers)
    assert ground.committed() == [1]
    ground.world.step(30)
    daemon.step(session, workers)
    assert ground.committed() == []


def test_a_channel_its_filter_denies_is_left_alone(ground: Playground) -> None:
    for table in ground.tables["chains"]:
        table["packet_filter"] = {"policy": "deny", "list": [["transfer", "channel-*"]]}
    session, workers = running(ground)
    assert workers == []
    ground.send()
    daemon.step(session, workers)
    assert ground.committed() == [1]
    assert ground.clear("1").code == 0
    assert ground.committed() == []


def test_packets_that_are_switched_off_are_not_relayed(ground: Playground) -> None:
    ground.tables["mode"] = {"clients": OFF, "connections": OFF, "channels": OFF, "packets": OFF}
    session, _ = ground.session()
    assert daemon.start(session) == []


def test_a_clear_limit_takes_the_lowest_sequences_only(ground: Playground) -> None:
    for _ in range(3):
        ground.send()
    session, workers = running(ground, clear_limit=1)
    daemon.step(session, workers)
    assert ground.world.chains["beta-1"].store.get("ibc:receipts/ports/transfer/channels/channel-0/sequences/1")
    assert not ground.world.chains["beta-1"].store.get("ibc:receipts/ports/transfer/channels/channel-0/sequences/2")


def test_a_node_that_goes_away_is_an_error_line_and_not_its_end(ground: Playground) -> None:
    session, out = ground.session()
    workers = daemon.start(session)
    ground.down.add("alpha-1")
    daemon.step(session, workers)
    levels = [json.loads(line)["level"] for line in out.getvalue().splitlines()]
    assert "ERROR" in levels
