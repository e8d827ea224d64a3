"""The files that keep `watch` running: they are what they promise, and a machine takes them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from pwd import getpwuid

import pytest

from relayclear.cli import service
from relayclear.cli.service import FILES
from relayclear.config.hooksecret import CREDENTIAL as HOOK
from relayclear.config.loading import variables
from relayclear.config.passphrase import CREDENTIAL
from tests.cli.conftest import Cli


def settings_of(text: str) -> dict[str, list[str]]:
    """The lines of a unit that set something, by name; a name may be set several times."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, is_set, value = line.partition("=")
        if is_set and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def test_the_unit_is_hardened_watched_and_stopped_in_good_order(cli: Cli) -> None:
    unit = settings_of(cli.alone("service", "unit").text)
    wanted = {
        "Type": "notify",
        "WatchdogSec": "60s",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "read-only",
        "PrivateTmp": "yes",
        "PrivateDevices": "yes",
        "CapabilityBoundingSet": "",
        "StateDirectory": "relayclear",
        "StateDirectoryMode": "0700",
        "UMask": "0077",
        "KillMode": "mixed",
        "RestartPreventExitStatus": "2",
    }
    assert {name: unit[name] for name in wanted} == {name: [value] for name, value in wanted.items()}
    assert unit["LoadCredential"] == [f"{CREDENTIAL}:/etc/relayclear/passphrase"]
    assert f"#LoadCredential={HOOK}:" in cli.alone("service", "unit").text


def test_the_unit_starts_a_program_that_is_not_there(cli: Cli) -> None:
    """Whoever installed into a virtual environment has nothing under /usr/local."""
    text = cli.alone("service", "unit").text
    assert settings_of(text)["ExecStart"] == [f"{sys.executable} -m relayclear watch --log-format json"]
    assert settings_of(text)["User"] == ["hermes"]
    other = cli.alone("service", "unit", "--user", "relay").text
    assert settings_of(other)["User"] == ["relay"]
    assert "hermes env" not in other


def test_a_unit_begins_with_empty_books_beside_those_that_were_used_by_hand(cli: Cli, home: Path) -> None:
    folder = home / ".config" / "relayclear"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("", encoding="utf-8")
    text = cli.alone("service", "unit").text
    unit, me = settings_of(text), getpwuid(os.getuid()).pw_name
    data, state = home / ".local" / "share" / "relayclear", home / ".local" / "state"
    assert unit["User"] == [me]
    assert unit["Environment"] == [
        f"RELAYCLEAR_CONFIG={folder / 'config.toml'}",
        f"RELAYCLEAR_DB={data / 'relayclear.db'}",
        f"RELAYCLEAR_KEYS_DIR={folder / 'keys'}",
        f"XDG_STATE_HOME={state}",
    ]
    # A home can't be written in otherwise.
    assert unit["ReadWritePaths"] == [f"-{data} -{folder / 'keys'} -{state / 'relayclear'}"]
    assert "StateDirectory" not in unit
    assert "/var/lib" not in text
    assert f"sudo -u {me} env RELAYCLEAR_CONFIG={folder / 'config.toml'}" in text
    # Another user can't use this one's files: that is a unit of its own, to which they are carried over.
    assert settings_of(cli.alone("service", "unit", "--user", f"{me}-2").text)["Environment"][0].endswith(
        "=/etc/relayclear/config.toml"
    )


def test_a_user_without_a_name_is_named_by_number(cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(service, "getpwuid", nameless)
    file = home / "config.toml"
    file.write_text("", encoding="utf-8")
    assert settings_of(cli.alone("--config", str(file), "service", "unit").text)["User"] == [str(os.getuid())]


def test_a_folder_with_a_space_or_a_percent_sign_ends_a_word_of_the_unit(cli: Cli, home: Path) -> None:
    file = home / "a 5% b" / "config.toml"
    file.parent.mkdir()
    file.write_text("", encoding="utf-8")
    unit = settings_of(cli.alone("--config", str(file), "service", "unit").text)
    assert unit["Environment"][0] == f'"RELAYCLEAR_CONFIG={home}/a 5%% b/config.toml"'


def test_the_unit_of_a_watch_without_a_wallet_waits_for_no_passphrase(cli: Cli) -> None:
    assert "LoadCredential" not in settings_of(cli.alone("service", "unit", "--no-wallet").text)


@pytest.mark.parametrize("what", ["unit", "container"])
def test_every_variable_that_a_file_sets_is_one_of_ours(cli: Cli, what: str) -> None:
    words = cli.alone("service", what).text.replace("=", " ").split()
    ours = {word for word in words if word.startswith("RELAYCLEAR_")}
    assert ours
    assert ours <= {*variables(), "RELAYCLEAR_CONFIG"}


def test_systemd_takes_the_unit(cli: Cli, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze checks units and is not installed here")
    path = tmp_path / "relayclear.service"
    assert cli.alone("service", "unit", "--out", str(path)).code == 0
    said = subprocess.run([analyze, "verify", path], capture_output=True, text=True, check=False, timeout=60)
    assert (said.returncode, said.stderr) == (0, "")


def test_a_mistake_in_the_unit_would_be_noticed(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze checks units and is not installed here")
    path = tmp_path / "relayclear.service"
    text = (FILES / "relayclear.service").read_text().replace("/usr/local/bin/relayclear", sys.executable)
    path.write_text(text.replace("WatchdogSec=60s", "WatchdogSecs=60s"))
    said = subprocess.run([analyze, "verify", path], capture_output=True, text=True, check=False, timeout=60)
    assert "WatchdogSecs" in said.stderr


def test_the_container_runs_as_nobody_special_and_stops_in_good_order(cli: Cli) -> None:
    text = cli.alone("service", "container").text
    lines = text.splitlines()
    assert lines.index("USER relayclear") < lines.index('ENTRYPOINT ["relayclear"]')
    assert "STOPSIGNAL SIGTERM" in lines
    assert not [line for line in lines if "PASSPHRASE=" in line or "SECRET=" in line]


def test_a_file_that_is_there_is_not_overwritten(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "Containerfile"
    path.write_text("mine")
    said = cli.alone("service", "container", "--out", str(path), "--json")
    assert (said.code, path.read_text()) == (2, "mine")
    assert cli.alone("service", "container", "--out", str(tmp_path / "no" / "x")).code == 2


def test_as_json_the_text_is_in_the_document_also_when_it_is_written(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "unit"
    said = cli.alone("service", "unit", "--out", str(path), "--json")
    assert said.document == {"schema_version": 1, "what": "unit", "file": str(path), "text": path.read_text()}
    assert path.stat().st_mode & 0o777 == 0o644
