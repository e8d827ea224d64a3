"""Key files: private, whole or refused, and never quoted."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from relayclear.config.keyfiles import KeyFiles
from relayclear.errors import ConfigError, RefusedError, UsageError
from relayclear.money.issuer import KeyState

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=30)


@pytest.fixture
def ring(tmp_path: Path) -> KeyFiles:
    return KeyFiles(tmp_path / "config" / "keys")


def mode(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


def test_a_folder_that_is_not_there_holds_no_keys_and_is_not_made_by_looking(ring: KeyFiles) -> None:
    assert (ring.listed(), ring.current(), ring.find(1)) == ([], None, None)
    assert not ring.folder.exists()


def test_keys_are_for_nobody_elses_eyes(ring: KeyFiles) -> None:
    before = os.umask(0)
    try:
        ring.create(NOW)
    finally:
        os.umask(before)
    assert mode(ring.folder) == "0o700"
    assert [(path.name, mode(path)) for path in ring.folder.iterdir()] == [("quote-001.json", "0o600")]


def test_a_key_is_read_back_as_it_was_made(ring: KeyFiles) -> None:
    made = ring.create(NOW)
    assert (made.kid, made.state, made.created_at) == (1, KeyState.CURRENT, NOW)
    assert KeyFiles(ring.folder).current() == made
    assert ring.find(1) == made


def test_two_keys_have_nothing_in_common(ring: KeyFiles) -> None:
    one, two = ring.create(NOW), ring.rotate(LATER)
    assert len({one.memo_key.secret, two.memo_key.secret, one.signing_key, two.signing_key}) == 4


def test_a_second_key_is_made_by_rotating_only(ring: KeyFiles) -> None:
    ring.create(NOW)
    with pytest.raises(RefusedError, match="key 1 makes quotes already"):
        ring.create(LATER)


def test_a_rotated_key_still_knows_its_quotes_and_makes_none(ring: KeyFiles) -> None:
    old, new = ring.create(NOW), ring.rotate(LATER)
    assert ring.current() == new
    found = ring.find(old.kid)
    assert found is not None
    assert (found.state, found.rotated_at, found.memo_key) == (KeyState.ROTATED, LATER, old.memo_key)


def test_nothing_is_rotated_before_there_is_a_key(ring: KeyFiles) -> None:
    with pytest.raises(RefusedError, match="no key to rotate"):
        ring.rotate(NOW)


def test_a_revoked_key_stays_revoked_since_the_first_time(ring: KeyFiles) -> None:
    ring.create(NOW)
    assert ring.revoke(1, LATER).revoked_at == LATER
    assert ring.revoke(1, LATER + timedelta(1)).revoked_at == LATER
    assert ring.current() is None
    assert ring.create(LATER).kid == 2
    with pytest.raises(UsageError, match="no key 9"):
        ring.revoke(9, LATER)


def test_an_id_that_a_lost_key_had_is_never_given_again(ring: KeyFiles) -> None:
    assert ring.create(NOW, above=41).kid == 42


def test_no_id_is_left_after_255(ring: KeyFiles) -> None:
    ring.create(NOW, above=254)
    with pytest.raises(RefusedError, match="all 255 key ids"):
        ring.rotate(NOW)
    current = ring.current()
    assert current is not None
    assert current.kid == 255


@pytest.mark.parametrize(("wide", "target"), [(0o750, "folder"), (0o640, "file"), (0o604, "file"), (0o711, "folder")])
def test_a_key_that_others_may_read_is_not_used(ring: KeyFiles, wide: int, target: str) -> None:
    ring.create(NOW)
    path = ring.folder if target == "folder" else ring.folder / "quote-001.json"
    path.chmod(wide)
    with pytest.raises(ConfigError, match="others may read") as caught:
        ring.current()
    assert caught.value.hint == f"chmod {'700' if target == 'folder' else '600'} {path}"


def cut(text: str) -> str:
    return text[: len(text) // 2]


def without_secret(text: str) -> str:
    return json.dumps({name: value for name, value in json.loads(text).items() if name != "memo_secret"})


def short_secret(text: str) -> str:
    return json.dumps({**json.loads(text), "memo_secret": "c2hvcnQ="})


def of_another(text: str) -> str:
    return json.dumps({**json.loads(text), "key_id": 2})


def newer(text: str) -> str:
    return json.dumps({**json.loads(text), "schema_version": 2})


def timeless(text: str) -> str:
    return json.dumps({**json.loads(text), "created_at": None})


def zoneless(text: str) -> str:
    return json.dumps({**json.loads(text), "created_at": "2026-01-01T00:00:00"})


def a_list(_: str) -> str:
    return "[1]"


@pytest.mark.parametrize(
    "spoil", [cut, without_secret, short_secret, of_another, newer, timeless, zoneless, a_list, lambda _: ""]
)
def test_a_key_file_that_is_not_whole_is_refused_without_a_word_of_it(
    ring: KeyFiles, spoil: Callable[[str], str]
) -> None:
    ring.create(NOW)
    path = ring.folder / "quote-001.json"
    secret = json.loads(path.read_text())["memo_secret"]
    path.write_text(spoil(path.read_text()))
    with pytest.raises(ConfigError, match="no whole key file") as caught:
        ring.current()
    assert secret not in repr(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    assert caught.value.__cause__ is None


def test_a_folder_that_is_a_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    ring = KeyFiles(tmp_path / "keys")
    assert ring.listed() == []
    with pytest.raises(ConfigError, match=r"keys can't be used"):
        ring.create(NOW)


def test_a_key_file_that_is_a_folder_says_so(ring: KeyFiles) -> None:
    ring.create(NOW)
    (ring.folder / "quote-002.json").mkdir(mode=0o700)
    with pytest.raises(ConfigError, match=r"quote-002.json can't be used"):
        ring.listed()


def test_other_files_in_the_folder_are_let_be(ring: KeyFiles) -> None:
    ring.create(NOW)
    (ring.folder / "wallet-alpha-1.json").write_text("not ours")
    (ring.folder / ".quote-002.json.1234").write_text("left by a crash")
    assert [key.kid for key in ring.listed()] == [1]


def test_no_secret_is_in_what_is_printed(ring: KeyFiles) -> None:
    key = ring.create(NOW)
    for text in (repr(key), repr(key.memo_key), str(ring.listed())):
        assert str(key.memo_key.secret) not in text
        assert str(key.signing_key) not in text
        assert key.signing_key.hex() not in text
