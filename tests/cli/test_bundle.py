"""`doctor --bundle`: what a helper needs is in it, a secret is not, and nothing that is broken keeps it from being."""

from __future__ import annotations

import json
import stat
import tarfile
from pathlib import Path
from typing import Any

import pytest

from relayclear.cli.bundle import hidden
from relayclear.cli.output import Exit
from relayclear.store.db import open_database
from relayclear.store.vitals import Kind, Vital, keep
from tests.cli.conftest import Cli
from tests.cli.test_init import hermes
from tests.fakes.rig import Rig

__all__ = ["hermes"]


def opened(file: Path) -> dict[str, Any]:
    """The documents of a support file by their names."""
    with tarfile.open(file) as archive:
        files = {name: archive.extractfile(name) for name in archive.getnames()}
        texts = {name.partition("/")[2]: text.read().decode() for name, text in files.items() if text is not None}
    return {name: json.loads(text) if name.endswith(".json") else text for name, text in texts.items()}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "support.tar.gz"


def test_what_a_helper_needs_is_missing(
    cli: Cli, busy: Rig, hermes: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del busy
    monkeypatch.setenv("RELAYCLEAR_DB", str(tmp_path / "relayclear.db"))
    assert cli("clear", "--chain", "alpha-1", "--channel", "channel-0", "--packet-sequences", "1", "--yes").code == 0
    said = cli("doctor", "--offline", "--bundle", str(file))
    assert f"written: {file}" in said.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = opened(file)
    assert {"about.json", "settings.json", "findings.json", "health.json", "memory.json"} <= found.keys()
    assert found["about.json"].keys() >= {"relayclear", "python", "platform"}
    origins = {row["key"]: row["origin"] for row in found["settings.json"]["settings"]}
    assert origins["store.url"] == "env RELAYCLEAR_DB"
    assert {row["check"] for row in found["findings.json"]} >= {"hermes", "database", "watch_runs"}
    assert found["health.json"]["level"]
    tables = {row["table"]: row["rows"] for row in found["memory.json"]["tables"]}
    assert tables["operations"] == 1
    assert found["memory.json"]["version"] > 0
    assert {event["what"] for event in found["history.json"]}
    assert str(hermes) in json.dumps(found["settings.json"])


def test_a_mishap_or_its_secret_address_is_told(
    cli: Cli, hermes: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del hermes
    monkeypatch.setenv("RELAYCLEAR_DB", str(tmp_path / "own.db"))
    with open_database(tmp_path / "own.db") as database, database.atomic() as tx:
        # As a program tells it that takes an address apart.
        words = "ada was refused with hunter2secret at http://x:other-password@node/"
        keep(tx, [Vital(Kind.CHAIN, "alpha-1", cli.rig.clock.now(), None, words)])
    cli("doctor", "--offline", "--bundle", str(file))
    (mishap,) = opened(file)["mishaps.json"]
    assert (mishap["what"], mishap["error"]) == ("chain alpha-1", "ada was refused with *** at http://***@node/")


def test_a_broken_config_or_database_keeps_whoever_needs_help_from_it(cli: Cli, file: Path, home: Path) -> None:
    config, database = home / "mine.toml", home / "own.db"
    config.write_text("[scan\n", encoding="utf-8")
    database.write_text("no database", encoding="utf-8")
    said = cli.alone("doctor", "--bundle", str(file), "--config", str(config), "--db", str(database))
    assert said.code == Exit.USAGE
    found = opened(file)
    assert "not valid TOML" in found["settings.json"]["problems"][0]
    assert "error" in found["memory.json"]
    assert "error" in found["health.json"]
    assert "history.json" not in found


def test_a_file_that_is_there_is_overwritten(cli: Cli, hermes: Path, file: Path) -> None:
    del hermes
    file.write_text("mine", encoding="utf-8")
    said = cli("doctor", "--offline", "--bundle", str(file))
    assert (said.code, said.text) == (Exit.USAGE, "")
    assert file.read_text(encoding="utf-8") == "mine"
    said = cli("doctor", "--offline", "--bundle", str(file.parent / "none" / "x.tar.gz"))
    assert said.code == Exit.USAGE
    assert "can't be written" in said.err


def test_programs_are_not_told_where_it_is(cli: Cli, hermes: Path, file: Path) -> None:
    del hermes
    assert cli("doctor", "--offline", "--json", "--bundle", str(file)).document["bundle"] == str(file)
    assert cli("doctor", "--offline", "--json").document["bundle"] is None


def test_a_text_anywhere_in_a_document_is_passed_over() -> None:
    document = {"canary": ["canary", {"a": ("canary", 1, None, True, 2**70)}], "at": Path("/canary")}
    told = hidden(document, lambda text: text.replace("canary", "***"))
    assert told == {"***": ["***", {"a": ["***", 1, None, True, str(2**70)]}], "at": "/***"}
