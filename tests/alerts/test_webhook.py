"""The webhook: signed, bounded, and silent about its own secrets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from relayclear.alerts.webhook import SIGNATURE, TIMESTAMP, Webhook, is_signed, signed_headers
from relayclear.errors import AlertError

AT = datetime(2026, 11, 1, tzinfo=UTC)
SECRET = b"0123456789abcdef"
BODY = b'{"alerts":[]}'
URL = "https://user:hunter2@hooks.example/services/T0AAAAAAAAAAAAAAAAAAAAAAA?key=abc"


def call(answer: Callable[[httpx.Request], httpx.Response], url: str = URL) -> str:
    return asyncio.run(Webhook(url, SECRET, 5.0, httpx.MockTransport(answer)).call(BODY, AT))


def test_whoever_has_the_secret_can_check_who_sent_it_and_when() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, text="ok\nthanks")

    assert call(answer) == "200 ok thanks"
    (request,) = seen
    headers = {TIMESTAMP: request.headers[TIMESTAMP], SIGNATURE: request.headers[SIGNATURE]}
    assert (request.method, request.content, request.headers["content-type"]) == ("POST", BODY, "application/json")
    assert is_signed(SECRET, request.content, headers, AT)


def test_the_signature_is_the_one_that_any_receiver_computes() -> None:
    # printf '1793491200.{"alerts":[]}' | openssl dgst -sha256 -hmac 0123456789abcdef
    headers = signed_headers(SECRET, BODY, AT)
    assert headers[TIMESTAMP] == "1793491200"
    assert headers[SIGNATURE] == "v1=84af5bd4781322ba123f2e94790eb9bebbc8d72e1a16cb406ab626d2a45262cc"


@pytest.mark.parametrize(
    ("secret", "body", "late"),
    [
        (b"another secret!!", BODY, 0),
        (SECRET, b'{"alerts":[1]}', 0),
        (SECRET, BODY, 301),
        (SECRET, BODY, -301),
    ],
)
def test_a_forged_changed_or_old_call_is_not_taken(secret: bytes, body: bytes, late: int) -> None:
    headers = signed_headers(SECRET, BODY, AT)
    assert not is_signed(secret, body, headers, AT + timedelta(seconds=late))


def test_an_old_body_under_a_new_time_is_not_taken() -> None:
    later = AT + timedelta(days=1)
    headers = {**signed_headers(SECRET, BODY, AT), TIMESTAMP: str(int(later.timestamp()))}
    assert not is_signed(SECRET, BODY, headers, later)


@pytest.mark.parametrize("headers", [{}, {TIMESTAMP: "soon"}, {TIMESTAMP: "1793491200", SIGNATURE: "v1=é"}])
def test_a_call_without_proper_headers_is_not_taken(headers: dict[str, str]) -> None:
    assert not is_signed(SECRET, BODY, headers, AT)


@pytest.mark.parametrize("status", [301, 302, 400, 401, 404, 429, 500, 503])
def test_anything_but_a_yes_is_a_failure(status: int) -> None:
    with pytest.raises(AlertError, match=f"it answered {status} no"):
        call(lambda _: httpx.Response(status, text="no", headers={"location": "https://elsewhere.example"}))


def test_a_redirection_hands_nothing_to_another_host() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(307, headers={"location": "https://elsewhere.example/"})

    with pytest.raises(AlertError):
        call(answer)
    assert asked == ["hooks.example"]


def test_no_error_tells_the_address_its_password_or_its_key() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("all connection attempts failed")

    with pytest.raises(AlertError) as caught:
        call(answer)
    assert "hooks.example" in caught.value.message
    assert not [secret for secret in ("hunter2", "T0AAAA", "abc") if secret in caught.value.message]


def test_no_answer_in_time_is_said_so() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("")

    with pytest.raises(AlertError, match="no answer in time"):
        call(answer)


def test_an_address_that_is_none_is_a_failure_and_no_crash() -> None:
    with pytest.raises(AlertError):
        call(lambda _: httpx.Response(200), "http://[::1")


def test_an_answer_that_never_ends_is_left_after_its_beginning() -> None:
    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                yield b"la " * 100

    said = call(lambda _: httpx.Response(200, stream=Endless()))
    assert len(said) < 210
