"""Every file that somebody else may read or write is found, refused or told of, with the command that mends it."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
from pathlib import Path

import pytest

from relayclear.bootstrap.examination import examined
from relayclear.config.loading import load
from relayclear.config.passphrase import PassphraseSource
from relayclear.errors import ConfigError
from relayclear.rehearsal import folder
from relayclear.rehearsal.folder import Listening
from relayclear.rehearsal.staging import ALPHA, BETA
from relayclear.store.db import open_database
from relayclear.usecases.doctor_facts import Severity

SECRET = {
    "relayclear.db": "it tells who paid what",
    "quotes.jsonl": "it tells who paid what",
    "signing": "can issue quotes in your name",
    "clearing-keys/alpha-1-relayclear.txt": "owns what its account holds",
    "signing/quote-001.json": "can issue quotes in your name",
    "signing/wallet.json": "can issue quotes in your name",
    "passphrase.txt": "can open the wallet file",
    "hermes/keys/alpha-1/keyring-test/daemon.json": "owns what its account holds",
    "hermes/keys/beta-1/keyring-test/clearing.json": "owns what its account holds",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a space in its name, everything in it as it should be."""
    made = tmp_path / "my relayer"
    nowhere = {spec.chain_id: ["http://127.0.0.1:1"] for spec in (ALPHA, BETA)}
    folder.furnish(made, (ALPHA, BETA), Listening("http://127.0.0.1:1", nowhere), {})
    (made / "signing").mkdir(mode=0o700)
    (made / "clearing-keys").mkdir(mode=0o700)
    for name in (
        "clearing-keys/alpha-1-relayclear.txt",
        "signing/quote-001.json",
        "signing/wallet.json",
        "quotes.jsonl",
    ):
        (made / name).touch(mode=0o600)
    with open_database(made / "relayclear.db"):
        pass
    return made


def found(home: Path) -> list[tuple[str, str, str]]:
    """What doctor says of modes: finding, why, next."""
    findings = asyncio.run(examined(None, folder.environment(home), {}, offline=True))
    told = [one for one in findings if one.check == "permissions"]
    assert all(one.severity is Severity.WARN for one in told)
    return [(one.finding, one.why, one.next or "") for one in told]


def test_a_folder_as_it_is_made_is_found_fault_with(home: Path) -> None:
    assert found(home) == []


@pytest.mark.parametrize("name", SECRET)
def test_a_file_that_others_may_read_is_not_told_or_its_command_does_not_mend_it(home: Path, name: str) -> None:
    path = home / name
    path.chmod(0o755 if path.is_dir() else 0o644)
    [(finding, why, step)] = found(home)
    assert finding == f"others may read {path}"
    assert SECRET[name] in why
    subprocess.run(shlex.split(step), check=True)
    assert found(home) == []
    assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)


@pytest.mark.parametrize("name", [*SECRET, "relayclear.toml", "hermes/config.toml"])
def test_a_file_that_a_group_may_write_is_not_told(home: Path, name: str) -> None:
    path = home / name
    before = path.stat().st_mode
    path.chmod(before | 0o020)
    [(finding, _, step)] = found(home)
    assert finding == f"others may write {path}"
    subprocess.run(shlex.split(step), check=True)
    assert path.stat().st_mode == before


@pytest.mark.parametrize(
    "url",
    ["http://ada:hunter2@node.example", "http://node.example/?token=x", "http://node.example/0123456789abcdef0123"],
)
def test_a_key_in_an_address_of_a_readable_config_is_not_told(home: Path, url: str) -> None:
    config = home / "hermes" / "config.toml"
    config.write_text(config.read_text().replace("http://127.0.0.1:1", url, 1))
    [(finding, why, _)] = found(home)
    assert finding == f"others may read {config}"
    assert "password or key of your node" in why


def test_a_config_that_anybody_may_write_chooses_the_program_that_is_started(home: Path) -> None:
    config = home / "relayclear.toml"
    config.chmod(0o646)
    with pytest.raises(ConfigError, match="anybody may write it") as caught:
        load(config_path=None, env=folder.environment(home), flags={})
    subprocess.run(shlex.split(caught.value.hint or ""), check=True)
    assert load(config_path=None, env=folder.environment(home), flags={}).file == config


def test_no_config_at_all_named_by_the_usual_device_is_refused() -> None:
    assert load(config_path=Path("/dev/null"), env={}, flags={}).file == Path("/dev/null")


def test_a_passphrase_that_others_may_read_is_used_and_its_command_breaks_at_a_space(home: Path) -> None:
    file = home / "passphrase.txt"
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="others may read") as caught:
        PassphraseSource(file).given()
    subprocess.run(shlex.split(caught.value.hint or ""), check=True)
    assert PassphraseSource(file).given()


@pytest.mark.parametrize("address", ["https://user:secret@node.example", "https://node.example/?apikey=sesame"])
def test_a_password_whose_address_has_an_s_in_it_is_not_told(home: Path, address: str) -> None:
    path = home / "hermes/config.toml"
    path.write_text(path.read_text(encoding="utf-8") + f"# {address}\n", encoding="utf-8")
    path.chmod(0o644)
    assert [finding for finding, _, _ in found(home)] == [f"others may read {path}"]
