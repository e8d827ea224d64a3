"""Foreign text is made fit for a terminal, and credentials are taken out of it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayclear.ibc.text import clean, clean_lines, redact


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain memo", "plain memo"),
        ("été 😀", "été 😀"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07", "0;title?"),
        ("\x9b31m", "?31m"),
        ("a\nb\rc\td", "a?b?c?d"),
        ("abc\u202edef", "abc?def"),
        ("a\u2066b\u200fc\u200bd", "a?b?c?d"),
        ("a\u2028b", "a?b"),
        ("\ud800", "?"),
        ("\x1b\x1b[31m[31mx", "?[31mx"),
    ],
)
def test_nothing_in_a_text_can_move_the_terminal(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(st.text(alphabet=st.characters()), st.none() | st.integers(1, 20))
def test_whatever_comes_what_is_shown_is_visible_and_short(text: str, limit: int | None) -> None:
    shown = clean(text, limit)
    hidden = {char for char in shown if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert not hidden
    assert limit is None or len(shown) <= limit


def test_a_text_that_fits_is_not_cut() -> None:
    assert [clean("abcd", limit) for limit in (3, 4, 5)] == ["ab…", "abcd", "abcd"]


def test_lines_stay_lines() -> None:
    assert clean_lines("one\n\x1b[31mtwo\u202e") == "one\ntwo?"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no address here", "no address here"),
        ("http://127.0.0.1:26657", "http://127.0.0.1:26657"),
        ("at https://rpc.example.com/v1/status: refused", "at https://rpc.example.com/v1/status: refused"),
        ("https://user:secret@rpc.example.com/", "https://***@rpc.example.com/"),
        ("https://rpc.example.com/0123456789abcdef0123/x", "https://rpc.example.com/***/x"),
        ("https://rpc.example.com/?key=secret", "https://rpc.example.com/?***"),
        ("wss://[::1/secret", "wss://***"),
        ("(https://a:b@c.d/e), https://f.g/?h", "(https://***@c.d/e), https://f.g/?***"),
    ],
)
def test_credentials_do_not_leave_in_an_address(text: str, shown: str) -> None:
    assert redact(text) == shown
