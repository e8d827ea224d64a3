"""What systemd is told, as it would hear it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from relayclear.alerts.systemd import Systemd


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[socket.socket]:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(5)
        yield listening


def heard(ear: socket.socket) -> str:
    return ear.recv(4096).decode()


def of(ear: socket.socket, **environ: str) -> Systemd:
    return Systemd({"NOTIFY_SOCKET": ear.getsockname(), **environ})


def test_it_says_ready_alive_and_stopping(ear: socket.socket) -> None:
    systemd = of(ear)
    systemd.ready("selling on 2 chains")
    systemd.alive()
    systemd.stopping()
    assert [heard(ear) for _ in range(3)] == ["READY=1\nSTATUS=selling on 2 chains", "WATCHDOG=1", "STOPPING=1"]


def test_a_reload_carries_the_time_that_systemd_asks_for(ear: socket.socket) -> None:
    of(ear).reloading()
    first, second = heard(ear).split("\n")
    assert first == "RELOADING=1"
    assert int(second.removeprefix("MONOTONIC_USEC=")) > 0


def test_a_status_cannot_smuggle_a_word_of_the_protocol(ear: socket.socket) -> None:
    of(ear).status("fine\nMAINPID=1\x1b[2J" + "x" * 500)
    said = heard(ear)
    assert said.count("\n") == 0
    assert len(said) < 220


def test_a_socket_outside_every_folder_is_reached() -> None:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listening:
        name = f"relayclear-test-{os.getpid()}"
        listening.bind(f"\0{name}")
        listening.settimeout(5)
        Systemd({"NOTIFY_SOCKET": f"@{name}"}).alive()
        assert listening.recv(100) == b"WATCHDOG=1"


@pytest.mark.parametrize("address", ["", "relative", "/nowhere/at/all"])
def test_without_anybody_who_listens_nothing_fails(address: str) -> None:
    Systemd({"NOTIFY_SOCKET": address}).ready("x")
    Systemd({}).alive()


def test_a_socket_that_nobody_empties_does_not_hold_us_up(ear: socket.socket) -> None:
    systemd = of(ear)
    for _ in range(10_000):
        systemd.alive()


def test_the_watchdog_is_fed_twice_in_its_time(ear: socket.socket) -> None:
    assert of(ear, WATCHDOG_USEC="30000000").beat_seconds == 15.0
    assert of(ear, WATCHDOG_USEC="30000000", WATCHDOG_PID=str(os.getpid())).beat_seconds == 15.0


@pytest.mark.parametrize(
    "environ",
    [{}, {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "0"}],
)
def test_there_is_no_watchdog_for_another_process_or_without_a_time(
    ear: socket.socket, environ: dict[str, str]
) -> None:
    assert of(ear, **environ).beat_seconds is None
