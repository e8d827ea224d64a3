"""Completion in the shells themselves: installed as a person does it, and pressed in a real bash."""

from __future__ import annotations

import asyncio
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from relayclear.cli.bash_line import as_typed, joined
from relayclear.usecases.breakers_acts import open_breaker
from relayclear.usecases.scan import scan
from tests.cli.test_start import environ
from tests.fakes.rig import Rig

ENDPOINT = "endpoint/alpha-1/http://alpha-1:26657"
PATIENCE = 30.0
PROGRAM = f"""#!{sys.executable}
from relayclear.cli.app import main
main()
"""
DETECTED = "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION"
# Where each shell looks for what completes, and what it has to say there.
WRITTEN = {
    "bash": (".bash_completions/relayclear.sh", "complete -o default -F _relayclear_completion relayclear"),
    "zsh": (".zfunc/_relayclear", "#compdef relayclear"),
    "fish": (".config/fish/completions/relayclear.fish", "complete --command relayclear"),
}


@pytest.fixture
def person(home: Path, tmp_path: Path, rig: Rig) -> dict[str, str]:
    """A person's environment: an empty home, the program in the path, a database that knows some names."""
    rig.stuck()
    asyncio.run(scan(rig.desk))
    open_breaker(rig.desk, ENDPOINT, "it lies", "ada")
    program = tmp_path / "bin" / "relayclear"
    program.parent.mkdir()
    program.write_text(PROGRAM, encoding="utf-8")
    program.chmod(0o755)
    mine = {"PATH": f"{program.parent}:{os.environ['PATH']}", "RELAYCLEAR_DB": str(tmp_path / "relayclear.db")}
    return {**environ(home), **mine, "TERM": "dumb", "PS1": "$ ", "INPUTRC": "/dev/null"}


