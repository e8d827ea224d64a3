"""The manual pages: every command and topic has one, and roff takes it without a word."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from relayclear.cli import manual
from relayclear.cli.help_topics import TOPICS
from relayclear.cli.nouns import NOUNS
from relayclear.cli.output import Exit
from tests.cli.conftest import Cli

GROFF = shutil.which("groff")


def test_a_command_or_a_topic_has_no_page(cli: Cli, tmp_path: Path) -> None:
    said = cli("help", "--man", "--out", str(tmp_path / "man"), "--json")
    assert said.code == Exit.DONE
    wanted = {f"man1/relayclear-{noun}.1" for noun in NOUNS} | {f"man7/relayclear-{topic}.7" for topic in TOPICS}
    assert {*said.document["files"]} == wanted | {"man1/relayclear.1"}
    assert all((tmp_path / "man" / file).is_file() for file in said.document["files"])
    page = (tmp_path / "man" / "man1" / "relayclear-clear.1").read_text(encoding="ascii")
    assert page == cli("help", "--man", "clear").text
    assert "packet\\-sequences" in page


@pytest.mark.parametrize("name", ["", *NOUNS, *(topic for topic in TOPICS if topic not in NOUNS)])
def test_a_page_is_no_page_to_man(name: str) -> None:
    text = manual.page([name] if name else [])
    assert text.startswith(".TH RELAYCLEAR")
    # A line that starts with a full stop is a request, and there are no others than these.
    assert {*re.findall(r"^\.(\w+)", text, re.MULTILINE)} <= {"TH", "SH", "SS", "TP", "B", "BR", "PP", "nf", "fi"}
    sections = re.findall(r"^\.SH (.*)$", text, re.MULTILINE)
    assert sections[0] == "NAME"
    assert sections[-1] == "SEE ALSO"
    if name in NOUNS or not name:
        assert {"SYNOPSIS", "EXAMPLES", "EXIT STATUS"} <= {*sections}
    if GROFF is not None:
        argv = [GROFF, "-ww", "-man", "-Tutf8", "-z"]
        read = subprocess.run(argv, input=text, capture_output=True, text=True, check=False, timeout=60)
        assert (read.returncode, read.stderr) == (0, "")


def test_every_verb_of_a_noun_stands_in_its_page() -> None:
    page = manual.page(["payments"])
    assert {"PAYMENTS LIST", "PAYMENTS GAPS ACCEPT"} <= {*re.findall(r"^\.SH RELAYCLEAR (.*)$", page, re.MULTILINE)}


def test_a_page_of_nothing_is_refused_with_the_nearest(cli: Cli, tmp_path: Path) -> None:
    said = cli("help", "--man", "pakets")
    assert said.code == Exit.USAGE
    assert "did you mean packets" in said.err
    assert cli("help", "clear", "--man", "--out", str(tmp_path)).code == Exit.USAGE
    (tmp_path / "file").touch()
    assert cli("help", "--man", "--out", str(tmp_path / "file")).code == Exit.USAGE


def test_help_of_a_command_is_another_page_than_its_own(cli: Cli) -> None:
    assert cli("help", "packets", "list").out == cli("packets", "list", "--help").out
    assert cli("help", "packets", "lst").code == Exit.USAGE
