"""What the guides show typed is typed again, with the installed package, on machines where no repository is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, text_of
from tests.docs.typed import Machine, Typed, differences, machine, run_session, sessions, typed_in

SESSIONS = [(page, kind) for page in PAGES for kind in sessions(text_of(page))]


def unnamed(one: Machine) -> list[Path]:
    """The files in a home that `config path` doesn't name, without the network's and Hermes' own."""
    places = json.loads(one.type("relayclear config path --json").replace("~", str(one.home)))
    named = [Path(places[name]) for name in ("config", "database", "quotes", "keys", "locks")]
    ours = {"rehearsal", "network", ".hermes", "quote.json", "proof.json"}
    files = [path for path in one.home.rglob("*") if path.is_file() and path.relative_to(one.home).parts[0] not in ours]
    return [
        path
        for path in files
        if not any(path == name or name in path.parents or path.name.startswith(f"{name.name}.") for name in named)
    ]


@pytest.mark.parametrize(("page", "kind"), SESSIONS, ids=lambda part: part or "plain")
def test_what_a_guide_shows_is_what_is_printed(page: str, kind: str, program: Path, tmp_path: Path) -> None:
    session = sessions(text_of(page))[kind]
    if any("curl " in typed.command for typed in session) and not shutil.which("curl"):
        pytest.skip("curl is not installed here")
    with machine(tmp_path, program) as one:
        said = run_session(kind, session, one)
        assert not unnamed(one)
    assert not differences(session, said), "python -m tests.docs types them again"


def test_another_word_is_noticed_and_another_number_is_not() -> None:
    shown = [Typed("one", "✓ cleared at 7213, 0 left\n")]
    assert not differences(shown, [Typed("one", "✓ cleared\nat 99, 1 left\n")])
    assert differences(shown, [Typed("one", "✗ failed at 7213, 0 left\n")])
    assert differences(shown, [Typed("one", "")])


def test_a_block_is_read_as_commands_and_what_they_print() -> None:
    block = "$ one --two\nsays\n\n  this\n$ three\n"
    assert typed_in(block) == [Typed("one --two", "says\n\n  this\n"), Typed("three", "")]
