"""What the guides show typed: each command is run on a rehearsal network, and what it prints stands under it.

A block of kind ``console`` holds lines that begin with ``$ `` and what they print.  The blocks of a page are one
session on a machine that has nothing but relayclear.  A comment above a block says that it is another machine:
``<!-- served -->`` has a network served and its variables exported already, ``<!-- hermes -->`` has a Hermes, with
its config where Hermes wants it.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.docs.pages import ROOT
from tests.localnet.rpc import wait_for

# As wide as a page shows a line without a bar to scroll it.
_COLUMNS = "96"
_BLOCK = re.compile(r"(<!-- (served|hermes) -->\n)?(```console\n)(.*?)(^```$)", re.MULTILINE | re.DOTALL)
_SERVES = "relayclear demo --serve"
_AUDITS = "relayclear audit"
_SERVED = "Ctrl-C ends it"


class Typed(NamedTuple):
    """One command of a page, and what stands under it."""

    command: str
    output: str


@contextmanager
def machine(folder: Path, program: Path | None) -> Iterator[Machine]:
    """A reader's machine in a folder; what was started on it is ended.  Without a program it has the repository's."""
    with ExitStack() as ends:
        yield Machine(folder, program, ends)


class Machine:
    """A home with relayclear on its path, as after ``pip install``."""

    def __init__(self, folder: Path, program: Path | None, ends: ExitStack) -> None:
        self.home = folder / "home"
        self.programs = folder / "bin"
        self.home.mkdir(parents=True)
        self.programs.mkdir()
        self._ends = ends
        ours = f'PYTHONPATH="{ROOT}" exec "{sys.executable}" -m relayclear'
        self._script("relayclear", f'{ours if program is None else f"exec {program}"} "$@"')
        kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TMPDIR") if name in os.environ}
        self.environ = kept | {
            "HOME": str(self.home),
            "PATH": f"{self.programs}:/usr/local/bin:/usr/bin:/bin",
            "COLUMNS": _COLUMNS,
            "NO_COLOR": "1",
        }

    def type(self, command: str) -> str:
        """What a command prints, on both streams, as a terminal shows them."""
        if command.startswith(_SERVES):
            return self._serve(command)
        if command.startswith(_AUDITS):
            self._await_a_block()
        return self._told(self._said(command))

    def _await_a_block(self) -> None:
        """What left in the newest block is read with the next one: whoever reads a page is slower than that."""
        first = self._heights()
        wait_for(
            lambda: all(now > then for now, then in zip(self._heights(), first, strict=True)) or None,
            "a block",
            timeout=30,
        )

    def _heights(self) -> list[int]:
        return [chain["height"] for chain in json.loads(self._said("relayclear --json chains"))["chains"]]

    def _said(self, command: str) -> str:
        said = subprocess.run(
            ["bash", "-c", f"exec 2>&1\n{command}"],
            cwd=self.home,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return said.stdout

    def prepare(self, kind: str) -> None:
        """Make it a machine of this kind."""
        if kind == "served":
            self._serve(f"{_SERVES} --dir rehearsal")
        if kind == "hermes":
            self._install_hermes()

    def _install_hermes(self) -> None:
        """Put the stand-in and its config where a Hermes has them; its network is served."""
        self._serve(f"{_SERVES} --dir network")
        for name in [name for name in self.environ if name.startswith(("RELAYCLEAR_", "XDG_"))]:
            del self.environ[name]
        network = self.home / "network"
        (self.home / ".hermes").mkdir()
        shutil.copy(network / "hermes" / "config.toml", self.home / ".hermes" / "config.toml")
        shutil.copy(network / "bin" / "hermes", self.programs / "hermes")

    def _script(self, name: str, line: str) -> None:
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        path.chmod(0o755)

    def _serve(self, command: str) -> str:
        """Start the network and set what it says to export, as the reader pastes it into another terminal."""
        network = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=self.home,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._ends.callback(_end, network)
        lines: list[str] = []
        for line in network.stdout or ():
            lines.append(line)
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                self.environ[name] = value
            if line.startswith(_SERVED):
                break
        return self._told("".join(lines))

    def _told(self, text: str) -> str:
        # Where this machine keeps its temporary files is nothing to a reader; a long path may be wrapped.
        lines = [line.rstrip() for line in text.replace(str(self.home), "~").splitlines()]
        return "".join(f"{line}\n" for line in lines)


def _end(network: subprocess.Popen[str]) -> None:
    network.send_signal(signal.SIGINT)
    try:
        network.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        network.kill()
        network.communicate()


def typed_in(block: str) -> list[Typed]:
    """The commands of a block, each with what stands under it."""
    found: list[Typed] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append(Typed(line.removeprefix("$ "), ""))
        elif found:
            found[-1] = found[-1]._replace(output=f"{found[-1].output}{line}\n")
    return found


def sessions(text: str) -> dict[str, list[Typed]]:
    """The commands of a page in order, by the kind of machine that they are typed on."""
    found: dict[str, list[Typed]] = {}
    for _, kind, _, block, _ in _BLOCK.findall(text):
        found.setdefault(kind, []).extend(typed_in(block))
    return found


def run_session(kind: str, session: list[Typed], one: Machine) -> list[Typed]:
    """The same commands with what they print now."""
    one.prepare(kind)
    return [Typed(typed.command, one.type(typed.command)) for typed in session]


def typed_anew(text: str, folder: Path) -> str:
    """The page with what its commands print now; a session that says nothing new stays as it is, ids and times too."""
    ran: dict[str, Iterator[Typed]] = {}
    for kind, session in sessions(text).items():
        with machine(folder / (kind or "plain"), None) as one:
            said = run_session(kind, session, one)
        # All of a session or nothing: ids that one command prints stand in the next.
        ran[kind] = iter(said if differences(session, said) else session)

    def block(found: re.Match[str]) -> str:
        """A block with the outputs of its own commands."""
        outputs = [next(ran[found[2] or ""]) for _ in typed_in(found[4])]
        lines = [f"$ {typed.command}\n{typed.output}" for typed in outputs]
        return f"{found[1] or ''}{found[3]}{''.join(lines)}{found[5]}"

    return _BLOCK.sub(block, text)


def differences(shown: list[Typed], said: list[Typed]) -> list[str]:
    """The commands whose words are others now, and which."""
    found = []
    for page, now in zip(shown, said, strict=True):
        words = difflib.ndiff(gist(page.output), gist(now.output))
        other = [word for word in words if not word.startswith("  ")]
        found += [f"$ {page.command}: {' '.join(other)}"] if other else []
    return found


def gist(output: str) -> list[str]:
    """The words of an output; what holds a digit or was cut is another one in every run, and left out.

    Where lines break hangs on how long a block's height is, so lines don't count.
    """
    # A duration has its unit apart, and a unit more or less: "50 m", "50 m 1 s".
    words = re.sub(r"\S*[\d…]\S*( [smhd]\b,?)?", "", output)
    return words.split()
