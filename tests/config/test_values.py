"""What the file, the environment and the flags come to."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest

from relayclear.config.kinds import Endpoint
from relayclear.config.loading import load, variables
from relayclear.config.places import Places
from relayclear.config.settings import PriceSettings, Settings
from relayclear.config.showing import entries
from relayclear.ibc.coin import Coin

FULL = """
[hermes]
config = "hermes.toml"
command = ["docker", "exec", "-i", "hermes", "hermes"]
work_dir = "~/shared"
time_limit = "1h30m"
[scan]
stuck_after = 90
[chains."osmosis-1"]
rpc = ["https://rpc.one", { url = "http://127.0.0.1:26657", trusted = true }]
clearing_key = "clearing"
payee = "osmo1payee"
[[chains."osmosis-1".prices]]
denom = "uosmo"
service_fee = "123456789012345678901234567890"
[[chains."osmosis-1".prices]]
denom = "ibc/ABC"
[denoms.uosmo]
symbol = "OSMO"
decimals = 6
[rates]
"beta-1/ubeta" = { num = 3, den = 2, of = "uatom" }
[sell]
gas_margin = 2
waiver_budget = ["5uosmo", "7uatom"]
[relayers]
ours = ["osmo1us"]
"""


def read(text: str, file: Path, places: Places, env: dict[str, str] | None = None, **flags: object) -> Settings:
    file.write_text(text, encoding="utf-8")
    named = {name.replace("__", "."): value for name, value in flags.items()}
    return load(config_path=file, env=env or {}, flags=named, places=places)


def test_without_any_config_everything_has_its_default(places: Places) -> None:
    settings = load(config_path=None, env={}, flags={}, places=places)
    assert settings.file is None
    assert settings.hermes[0].config == places.home / ".hermes/config.toml"
    assert settings.scan.stuck_after == 300
    assert settings.sell.gas_margin == Decimal("1.5")
    assert settings.database == places.data / "relayclear.db"
    assert settings.keys_dir == places.config / "keys"
    assert settings.lock_dir == places.state / "locks"
    assert settings.chain("nowhere-1").rpc == ()
    assert {entry.origin for entry in entries(settings)} == {"default"}


def test_every_shape_of_value_is_read(config_file: Path, places: Places) -> None:
    settings = read(FULL, config_file, places)
    hermes, chain = settings.hermes[0], settings.chain("osmosis-1")
    assert hermes.command[0] == "docker"
    assert hermes.time_limit == 5400
    assert settings.scan.stuck_after == 90
    assert chain.rpc == (Endpoint("https://rpc.one"), Endpoint("http://127.0.0.1:26657", trusted=True))
    assert chain.prices[0].service_fee == 123456789012345678901234567890
    assert chain.prices[1] == PriceSettings(denom="ibc/ABC")
    assert settings.denoms["uosmo"].decimals == 6
    assert (settings.rates["beta-1/ubeta"].num, settings.rates["beta-1/ubeta"].of) == (3, "uatom")
    assert settings.sell.waiver_budget == (Coin("uosmo", 5), Coin("uatom", 7))
    assert settings.sell.gas_margin == Decimal(2)
    assert settings.relayers.ours == ("osmo1us",)
    assert settings.file == config_file


def test_relative_paths_count_from_the_file_that_has_them_not_from_where_one_stands(
    config_file: Path, places: Places
) -> None:
    settings = read(FULL, config_file, places)
    assert settings.hermes[0].config == config_file.parent / "hermes.toml"
    assert settings.hermes[0].work_dir == places.home / "shared"
    flagged = read("", config_file, places, store__url=Path("my.db"))
    assert flagged.database == places.here / "my.db"


def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(config_file: Path, places: Places) -> None:
    text, env = "[scan]\nstuck_after = '2m'\n", {"RELAYCLEAR_SCAN_STUCK_AFTER": "3m"}
    origins = {}
    for name, settings in {
        "file": read(text, config_file, places),
        "env": read(text, config_file, places, env),
        "flag": read(text, config_file, places, env, scan__stuck_after="4m"),
        "none": read(text, config_file, places, env, scan__stuck_after=None),
    }.items():
        origins[name] = (settings.scan.stuck_after, settings.origins["scan.stuck_after"])
    assert origins == {
        "file": (120, f"file {config_file}"),
        "env": (180, "env RELAYCLEAR_SCAN_STUCK_AFTER"),
        "flag": (240, "flag"),
        "none": (180, "env RELAYCLEAR_SCAN_STUCK_AFTER"),
    }


def test_every_scalar_can_be_set_by_a_variable_and_an_empty_one_counts_as_not_set(places: Places) -> None:
    env = {
        "RELAYCLEAR_DB": "/var/lib/relayclear.db",
        "RELAYCLEAR_SCAN_RPC_BUDGET": "7",
        "RELAYCLEAR_SELL_GAS_MARGIN": "1.25",
        "RELAYCLEAR_REFUNDS_MODE": "auto",
        "RELAYCLEAR_SELL_TOKEN_TTL": "60",
        "RELAYCLEAR_WATCH_LISTEN": "",
        "RELAYCLEAR_CONFIG": "",
    }
    settings = load(config_path=None, env=env, flags={}, places=places)
    assert settings.database == Path("/var/lib/relayclear.db")
    assert settings.origins["store.url"] == "env RELAYCLEAR_DB"
    assert settings.scan.rpc_budget == 7
    assert settings.sell.gas_margin == Decimal("1.25")
    assert settings.refunds.mode == "auto"
    assert settings.sell.token_ttl == 60
    assert "watch.listen" not in settings.origins
    assert "RELAYCLEAR_HERMES_TIME_LIMIT" in variables()
    assert not any("CHAINS" in name or "PRICES" in name for name in variables())


def test_the_short_variable_beats_its_long_form(places: Places) -> None:
    env = {"RELAYCLEAR_DB": "/short.db", "RELAYCLEAR_STORE_URL": "/long.db"}
    assert load(config_path=None, env=env, flags={}, places=places).database == Path("/short.db")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/a/b.db", "/a/b.db"),
        ("sqlite:////a/b.db", "/a/b.db"),
        ("sqlite:///b.db", "HERE/b.db"),
        ("b.db", "HERE/b.db"),
        ("~/b.db", "HOME/b.db"),
    ],
)
def test_a_database_is_a_path_or_a_url(places: Places, text: str, path: str) -> None:
    settings = load(config_path=None, env={"RELAYCLEAR_DB": text}, flags={}, places=places)
    expected = path.replace("HERE", str(places.here)).replace("HOME", str(places.home))
    assert settings.database == Path(expected)


def test_several_hermes_configs_come_from_one_variable(places: Places) -> None:
    env = {"RELAYCLEAR_HERMES_CONFIG": os.pathsep.join(["/one.toml", "two.toml"])}
    settings = load(config_path=None, env=env, flags={}, places=places)
    assert [hermes.config for hermes in settings.hermes] == [Path("/one.toml"), places.here / "two.toml"]
    assert settings.origins["hermes[1].config"] == "env RELAYCLEAR_HERMES_CONFIG"


SEVERAL = """
[[hermes]]
config = "one.toml"
time_limit = "1m"
[[hermes]]
config = "two.toml"
time_limit = "2m"
"""


def test_several_instances_keep_their_own_settings(config_file: Path, places: Places) -> None:
    settings = read(SEVERAL, config_file, places)
    assert [(hermes.config.name, hermes.time_limit) for hermes in settings.hermes] == [
        ("one.toml", 60),
        ("two.toml", 120),
    ]
    assert settings.origins["hermes[1].time_limit"] == f"file {config_file}"


def test_a_hermes_config_chosen_by_flag_keeps_what_the_file_says_of_it(config_file: Path, places: Places) -> None:
    two = config_file.parent / "two.toml"
    settings = read(SEVERAL, config_file, places, hermes__config=(two, Path("/other.toml")))
    assert [(hermes.config, hermes.time_limit) for hermes in settings.hermes] == [
        (two, 120),
        (Path("/other.toml"), 300),
    ]
    assert settings.origins["hermes[0].config"] == "flag"


def test_the_only_instances_command_holds_for_a_config_chosen_by_flag(config_file: Path, places: Places) -> None:
    text = '[hermes]\ncommand = ["docker", "hermes"]\n'
    settings = read(text, config_file, places, hermes__config=[Path("/other.toml")])
    assert settings.hermes[0].command == ("docker", "hermes")
    assert settings.hermes[0].config == Path("/other.toml")


def test_a_variable_for_hermes_holds_for_every_instance(config_file: Path, places: Places) -> None:
    settings = read(SEVERAL, config_file, places, {"RELAYCLEAR_HERMES_TIME_LIMIT": "9m"})
    assert [hermes.time_limit for hermes in settings.hermes] == [540, 540]


def test_the_config_file_is_found_by_flag_then_variable_then_in_its_usual_place(
    config_file: Path, places: Places
) -> None:
    places.config.mkdir(parents=True)
    places.config_file.write_text("[scan]\nrpc_budget = 1\n")
    variable = config_file.parent / "by-variable.toml"
    variable.write_text("[scan]\nrpc_budget = 2\n")
    config_file.write_text("[scan]\nrpc_budget = 3\n")
    env = {"RELAYCLEAR_CONFIG": str(variable)}
    assert load(config_path=None, env={}, flags={}, places=places).scan.rpc_budget == 1
    assert load(config_path=None, env=env, flags={}, places=places).scan.rpc_budget == 2
    assert load(config_path=config_file, env=env, flags={}, places=places).scan.rpc_budget == 3


def test_the_users_own_places_are_named_after_the_program() -> None:
    places = Places.of_user()
    assert places.config_file.name == "config.toml"
    assert {places.config.name, places.data.name, places.state.name} == {"relayclear"}
