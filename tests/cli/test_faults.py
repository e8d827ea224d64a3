"""Errors teach and never spill: exit codes, nearest names, no traceback, no secrets."""

from __future__ import annotations

import inspect
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import orjson
import pytest
import typer

from relayclear import errors
from relayclear.cli.app import app_for
from relayclear.cli.help_topics import topics
from relayclear.cli.output import Exit, exit_for, worst
from relayclear.cli.typed import hoisted
from relayclear.errors import RelayclearError
from relayclear.rehearsal.faults import NodeFaults, RelayerFaults
from tests.cli.conftest import Cli
from tests.fakes.relayer import crashes
from tests.fakes.rig import Rig
from tests.test_docs import parsed

EXITS = {
    errors.RelayclearError: Exit.FAILED,
    errors.UsageError: Exit.USAGE,
    errors.ConfigError: Exit.USAGE,
    errors.UnreachableError: Exit.UNREACHABLE,
    errors.NodeError: Exit.UNREACHABLE,
    errors.HeightError: Exit.UNREACHABLE,
    errors.IndexerError: Exit.UNREACHABLE,
    errors.NotFoundError: Exit.FAILED,
    errors.HermesError: Exit.UNREACHABLE,
    errors.AlertError: Exit.UNREACHABLE,
    errors.StoreError: Exit.UNREACHABLE,
    errors.RefusedError: Exit.REFUSED,
    errors.OpenBreakerError: Exit.REFUSED,
    errors.HeldError: Exit.HELD,
}


def test_every_error_there_is_has_its_exit_code() -> None:
    kinds = {kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, RelayclearError)}
    assert kinds == set(EXITS)
    assert {kind: exit_for(kind("x")) for kind in kinds} == EXITS


def test_where_several_codes_apply_unknown_beats_failed_beats_found() -> None:
    assert worst([Exit.FOUND, Exit.FAILED, Exit.UNREACHABLE]) is Exit.UNREACHABLE
    assert worst([Exit.FOUND, Exit.DONE, Exit.FAILED]) is Exit.FAILED
    assert worst([Exit.FOUND, Exit.DONE]) is Exit.FOUND
    # What is wrong with a config in one of many steps is never called done.
    assert {code: worst([Exit.DONE, code]) for code in Exit} == {code: code for code in Exit}
    assert worst([]) is Exit.DONE


def test_the_help_of_exit_codes_is_the_enum_itself(cli: Cli) -> None:
    text = re.sub(r"\n {8}", " ", cli("help", "exit-codes").text)
    told = {int(number): meaning for number, meaning in re.findall(r"^ +(\d+)   (.+)$", text, re.MULTILINE)}
    assert told == {code.value: code.meaning for code in Exit}


@pytest.mark.parametrize("topic", ["json", "environment", "exit-codes"])
def test_each_topic_has_a_text(cli: Cli, topic: str) -> None:
    assert len(cli("help", topic).lines) > 5


def test_an_unknown_topic_names_the_nearest_and_none_shows_the_commands(cli: Cli) -> None:
    said = cli("help", "jason")
    assert said.code == Exit.USAGE
    assert "did you mean json" in said.err
    assert "packets" in cli("help").text


def test_an_unknown_command_suggests_the_nearest(cli: Cli) -> None:
    said = cli("chanels")
    assert (said.code, said.out) == (Exit.USAGE, b"")
    assert "did you mean channels" in said.err
    assert "try: relayclear --help" in said.err


def test_an_unknown_option_is_exit_two(cli: Cli) -> None:
    said = cli("packets", "list", "--chian", "alpha-1")
    assert said.code == Exit.USAGE
    assert "--chain" in said.err


