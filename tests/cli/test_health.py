"""`health`: what people and programs read, byte for byte, and the exit code that a probe goes by."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from relayclear.clearing.health import Ability, Finding, Level, Trouble, Work
from relayclear.cli.output import Exit
from relayclear.errors import HermesError, NodeError
from relayclear.usecases.vitals import Vitals
from relayclear.usecases.watching import beat, being_alone
from relayclear.wording.health import ability_line, sentence, step
from tests.cli.conftest import Cli, agrees
from tests.fakes.daemon import scan_and_note
from tests.fakes.rig import Rig
from tests.usecases.counter import Counter


@contextmanager
def watched(rig: Rig) -> Iterator[None]:
    """A daemon that has just looked at everything."""
    with being_alone(rig.desk):
        notes = Vitals(rig.desk)
        scan_and_note(rig.desk, notes)
        asyncio.run(notes.check_hermes())
        asyncio.run(notes.check_gas())
        beat(rig.desk, rig.clock.now(), {}, notes)
        yield


def test_all_well_exits_zero(cli: Cli, busy: Rig, tmp_path: Path) -> None:
    Counter(busy, tmp_path / "shop")
    with watched(busy):
        page, said = cli("health", width=80), cli("health", "--json")
    assert (page.code, said.code, said.err) == (Exit.DONE, Exit.DONE, "")
    assert agrees("health-80.txt", page.out)
    assert agrees("health.json", said.out)


def test_a_chain_away_exits_ten_and_says_what_goes_on(cli: Cli, busy: Rig, tmp_path: Path) -> None:
    Counter(busy, tmp_path / "shop")
    with watched(busy):
        pass
    busy.clock.step(120)
    busy.beta.down = NodeError("beta-1: https://user:secret@beta refused the connection \x1b[2J")
    with watched(busy):
        page, said = cli("health", width=80), cli("health", "--json")
    assert (page.code, said.code) == (Exit.FOUND, Exit.FOUND)
    assert b"secret" not in page.out + said.out
    assert agrees("health-degraded-80.txt", page.out)
    assert agrees("health-degraded.json", said.out)


def test_no_hermes_exits_one(cli: Cli, busy: Rig) -> None:
    busy.relayer.says = HermesError("hermes can't be started")
    with watched(busy):
        said, page = cli("health", "--json"), cli("health", width=80)
    assert said.code == Exit.FAILED
    assert agrees("health-critical.json", said.out)
    assert agrees("health-critical-80.txt", page.out)
    assert page.text.count("/etc/hermes/config.toml") == 1


@pytest.mark.parametrize("configs", [("/one.toml",), ("/one.toml", "/two.toml")])
def test_the_path_of_a_config_stands_in_every_line(cli: Cli, rig: Rig, configs: tuple[str, ...]) -> None:
    # Never looked at: no finding says which Hermes it is.
    cli.desk = lambda: replace(rig.desk, instances=tuple(replace(rig.desk.instances[0], config=one) for one in configs))
    page = cli("health")
    assert [page.text.count(config) for config in configs] == [1] * len(configs)
    *_, step = page.lines
    assert step.startswith("    try: relayclear doctor")
    assert page.lines[-len(configs) - 1 : -1] == [
        f"  Hermes{f' {number}' if configs[1:] else ''}: {config}" for number, config in enumerate(configs, 1)
    ]
    assert sum("clearing on" in line and "Hermes" in line for line in page.lines) == 2


def test_a_seller_that_nobody_watches_exits_one_and_a_looker_ten(cli: Cli, rig: Rig, tmp_path: Path) -> None:
    assert cli("health").code == Exit.FOUND
    rig.sell(tmp_path / "shop")
    assert cli("health").code == Exit.FAILED


def test_a_database_that_is_none_is_the_answer(cli: Cli, home: Path) -> None:
    (home / ".hermes").mkdir()
    config = Path(__file__).parents[1] / "hermes" / "configs" / "v1_10.toml"
    (home / ".hermes" / "config.toml").write_bytes(config.read_bytes())
    database = home / "broken.db"
    database.write_bytes(b"no page of ours" * 4096)
    said = cli.alone("--db", str(database), "health", "--json")
    assert (said.code, said.err) == (Exit.FAILED, "")
    assert [row["trouble"] for row in said.document["findings"]] == ["database"]
    assert [row["works"] for row in said.document["works"]] == [False]


@pytest.mark.parametrize("trouble", Trouble)
def test_every_trouble_has_a_sentence_and_a_next_step(rig: Rig, trouble: Trouble) -> None:
    now = rig.clock.now()
    finding = Finding(trouble, Level.DEGRADED, "evil\x1b[2J", now, "https://user:secret@node \u202e" + "m" * 500)
    said = sentence(finding, now) + step(finding)
    assert "{" not in said
    assert not {"\x1b", "\u202e"} & set(said)
    assert "secret" not in said
    assert len(said) < 900


def test_abilities_in_words() -> None:
    assert ability_line(Ability(Work.REMEMBER, "", works=True)).startswith("✓ lists")
    path = ("hermes/alpha-1/transfer/channel-0",)
    assert ability_line(Ability(Work.CLEAR, "alpha-1", works=True, why=path)).endswith(f", all but {path[0]}")
    assert (
        ability_line(Ability(Work.LOOK, "a", works=False, why=("a",))) == "✗ looking for packets on a: a can't be read"
    )
    for work, works, name, words in (
        (Work.LOOK, None, "a", "not known, nobody has looked at a in the last 2 h"),
        (Work.LOOK, False, "endpoint/a/http://a:1", "the breaker endpoint/a/http://a:1 is open"),
        (
            Work.CLEAR,
            None,
            "/h/config.toml",
            "not known, nobody has looked at Hermes of /h/config.toml in the last 2 h",
        ),
        (Work.CLEAR, False, "/h/config.toml", "Hermes of /h/config.toml can't be used"),
        (Work.CLEAR, False, "hermes", "no Hermes config has it"),
        (Work.TAKE_PAYMENTS, False, "watch", "relayclear watch doesn't run"),
        (Work.TAKE_PAYMENTS, False, "payments a", "payments there are not read"),
        (Work.TAKE_PAYMENTS, None, "payments a", "not known, nobody has read payments there yet"),
        (Work.TAKE_PAYMENTS, False, "watch hangs", "relayclear watch hangs"),
        (Work.REFUND, False, "refunds a", "they wait for a person"),
        (Work.REFUND, False, "task refunds a", "watch's task refunds a fails"),
    ):
        assert ability_line(Ability(work, "a", works=works, why=(name,))).partition(": ")[2] == words
    said = ability_line(Ability(Work.CLEAR, "a", works=None, why=("a", "/h")))
    assert said.endswith(": not known, nobody has looked at a and Hermes of /h in the last 2 h")
