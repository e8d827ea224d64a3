"""`config show` and the example file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from relayclear.config.kinds import Endpoint, duration_text
from relayclear.config.loading import load
from relayclear.config.places import Places
from relayclear.config.reading import known_keys
from relayclear.config.settings import Settings
from relayclear.config.showing import entries, render_example
from relayclear.ibc.duration import parse_duration

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"


def parsed(text: str, file: Path, places: Places) -> Settings:
    file.write_text(text, encoding="utf-8")
    return load(config_path=file, env={}, flags={}, places=places)


def values(settings: Settings) -> dict[str, object]:
    return {entry.key: entry.value for entry in entries(settings)}


def test_the_committed_example_is_what_the_table_of_keys_says() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") == render_example()


def test_the_example_as_it_stands_changes_nothing(config_file: Path, places: Places) -> None:
    defaults = load(config_path=None, env={}, flags={}, places=places)
    example = parsed(render_example(), config_file, places)
    assert values(example) == values(defaults)
    assert (example.chains, example.denoms, example.rates) == ({}, {}, {})


def test_the_example_with_its_samples_switched_on_has_every_key_and_their_defaults(
    config_file: Path, places: Places
) -> None:
    text = re.sub(r"^#(?! )", "", render_example(), flags=re.MULTILINE)
    example = parsed(text, config_file, places)
    osmosis = example.chains["osmosis-1"]
    assert (osmosis.rpc, osmosis.clearing_key, osmosis.payee) == ((), "", "")
    assert (osmosis.prices[0].service_fee, osmosis.prices[0].per_packet_fee) == (1000000, 100000)
    assert (example.denoms["uosmo"].symbol, example.rates["beta-1/ubeta"].of) == ("OSMO", "uatom")
    from_file = {key for key, origin in example.origins.items() if origin == f"file {config_file}"}
    general = {re.sub(r"\[\d+\]", "", key) for key in from_file}
    names = {"denoms.uosmo": "denoms.*", "chains.osmosis-1": "chains.*", 'rates."beta-1/ubeta"': "rates.*"}
    for name, star in names.items():
        general = {key.replace(name + ".", star + ".") for key in general}
    assert general == {key for key, _ in known_keys()}


def test_the_example_fits_a_screen_and_explains_every_key() -> None:
    lines = render_example().splitlines()
    assert all(len(line) <= 120 for line in lines)
    assert all("  # " in line for line in lines if re.match(r"#?\w+ = ", line))


def test_show_tells_each_value_in_the_files_own_spelling_and_where_it_came_from(
    config_file: Path, places: Places
) -> None:
    text = "[scan]\nstuck_after = 5400\n[chains.a-1]\n[sell]\nwaiver_budget = ['5ux']\n"
    shown = {entry.key: (entry.value, entry.origin) for entry in entries(parsed(text, config_file, places))}
    assert shown["scan.stuck_after"] == ("1h30m", f"file {config_file}")
    assert shown["sell.waiver_budget"] == (["5ux"], f"file {config_file}")
    assert shown["sell.gas_margin"] == ("1.5", "default")
    assert shown["store.url"] == ("", "default")
    assert shown["chains.a-1.rpc"] == ([], "default")
    assert shown["hermes.config"] == (str(places.home / ".hermes/config.toml"), "default")
    assert list(shown) == [entry.key for entry in entries(parsed(text, config_file, places))]


def test_several_instances_are_told_apart(config_file: Path, places: Places) -> None:
    text = "[[hermes]]\nconfig = '/1'\n[[hermes]]\nconfig = '/2'\n[[chains.a-1.prices]]\ndenom = 'ux'\n"
    shown = values(parsed(text, config_file, places))
    assert (shown["hermes[0].config"], shown["hermes[1].config"]) == ("/1", "/2")
    assert shown["chains.a-1.prices[0].denom"] == "ux"


CANARY = "canary-0123456789-secret"


def test_a_credential_in_a_url_is_never_printed(config_file: Path, places: Places) -> None:
    urls = [f"https://user:{CANARY}@a.org/x", f"https://a.org/{CANARY}/rpc", f"https://a.org/?key={CANARY}"]
    text = "[chains.a-1]\nrpc = [" + ", ".join(f"'{url}'" for url in urls) + "]\n"
    text += f"[operator]\nurl = 'https://{CANARY}@b.org'\n"
    settings = parsed(text, config_file, places)
    assert CANARY not in repr(entries(settings))
    assert CANARY not in repr(settings.chains)
    assert settings.chain("a-1").rpc[0].url == urls[0]
    trusted = Endpoint(f"https://{CANARY}@a.org", trusted=True)
    assert CANARY not in str(trusted)


def test_a_credential_in_a_wrong_value_is_not_in_the_error(problems_of: Callable[[str], list[str]]) -> None:
    for text in (
        f"[chains.a-1]\nrpc = 'https://u:{CANARY}@a.org'",
        f"[chains.a-1]\nrpc = ['ftp://u:{CANARY}@a.org']",
        f"[chains.a-1]\nrpc = ['https://u:{CANARY}@[a.org']",
        f"[operator]\nurl = 'https://u:{CANARY}@a.org:port'",
        f"[operator]\nurl = 'https://u:{CANARY}@[a'",
    ):
        (problem,) = problems_of(text)
        assert CANARY not in problem


@pytest.mark.parametrize("seconds", [0, 1, 60, 3599, 3600, 5400, 86400, 90061])
def test_a_duration_is_shown_as_it_can_be_written(seconds: int) -> None:
    assert parse_duration(duration_text(seconds)) == seconds


def test_a_long_value_is_cut_in_an_error(problems_of: Callable[[str], list[str]]) -> None:
    (problem,) = problems_of(f"[scan]\nrpc_budget = '{'x' * 1000}'\n")
    assert len(problem) < 160