@pytest.mark.parametrize(
    "argv",
    [
        "clear",
        "clear --chain alpha-1 --channel channel-0",
        "clear --filter class:stuck --chain alpha-1",
        "clear --filter '' --yes",
        "clear --filter clas:stuck",
        "clear --filter class:stuck --yes",
        "clear --chain alpha-1 --channel channel-0 --packet-sequences 0 --yes",
        "clear --chain alpha-1 --channel channel-0 --packet-sequences 1 --max-fee 5 --yes",
        "packets show alpha-1",
        "packets show alpha-1/channel-0/1..2",
        "packets list --details some",
        "packets list --limit 0",
        "packets mute alpha-1/channel-0",
        "packets mute alpha-1/channel-0 --reason x --until yesterday",
        "packets mute alpha-1/channel-0 --reason x --until 2020-01-01",
        "packets list --color blue",
    ],
)
def test_what_cannot_be_meant_is_exit_two_and_one_sentence(cli: Cli, rig: Rig, argv: str) -> None:
    rig.stuck()
    said = cli(*shlex.split(argv))
    assert (said.code, said.out) == (Exit.USAGE, b"")
    assert said.err.startswith("relayclear: ")
    assert "Traceback" not in said.err
    assert rig.relayer.jobs == []


def test_without_a_terminal_a_missing_yes_names_the_flag(cli: Cli, rig: Rig) -> None:
    rig.stuck()
    said = cli("clear", "--chain", "alpha-1", "--channel", "channel-0", "--packet-sequences", "1")
    assert said.code == Exit.USAGE
    assert "--yes" in said.err


def test_a_key_held_by_another_process_is_exit_five(cli: Cli, rig: Rig) -> None:
    rig.stuck()
    rig.relayer.held["alpha-1", "clearing"] = "process 4711"
    said = cli("clear", "--chain", "alpha-1", "--channel", "channel-0", "--packet-sequences", "1", "--yes", "--json")
    assert said.code == Exit.HELD
    assert said.error["retryable"] is True


