"""`relayclear watch` as a machine keeps it: started, stopped, reloaded, killed; a real process each."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from relayclear.rehearsal.visiting import pay
from tests.cli.daemons import Network, network


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Network]:
    with network(tmp_path) as made:
        yield made


def bought(net: Network) -> str:
    """A quote for a stuck packet, paid; its memo."""
    chosen = ("--chain", "alpha-1", "--channel", "channel-0", "--packet-sequences", "2")
    made = net.run("tokens", "create", *chosen, "--json")
    assert made.returncode == 0, made.stderr
    memo: str = json.loads(made.stdout)["memo"]
    due = shown(net, memo)["pay"]
    amount, denom = due["amount"]["amount"], due["amount"]["denom"]
    pay(net.world.state["control"], "alpha-1", "alice", due["to"], amount, denom, memo)
    return memo


def shown(net: Network, memo: str) -> Any:
    return json.loads(net.run("tokens", "show", memo, "--json").stdout)


def test_a_second_daemon_ends_at_once_with_5_and_names_the_first(net: Network) -> None:
    first = net.watch()
    first.until(lambda: "watching" in first.events())
    begun = time.monotonic()
    second = net.run("watch", "--json")
    assert time.monotonic() - begun < 10
    assert second.returncode == 5
    error = json.loads(second.stderr)["error"]
    assert (error["code"], error["retryable"]) == ("held", True)
    assert f"process {first.process.pid} since " in error["message"]
    assert first.process.poll() is None


def test_a_daemon_on_a_database_that_somebody_holds_ends_with_3_within_ten_seconds(net: Network) -> None:
    assert net.run("packets", "list", "--json").returncode == 0
    with closing(sqlite3.connect(net.world.folder / "relayclear.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        said = net.run("watch", "--json")
        took = time.monotonic() - begun
    assert said.returncode == 3, said.stderr
    error = json.loads(said.stderr)["error"]
    assert error["retryable"]
    assert "relayclear.db" in error["message"]
    assert took < 10


def test_stopped_while_hermes_hangs_it_is_gone_in_ten_seconds_and_the_next_one_goes_on(net: Network) -> None:
    net.control("relayer/faults", {"hang": True})
    memo = bought(net)
    daemon = net.watch()
    daemon.until(lambda: "attempt" in daemon.events())
    code, seconds = daemon.end()
    assert (code, seconds < 10) == (0, True)
    assert daemon.events()[-1] == "stopped"
    assert daemon.lines()[-1]["open_sales"] == 1
    net.control("relayer/faults", {"hang": False})
    after = net.watch()
    after.until(lambda: "work_ended" in after.events())
    assert shown(net, memo)["state"] == "cleared"
    assert after.end()[0] == 0


def test_killed_in_the_middle_nothing_is_lost_and_somebody_is_told(net: Network) -> None:
    got = net.folder / "alerts"
    told_to(net, got)
    memo = bought(net)
    daemon = net.watch()
    daemon.until(lambda: "payment" in daemon.events())
    # Its Hermes may live on, and keeps the lock of its keys until it has ended by itself.
    daemon.end(signal.SIGKILL)
    after = net.watch()
    after.until(lambda: "work_ended" in after.events())
    after.until(lambda: "work_ended" in kinds(got))
    assert shown(net, memo)["state"] == "cleared"
    assert {"payment", "watch_restarted"} <= {*kinds(got)}
    told = [alert["id"] for alert in alerts(got)]
    listed = json.loads(net.run("alerts", "list", "--json").stdout)["alerts"]
    assert {*told} <= {one["id"] for one in listed}
    # What was told twice has one id, so that every fact is one alert.
    payments = {alert["id"] for alert in alerts(got) if alert["kind"] == "payment"}
    assert len(payments) == 1


def told_to(net: Network, to: Path) -> None:
    """Configure an alert command that appends what it is told to a file."""
    script = net.folder / "tell.py"
    script.write_text(f"import sys\nopen({str(to)!r}, 'a').write(sys.stdin.read() + '\\n')\n")
    with net.config.open("a") as file:
        file.write(f"\n[alerts]\ncommand = [{json.dumps(sys.executable)}, {json.dumps(str(script))}]\n")


def alerts(got: Path) -> list[Any]:
    # Whole lines: two daemons tell at once, and the last one may be being written.
    lines = got.read_text().rpartition("\n")[0].splitlines() if got.exists() else []
    return [alert for line in lines for alert in json.loads(line)["alerts"]]


def kinds(got: Path) -> list[str]:
    return [alert["kind"] for alert in alerts(got)]


def test_a_config_is_read_anew_on_sighup_and_a_wrong_one_leaves_the_old_one_in_force(net: Network) -> None:
    daemon = net.watch()
    daemon.until(lambda: "scanned" in daemon.events())
    right = net.config.read_text()
    net.config.write_text(right.replace("[scan]", "[scan]\nintervall = 5"))
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until(lambda: "config not read anew, the old one stays" in daemon.events())
    (refused,) = [line for line in daemon.lines() if line["level"] == "error"]
    assert "did you mean interval?" in refused["error"]
    assert daemon.process.poll() is None
    scans = daemon.events().count("scanned")
    net.config.write_text(right.replace("[scan]", '[scan]\ninterval = "1s"'))
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until(lambda: "config read anew" in daemon.events())
    # Every minute before, every second now.
    daemon.until(lambda: daemon.events().count("scanned") >= scans + 3)
    assert net.run("watch", "--json").returncode == 5
    assert daemon.end()[0] == 0


def asked(port: int) -> int:
    """What the listener answers."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=10) as answer:
        return int(answer.status)


