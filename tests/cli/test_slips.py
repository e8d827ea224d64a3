"""A slip of a finger is answered with what was meant, whatever kind of name it was in."""

from __future__ import annotations

from pathlib import Path

import pytest

from relayclear.cli.output import Exit
from relayclear.ibc.nearest import did_you_mean, near_id, nearest, nearest_of
from relayclear.store import operations
from tests.cli.conftest import Cli
from tests.fakes.rig import Rig
from tests.usecases.refunding import Giver


@pytest.mark.parametrize(
    ("argv", "meant"),
    [
        ("packts list", "packets"),
        ("packets lst", "list"),
        ("packets list --chian alpha-1", "--chain"),
        ("books assign --tx AB --as deposite --reason x", "deposit"),
        ("help exit-code", "exit-codes"),
        ("packets list --chain alpa-1", "alpha-1"),
        ("packets list --chain alpha-1 --channel chanel-0", "channel-0"),
        ("packets list --class stuk", "stuck"),
        ("packets list --filter chian:alpha-1", "chain"),
        ("packets list --filter reason:exluded", "excluded"),
        ("tokens list --state opn", "open"),
        ("operations list --state cleard", "cleared"),
        ("refunds list --state owd", "owed"),
        ("breakers reset wallt/alpha-1 --reason x", "wallet/alpha-1"),
    ],
)
def test_a_slip_leaves_its_writer_to_look_it_up(cli: Cli, rig: Rig, tmp_path: Path, argv: str, meant: str) -> None:
    rig.sell(tmp_path / "shop")
    said = cli(*argv.split())
    assert said.code == Exit.USAGE, said.err
    assert f"did you mean {meant}" in said.err
    assert "\n  try: " in said.err


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("RELAYCLEAR_SCAN_INTRVAL", "RELAYCLEAR_SCAN_INTERVAL"),
        ("RELAYCLEAR_CONFG", "RELAYCLEAR_CONFIG"),
        ("RELAYCLEAR_DBB", "RELAYCLEAR_DB"),
        ("RELAYCLEAR_PASPHRASE_FILE", "RELAYCLEAR_PASSPHRASE_FILE"),
    ],
)
def test_a_variable_with_a_slip_sets_nothing_and_nobody_notices(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, name: str, meant: str
) -> None:
    monkeypatch.setenv(name, "x")
    said = cli.alone("config", "show")
    assert f"{name} sets no key; did you mean {meant}?" in said.err
    assert f"try: unset {name}" in said.err


@pytest.mark.parametrize("name", ["RELAYCLEAR_LOCALNET", "RELAYCLEAR_REHEARSAL_CONTROL", "RELAYCLEAR_OPERATOR"])
def test_a_variable_of_somebody_else_stops_every_command(cli: Cli, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "x")
    assert "sets no key" not in cli.alone("config", "show").err


def test_a_key_with_a_slip_is_a_default_that_nobody_asked_for(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "relayclear.toml"
    file.write_text("[scan]\nintervall = 3\n")
    said = cli.alone("--config", str(file), "config", "show")
    assert "unknown key scan.intervall; did you mean interval?" in said.err


def test_a_digit_too_few_in_an_id_sends_its_writer_to_a_list(cli: Cli, rig: Rig, tmp_path: Path) -> None:
    giver = Giver(rig, tmp_path / "shop")
    token = giver.bought(rig.stuck())
    giver.work()
    [operation] = operations.newest(rig.journal.database, 1)
    # Ids are random: another letter than the one that stands there, and a digit from where the rest can't be the start.
    other = "y" if token.memo[9] == "z" else "z"
    slips = {
        ("tokens", "show", token.memo[:9] + other + token.memo[10:]): token.memo,
        ("operations", "show", operation[:4] + operation[5:]): operation,
    }
    for argv, meant in slips.items():
        said = cli(*argv)
        assert said.code == Exit.USAGE
        assert f"did you mean {meant}?" in said.err, argv
    assert "did you mean" not in cli("operations", "show", "nothing-like-it").err


def test_the_nearest_word_is_one_that_is_nothing_like_it() -> None:
    assert nearest("xyz", ["stuck", "pending"]) == []
    assert nearest("STUCK", ["stuck"]) == ["stuck"]
    assert nearest("timedout", ["timed_out", "timeout_on_close"]) == ["timed_out"]
    assert nearest("channel-9", ["channel-0", "channel-1"]) in (["channel-0", "channel-1"], ["channel-1", "channel-0"])
    assert (nearest_of("xyz", ["a", "b"]), nearest_of("xyz", [])) == ("a", "")
    assert did_you_mean("xyz", ["b", "a"]) == "; known: a, b"
    assert did_you_mean("xyz", [str(one) * 9 for one in range(9)], most=2).endswith(", …")
    assert did_you_mean("xyz", ["b"], most=0) == did_you_mean("xyz", []) == ""
    assert near_id("op-1234567", ["op-1234568", "op-9999999"]) == "; did you mean op-1234568?"
    assert near_id("op-", ["op-1234568"]) == near_id("op-77777", ["op-1234568"]) == ""