def test_the_unexpected_leaves_a_report_without_values_and_no_traceback(
    cli: Cli, rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.world.send(rig.source, memo="very-private-memo")
    rig.clock.step(600)
    rig.relayer.scenarios = [crashes]
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    argv = ("clear", "--chain", "alpha-1", "--channel", "channel-0", "--packet-sequences", "1", "--yes")
    said = cli(*argv, "--json")
    assert (said.code, said.out) == (Exit.FAILED, b"")
    assert said.error["code"] == "unexpected"
    assert "Traceback" not in said.err
    (report,) = tmp_path.glob("relayclear-*.txt")
    assert str(report) in said.error["hint"]
    text = report.read_text()
    assert "ZeroDivisionError" in text
    assert "run_clear" in text
    assert "a mistake of ours" not in text
    assert "very-private-memo" not in text


def test_the_report_of_a_service_stays_where_its_state_is(
    cli: Cli, rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.stuck()
    rig.relayer.scenarios = [crashes]
    monkeypatch.setenv("STATE_DIRECTORY", f"{tmp_path}:/elsewhere")
    argv = ("clear", "--chain", "alpha-1", "--channel", "channel-0", "--packet-sequences", "1", "--yes", "--json")
    cli(*argv)
    (report,) = tmp_path.glob("relayclear-*.txt")
    assert report.stat().st_mode & 0o777 == 0o600


def test_where_no_report_can_be_written_the_unexpected_is_still_said(
    cli: Cli, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.stuck()
    rig.relayer.scenarios = [crashes]
    monkeypatch.setenv("STATE_DIRECTORY", "/nowhere/at/all")
    argv = ("clear", "--chain", "alpha-1", "--channel", "channel-0", "--packet-sequences", "1", "--yes", "--json")
    said = cli(*argv)
    assert (said.code, said.error["code"]) == (Exit.FAILED, "unexpected")
    assert said.error["hint"] == "run it again with --debug"


def test_debug_shows_the_traceback(cli: Cli, rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    rig.stuck()
    rig.relayer.scenarios = [crashes]
    argv = ("clear", "--chain", "alpha-1", "--channel", "channel-0", "--packet-sequences", "1", "--yes", "--debug")
    assert "Traceback" in cli(*argv).err


def test_an_interrupted_command_leaves_by_its_own_exit_code(cli: Cli, rig: Rig) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    rig.alpha.heard = interrupt
    said = cli("packets", "list")
    assert said.code == Exit.INTERRUPTED
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("packets list --json", "--json packets list"),
        ("packets list --db x.db --all", "--db x.db packets list --all"),
        ("packets list --db=x.db", "--db=x.db packets list"),
        ("--debug chains", "--debug chains"),
        ("help -- --json", "help -- --json"),
        ("chains --config", "--config chains"),
    ],
)
def test_global_options_work_wherever_a_person_puts_them(typed: str, read: str) -> None:
    options, words = hoisted(typed.split())
    assert [*options, *words] == read.split()


def commands() -> list[tuple[str, ...]]:
    """Every command, by its words."""
    found: list[tuple[str, ...]] = []

    def walk(group: object, words: tuple[str, ...]) -> None:
        for name, command in getattr(group, "commands", {}).items():
            if getattr(command, "commands", None):
                walk(command, (*words, name))
            else:
                found.append((*words, name))

    walk(typer.main.get_command(app_for([])), ())
    return found


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_has_help_and_two_examples_that_parse(cli: Cli, words: tuple[str, ...]) -> None:
    said = cli(*words, "-h")
    assert said.code == Exit.DONE
    examples = [line.strip() for line in said.text.partition("Examples:\n")[2].splitlines()]
    assert len(examples) == 2
    for example in examples:
        assert tuple(shlex.split(example)[1:][: len(words)]) == words
        parsed(example)


def test_the_version_is_told(cli: Cli) -> None:
    assert re.fullmatch(r"relayclear \d+\.\d+\S*\n", cli("--version").text)


@pytest.mark.parametrize("words", ["packets", "config", "operations"])
def test_a_noun_without_a_verb_shows_its_verbs(cli: Cli, words: str) -> None:
    said = cli(*words.split())
    assert said.code == Exit.USAGE
    assert said.err.startswith(f"Usage: relayclear {words}")
    assert cli(*words.split(), "--json").error["code"] == "usage"


def test_main_leaves_with_the_exit_code_and_everything_said() -> None:
    argv = [sys.executable, "-m", "relayclear", "packets", "show", "nothing", "--json"]
    left = subprocess.run(argv, capture_output=True, check=False)
    assert (left.returncode, left.stdout) == (2, b"")
    assert orjson.loads(left.stderr)["error"]["code"] == "usage"


def test_a_cap_is_asked_for_only_where_a_transaction_can_be_made(cli: Cli, rig: Rig) -> None:
    rig.world.send(rig.source, timeout_seconds=60)
    rig.clock.step(600)
    words = ("clear", "--filter", "chain:alpha-1", "--max-fee", "20000stake", "--yes", "--json")
    assert cli(*words).code == Exit.DONE
    rig.stuck()
    said = cli(*words)
    assert said.code == Exit.USAGE
    assert said.error["message"] == "no --max-fee for beta-1"


def test_a_filter_that_fits_nothing_leaves_nothing_to_do_and_is_no_failure(cli: Cli, rig: Rig) -> None:
    del rig
    words = ("clear", "--filter", "class:timed_out", "--max-fee", "20000stake", "--yes")
    said = cli(*words, "--json")
    assert (said.code, said.err) == (Exit.DONE, "")
    assert (said.document["state"], said.document["operations"]) == ("nothing_to_do", [])
    assert cli(*words, "--json", "--dry-run").document["plans"] == []
    assert cli(*words).err == "Nothing to do: no packet fits the filter.\n"


def test_the_demos_help_fits_eighty_columns_and_names_every_fault() -> None:
    text = topics()["demo"]
    assert max(map(len, text.splitlines())) <= 80
    named = {one.name for kind in (NodeFaults, RelayerFaults) for one in fields(kind)}
    assert {name for name in named if name not in text} == set()


def test_the_help_of_exit_codes_tells_doctors_own() -> None:
    text = topics()["exit-codes"]
    assert "doctor: 2 a config that can't be used, 3 what can't be reached" in text
