"""`relayclear alerts`: whether calling works, and what people were called for."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from relayclear.alerts.webhook import is_signed
from relayclear.clearing.alerting import Priority
from relayclear.store import history
from relayclear.store.history import Event
from relayclear.usecases.alerts import Calling
from relayclear.wording.alerting import alert_sentence
from tests.cli.conftest import HOSTILE, Cli, agrees
from tests.fakes.rig import Rig
from tests.usecases.test_alerts import Phone

SECRET = "0123456789abcdef" * 2


def configured(home: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home / "relayclear.toml"
    path.write_text(f"[alerts]\n{text}\n")
    monkeypatch.setenv("RELAYCLEAR_CONFIG", str(path))


@contextmanager
def receiver(status: int = 200) -> Iterator[tuple[str, list[Any]]]:
    """A webhook's other end on loopback: its address, and what it got."""
    got: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Keep it."""
            got.append((dict(self.headers), self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def secret_file(home: Path) -> Path:
    path = home / "secret"
    path.write_text(SECRET)
    path.chmod(0o600)
    return path


def test_a_test_alert_arrives_signed_on_every_channel(cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret_file(home)
    with receiver() as (url, got):
        command = f'command = ["{sys.executable}", "-c", "import sys; sys.stdin.read()"]'
        configured(home, f'webhook = "{url}"\nwebhook_secret_file = "secret"\n{command}', monkeypatch)
        said = cli.alone("alerts", "test", "--json")
    assert said.code == 0
    assert said.document["channels"] == [
        {"channel": "webhook", "sent": True, "error": None},
        {"channel": "command", "sent": True, "error": None},
    ]
    ((headers, body),) = got
    assert is_signed(SECRET.encode(), body, {name.title(): value for name, value in headers.items()}, datetime.now(UTC))
    assert b'"kind":"test"' in body


def test_a_channel_that_fails_is_exit_3_and_says_why(cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret_file(home)
    with receiver(503) as (url, _):
        configured(home, f'webhook = "{url}"\nwebhook_secret_file = "secret"\ncommand = ["/nowhere"]', monkeypatch)
        page = cli.alone("alerts", "test")
        said = cli.alone("alerts", "test", "--json")
    assert (page.code, said.code) == (3, 3)
    assert "✗ webhook" in page.text
    assert "503" in page.text
    assert [one["error"]["code"] for one in said.document["channels"]] == ["alert_not_delivered"] * 2


def test_without_a_channel_it_says_what_to_set(cli: Cli) -> None:
    said = cli.alone("alerts", "test", "--json")
    assert (said.code, said.error["code"]) == (2, "no_channel")


def test_a_webhook_without_a_secret_is_never_called_unsigned(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(home, 'webhook = "https://hooks.example/"', monkeypatch)
    said = cli.alone("alerts", "test", "--json")
    assert (said.code, said.error["code"]) == (2, "no_webhook_secret")


def test_the_settings_show_no_key_of_the_webhook(cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(home, 'webhook = "https://u:hunter2@hooks.example/T0AAAAAAAAAAAAAAAAAA?k=v"', monkeypatch)
    said = cli.alone("config", "show", "--json")
    assert b"hooks.example" in said.out
    assert not [word for word in (b"hunter2", b"T0AAAA", b"k=v") if word in said.out]


def told(rig: Rig) -> None:
    now, paid = rig.clock.now(), {"amount": "5", "denom": "stake"}
    events = [
        Event(now, "watch", "payment", subject="alpha-1/AA/0/stake", detail=paid),
        Event(now, "rules", "wallet_moved_by_another_hand", subject=HOSTILE, detail={"memo": HOSTILE}),
    ]
    with rig.journal.database.atomic() as tx:
        for event in events:
            history.add(tx, event)
    phones = [Phone("command"), Phone("webhook", failures=1)]
    asyncio.run(Calling(rig.desk, phones, Priority.NORMAL, alert_sentence).once())


def test_alerts_are_listed_with_their_deliveries(
    cli: Cli, rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(rig)
    monkeypatch.setenv("RELAYCLEAR_DB", str(tmp_path / "relayclear.db"))
    said = cli("alerts", "list", "--json")
    assert agrees("alerts-list.json", said.out)
    assert b"secret" not in said.out
    page = cli("alerts", "list", width=100)
    assert agrees("alerts-list-100.txt", page.out)
    assert "\x1b" not in page.text
    assert cli("alerts", "list", "--offset", "9", "--json").document["alerts"] == []


def test_an_empty_list_says_where_alerts_come_from(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAYCLEAR_DB", str(tmp_path / "relayclear.db"))
    assert "relayclear watch raises them" in cli("alerts", "list").text
