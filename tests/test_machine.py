"""What is installed on the machine is read as systemd reads it, or called unknown."""

from __future__ import annotations

from pathlib import Path

import pytest

from relayclear.bootstrap.machine import free_beside, read_unit, unit_folders
from relayclear.cli.service import FILES


@pytest.fixture
def program(tmp_path: Path) -> Path:
    made = tmp_path / "bin" / "relayclear"
    made.parent.mkdir()
    made.touch()
    return made


def installed(folder: Path, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "relayclear.service").write_text(text, encoding="utf-8")


def test_the_unit_that_we_print_is_not_understood(tmp_path: Path, program: Path) -> None:
    text = (FILES / "relayclear.service").read_text(encoding="utf-8")
    installed(tmp_path / "etc", text.replace("/usr/local/bin/relayclear", str(program)))
    unit = read_unit([tmp_path / "none", tmp_path / "etc"], str(program))
    assert unit is not None
    assert (unit.path, unit.program) == (str(tmp_path / "etc" / "relayclear.service"), str(program))
    assert (unit.there, unit.ours) == (True, str(program))
    assert (unit.config, unit.database) == ("/etc/relayclear/config.toml", "/var/lib/relayclear/relayclear.db")
    assert unit.missing == ("/etc/relayclear/passphrase",)


def test_a_drop_in_is_passed_over(tmp_path: Path, program: Path) -> None:
    installed(tmp_path, f"[Service]\nExecStart={program} watch\nEnvironment=RELAYCLEAR_DB=/a.db RELAYCLEAR_CONFIG=/a\n")
    folder = tmp_path / "relayclear.service.d"
    folder.mkdir()
    text = "[Service]\n#Environment=RELAYCLEAR_DB=/c.db\nExecStart=\nExecStart=-/gone/relayclear \\\n  watch\n"
    (folder / "override.conf").write_text(text + 'Environment="RELAYCLEAR_DB=/with space.db"\n', encoding="utf-8")
    unit = read_unit([tmp_path], "/x/relayclear")
    assert unit is not None
    assert (unit.program, unit.there, unit.ours) == ("/gone/relayclear", False, None)
    assert (unit.database, unit.config) == ("/with space.db", "/a")


@pytest.mark.parametrize("argv0", ["/usr/lib/python3/relayclear/__main__.py", "-c", "pytest"])
def test_a_program_that_runs_as_a_module_is_told_from_the_units_one(tmp_path: Path, program: Path, argv0: str) -> None:
    installed(tmp_path, f"[Service]\nExecStart={program} watch\n")
    unit = read_unit([tmp_path], argv0)
    assert unit is not None
    assert unit.ours is None


def test_a_link_to_the_same_program_is_another_program(tmp_path: Path, program: Path) -> None:
    link = tmp_path / "relayclear"
    link.symlink_to(program)
    installed(tmp_path, f"[Service]\nExecStart={link} watch\n")
    unit = read_unit([tmp_path], str(program))
    assert unit is not None
    assert unit.program == unit.ours


def test_where_nothing_is_installed_something_is_found(tmp_path: Path) -> None:
    assert read_unit([tmp_path]) is None
    assert unit_folders(tmp_path)[-1] == tmp_path / ".config" / "systemd" / "user"


def test_a_disk_that_is_not_there_has_room(tmp_path: Path) -> None:
    assert (free_beside(tmp_path / "r.db") or 0) > 0
    assert free_beside(tmp_path / "none" / "r.db") is None
