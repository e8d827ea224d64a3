"""A transaction is named by its whole hash: who writes less or more is told so, and never another's hash."""

from __future__ import annotations

import pytest

from relayclear.errors import UsageError
from relayclear.usecases.whole_hash import whole_hash

HASH = "AB" * 32


@pytest.mark.parametrize("text", [HASH, HASH.lower(), f" {HASH} ", f"0x{HASH.lower()}"])
def test_a_spelling_is_refused(text: str) -> None:
    assert whole_hash(text) == HASH


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{HASH}AB", f"needed, 64 hex digits, and '{HASH}AB' has 66"),
        ("9f3a", "needed, 64 hex digits, and '9F3A' has 4"),
        ("", "and '' has 0"),
        (f"{HASH[:63]}G", "has 64 characters, 'G' among them"),
        ("X" * 1000, f"and '{'X' * 80}' has 1000 characters"),
    ],
)
def test_a_wrong_length_is_cut_to_a_right_one(text: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        whole_hash(text)
    assert words in refused.value.message
    assert refused.value.code == "not_a_hash"


def test_the_one_that_is_meant_is_not_named() -> None:
    other = "AC" * 32
    for start, hint in (
        ("abab", f"--tx {HASH}"),
        ("a", "relayclear payments list"),
        ("ff", "relayclear payments list"),
    ):
        with pytest.raises(UsageError) as refused:
            whole_hash(start, [HASH, other])
        assert (refused.value.hint or "").startswith(hint)