def said_by(person: dict[str, str], *argv: str) -> str:
    """What a program prints, in the person's environment."""
    said = subprocess.run(argv, env=person, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert said.returncode == 0, said.stderr
    return said.stdout


class Bash:
    """An interactive bash that has read its owner's own file of settings."""

    def __init__(self, near: int) -> None:
        self._near = near

    def line_after(self, typed: str, ends: str) -> str:
        """The line after a tab, once it ends so; it is taken back then."""
        os.write(self._near, typed.encode() + b"\t")
        seen = self._until(ends)
        # End of line, then kill it: nothing of ours is ever run.
        os.write(self._near, b"\x05\x15")
        return seen

    def run(self, command: str) -> None:
        """Run a command to its end; the words that mark it are put together by the shell, so that echo isn't one."""
        os.write(self._near, f"{command}; echo do''ne\n".encode())
        self._until("done")

    def _until(self, ends: str) -> str:
        seen, last = "", time.monotonic() + PATIENCE
        while ends not in seen:
            assert time.monotonic() < last, f"waited for {ends!r} and saw {seen!r}"
            if select.select([self._near], [], [], 0.05)[0]:
                seen += os.read(self._near, 65536).decode(errors="replace").replace("\x07", "").replace("\x08", "")
        return seen


@contextmanager
def bash(person: dict[str, str]) -> Iterator[Bash]:
    """At a terminal of its own."""
    program = shutil.which("bash")
    if program is None:
        pytest.skip("no bash here")
    near, far = pty.openpty()
    # A wide line is never drawn anew from its middle.
    wide = {**person, "COLUMNS": "300"}
    process = subprocess.Popen([program, "-i"], stdin=far, stdout=far, stderr=far, env=wide, start_new_session=True)
    try:
        yield Bash(near)
    finally:
        process.kill()
        process.wait()
        os.close(near)
        os.close(far)


def test_completion_that_a_person_installs_completes_nothing_in_their_next_bash(
    person: dict[str, str], home: Path
) -> None:
    if shutil.which("bash") is None:
        pytest.skip("no bash here")
    # Which shell it is, it finds out by looking at who started it.
    said_by(person, "bash", "-c", "relayclear --install-completion; true")
    assert ".bash_completions/relayclear.sh" in (home / ".bashrc").read_text(encoding="utf-8")
    with bash(person) as shell:
        shell.run("bind 'set enable-bracketed-paste off'; bind 'set bell-style none'")
        assert "packets" in shell.line_after("relayclear pack", "packets ")
        assert "alpha-1" in shell.line_after("relayclear packets list --chain al", "alpha-1 ")
        assert "alpha-1/channel-0/1" in shell.line_after("relayclear packets show alpha-1/channel-0/", "0/1")


@pytest.mark.parametrize("typed", ["endpoint/", "endpoint/alpha-1/http:", "endpoint/alpha-1/http://alpha-1:26"])
def test_a_name_with_a_colon_is_written_twice_or_not_at_all_in_bash(person: dict[str, str], typed: str) -> None:
    script = said_by({**person, "_RELAYCLEAR_COMPLETE": "source_bash"}, "relayclear")
    place = Path(person["HOME"]) / "completion.sh"
    place.write_text(script, encoding="utf-8")
    with bash(person) as shell:
        shell.run(f"source {place}; bind 'set enable-bracketed-paste off'; bind 'set bell-style none'")
        line = f"relayclear breakers reset {typed}"
        seen = shell.line_after(line, "26657")
        assert seen.rstrip().endswith(f"relayclear breakers reset {ENDPOINT}"), seen


@pytest.mark.parametrize("shell", WRITTEN)
def test_a_shell_does_not_find_what_completion_was_written_for_it(
    person: dict[str, str], home: Path, shell: str
) -> None:
    said_by({**person, DETECTED: "1"}, "relayclear", "--install-completion", shell)
    place, words = WRITTEN[shell]
    script = (home / place).read_text(encoding="utf-8")
    assert words in script
    assert f"complete_{shell}" in script
    program = shutil.which(shell)
    if program is not None:
        # Read without being run: a mistake in it would greet its owner in every new shell.
        said_by(person, program, "-n", str(home / place))


@pytest.mark.parametrize(
    ("pieces", "cursor", "expected"),
    [
        (["relayclear", "x", "a/http", ":", "//lo"], 4, (["relayclear", "x", "a/http://lo"], 2, "a/http:")),
        (["relayclear", "x", "a/http", ":"], 3, (["relayclear", "x", "a/http:"], 2, "a/http:")),
        (
            ["relayclear", "x", "http", ":", "//h", ":", "26"],
            6,
            (["relayclear", "x", "http://h:26"], 2, "http://h:"),
        ),
        (["relayclear", "x", "a", ":", ""], 4, (["relayclear", "x", "a:", ""], 3, "")),
        (["relayclear", "--db", "=", "f", "x", "a"], 5, (["relayclear", "--db=f", "x", "a"], 3, "")),
        (["relayclear", "--to", "=", "a", ":", "b"], 5, (["relayclear", "--to=a:b"], 1, "a:")),
        (["relayclear", "--to", "="], 2, (["relayclear", "--to="], 1, "")),
        (["relayclear", "x", "a", "b", ":", "c"], 2, (["relayclear", "x", "a", "b", ":", "c"], 2, "")),
        (["relayclear", ""], 1, (["relayclear", ""], 1, "")),
        (["relayclear"], 1, (["relayclear"], 1, "")),
    ],
)
def test_the_pieces_of_a_word_stay_pieces(pieces: list[str], cursor: int, expected: tuple[list[str], int, str]) -> None:
    assert joined(pieces, cursor) == expected


@pytest.mark.parametrize(
    "before",
    [
        {},
        {"COMP_WORDS": "a : b", "COMP_CWORD": "2"},
        {"_RELAYCLEAR_COMPLETE": "complete_zsh", "COMP_WORDS": "a : b", "COMP_CWORD": "2"},
        {"_RELAYCLEAR_COMPLETE": "complete_bash"},
    ],
)
def test_what_no_tab_in_bash_asked_for_is_taken_apart(
    before: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    now = {**before}
    with as_typed(now):
        sys.stdout.write("a:b\n")
    assert (now, capsys.readouterr().out) == (before, "a:b\n")
