"""Clearing keys that init makes: the words bring the account back, only their owner reads them, nobody says them."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from relayclear.bootstrap.loading import LoadedHermes, load_hermes
from relayclear.bootstrap.making import make_clearing_keys
from relayclear.bootstrap.wallet import wallet_of
from relayclear.chains.wallet.mnemonic import phrase_of, read_phrase
from relayclear.config.loading import load
from relayclear.config.settings import Settings
from relayclear.rehearsal import folder
from relayclear.rehearsal.folder import Listening
from relayclear.rehearsal.staging import ALPHA, BETA
from relayclear.usecases.starting import MadeKey

CHAINS = (ALPHA.chain_id, BETA.chain_id)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "my relayer"
    nowhere = {spec.chain_id: ["http://127.0.0.1:1"] for spec in (ALPHA, BETA)}
    folder.furnish(made, (ALPHA, BETA), Listening("http://127.0.0.1:1", nowhere), {})
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    return made


@pytest.fixture
def settings(home: Path) -> Settings:
    return load(config_path=None, env=folder.environment(home), flags={})


def made(settings: Settings, place: Path, name: str = "relayclear", **hermes: object) -> list[MadeKey]:
    loaded = [LoadedHermes(replace(one.settings, **hermes), one.config) for one in load_hermes(settings)]  # type: ignore[arg-type]
    return asyncio.run(make_clearing_keys(settings, loaded, name, place))


def test_the_words_that_are_kept_lead_to_another_account_than_hermes_has(settings: Settings, home: Path) -> None:
    place = home / "clearing-keys"
    before = os.umask(0)
    try:
        keys = made(settings, place)
    finally:
        os.umask(before)
    assert [(key.chain, key.error) for key in keys] == [(chain, "") for chain in CHAINS]
    assert len({key.address for key in keys}) == len(CHAINS)
    for key in keys:
        words = Path(key.words or "")
        phrase = words.read_text(encoding="ascii")
        assert wallet_of(settings, load_hermes(settings)).derived(key.chain, phrase).address == key.address
        kept = home / "hermes" / "keys" / key.chain / "keyring-test" / "relayclear.json"
        assert json.loads(kept.read_text(encoding="utf-8"))["account"] == key.address
        assert stat.S_IMODE(words.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert made(settings, place) == []  # the keys are there now


def test_a_key_that_is_there_is_made_anew(settings: Settings, home: Path) -> None:
    file = home / "hermes" / "keys" / ALPHA.chain_id / "keyring-test" / "clearing.json"
    before = file.read_bytes()
    assert made(settings, home / "keys", "clearing") == []
    assert file.read_bytes() == before
    assert not (home / "keys").exists()


def test_after_a_crash_other_words_take_the_place_of_those_that_lie_there(settings: Settings, home: Path) -> None:
    place = home / "clearing-keys"
    (first, _) = made(settings, place)
    # It died between the words and Hermes.
    (home / "hermes" / "keys" / ALPHA.chain_id / "keyring-test" / "relayclear.json").unlink()
    (again,) = made(settings, place)
    assert again == first


def test_a_hermes_in_a_container_is_given_a_file_that_it_cannot_see(settings: Settings, home: Path) -> None:
    for hermes in ({"command": ("docker", "exec", "hermes", "hermes")}, {"work_dir": home}):
        keys = made(settings, home / "keys", **hermes)
        assert [(key.address, key.words) for key in keys] == [(None, None)] * 2
        assert "runs elsewhere" in keys[0].error
    assert not (home / "keys").exists()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("exit 0", "is unknown on alpha-1"),
        ('for word in "$@"; do [ -f "$word" ] && cat "$word" "$word" >&2; done; exit 1', "refused key 'relayclear'"),
    ],
)
def test_a_hermes_that_lies_or_shouts_the_words_is_believed_or_repeated(
    settings: Settings, home: Path, body: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    program = home / "liar"
    program.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    program.chmod(0o755)
    keys = made(settings, home / "keys", command=(str(program),))
    assert {key.address for key in keys} == {None}
    assert said in keys[0].error
    words = Path(keys[0].words or "").read_text(encoding="ascii").split()
    heard = " ".join([*capfd.readouterr(), *(key.error for key in keys)])
    assert " ".join(words[:2]) not in heard


def test_words_that_lead_to_another_account_are_called_a_key(settings: Settings, home: Path) -> None:
    keyring = home / "hermes" / "keys" / ALPHA.chain_id / "keyring-test"
    program = home / "other"
    program.write_text(f"#!/bin/sh\ncat '{keyring}/daemon.json' > '{keyring}/relayclear.json'\n", encoding="utf-8")
    program.chmod(0o755)
    (key, _) = made(settings, home / "keys", command=(str(program),))
    assert key.address is None
    assert "lead to another account" in key.error
    # Hermes leaves it to its umask who may read the private key.
    assert stat.S_IMODE((keyring / "relayclear.json").stat().st_mode) == 0o600


def test_a_hermes_that_is_not_there_is_a_traceback(settings: Settings, home: Path) -> None:
    (key, _) = made(settings, home / "keys", command=(str(home / "none"),))
    assert "can't be started" in key.error


@pytest.mark.parametrize("size", [16, 20, 24, 28, 32])
def test_words_of_chance_have_a_wrong_checksum(size: int) -> None:
    for entropy in (bytes(size), b"\xff" * size, bytes(range(size))):
        assert len(read_phrase(phrase_of(entropy))) == size * 3 // 4
    assert phrase_of(bytes(16)) == " ".join(["abandon"] * 11 + ["about"])
    assert phrase_of(b"\x7f" * 16) == "legal winner thank year wave sausage worth useful legal winner thank yellow"
