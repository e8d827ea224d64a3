"""A tab: what names a thing is completed, from memory, in each shell, and little is loaded for it."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from relayclear.cli.app import app_for
from relayclear.config.finding import database_place
from relayclear.config.loading import load
from relayclear.errors import ConfigError
from relayclear.usecases.scan import scan
from tests.cli.test_start import environ
from tests.cli.test_width import commands
from tests.fakes.rig import Rig

NAMING = re.compile(
    r"CHAIN|CHANNEL|TOKEN|OPERATION|WORK|KEY|GAP|NAME|REFUND|CLASS|REASON|STATE|CHAIN/.*|TX.*|\[?ID….*|ID|\[TOPIC.*"
)
# Names that the database doesn't know: Hermes' keys, themes, a token of a demo; and a reason in free words.
OTHERS = {"--key-name", "--clearing-key", "--theme", "--pay", "--waive"}
WHOLE: Any = typer.main.get_command(app_for([]))


def params() -> list[tuple[str, Any]]:
    found = []
    for words in commands(WHOLE):
        command = WHOLE
        for word in words:
            command = command.commands[word]
        found += [(" ".join(words), one) for one in command.params]
    return found


def test_an_argument_that_names_a_thing_is_typed_letter_by_letter() -> None:
    naming = [(words, one) for words, one in params() if one.metavar and NAMING.fullmatch(one.metavar)]
    assert len(naming) > 50
    assert [
        (words, one.opts) for words, one in naming if one._custom_shell_complete is None and not {*one.opts} & OTHERS
    ] == []


def tab(home: Path, line: str, shell: str = "bash", **more: str) -> subprocess.CompletedProcess[str]:
    """What a shell gets when the line so far ends here."""
    words = line.split(" ")
    asked = {
        "_RELAYCLEAR_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    unset = "COMP_WORDS" if shell != "bash" else "_TYPER_COMPLETE_ARGS"
    env = {**environ(home), **{name: value for name, value in asked.items() if name != unset}, **more}
    code = "import sys; from relayclear.cli.app import main; sys.argv = ['relayclear']; main()"
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def known(rig: Rig, tmp_path: Path) -> str:
    """A database in which two paths and a stuck packet stand."""
    rig.stuck()
    asyncio.run(scan(rig.desk))
    return str(tmp_path / "relayclear.db")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_nothing(home: Path, known: str, shell: str) -> None:
    said = tab(home, "relayclear packets list --chain al", shell, RELAYCLEAR_DB=known)
    assert said.stderr == ""
    assert "alpha-1" in said.stdout
    assert "beta-1" not in said.stdout
    first = tab(home, "relayclear pa", shell)
    assert {"packets", "payments"} <= {*re.findall(r"\w+", first.stdout)}


def test_a_packet_is_completed_to_its_channel_only(home: Path, known: str) -> None:
    said = tab(home, "relayclear packets show alpha-1/channel-0/", RELAYCLEAR_DB=known)
    assert said.stdout.split() == ["alpha-1/channel-0/1"]


def test_a_tab_looks_into_another_database_than_the_command_will(home: Path, known: str) -> None:
    assert tab(home, f"relayclear --db {known} packets list --chain ").stdout.split() == ["alpha-1", "beta-1"]
    # As bash takes it apart.
    assert tab(home, f"relayclear --db = {known} packets list --chain ").stdout.split() == ["alpha-1", "beta-1"]
    assert tab(home, "relayclear packets list --chain ").stdout.split() == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_no_script_for_a_shell(home: Path, shell: str) -> None:
    env = {**environ(home), "_RELAYCLEAR_COMPLETE": f"source_{shell}"}
    code = "import sys; from relayclear.cli.app import main; sys.argv = ['relayclear']; main()"
    said = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert f"complete_{shell}" in said.stdout


LOADED = """
import atexit, sys
from relayclear.cli.app import run
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
run([])
"""


@pytest.mark.parametrize("line", ["relayclear ", "relayclear packets list --chain ", "relayclear operations show "])
def test_a_tab_waits_for_what_it_does_not_need(home: Path, known: str, line: str) -> None:
    asked = {"_RELAYCLEAR_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    env = {**environ(home), **asked, "RELAYCLEAR_DB": known}
    code = LOADED.replace("run([])", "atexit.register(lambda: print(*sys.modules, file=sys.stderr)); run([])")
    said = subprocess.run(
        [sys.executable, "-c", f"import atexit; {code}"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    loaded = {*said.stderr.split()}
    assert "typer" in loaded
    heavy = {"httpx", "textual", "rich", "cosmpy", "asyncio"}
    ours = {f"relayclear.{name}" for name in ("config.settings", "store.journal", "ibc.packet", "ibc.filter")}
    assert loaded & (heavy | ours) == set()


@pytest.mark.parametrize(
    ("flag", "env", "stored"),
    [
        (None, {}, None),
        (None, {}, "beside.db"),
        (None, {}, "~/there.db"),
        (None, {}, "sqlite:////tmp/absolute.db"),
        (None, {"RELAYCLEAR_DB": "of-env.db"}, "beside.db"),
        (None, {"RELAYCLEAR_STORE_URL": "long.db"}, "beside.db"),
        (None, {"RELAYCLEAR_STORE_URL": "long.db", "RELAYCLEAR_DB": "short.db"}, None),
        ("flag.db", {"RELAYCLEAR_DB": "of-env.db"}, "beside.db"),
    ],
)
def test_the_short_way_to_the_database_leads_elsewhere(
    tmp_path: Path, flag: str | None, env: dict[str, str], stored: str | None
) -> None:
    config = tmp_path / "config.toml"
    config.write_text("" if stored is None else f'[store]\nurl = "{stored}"\n', encoding="utf-8")
    flags = {"store.url": flag}
    assert database_place(config, env, flags) == load(config_path=config, env=env, flags=flags).database


def test_the_short_way_takes_a_config_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        database_place(tmp_path / "nowhere.toml", {}, {})
    assert database_place(None, os.environ, {}).name == "relayclear.db"
