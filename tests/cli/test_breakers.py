"""`relayclear breakers`: what is open, said in full; and what an open one refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from relayclear.cli.output import Exit
from relayclear.store import history
from tests.cli.conftest import Cli, agrees
from tests.fakes.rig import Rig

NODE = "endpoint/beta-1/http://beta-1:26657"
QUOTE = ("tokens", "create", "--chain", "alpha-1", "--channel", "channel-0", "--packet-sequences", "1")


@pytest.fixture
def shop(rig: Rig, tmp_path: Path) -> Rig:
    rig.sell(tmp_path / "shop")
    rig.stuck()
    return rig


def fail(rig: Rig, name: str = NODE) -> None:
    for _ in range(5):
        rig.breakers.heard(name, "took the question and did not answer")


def test_the_list_keeps_its_bytes(cli: Cli, shop: Rig) -> None:
    fail(shop)
    cli("breakers", "open", "wallet/alpha-1", "--reason", "the key is being moved", "--json")
    shop.clock.step(18)
    said = cli("breakers", "list", "--json")
    assert (said.code, said.err) == (Exit.DONE, "")
    assert set(said.document) == {"schema_version", "breakers"}
    assert {tuple(row) for row in said.document["breakers"]} == {
        ("name", "state", "reason", "since", "until", "left_over")
    }
    assert agrees("breakers-list.json", said.out)
    for width in (80, 120):
        assert agrees(f"breakers-list-{width}.txt", cli("breakers", "list", width=width).out)
    shop.clock.step(50)
    assert [row["state"] for row in cli("breakers", "list", "--json").document["breakers"]] == [
        "half_open",
        "open",
        "closed",
    ]
    assert "half open" in cli("breakers", "list", width=120).text


def test_what_is_opened_and_reset_by_hand_is_said_and_kept(cli: Cli, shop: Rig) -> None:
    said = cli("breakers", "open", NODE, "--reason", "upgrade", "--until", "2h", "--json")
    assert (said.code, said.err) == (Exit.DONE, "")
    assert agrees("breakers-open.json", said.out)
    assert agrees("breakers-open.txt", cli("breakers", "open", NODE, "--reason", "upgrade").out)
    said = cli("breakers", "reset", NODE, "--reason", "it is back", "--json")
    assert agrees("breakers-reset.json", said.out)
    assert agrees("breakers-reset.txt", cli("breakers", "reset", NODE, "--reason", "it is back").out)
    # The second reset found nothing to do.
    told = [event.what for event in history.page(shop.journal.database, 9) if event.subject == NODE]
    assert told == ["breaker_reset", "breaker_opened", "breaker_opened"]


def test_an_open_breaker_refuses_a_quote_with_the_reason_and_until_when(cli: Cli, shop: Rig) -> None:
    fail(shop)
    said = cli(*QUOTE, "--json")
    assert (said.code, said.out) == (Exit.REFUSED, b"")
    assert agrees("error-breaker-open.json", said.err.encode())
    said = cli(*QUOTE)
    assert said.code == Exit.REFUSED
    assert "did not answer (5 failures in a row)" in said.err
    assert "try: relayclear breakers list" in said.err
    shop.clock.step(60)
    assert cli(*QUOTE, "--json").code == Exit.DONE


@pytest.mark.parametrize("name", ["endpoint/beta-1/http://127.0.0.1:9", "hermes/gamma-1/channel-0", "wallet/gamma-1"])
def test_what_another_config_left_open_is_told_as_left_over_degrades_nothing_and_can_be_dropped(
    cli: Cli, shop: Rig, name: str
) -> None:
    fail(shop, name)
    rows = cli("breakers", "list", "--json").document["breakers"]
    assert [(row["name"], row["left_over"]) for row in rows if row["state"] != "closed"] == [(name, True)]
    assert rows[-1]["name"] == name
    assert "· left over" in cli("breakers", "list", width=120).text
    health = cli("health", "--json").document
    assert name not in str(health)
    said = cli("breakers", "open", name, "--reason", "upgrade")
    assert said.code == Exit.USAGE
    assert f'try: relayclear breakers reset {name} --reason "…" drops it' in said.err
    said = cli("breakers", "reset", name, "--reason", "the node is gone")
    assert "no config names what it stands before, so it is dropped" in said.text
    assert name not in cli("breakers", "list", "--json").text


@pytest.mark.parametrize("verb", ["open", "reset"])
def test_an_unknown_name_and_a_missing_reason_are_usage(cli: Cli, shop: Rig, verb: str) -> None:
    del shop
    said = cli("breakers", verb, "endpoint/beta-1/http://beta-1:26656", "--reason", "x")
    assert said.code == Exit.USAGE
    assert f"did you mean {NODE}" in said.err
    assert cli("breakers", verb, NODE).code == Exit.USAGE


def test_a_clear_with_an_open_hermes_breaker_exits_with_refused(cli: Cli, shop: Rig) -> None:
    fail(shop, "hermes/alpha-1/channel-0")
    said = cli("clear", "--chain", "alpha-1", "--channel", "channel-0", "--packet-sequences", "1", "--yes", "--json")
    assert said.code == Exit.REFUSED
    assert said.error["code"] == "breaker_open"
    assert "relayclear breakers reset hermes/alpha-1/channel-0" in said.error["hint"]
