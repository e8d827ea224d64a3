"""The listener: it tells how things are, changes nothing, and lets nobody in who has no business there."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import httpx
import pytest

from relayclear.errors import ConfigError, HermesError, NodeError
from relayclear.listener import serving
from relayclear.listener.guarding import is_loopback, require_safe, split
from relayclear.listener.serving import AT_ONCE, listening
from relayclear.usecases.health import look
from relayclear.wording.health import document
from tests.fakes.rig import Rig
from tests.listener.conftest import Ears, look_around

PAGES = ("/health/live", "/health/ready", "/health", "/health/external", "/metrics")
TOKEN = "correct-horse-" + "battery-staple"


def test_all_well_is_200_everywhere(watched: Rig) -> None:
    answers = {page: Ears(watched.desk)(page) for page in PAGES}
    assert {page: answer.status_code for page, answer in answers.items()} == dict.fromkeys(PAGES, 200)
    assert {answer.headers["cache-control"] for answer in answers.values()} == {"no-store"}
    assert {answer.json()["schema_version"] for page, answer in answers.items() if page != "/metrics"} == {1}


def test_health_says_what_the_command_says(watched: Rig) -> None:
    told = Ears(watched.desk)("/health").json()
    assert told == {"schema_version": 1, **document(look(watched.desk), watched.clock.now())}


def test_degraded_is_200_and_critical_503(watched: Rig) -> None:
    watched.beta.down = NodeError("beta-1: refused")
    look_around(watched)
    answer = Ears(watched.desk)("/health")
    assert (answer.status_code, answer.json()["level"]) == (200, "degraded")
    watched.relayer.says = HermesError("hermes can't be started")
    look_around(watched)
    answer = Ears(watched.desk)("/health")
    assert (answer.status_code, answer.json()["level"]) == (503, "critical")


def test_it_lives_though_the_database_does_not(watched: Rig) -> None:
    database = watched.journal.database
    assert database.path is not None
    database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    database.path.write_bytes(b"no page of ours" * 4096)
    database.rows("PRAGMA shrink_memory")
    ears = Ears(watched.desk)
    assert {page: ears(page).status_code for page in PAGES} == {
        "/health/live": 200,
        "/health/ready": 503,
        "/health": 503,
        "/health/external": 503,
        "/metrics": 503,
    }


def test_not_ready_before_every_chain_was_looked_at(rig: Rig) -> None:
    answer = Ears(rig.desk)("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["why"] == [
        "alpha-1 was not looked at yet",
        "beta-1 was not looked at yet",
        "there was no heartbeat yet",
    ]


def test_a_chain_away_does_not_take_the_daemon_out_of_service(watched: Rig) -> None:
    watched.beta.down = NodeError("beta-1: refused")
    look_around(watched)
    assert Ears(watched.desk)("/health/ready").status_code == 200


def test_external_tells_nodes_and_hermes_one_by_one(watched: Rig) -> None:
    watched.beta.down = NodeError("beta-1: https://user:secret@beta refused")
    watched.clock.step(90)
    look_around(watched)
    answer = Ears(watched.desk)("/health/external")
    assert answer.status_code == 503
    assert "secret" not in answer.text
    alpha, beta = answer.json()["chains"]
    assert (alpha["state"], alpha["good_seconds_ago"], alpha["endpoints"][0]["state"]) == ("good", 0, "good")
    assert (beta["state"], beta["good_seconds_ago"]) == ("failing", 90)
    assert beta["endpoints"][0]["error"] == "beta-1: https://***@beta refused"
    assert [(one["name"], one["state"]) for one in answer.json()["hermes"]] == [("/etc/hermes/config.toml", "good")]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_can_be_changed(watched: Rig, method: str) -> None:
    assert {Ears(watched.desk)(page, method).status_code for page in PAGES} == {405}


def test_a_body_is_refused_unread(watched: Rig) -> None:
    async def endless() -> Any:
        """More than anybody would read."""
        yield b"x" * 1024

    ears = Ears(watched.desk)
    assert ears("/health", content=b"{}").status_code == 413
    assert ears("/health", content=endless()).status_code == 413


def test_other_pages_are_not_there(watched: Rig) -> None:
    ears = Ears(watched.desk)
    assert {ears(page).status_code for page in ("/", "/health/", "/metrics/..", "/docs", "/health/live/x")} <= {
        404,
        307,
    }
    assert ears("/" + "x" * 300).status_code == 414


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"authorization": TOKEN},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": f"Bearer {TOKEN}x"},
        {"authorization": f"Bearer {TOKEN[:-1]}"},
        {"authorization": "Bearer"},
        {"authorization": b"Bearer \xff\xfe"},
    ],
)
def test_without_the_whole_token_nothing_is_told(watched: Rig, given: dict[str, Any]) -> None:
    ears = Ears(watched.desk, TOKEN)
    for page in (*PAGES, "/nothing"):
        answer = ears(page, headers=given)
        assert (answer.status_code, answer.json()) == (401, {"error": "a token is asked for"})
        assert answer.headers["www-authenticate"] == "Bearer"


def test_with_the_token_everything_is_told_but_the_token(watched: Rig) -> None:
    ears = Ears(watched.desk, TOKEN)
    for page in PAGES:
        answer = ears(page, headers={"authorization": f"bearer {TOKEN}"})
        assert answer.status_code == 200
        assert TOKEN not in answer.text + str(answer.headers)


@pytest.mark.parametrize(
    ("listen", "loopback"),
    [
        ("127.0.0.1:9464", True),
        ("127.9.9.9:9464", True),
        ("[::1]:9464", True),
        ("0.0.0.0:9464", False),
        ("[::]:9464", False),
        ("192.168.1.4:9464", False),
        ("localhost:9464", False),
        ("127.0.0.1.example.org:9464", False),
    ],
)
def test_elsewhere_than_on_loopback_it_wants_a_token(listen: str, *, loopback: bool) -> None:
    assert is_loopback(split(listen)[0]) is loopback
    require_safe(listen, TOKEN)
    if loopback:
        require_safe(listen, None)
    else:
        with pytest.raises(ConfigError, match="asks for no token"):
            require_safe(listen, None)


def test_a_token_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(ConfigError, match="fewer than 16"):
        require_safe("127.0.0.1:9464", "hunter2")


def test_a_port_that_is_taken_is_told_and_no_other_is_chosen(watched: Rig) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(ConfigError, match="can't be listened on"):
            asyncio.run(_open(watched, taken))
    with pytest.raises(ConfigError, match="can't be listened on"):
        asyncio.run(_open(watched, "[::1%nowhere]:80", TOKEN))


async def _open(rig: Rig, listen: str, token: str | None = None) -> None:
    async with listening(rig.desk, listen, token):
        pass


async def _raw(port: int, said: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    try:
        return await reader.read()
    except ConnectionResetError:
        return b"reset"
    finally:
        writer.close()


def test_a_head_that_never_ends_is_cut_off(watched: Rig) -> None:
    async def run() -> bytes:
        async with listening(watched.desk, "127.0.0.1:0", None) as port:
            return await _raw(port, b"GET /health HTTP/1.1\r\nx: " + b"y" * 100_000)

    said = asyncio.run(run())
    assert said == b"reset" or said.startswith(b"HTTP/1.1 400 ")


def test_who_says_nothing_is_hung_up_on(watched: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "LONGEST_SILENCE", 0.02)

    async def run() -> list[bytes]:
        async with listening(watched.desk, "127.0.0.1:0", None) as port, asyncio.timeout(10):
            return [await _raw(port, b""), await _raw(port, b"GET /health HTTP/1.1\r\nhost: x\r\n")]

    assert asyncio.run(run()) in ([b"", b""], [b"reset", b"reset"])


def test_no_crowd_is_let_in(watched: Rig) -> None:
    async def run() -> tuple[bytes, httpx.Response]:
        async with listening(watched.desk, "127.0.0.1:0", None) as port:
            crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(AT_ONCE)]
            late = await _raw(port, b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n")
            for _, writer in crowd:
                writer.close()
                await writer.wait_closed()
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
                return late, await client.get("/health/live")

    late, after = asyncio.run(run())
    assert late in {b"", b"reset"}
    assert after.status_code == 200


def test_it_is_gone_with_every_connection_when_the_daemon_ends(watched: Rig) -> None:
    async def run() -> bytes:
        async with listening(watched.desk, "127.0.0.1:0", None) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        rest = await reader.read()
        writer.close()
        return rest

    assert b'"alive":true' in asyncio.run(run())


def test_a_mistake_of_ours_is_logged_without_secrets_and_answered_with_500(
    watched: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object) -> None:
        """What nobody thought of."""
        raise ZeroDivisionError("at https://user:secret@node")

    monkeypatch.setattr("relayclear.listener.answering.look_or_tell", broken)
    answer = Ears(watched.desk)("/health")
    assert answer.status_code == 500
    assert "secret" not in answer.text + caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_documents_are_json_whatever_a_node_says(watched: Rig) -> None:
    watched.beta.down = NodeError('beta-1: \x1b[2J "quotes" \u202e')
    look_around(watched)
    for page in ("/health", "/health/external"):
        text = Ears(watched.desk)(page).text
        json.loads(text)
        assert not {"\x1b", "\u202e"} & set(text)