def test_a_listen_port_that_cannot_be_had_ends_no_daemon_and_is_told(net: Network) -> None:
    net.config.write_text(net.config.read_text() + '\n[watch]\nlisten = "127.0.0.1:0"\n')
    daemon = net.watch()
    daemon.until(lambda: "scanned" in daemon.events())
    (port,) = [line["port"] for line in daemon.lines() if line["event"] == "listening"]
    right = net.config.read_text()
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        for wanted in (f"127.0.0.1:{taken.getsockname()[1]}", "0.0.0.0:0"):
            net.config.write_text(right.replace("127.0.0.1:0", wanted))
            refused = daemon.events().count("config not read anew, the old one stays")
            daemon.process.send_signal(signal.SIGHUP)
            daemon.until(lambda: daemon.events().count("config not read anew, the old one stays") > refused)  # noqa: B023 - waited for
            told = [line for line in daemon.lines() if line["event"] == "config not read anew, the old one stays"]
            assert wanted in told[-1]["error"]
    assert asked(port) == 200
    daemon.until(lambda: "old_config" in troubles(net))
    assert daemon.process.poll() is None
    # The same address again: nobody who asks meanwhile is turned away.
    net.config.write_text(right)
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until(lambda: daemon.events().count("listening") == 2)
    assert [line["port"] for line in daemon.lines() if line["event"] == "listening"] == [port, port]
    assert asked(port) == 200
    assert "old_config" not in troubles(net)
    # Another one that can be had: the old one is let go.
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        other = free.getsockname()[1]
    net.config.write_text(right.replace("127.0.0.1:0", f"127.0.0.1:{other}"))
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until(lambda: daemon.events().count("listening") == 3)
    assert asked(other) == 200
    with pytest.raises(urllib.error.URLError):
        asked(port)
    assert daemon.end()[0] == 0


def troubles(net: Network) -> list[str]:
    return [one["trouble"] for one in json.loads(net.run("health", "--json").stdout)["findings"]]


def test_a_daemon_whose_terminal_went_away_works_on_where_nobody_sees_it(net: Network) -> None:
    near, far = os.openpty()
    daemon = net.watch(far)
    os.close(far)
    daemon.until(lambda: "watching" in daemon.events())
    # As when an ssh session breaks: by the time that the hangup is heard of, there is no terminal to be asked.
    os.close(near)
    assert daemon.process.wait(30) == 0
    assert "config read anew" not in daemon.events()


def test_another_database_is_not_taken_over_by_a_reload(net: Network) -> None:
    daemon = net.watch()
    daemon.until(lambda: "watching" in daemon.events())
    net.config.write_text(net.config.read_text().replace("relayclear.db", "other.db"))
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until(lambda: "config not read anew, the old one stays" in daemon.events())
    assert "another database needs a restart" in daemon.lines()[-1]["error"]


def test_a_run_of_hermes_is_let_finish_before_another_config_counts(net: Network) -> None:
    net.config.write_text(net.config.read_text().replace("[hermes]", '[hermes]\ntime_limit = "5s"'))
    net.control("relayer/faults", {"hang": True})
    bought(net)
    daemon = net.watch()
    daemon.until(lambda: "attempt" in daemon.events())
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until(lambda: daemon.events().count("watching") == 2)
    events = daemon.events()
    assert events.index("config read anew") < events.index("stopped") < len(events) - 1
    # By its own limit, and not by us: cut short, it would say that it was stopped.
    (run,) = json.loads(net.run("operations", "show", "op-", "--json").stdout)["runs"]
    assert run["complaints"] == ["Hermes had not finished after 5 s"]
    assert daemon.end()[0] == 0


def test_systemd_hears_ready_signs_of_life_reloads_and_the_end(net: Network, tmp_path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(30)
        daemon = net.watch(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="400000")
        heard = [ear.recv(4096).decode() for _ in range(4)]
        assert [one for one in heard if one.startswith("READY=1\nSTATUS=seller of 2 chains")]
        assert heard.count("WATCHDOG=1") >= 2
        daemon.process.send_signal(signal.SIGHUP)
        while not ear.recv(4096).startswith(b"RELOADING=1\nMONOTONIC_USEC="):
            pass
        while not ear.recv(4096).startswith(b"READY=1"):
            pass
        daemon.process.send_signal(signal.SIGTERM)
        while ear.recv(4096) != b"STOPPING=1":
            pass
    assert daemon.process.wait(10) == 0
