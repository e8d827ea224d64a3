"""The wallet file: sealed, private, whole or refused, and never quoted."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from relayclear.config.passphrase import CREDENTIAL, PassphraseSource
from relayclear.config.walletfile import WalletFile
from relayclear.errors import ConfigError, HeldError, RefusedError, UsageError
from relayclear.ibc.spending import WalletKey

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CHEAP = 2**14
SECRET, OTHER = bytes(range(32)), bytes(range(32, 64))


def key(chain: str) -> WalletKey:
    return WalletKey(chain, f"{chain[:-2]}1payee", "secp256k1", "m/44'/118'/0'/0/0", NOW)


def typing(*answers: str) -> PassphraseSource:
    """A person who types these, and nothing more."""
    left = iter(answers)
    return PassphraseSource(ask=lambda _: next(left))


NOBODY = PassphraseSource()


@pytest.fixture
def file(tmp_path: Path) -> WalletFile:
    made = WalletFile(tmp_path / "config" / "keys", cost=CHEAP)
    made.add(key("alpha-1"), SECRET, typing("open sesame", "open sesame"))
    return made


def again(file: WalletFile) -> WalletFile:
    """The file as another process has it."""
    return WalletFile(file.path.parent)


def mode(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


def test_a_look_makes_a_folder_or_asks_for_a_passphrase(tmp_path: Path, file: WalletFile) -> None:
    nowhere = WalletFile(tmp_path / "nowhere")
    assert (nowhere.listed(), nowhere.find("alpha-1")) == ([], None)
    assert not nowhere.path.parent.exists()
    assert again(file).listed() == [key("alpha-1")]
    assert again(file).find("alpha-1") == key("alpha-1")
    assert again(file).find("beta-1") is None


def test_keys_are_for_others_eyes(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = WalletFile(tmp_path / "config" / "keys", cost=CHEAP)
        made.add(key("alpha-1"), SECRET, typing("pw", "pw"))
    finally:
        os.umask(before)
    assert (mode(made.path.parent), mode(made.path)) == ("0o700", "0o600")
    assert [path.name for path in made.path.parent.iterdir()] == ["wallet.json"]


def test_a_secret_or_a_passphrase_stands_in_the_file(file: WalletFile) -> None:
    text = file.path.read_text()
    for shown in (SECRET.hex(), base64.b64encode(SECRET).decode(), "sesame"):
        assert shown not in text


def test_a_key_is_not_read_back_by_another_process(file: WalletFile) -> None:
    assert again(file).secret("alpha-1", typing("open sesame")) == SECRET


def test_a_person_is_asked_twice_in_one_process(file: WalletFile) -> None:
    # The maker knows it already; another process asks once.
    assert file.secret("alpha-1", NOBODY) == SECRET
    other = again(file)
    assert [other.secret("alpha-1", typing("open sesame")), other.secret("alpha-1", NOBODY)] == [SECRET, SECRET]


def test_a_wrong_passphrase_opens_the_file_or_is_remembered(file: WalletFile) -> None:
    other = again(file)
    with pytest.raises(ConfigError, match="not the passphrase") as caught:
        other.secret("alpha-1", typing("open barley"))
    assert (caught.value.code, "barley" in repr(caught.value)) == ("wrong_passphrase", False)
    assert other.secret("alpha-1", typing("open sesame")) == SECRET


def test_a_second_key_has_a_passphrase_of_its_own(file: WalletFile) -> None:
    with pytest.raises(ConfigError, match="not the passphrase"):
        again(file).add(key("beta-1"), OTHER, typing("another", "another"))
    again(file).add(key("beta-1"), OTHER, typing("open sesame"))
    other = again(file)
    assert other.listed() == [key("alpha-1"), key("beta-1")]
    assert other.secret("beta-1", typing("open sesame")) == OTHER
    assert other.secret("alpha-1", NOBODY) == SECRET


def test_the_key_of_a_chain_is_overwritten(file: WalletFile) -> None:
    with pytest.raises(RefusedError, match="has a key for alpha-1 already, alpha1payee") as caught:
        file.add(key("alpha-1"), OTHER, NOBODY)
    assert (caught.value.code, file.secret("alpha-1", NOBODY)) == ("key_exists", SECRET)


def test_the_last_key_leaves_a_passphrase_behind(file: WalletFile) -> None:
    file.add(key("beta-1"), OTHER, NOBODY)
    assert file.remove("alpha-1") == key("alpha-1")
    assert file.secret("beta-1", NOBODY) == OTHER
    with pytest.raises(UsageError, match="no key for alpha-1"):
        file.secret("alpha-1", NOBODY)
    file.remove("beta-1")
    assert not file.path.exists()
    with pytest.raises(UsageError, match="no key for beta-1"):
        file.remove("beta-1")
    file.add(key("alpha-1"), SECRET, typing("new", "new"))
    assert again(file).secret("alpha-1", typing("new")) == SECRET


def test_a_file_made_by_another_process_while_a_person_types_is_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    mine, theirs = WalletFile(folder, CHEAP), WalletFile(folder, CHEAP)

    def ask(_: str) -> str:
        if not theirs.path.exists():
            theirs.add(key("beta-1"), OTHER, typing("theirs", "theirs"))
        return "mine"

    with pytest.raises(HeldError, match="meanwhile"):
        mine.add(key("alpha-1"), SECRET, PassphraseSource(ask=ask))
    assert theirs.listed() == [key("beta-1")]


@pytest.mark.parametrize(("wide", "target"), [(0o750, "folder"), (0o640, "file"), (0o604, "file"), (0o711, "folder")])
def test_a_file_that_others_may_read_is_used(file: WalletFile, wide: int, target: str) -> None:
    path = file.path.parent if target == "folder" else file.path
    path.chmod(wide)
    with pytest.raises(ConfigError, match="others may read") as caught:
        file.secret("alpha-1", NOBODY)
    assert caught.value.hint == f"chmod {'700' if target == 'folder' else '600'} {path}"


# Damage

Change = Callable[[dict[str, Any]], object]


def changed(file: WalletFile, change: Change) -> str:
    document = json.loads(file.path.read_text())
    change(document)
    return json.dumps(document)


WHOLE: list[Change] = [
    lambda document: document.pop("check"),
    lambda document: document.update(schema_version=2),
    lambda document: document.update(extra=1),
    lambda document: document.update(keys={}),
    lambda document: document.update(keys=document["keys"] * 2),
    lambda document: document.update(keys=[7]),
    lambda document: document["check"].update(extra=1),
    lambda document: document["check"].update(nonce=7),
    lambda document: document["kdf"].update(name="argon2id"),
    lambda document: document["kdf"].update(salt="c2hvcnQ="),
    lambda document: document["kdf"].update(n=2**13),
    lambda document: document["kdf"].update(n=2**21),
    lambda document: document["kdf"].update(n=2**14 + 1),
    lambda document: document["kdf"].update(n=float(2**14)),
    lambda document: document["kdf"].update(n="16384"),
    lambda document: document["kdf"].update(r=0),
    lambda document: document["kdf"].update(r=10**6),
    lambda document: document["kdf"].update(p=5),
    lambda document: document["kdf"].update(p=True),
    lambda document: document["kdf"].update(extra=1),
    lambda document: document["keys"][0].pop("path"),
    lambda document: document["keys"][0].update(address=None),
    lambda document: document["keys"][0].update(added_at="soon"),
    lambda document: document["keys"][0].update(added_at="2026-01-01T00:00:00"),
    lambda document: document["keys"][0].update(sealed="not base64!"),
]


@pytest.mark.parametrize("change", WHOLE)
def test_a_file_that_is_not_whole_is_used_or_quoted(file: WalletFile, change: Change) -> None:
    sealed = json.loads(file.path.read_text())["keys"][0]["sealed"]
    file.path.write_text(changed(file, change))
    with pytest.raises(ConfigError, match="no whole wallet file") as caught:
        again(file).listed()
    assert (caught.value.code, sealed in repr(caught.value)) == ("keys_damaged", False)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("text", ["", "[1]", "{", "[" * 100_000, "{}" + " " * 300_000])
def test_a_file_that_is_something_else_breaks_us(file: WalletFile, text: str) -> None:
    file.path.write_text(text)
    with pytest.raises(ConfigError, match="no whole wallet file"):
        again(file).listed()


@pytest.mark.parametrize("name", ["chain", "address", "kind", "path", "added_at"])
def test_a_public_part_is_changed_and_nobody_notices(file: WalletFile, name: str) -> None:
    other = {"chain": "gamma-1", "added_at": NOW.replace(year=2027).isoformat()}.get(name, "else")
    file.path.write_text(changed(file, lambda document: document["keys"][0].update({name: other})))
    with pytest.raises(ConfigError, match="was changed since it was put there"):
        again(file).secret("gamma-1" if name == "chain" else "alpha-1", typing("open sesame"))


def test_the_keys_of_two_chains_are_swapped(file: WalletFile) -> None:
    file.add(key("beta-1"), OTHER, NOBODY)

    def swap(document: dict[str, Any]) -> None:
        one, other = document["keys"]
        one["sealed"], other["sealed"] = other["sealed"], one["sealed"]
        one["nonce"], other["nonce"] = other["nonce"], one["nonce"]

    file.path.write_text(changed(file, swap))
    for chain in ("alpha-1", "beta-1"):
        with pytest.raises(ConfigError, match=f"the key of {chain}"):
            again(file).secret(chain, typing("open sesame"))


def test_a_nonce_of_no_length_breaks_us(file: WalletFile) -> None:
    file.path.write_text(changed(file, lambda document: document["keys"][0].update(nonce="")))
    with pytest.raises(ConfigError, match="was changed"):
        again(file).secret("alpha-1", typing("open sesame"))


def test_a_folder_in_the_place_of_the_file_breaks_us(tmp_path: Path) -> None:
    (tmp_path / "keys" / "wallet.json").mkdir(parents=True)
    (tmp_path / "keys").chmod(0o700)
    (tmp_path / "keys" / "wallet.json").chmod(0o700)
    with pytest.raises(ConfigError, match="can't be used"):
        WalletFile(tmp_path / "keys").listed()


# Where the passphrase comes from


def written(path: Path, text: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("text", "meant"), [(b"pw", b"pw"), (b"pw\n", b"pw"), (b"pw\r\n", b"pw"), (b" p w \n", b" p w ")]
)
def test_an_editors_line_end_belongs_to_the_passphrase(tmp_path: Path, text: bytes, meant: bytes) -> None:
    source = PassphraseSource(written(tmp_path / "pw", text))
    assert (source.given(), source.chosen()) == (meant, meant)


@pytest.mark.parametrize("text", [b"", b"\n", b"\r\n", b"x" * 5000])
def test_an_empty_or_endless_passphrase_is_taken(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(ConfigError, match=r"is empty|is longer") as caught:
        PassphraseSource(written(tmp_path / "pw", text)).given()
    assert caught.value.code == "no_passphrase"


def test_a_passphrase_file_that_others_may_read_is_used(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="others may read"):
        PassphraseSource(written(tmp_path / "pw", b"pw", 0o640)).given()
    with pytest.raises(ConfigError, match="can't be used"):
        PassphraseSource(tmp_path / "none").given()


def test_systemds_own_folder_is_held_to_modes_that_it_does_not_use(tmp_path: Path) -> None:
    folder = tmp_path / "credentials"
    folder.mkdir()
    assert PassphraseSource(credentials=folder, ask=lambda _: "typed").given() == b"typed"
    credential = written(folder / CREDENTIAL, b"pw\n", 0o444)
    assert PassphraseSource(credentials=folder).given() == b"pw"
    assert PassphraseSource(credential, folder).given() == b"pw"
    assert PassphraseSource(written(tmp_path / "pw", b"named"), folder).given() == b"named"
    with pytest.raises(ConfigError, match="can't be used"):
        PassphraseSource(folder / "none", folder).given()


def test_nobody_is_asked_and_something_waits_for_ever() -> None:
    with pytest.raises(ConfigError, match="nobody can be asked") as caught:
        NOBODY.given()
    # No flag: `refunds sweep` has none.
    assert "RELAYCLEAR_PASSPHRASE_FILE" in str(caught.value.hint)
    assert "--" not in str(caught.value.hint)


def test_a_mistyped_new_passphrase_locks_the_key_away() -> None:
    with pytest.raises(UsageError, match="differ"):
        typing("open sesame", "open sesam").chosen()
    assert typing("same", "same").chosen() == b"same"
    with pytest.raises(ConfigError, match="empty"):
        typing("", "").chosen()
